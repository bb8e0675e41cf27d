// websocketConnect: Tornado's client function, its names in camelCase, its times in seconds.
//
// Rules that live here: Tornado's defaults (20 s to connect, 10 MiB, no pings, no compression, no reconnect), which of its
// options say what to `dial`, and the one message that may wait. Of Tornado's parameters `resolver` is left out: Node
// resolves names for the whole process (`dns.setDefaultResultOrder`, `net.setDefaultAutoSelectFamily`); `callback` is
// deprecated there. Refuses to know sockets and frames.
// Source: tornado.websocket.websocket_connect.

import { type DialSettings, dialWith } from '../dial.ts'
import { SettingError, show } from '../protocol/errors.ts'
import { checkNames } from '../protocol/setting-names.ts'
import { attach, type MessageCallback, WebSocketClientConnection } from './client-connection.ts'
import { type CompressionOptions, compressionOf } from './compression-options.ts'
import { keepalive, milliseconds } from './keepalive.ts'
import { messageBytes } from './message-bytes.ts'

/** What the request says besides the url (Tornado: `HTTPRequest`). */
export interface ConnectRequest {
  /** With `ws:` or `wss:`. */
  readonly url: string | URL
  /** Default: none but those of the handshake. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Seconds; default 20. Only here, when a request is given. */
  readonly connectTimeout?: number | null | undefined
  /** For `wss:`, in the names of `node:tls` (Tornado: `validate_cert`, `ca_certs`, `client_key`, …). */
  readonly tls?: DialSettings['tls']
}

/** What `websocketConnect()` takes; in seconds, with Tornado's defaults. */
export interface WebsocketConnectOptions<
  Client extends WebSocketClientConnection = WebSocketClientConnection,
> {
  /** Seconds until there has to be a connection; default 20. Not beside a request, which has its own. */
  readonly connectTimeout?: number | null | undefined
  /** Gets each message and a final `null`; `readMessage()` then gives nothing but the end. */
  readonly onMessageCallback?: MessageCallback | null | undefined
  /** Offers `permessage-deflate; client_max_window_bits` when given; default: no offer. */
  readonly compressionOptions?: CompressionOptions | null | undefined
  /** Seconds between pings; default 0: none. */
  readonly pingInterval?: number | null | undefined
  /** Seconds to wait for a pong; default the interval, which is also the most; 0: for ever. */
  readonly pingTimeout?: number | null | undefined
  /** Bytes; default 10 MiB. */
  readonly maxMessageSize?: number | undefined
  /** Offered in this order; default none. */
  readonly subprotocols?: readonly string[] | null | undefined
  /** A class of yours that extends `WebSocketClientConnection`. */
  readonly connectionClass?: (new () => Client) | undefined
  /** Told of what hooks and callbacks threw. Default: a line on standard error, and the stack of what they threw. */
  readonly onError?: DialSettings['onError']
}

const CONNECT_TIMEOUT_S = 20

const REQUEST_NAMES = ['url', 'headers', 'connectTimeout', 'tls']

const NAMES = [
  'connectTimeout',
  'onMessageCallback',
  'compressionOptions',
  'pingInterval',
  'pingTimeout',
  'maxMessageSize',
  'subprotocols',
  'connectionClass',
  'onError',
]

/**
 * Connects to a WebSocket server (Tornado: `websocket_connect`).
 *
 * Redirects are not followed, and a lost connection is not made again.
 *
 * @param target - an address with `ws:` or `wss:`, or a request with one.
 * @throws (all reject the promise) what `dial()` does: SettingError for a wrong address or option; HandshakeError with
 *   the status in `httpStatus` when the server refuses; WebSocketError for a status of success that is not 101, and for
 *   a network that fails, with the system's error as its `cause`.
 */
export async function websocketConnect<
  Client extends WebSocketClientConnection = WebSocketClientConnection,
>(
  target: string | URL | ConnectRequest,
  options: WebsocketConnectOptions<Client> = {},
): Promise<Client> {
  if (typeof target !== 'string' && (typeof target !== 'object' || target === null)) {
    throw new SettingError(
      `websocketConnect() needs an address, such as ws://host:port/path, or a request with it as url, not ${show(target)}`,
    )
  }
  const request = typeof target === 'string' || target instanceof URL ? { url: target } : target
  checkNames(request, REQUEST_NAMES)
  const settings = settingsOf(request, options, request !== target)
  const client = new (options.connectionClass ?? WebSocketClientConnection)() as Client
  const handler = client[attach](options.onMessageCallback ?? undefined)
  await dialWith(
    request.url,
    () => handler,
    settings,
    ({ headers }) => {
      client.headers = headers
    },
  )
  return client
}

function settingsOf(
  request: ConnectRequest,
  options: WebsocketConnectOptions<WebSocketClientConnection>,
  isAddress: boolean,
): DialSettings {
  checkNames(options, NAMES)
  const { connectionClass: Class, onMessageCallback: callback } = options
  if (Class !== undefined && !(attach in Object(Class?.prototype))) {
    throw new SettingError(
      `connectionClass is ${show(Class)}: it must be a class that extends WebSocketClientConnection`,
    )
  }
  if (callback !== undefined && callback !== null && typeof callback !== 'function') {
    throw new SettingError(`onMessageCallback is ${show(callback)}: it must be a function`)
  }
  const ownTimeout = options.connectTimeout ?? undefined
  if (!isAddress && ownTimeout !== undefined) {
    throw new SettingError(
      `connectTimeout is ${ownTimeout} beside a request: set it in the request instead`,
    )
  }
  const timeout = request.connectTimeout ?? ownTimeout ?? CONNECT_TIMEOUT_S
  if (timeout === 0) {
    throw new SettingError('connectTimeout is 0: nobody waits for ever, so give it some seconds')
  }
  return {
    ...keepalive(options.pingInterval, options.pingTimeout),
    handshakeTimeoutMs: milliseconds('connectTimeout', timeout),
    ...messageBytes('maxMessageSize', options.maxMessageSize),
    // One message waits for `readMessage`, and one more stops the reading. How long that takes is the reader's matter.
    maxHeldMessages: 1,
    handlerTimeoutMs: 0,
    subprotocols: options.subprotocols ?? [],
    compression: compressionOf(options.compressionOptions),
    headers: request.headers,
    tls: request.tls,
    onError: options.onError,
  }
}
