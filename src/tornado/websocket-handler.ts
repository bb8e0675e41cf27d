// WebSocketHandler: a connection's life as the methods of a class, in Tornado's shape.
//
// Tornado's names in camelCase, its order of calls: `initialize` → `checkOrigin` → `prepare` → `selectSubprotocol` →
// `open` → `onMessage`, one at a time → `onClose`, exactly once for each `open`. Any hook may be asynchronous. What a
// hook throws closes this connection with 1011, and no other notices. Until the upgrade it is a RequestHandler: its
// headers and cookies go onto the 101, and a response that it finishes is sent instead of one.
// Source: tornado.websocket.WebSocketHandler.

import {
  type Connection,
  type ConnectionRequest,
  type FactoryContext,
  type Handler,
  type HandlerFactory,
  type Pong,
  toHandler,
} from '../handlers/handler.ts'
import { checkCloseCode } from '../protocol/close-codes.ts'
import { checkReason } from '../protocol/close-reason.ts'
import type { CloseFrame, CloseRecord } from '../protocol/close-record.ts'
import { WebSocketClosedError, WebSocketError } from '../protocol/errors.ts'
import type { Sendable } from '../protocol/message.ts'
import { isOriginAllowed } from '../protocol/origin.ts'
import { bind, ClassHandler, closeAsked, unbind } from './class-handler.ts'
import type { CompressionOptions } from './compression-options.ts'
import { makeHandler, type RequestHandlerClass } from './execute.ts'
import { checkHookNames } from './hook-names.ts'
import { type HandlerHost, NO_APPLICATION } from './host.ts'
import { HttpRequest } from './http-request.ts'
import { outgoing } from './outgoing.ts'
import { RequestHandler } from './request-handler.ts'

/**
 * One connection, as a class: override `open`, `onMessage` and `onClose`; a new one for each connection (Tornado:
 * `WebSocketHandler`). It stands behind a `route()` as well as in an `Application`.
 */
export class WebSocketHandler extends RequestHandler {
  /** @internal */
  [closeAsked]: CloseFrame | undefined
  #connection: Connection | undefined
  #received: CloseFrame | null = null

  /** What makes this class a handler's form; `route()` calls it. */
  static [toHandler](): HandlerFactory {
    // `this` is the class that extends us.
    checkHookNames(this, WebSocketHandler)
    return (request, context) => handlerFor(this, {}, NO_APPLICATION, request, context)
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

  /**
   * Seconds between pings; `undefined` leaves it to the route, `null` and 0 turn pings off (Tornado: `ping_interval`).
   *
   * This and the next three are read once, after `initialize`. Default: the setting `websocketPingInterval`.
   */
  get pingInterval(): number | null | undefined {
    return this.settings.websocketPingInterval
  }

  /** Seconds to wait for a pong; default, and at most, the interval; 0 waits for ever (Tornado: `ping_timeout`). */
  get pingTimeout(): number | null | undefined {
    return this.settings.websocketPingTimeout
  }

  /** Bytes of the largest message; `undefined` leaves it to the route (Tornado: `max_message_size`). */
  get maxMessageSize(): number | undefined {
    return this.settings.websocketMaxMessageSize
  }

  /**
   * permessage-deflate: `null` is off, any object on, `{}` with level 6 and memLevel 8 (Tornado:
   * `get_compression_options`). Default: the route's `compression`, which an Application has off.
   */
  getCompressionOptions(): CompressionOptions | null {
    return null
  }

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
    const name = this.constructor.name || 'a class without a name'
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

  /** The code of the peer's Close frame, or `null` when none came, or one without a code (Tornado: `close_code`). */
  get closeCode(): number | null {
    const code = this.#received?.code ?? 1005
    return code === 1005 ? null : code
  }

  /** The reason of the peer's Close frame, or `null` when there is none (Tornado: `close_reason`). */
  get closeReason(): string | null {
    return this.#received?.reason || null
  }

  /**
   * Sends a message (Tornado: `write_message`).
   *
   * Strings go as text, objects as JSON text in which `</` is written `<\/`; with `binary`, a string's UTF-8 or the bytes
   * given go as binary. Those bytes are not copied: do not change them afterwards.
   *
   * @returns as `connection.send()`: await it to go no faster than the peer takes.
   * @throws WebSocketError `ERR_WINDSOCK_MESSAGE_TYPE` for anything else, for what JSON cannot express, and for bytes
   *   without `binary`.
   */
  writeMessage(message: Sendable, binary = false): Promise<void> {
    return this.connection.send(outgoing(message, binary))
  }

  /**
   * Sends a Ping of at most 125 bytes (Tornado: `ping`).
   *
   * @throws WebSocketClosedError once the connection is closing or closed.
   */
  ping(data: string | Uint8Array = ''): void {
    const { state } = this.connection
    if (state === 'closing' || state === 'closed') throw new WebSocketClosedError()
    this.connection.ping(data)
  }

  /**
   * Begins the closing handshake; a reason without a code means 1000 (Tornado: `close`).
   *
   * Before the upgrade it refuses, with 403 and the reason as a line of text (Tornado ignores it).
   */
  close(code?: number | null, reason?: string | null): void {
    // What another connection's `closeCode` and `closeReason` are is passed on as it is: `null` is none.
    if (this.#connection !== undefined)
      this.#connection.close(code ?? undefined, reason ?? undefined)
    else
      this[closeAsked] ??= { code: checkCloseCode(code ?? 1000), reason: checkReason(reason ?? '') }
  }

  /** TCP_NODELAY (Tornado: `set_nodelay`; on by default here). */
  setNodelay(on: boolean): void {
    this.connection.setNoDelay(on)
  }
}

/** Makes a handler of a class for one upgrade request. */
export function handlerFor(
  Class: RequestHandlerClass<WebSocketHandler>,
  kwargs: object,
  host: HandlerHost,
  request: ConnectionRequest,
  { clock, report }: FactoryContext,
): Handler {
  const made = { request: new HttpRequest(request), host, clock, report }
  return new ClassHandler(makeHandler(Class, made, kwargs), WebSocketHandler.prototype)
}
