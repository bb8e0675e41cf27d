// windsock/tornado: Tornado's server surface in Tornado's words, camelCase and seconds.
//
// The public names, one by one.

export type { CookieOptions } from '../http/set-cookie.ts'
export {
  createSignedValue,
  decodeSignedValue,
  type SigningSecret,
  type SignOptions,
  signedKeyVersion,
  type VerifyOptions,
  type WallClock,
} from '../http/signed-value.ts'
export { type MessageCallback, WebSocketClientConnection } from './client-connection.ts'
export {
  type CompressionOptions,
  type ConnectRequest,
  type WebsocketConnectOptions,
  websocketConnect,
} from './websocket-connect.ts'
export { WebSocketHandler } from './websocket-handler.ts'
