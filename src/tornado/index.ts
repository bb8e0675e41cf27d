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
export { HandshakeError, WebSocketClosedError, WebSocketError } from '../protocol/errors.ts'
export { Application, type ApplicationSettings, type Rule } from './application.ts'
export { type MessageCallback, WebSocketClientConnection } from './client-connection.ts'
export type { CompressionOptions } from './compression-options.ts'
export { Finish, HTTPError, type HTTPErrorDetails, MissingArgumentError } from './errors.ts'
export type { RequestHandlerClass } from './execute.ts'
export { HttpRequest } from './http-request.ts'
export {
  type ErrorPage,
  RequestHandler,
  type SignedCookieOptions,
  type SignedCookieReading,
} from './request-handler.ts'
export type { HeaderValue } from './response.ts'
export type { SharedSettings } from './settings.ts'
export { URLSpec, url } from './url-spec.ts'
export {
  type ConnectRequest,
  type WebsocketConnectOptions,
  websocketConnect,
} from './websocket-connect.ts'
export { WebSocketHandler } from './websocket-handler.ts'
