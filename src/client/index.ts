// windsock/client: a client that comes back, for browsers and all that is like them.
//
// The public names, one by one; `node.ts` has the same for Node, and the types are these.

import { browserEnvironment } from './browser-environment.ts'
import { connectIn, connectPlainIn } from './connect.ts'

export type { ClientTransport } from '../machines/client-effects.ts'
export type { CloseFrame } from '../protocol/close-record.ts'
export {
  type ErrorCode,
  LimitError,
  SettingError,
  WebSocketClosedError,
  WebSocketError,
} from '../protocol/errors.ts'
export type { Position } from '../protocol/position.ts'
export type { SubscribeFrom } from '../protocol/resume.ts'
export type { Client, ClientOptions, ClientTopic } from './client.ts'
export type { Connect, ConnectPlain } from './connect.ts'
export type { TopicEvent, TopicGap, TopicMessage } from './feed.ts'
export type { ClientState } from './lifecycle.ts'
export type { PlainClient, PlainOptions } from './plain-client.ts'
export type { PublishOptions, Stored } from './publisher.ts'
export type { ClientUrl } from './settings.ts'

export const connect = connectIn(browserEnvironment)
export const connectPlain = connectPlainIn(browserEnvironment)
