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

/**
 * Connects to the topics of a server, and stays connected until it is told to close.
 *
 * @param url - where the server has its `topics()`, such as `/topics`; relative addresses in pages only. `http:` and
 *   `ws:` mean the same. A function is asked before each dial, for one with a fresh token.
 * @param options - ways, waits in ms, and how much may wait; see `ClientOptions`.
 * @throws SettingError for an option that is unknown or out of range, and for a `url` that can never work. What happens
 *   later, a wrong address from a function included, shows in `state$`.
 */
export const connect = connectIn(browserEnvironment)

/**
 * Connects to any WebSocket server, for plain messages, and connects again until it is told to close.
 *
 * @param url - as for `connect`. @param options - subprotocols, and waits in ms; see `PlainOptions`.
 * @throws SettingError as `connect`.
 */
export const connectPlain = connectPlainIn(browserEnvironment)
