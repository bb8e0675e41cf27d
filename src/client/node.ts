// windsock/client in Node: the same names as `index.ts`, on `ws`.
//
// Types come from `index.ts` for both.

import { connectIn, connectPlainIn } from './connect.ts'
import { nodeEnvironment } from './node-environment.ts'

export {
  LimitError,
  SettingError,
  WebSocketClosedError,
  WebSocketError,
} from '../protocol/errors.ts'

export const connect = connectIn(nodeEnvironment)
export const connectPlain = connectPlainIn(nodeEnvironment)
