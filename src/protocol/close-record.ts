// The close record: the one account of how a connection ended, and why.
//
// RFC 6455 knows one close code; an operator needs to know which code went out, which came in, and what
// happened here that led to it. The record keeps the three codes apart (§7.1.5) and names the cause.

/** A Close frame's body; `code` 1005 stands for a frame without one (RFC 6455 §7.4.1). */
export interface CloseFrame {
  /** 1000 … 4999 as RFC 6455 §7.4 has them. */
  readonly code: number
  /** At most 123 bytes of UTF-8; `''` for none. */
  readonly reason: string
}

/** Why a connection ended, in one word. */
export type CloseCause =
  | 'refused' // the opening handshake was answered with an HTTP status
  | 'handshakeTimeout' // policy did not decide within `handshakeTimeoutMs`
  | 'openTimeout' // the handler's `open` did not finish within `openTimeoutMs`
  | 'handlerTimeout' // one `onMessage` did not finish within `handlerTimeoutMs`
  | 'handlerFailed' // user code threw or rejected
  | 'appClosed' // user code closed, or its stream or actor completed
  | 'peerClosed' // the peer's Close frame came first
  | 'transportLost' // the link ended without a Close frame from either side
  | 'pingTimeout' // no pong within `pingTimeoutMs`
  | 'protocolError' // the peer broke the framing rules: 1002
  | 'invalidPayload' // text or reason was not UTF-8, or deflate data was corrupt: 1007
  | 'messageTooBig' // a message exceeded `maxMessageBytes`: 1009
  | 'limitExceeded' // too many control frames or fragments: 1008
  | 'slowConsumer' // the peer did not take what was sent: 1013
  | 'draining' // the server is going away: 1001 or 1012

/** What was counted over the life of a connection; sizes are payload bytes, not frames. */
export interface ConnectionTotals {
  /** Delivered to the handler. */
  readonly messagesReceived: number
  /** Of those messages. */
  readonly bytesReceived: number
  /** Handed to the link. */
  readonly messagesSent: number
  /** Of those messages. */
  readonly bytesSent: number
  /** Messages that the slow-consumer policy dropped. */
  readonly messagesDropped: number
  /** Bytes accepted for sending that the kernel had not taken when the link ended. */
  readonly bytesUnsent: number
}

/** One per connection, always. */
export interface CloseRecord {
  /** The connection's `id`. */
  readonly connectionId: string
  /** Who began: this side, the peer by a Close frame, or the network by ending the link. */
  readonly initiator: 'local' | 'peer' | 'network'
  /** Why, in one word. */
  readonly cause: CloseCause
  /** A sentence fit for a log: the error's message, or the refusal's reason. Empty when `cause` says it all. */
  readonly detail: string
  /** The Close frame that went out, or `null`. */
  readonly sent: CloseFrame | null
  /** The Close frame that came in, or `null`. */
  readonly received: CloseFrame | null
  /** What the application is told: the received code, 1005 if that frame was empty, 1006 if none came (§7.1.5). */
  readonly code: number
  /** The reason received, or empty (§7.1.6). */
  readonly reason: string
  /** Whether Close frames went both ways (§7.1.4). */
  readonly wasClean: boolean
  /** The HTTP status of a refused handshake, else `null`. */
  readonly status: number | null
  /** Wall-clock time of the upgrade request, ms since 1970. */
  readonly startedAtMs: number
  /** From the upgrade request to the end, in ms of monotonic time. */
  readonly durationMs: number
  /** From the last sign of life of the peer to the end, in ms of monotonic time. */
  readonly silentForMs: number
  /** What was counted. */
  readonly totals: ConnectionTotals
}
