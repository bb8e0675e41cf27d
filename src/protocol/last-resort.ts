// Last resort: what becomes of an error that a subscriber throws outside any chain of ours (`merge(a$, b$).subscribe(…)`).
//
// In Node it would end the process, with everybody's connections (docs/adr/0010). Who has set RxJS's resort himself keeps
// it; what a client has set, which has nobody to tell, gives way to a server. Is handed RxJS's `config`: knows no RxJS.

import { describe, WebSocketError } from './errors.ts'

type Resort = (thrown: unknown) => void

/** Of RxJS's `config`, as much as is needed. */
export interface ResortOwner {
  onUnhandledError: (Resort & { readonly givesWay?: boolean }) | null
}

/** Has `listener` told of such errors, unless somebody is; `givesWay`: to the next who wants to be, and does not. */
export function surviveSubscribers(
  config: ResortOwner,
  listener: (error: WebSocketError) => void,
  givesWay = false,
): void {
  const present = config.onUnhandledError
  if (present && !present.givesWay) return
  const resort: Resort = (thrown) => {
    const message = `a subscriber threw outside any connection: ${describe(thrown)}`
    listener(new WebSocketError('ERR_WINDSOCK_UNHANDLED', message, { fault: 'bug', cause: thrown }))
  }
  config.onUnhandledError = Object.assign(resort, { givesWay })
}
