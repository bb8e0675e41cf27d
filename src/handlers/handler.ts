// Handler: what each form in which users write becomes, and the connection as they see it.
//
// Three forms (a stream function, a class, an actor) end in one interface, so that `connection.ts` knows one.
// None of these methods may bring anything down: whoever calls them does so in a barrier.

import type { Observable } from 'rxjs'
import type { CloseRecord } from '../protocol/close-record.ts'
import type { Compression } from '../protocol/compression.ts'
import type { WebSocketError } from '../protocol/errors.ts'
import type { ResponseHeaders } from '../protocol/http-answer.ts'
import type { RouteLimitName } from '../protocol/limits.ts'
import type { Message, Sendable } from '../protocol/message.ts'
import type { Clock, Random } from '../protocol/ports.ts'
import type { SlowPolicy } from '../streams/outbound.ts'

/** The upgrade request, or a plain one, as user code sees it; plain data that outlives the socket. */
export interface ConnectionRequest {
  /** `GET` of an upgrade; of a plain request, its own. */
  readonly method: string
  /** The request target: path and query. */
  readonly url: string
  /** The path, still percent-encoded, without the query. */
  readonly path: string
  /**
   * What the route's pattern captured by name, percent-decoded: of `/echo/:name` one segment, of `/files/*rest` one or more
   * with the slashes between them.
   */
  readonly params: Readonly<Record<string, string | undefined>>
  /** What the route's unnamed groups captured, in order, percent-decoded. */
  readonly args: readonly (string | undefined)[]
  /** The query arguments, decoded. */
  readonly query: URLSearchParams
  /** Header names in lower case; several of one name are joined with `, `, cookies with `; `. */
  readonly headers: Readonly<Record<string, string>>
  /** The cookies by name; unsigned, so anyone may have written them. */
  readonly cookies: Readonly<Record<string, string | undefined>>
  /** The address of the socket's other end, or of the client that `trustedProxies` tell of; no other header counts. */
  readonly remoteAddress: string
  /** Whether the request came over TLS, here or to a trusted proxy. */
  readonly secure: boolean
}

/** Where a connection is; it only goes on, from left to right, and may leave states out. */
export type ConnectionState = 'connecting' | 'open' | 'closing' | 'closed'

/** A pong, and how long the ping that it answers took; `undefined` when it answers none of ours. */
export interface Pong {
  /** What the ping carried, 0 to 125 bytes. */
  readonly data: Uint8Array
  /** Milliseconds, with a fraction. */
  readonly roundTripMs: number | undefined
}

/**
 * One connection, as user code sees it.
 *
 * Its methods are called on it, and a `send` that was taken out of it does not compile: `({ send }) => send('…')` would throw.
 */
