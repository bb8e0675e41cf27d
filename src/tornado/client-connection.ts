// WebSocketClientConnection: a connection that we opened, in Tornado's words.
//
// Rules that live here: what came is handed to one reader after the other, in order; ONE message waits for a reader, and
// until it is taken no more are read from the network; the end is `null`, every time it is asked for. The peer's close
// code and reason stand only when they came. Refuses to know how one connects: `websocket-connect.ts`.
// Source: tornado.websocket.WebSocketClientConnection.

import type { Connection, Handler, Pong } from '../handlers/handler.ts'
import type { CloseRecord } from '../protocol/close-record.ts'
import { WebSocketClosedError } from '../protocol/errors.ts'
import type { Sendable } from '../protocol/message.ts'
import { outgoing } from './outgoing.ts'

/** Gets each message, the next when its promise has settled, and `null` at the end. */
export type MessageCallback = (message: string | Uint8Array | null) => unknown

/** What becomes of a class when it is connected. @internal */
export const attach = Symbol('attach')

/** A message that no reader has taken yet. */
interface Waiting {
  readonly message: string | Uint8Array
  readonly taken: () => void
}

/** Given by `websocketConnect`; extend it to override the hooks `onMessage`, `onPing` and `onPong`. */
export class WebSocketClientConnection {
  /** The headers of the server's answer: names in lower case, several of one name joined with `, `. */
  headers: Readonly<Record<string, string>> = {}
  #connection: Connection | undefined
  #callback: MessageCallback | undefined
  #record: CloseRecord | undefined
  readonly #waiting: Waiting[] = []
  readonly #readers: ((message: string | Uint8Array | null) => void)[] = []

  // ── hooks, for you to override ─────────────────────────────────────────────────────────────────

  /**
   * A message: text is a string, binary a `Uint8Array`. The next waits for the promise (Tornado: `on_message`).
   *
   * Default: calls `onMessageCallback`, or keeps it for `readMessage()`. Not called for the end.
   */
  onMessage(message: string | Uint8Array): unknown {
    return this.#callback === undefined ? this.#keep(message) : this.#callback(message)
  }

  /** A ping; its pong is already on its way (Tornado: `on_ping`). */
  onPing(_data: Uint8Array): void | Promise<void> {}

  /** A pong, also one that answers no ping of ours (Tornado: `on_pong`). */
  onPong(_data: Uint8Array, _pong: Pong): void | Promise<void> {}

  // ── what you may call ──────────────────────────────────────────────────────────────────────────

  /** The connection, for what Tornado has no name for. @throws WebSocketClosedError before it is open. */
  get connection(): Connection {
    if (this.#connection === undefined) {
      throw new WebSocketClosedError('there is no connection yet: websocketConnect() makes it')
    }
    return this.#connection
  }

  /** The subprotocol that the server chose, or `null` (Tornado: `selected_subprotocol`). */
  get selectedSubprotocol(): string | null {
    return this.#connection?.subprotocol ?? null
  }

  /** The code of the server's Close frame, once closed; `null` when none came (Tornado: `close_code`). */
  get closeCode(): number | null {
    const code = this.#record?.received?.code ?? 1005
    return code === 1005 ? null : code
  }

  /** The reason of the server's Close frame, once closed; `null` when none came (Tornado: `close_reason`). */
  get closeReason(): string | null {
    return this.#record?.received?.reason || null
  }

  /**
   * The next message, or `null` when the connection is closed and everything was read (Tornado: `read_message`, which
   * says so only once).
   *
   * Never rejects. Several calls at once are served in their order. With `onMessageCallback` there is only the end.
   */
  readMessage(): Promise<string | Uint8Array | null> {
    const next = this.#waiting.shift()
    if (next !== undefined) {
      next.taken()
      return Promise.resolve(next.message)
    }
    if (this.#record !== undefined) return Promise.resolve(null)
    return new Promise((resolve) => {
      this.#readers.push(resolve)
    })
  }

  /**
   * Sends a message, as `WebSocketHandler.writeMessage` does (Tornado: `write_message`).
   *
   * @returns a promise to await if you want to go no faster than the server takes. It rejects with
   *   `WebSocketClosedError` once the connection is closing or closed.
   * @throws WebSocketError `ERR_WINDSOCK_MESSAGE_TYPE` for what is no message, and for bytes without `binary`.
   */
  writeMessage(message: Sendable, binary = false): Promise<void> {
    return this.connection.send(outgoing(message, binary))
  }

  /**
   * Sends a Ping of at most 125 bytes (Tornado: `ping`).
   *
   * @throws WebSocketClosedError once the connection is closing or closed.
   * @throws WebSocketError `ERR_WINDSOCK_CONTROL_PAYLOAD` for more bytes.
   */
  ping(data: string | Uint8Array = ''): void {
    const { connection } = this
    if (connection.state === 'closing' || connection.state === 'closed') {
      throw new WebSocketClosedError()
    }
    connection.ping(data)
  }

  /**
   * Begins the closing handshake; a reason without a code means 1000. A second call does nothing (Tornado: `close`).
   *
   * @throws WebSocketError `ERR_WINDSOCK_CLOSE_CODE` or `ERR_WINDSOCK_CLOSE_REASON`; nothing is sent then.
   */
  close(code?: number | null, reason?: string | null): void {
    this.connection.close(code ?? undefined, reason ?? undefined)
  }

  // ── what websocketConnect does ─────────────────────────────────────────────────────────────────

  /** @internal */
  [attach](callback: MessageCallback | undefined): Handler {
    this.#callback = callback
    return {
      open: (connection) => {
        this.#connection = connection
        // Who awaits `websocketConnect` has the connection a turn later: what came with the handshake waits until then.
        return callback && new Promise<void>((resolve) => setImmediate(resolve))
      },
      message: (message) => this.onMessage(message),
      ping: (data) => this.onPing(data),
      pong: (pong) => this.onPong(pong.data, pong),
      close: (record) => this.#end(record),
    }
  }

  // The promise holds back the next message, and with it the reading: that is the whole backpressure.
  #keep(message: string | Uint8Array): Promise<void> | undefined {
    const reader = this.#readers.shift()
    if (reader !== undefined) {
      reader(message)
      return undefined
    }
    return new Promise((taken) => {
      this.#waiting.push({ message, taken })
    })
  }

  #end(record: CloseRecord): unknown {
    this.#record = record
    for (const reader of this.#readers.splice(0)) reader(null)
    return this.#callback?.(null)
  }
}
