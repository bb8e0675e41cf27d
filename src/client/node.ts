// windsock/client in Node: the same names as `index.ts`, on `ws`.
//
// Types come from `index.ts` for both. A subscriber that throws does not end the process here: it is printed, as servers do
// (docs/adr/0010). Pages have RxJS's own way, which ends nothing: an `error` event of the window.

import { config } from 'rxjs'
import { errorTexts } from '../protocol/error-texts.ts'
import type { WebSocketError } from '../protocol/errors.ts'
import { surviveSubscribers } from '../protocol/last-resort.ts'
import { type Connect, type ConnectPlain, connectIn, connectPlainIn } from './connect.ts'
import { nodeEnvironment } from './node-environment.ts'

export {
  LimitError,
  SettingError,
  WebSocketClosedError,
  WebSocketError,
} from '../protocol/errors.ts'

const connectHere = connectIn(nodeEnvironment)
const connectPlainHere = connectPlainIn(nodeEnvironment)

export const connect: Connect = (url, options) => {
  surviveSubscribers(config, print)
  return connectHere(url, options)
}

export const connectPlain: ConnectPlain = (url, options) => {
  surviveSubscribers(config, print)
  return connectPlainHere(url, options)
}

function print(error: WebSocketError): void {
  // oxlint-disable-next-line no-restricted-globals -- a client has nobody else to tell; here, and never in a page
  for (const text of errorTexts(error)) console.error(text)
}