export interface Connection {
  /** Unique within the process, unguessable; 16 characters of `A–Z a–z 0–9 - _`. */
  readonly id: string
  /** The upgrade request. */
  readonly request: ConnectionRequest
  /** The subprotocol chosen in the handshake, or `undefined` (RFC 6455 §1.9). */
  readonly subprotocol: string | undefined
  /** The present state. */
  readonly state: ConnectionState
  /** The present state, then each change; completes after `closed`. */
  readonly state$: Observable<ConnectionState>
  /** Each message once, hot; early ones are held until the handler's `open` is done. Completes at closing. */
  readonly messages$: Observable<Message>
  /** Each pong, with the round trip of the ping it answers. Completes at closing. */
  readonly pongs$: Observable<Pong>
  /**
   * Sends a message: a string as text, an `ArrayBuffer` or a view of one as binary, another object or array as JSON text.
   *
   * Bytes are not copied: do not change them afterwards, since they may still wait here. (A topic copies them.)
   *
   * @returns a promise that resolves when the next one may be sent: at once, or when the waiting bytes have fallen
   *   below half of `outboundHighWaterBytes`, or the socket takes more. It rejects with `WebSocketClosedError` once the
   *   connection is closing or closed, or not open yet; nobody needs to look at it, a rejection left alone hurts nothing.
   * @throws WebSocketError `ERR_WINDSOCK_MESSAGE_TYPE` when `data` cannot be sent.
   */
  send(this: object, data: Sendable): Promise<void>
  /**
   * Sends a Ping; its pong appears in `pongs$`. Ignored unless the connection is open.
   *
   * @throws WebSocketError `ERR_WINDSOCK_CONTROL_PAYLOAD` for more than 125 bytes (RFC 6455 §5.5).
   */
  ping(this: object, data?: string | Uint8Array): void
  /**
   * Begins the closing handshake; what was sent before goes out first. A second call does nothing. While the handshake
   * is being decided it refuses that, with 403: what revokes the connections of a user reaches those that come, too.
   *
   * @param code - default 1000. @param reason - default empty; at most 123 bytes of UTF-8.
   * @throws WebSocketError `ERR_WINDSOCK_CLOSE_CODE` or `ERR_WINDSOCK_CLOSE_REASON`; nothing is sent then.
   */
  close(this: object, code?: number, reason?: string): void
  /** Settles with the close record when everything is over; never rejects. */
  readonly closed: Promise<CloseRecord>
  /** Bytes accepted for sending that the kernel has not taken yet. */
  readonly bufferedBytes: number
  /** TCP_NODELAY; on by default (Tornado: `set_nodelay`, off by default). */
  setNoDelay(this: object, on: boolean): void
}

/** What surrounds a handler. */
export interface HandlerContext {
  /** The server's time; virtual in a test. */
  readonly clock: Clock
  /** The server's chance; seeded in a test. */
  readonly random: Random
  /** Ends the connection with 1011 and reports what was thrown. */
  readonly fail: (thrown: unknown) => void
}

/** One connection's user code, in one shape. Every method is optional. */
export interface Handler {
  /** Before the upgrade, the origin accepted. Throw a `HandshakeError` to refuse with its status. */
  prepare?(): void | Promise<void>
  /** Whether a browser page of this origin may connect. Not asked when there is no Origin header. */
  checkOrigin?(origin: string): boolean | Promise<boolean>
  /** Which of the offered subprotocols to speak; asked once, with `[]` when none was offered. */
  selectSubprotocol?(
    offered: readonly string[],
  ): string | null | undefined | Promise<string | null | undefined>
  /** What this connection sets differently from its route; read once, when the handler has been made. */
  readonly settings?: HandlerSettings
  /** Headers of the 101 response, read after `prepare`. */
  readonly upgradeHeaders?: ResponseHeaders
  /** The connection is there; messages are held until this is done. */
  open?(connection: Connection, context: HandlerContext): void | Promise<void>
  /** One message; the next waits for the promise. */
  message?(message: Message): unknown
  ping?(data: Uint8Array): void | Promise<void>
  pong?(pong: Pong): void | Promise<void>
  /** Messages flow no more: let go of sources. Called once if `open` was. */
  end?(): void
  /** Everything is over. Called once if `open` was. */
  close?(record: CloseRecord): unknown
  /** Told of what this handler threw, in place of the server's `onError`. */
  reported?(error: WebSocketError): unknown
}

/** What a handler may set for its own connection; as on a route. */
export type HandlerSettings = { readonly [Name in RouteLimitName]?: number | undefined } & {
  readonly compression?: Compression | undefined
  readonly slow?: SlowPolicy | undefined
}

/** Takes an error that no connection has, and maybe the request that it happened on. */
export type RequestReport = (
  error: WebSocketError,
  connection?: undefined,
  request?: ConnectionRequest,
) => void

/** What there is before a connection. */
export interface FactoryContext extends Pick<HandlerContext, 'clock' | 'random'> {
  /** Tells the server's `onError`, and nothing else happens; `request`: the one it happened on, where that is known. */
  readonly report: RequestReport
}

/** Makes the handler of one connection, when its upgrade request arrives. */
export type HandlerFactory = (request: ConnectionRequest, context: FactoryContext) => Handler

/** A class that says itself what handler it becomes carries this static method. */
export const toHandler = Symbol('windsock.toHandler')
