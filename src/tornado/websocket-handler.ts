// WebSocketHandler: a connection's life as the methods of a class, in Tornado's shape.
//
// Tornado's names in camelCase, its order of calls: `prepare` → `checkOrigin` → `selectSubprotocol` → `open` →
// `onMessage`, one at a time → `onClose`, exactly once for each `open`. Any hook may be asynchronous. What a
// hook throws closes this connection with 1011, and no other notices.
// Source: tornado.websocket.WebSocketHandler.

import {
  type Connection,
  type ConnectionRequest,
  type Handler,
  type HandlerFactory,
  type Pong,
  toHandler,
} from '../handlers/handler.ts'
import type { CloseFrame, CloseRecord } from '../protocol/close-record.ts'
import { WebSocketClosedError, WebSocketError } from '../protocol/errors.ts'
import { isOriginAllowed } from '../protocol/origin.ts'
import { outgoing } from './outgoing.ts'

const bind = Symbol('bind')
const unbind = Symbol('unbind')

export class WebSocketHandler {
  /** The upgrade request; there from the start (Tornado: `request`). */
  request!: ConnectionRequest
  #connection: Connection | undefined
  #received: CloseFrame | null = null

  /** What makes this class a handler's form; `route()` calls it. */
  static [toHandler](): HandlerFactory {
    // `this` is the class that extends us.
    return (request) => new ClassHandler(new this(), request)
  }

  /** @internal */
  [bind](connection: Connection): void {
    this.#connection = connection
  }

  /** @internal */
  [unbind](record: CloseRecord): void {
    this.#received = record.received
  }

  // ── hooks, for you to override ─────────────────────────────────────────────────────────────────

  /** Before the upgrade. Throw a `HandshakeError` to refuse with its status (Tornado: `prepare`). */
  prepare(): void | Promise<void> {}

  /**
   * Whether a page of this origin may connect (Tornado: `check_origin`).
   *
   * Default: its host and port are ours, unless the route sets `checkOrigin`. Not asked without an Origin header. A promise
   * is awaited, and anything but `true` refuses with 403.
   */
  checkOrigin(origin: string): boolean | Promise<boolean> {
    const { headers, secure } = this.request
    return isOriginAllowed(origin, headers['host'] ?? '', 'same-origin', secure)
  }

  /**
   * Which of the offered subprotocols to speak; asked once, with `[]` when none was offered (Tornado:
   * `select_subprotocol`). Default: the route's `subprotocols` decide, and there are none unless set.
   */
  selectSubprotocol(
    _offered: readonly string[],
  ): string | null | undefined | Promise<string | null | undefined> {
    return undefined
  }

  /**
   * The connection is there (Tornado: `open`).
   *
   * @param args - what the route's unnamed groups captured, one argument each; or one object, of those with a name.
   *   No message arrives before this has finished.
   */
  open(..._args: never[]): void | Promise<void> {}

  /** A message: text is a string, binary a `Uint8Array`. The next waits for the promise (Tornado: `on_message`). */
  onMessage(_message: string | Uint8Array): unknown {
    const name = this.constructor.name
    throw new WebSocketError(
      'ERR_WINDSOCK_HANDLER',
      `${name} got a message and has no onMessage: override it`,
      { fault: 'bug' },
    )
  }

  /** A ping; its pong is already on its way (Tornado: `on_ping`). */
  onPing(_data: Uint8Array): void | Promise<void> {}

  /** A pong, also one that answers no ping of ours (Tornado: `on_pong`). */
  onPong(_data: Uint8Array, _pong: Pong): void | Promise<void> {}

  /** Everything is over; the record says how and why (Tornado: `on_close`). */
  onClose(_record: CloseRecord): unknown {
    return undefined
  }

  // ── what you may call ──────────────────────────────────────────────────────────────────────────

  /** The connection, for what Tornado has no name for. @throws WebSocketClosedError before `open`. */
  get connection(): Connection {
    if (this.#connection === undefined) {
      throw new WebSocketClosedError('there is no connection yet: it exists from open() on')
    }
    return this.#connection
  }

  /** The subprotocol chosen, or `null` (Tornado: `selected_subprotocol`). */
  get selectedSubprotocol(): string | null {
    return this.#connection?.subprotocol ?? null
  }

  /** The code of the peer's Close frame, or `null` when none came (Tornado: `close_code`). */
  get closeCode(): number | null {
    return this.#received?.code ?? null
  }

  /** The reason of the peer's Close frame, or `null` when none came (Tornado: `close_reason`). */
  get closeReason(): string | null {
    return this.#received?.reason ?? null
  }

  /**
   * Sends a message (Tornado: `write_message`).
   *
   * Strings go as text, objects as JSON text in which `</` is written `<\/`; with `binary`, a string's UTF-8 or the bytes
   * given go as binary.
   *
   * @returns as `connection.send()`: await it to go no faster than the peer takes.
   * @throws WebSocketError `ERR_WINDSOCK_MESSAGE_TYPE` for anything else, and for bytes without `binary`.
   */
  writeMessage(message: string | object, binary = false): Promise<void> {
    return this.connection.send(outgoing(message, binary))
  }

  /** Sends a Ping of at most 125 bytes (Tornado: `ping`). */
  ping(data: string | Uint8Array = ''): void {
    this.connection.ping(data)
  }

  /** Begins the closing handshake; a reason without a code means 1000 (Tornado: `close`). */
  close(code?: number, reason?: string): void {
    this.connection.close(code, reason)
  }

  /** TCP_NODELAY (Tornado: `set_nodelay`; on by default here). */
  setNodelay(on: boolean): void {
    this.connection.setNoDelay(on)
  }
}

/** An instance of a user's class, as a handler. */
class ClassHandler implements Handler {
  readonly #user: WebSocketHandler
  readonly #request: ConnectionRequest
  readonly checkOrigin?: NonNullable<Handler['checkOrigin']>
  readonly selectSubprotocol?: NonNullable<Handler['selectSubprotocol']>

  constructor(user: WebSocketHandler, request: ConnectionRequest) {
    this.#user = user
    this.#request = request
    user.request = request
    // What the class leaves alone, the route's settings decide.
    const base = WebSocketHandler.prototype
    if (user.checkOrigin !== base.checkOrigin) {
      this.checkOrigin = (origin) => user.checkOrigin(origin)
    }
    if (user.selectSubprotocol !== base.selectSubprotocol) {
      this.selectSubprotocol = (offered) => user.selectSubprotocol(offered)
    }
  }

  prepare(): void | Promise<void> {
    return this.#user.prepare()
  }

  open(connection: Connection): void | Promise<void> {
    this.#user[bind](connection)
    const { params, args } = this.#request
    const given = Object.keys(params).length > 0 ? [params] : args
    return this.#user.open(...(given as never[]))
  }

  message(message: string | Uint8Array): unknown {
    return this.#user.onMessage(message)
  }

  ping(data: Uint8Array): void | Promise<void> {
    return this.#user.onPing(data)
  }

  pong(pong: Pong): void | Promise<void> {
    return this.#user.onPong(pong.data, pong)
  }

  close(record: CloseRecord): unknown {
    this.#user[unbind](record)
    return this.#user.onClose(record)
  }
}
