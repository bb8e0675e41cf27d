// Last resort: what becomes of an error that a subscriber throws outside any chain of ours (`merge(a$, b$).subscribe(…)`).
//
// In Node it would end the process, with everybody's connections (docs/adr/0010). Who has set RxJS's resort himself keeps
// it. Is handed RxJS's `config`, and how to print: knows no RxJS, and no console.

import { describe, WebSocketError } from './errors.ts'

type Listener = (error: WebSocketError) => void

/** Of RxJS's `config`, as much as is needed. */
export interface ResortOwner {
  onUnhandledError: ((thrown: unknown) => void) | null
}

/** Who may be told, the first of them first. Held weakly: a harness may be left as it is, and so is a process that it plays dead. */
const listening = new Set<WeakRef<Listener>>()

/**
 * Has `listener` told of such errors, until the function returned is called, unless another was there before.
 *
 * @param print - where nobody is left to be told.
 */
export function surviveSubscribers(
  config: ResortOwner,
  print: Listener,
  listener?: Listener,
): () => void {
  if (!config.onUnhandledError) {
    listening.clear()
    config.onUnhandledError = (thrown) => {
      const message = `a subscriber threw outside any connection: ${describe(thrown)}`
      const details = { fault: 'bug', cause: thrown } as const
      const told = firstListener() ?? print
      told(new WebSocketError('ERR_WINDSOCK_UNHANDLED', message, details))
    }
  }
  if (listener === undefined) return () => {}
  const held = new WeakRef(listener)
  listening.add(held)
  return () => void listening.delete(held)
}

function firstListener(): Listener | undefined {
  for (const held of listening) {
    const listener = held.deref()
    if (listener !== undefined) return listener
    listening.delete(held)
  }
  return undefined
}
