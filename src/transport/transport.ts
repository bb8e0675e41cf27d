// Transport: the port between a connection and whatever carries its messages.
//
// The contract, which every transport keeps (of `ws`, and in memory):
//  1. Nothing is reported before `start()`; what arrived earlier is reported from then on, in order.
//  2. Reports come in the order of the wire. `ended` comes exactly once, last, on every path, also after
//     `destroy()` and also when the peer vanished.
//     What one read brought is followed by `readDone`.
//  3. The peer's Close frame is answered by the transport itself, at once, unless ours went out before
//     (RFC 6455 §5.5.1), and then reported as `closeReceived`; nothing but `ended` follows it.
//  4. When the peer breaks the protocol the transport sends the Close frame that RFC 6455 §7.1.7 asks for
//     and reports `violated`; nothing but `ended` follows it.
//  5. After `close()` no message leaves any more. `close()` twice, or after the end, does nothing. When both
//     Close frames have crossed the transport ends the link; where that takes too long, `destroy()` is called.
//  6. No method throws. Writing after the end is a silent no-op: the outbound queue has counted the bytes.

import type { CloseCause, CloseFrame } from '../protocol/close-record.ts'
import type { Compression } from '../protocol/compression.ts'
import type { ResponseBody, ResponseHeaders } from '../protocol/http-answer.ts'
import type { RouteLimits } from '../protocol/limits.ts'
import type { Message } from '../protocol/message.ts'

/** A message made ready for one kind of transport; shared by all connections that it goes to. */
export interface Packet {
  /** Payload bytes; what budgets count. */
  readonly byteLength: number
}

/** What a transport tells the connection that owns it. */
export interface TransportEvents {
  /** A whole message; `byteLength` is its payload's. */
  messageReceived(message: Message, byteLength: number): void
  pingReceived(data: Uint8Array): void
  pongReceived(data: Uint8Array): void
  /** All that one read brought has been reported. */
  readDone(): void
  /** The peer's Close frame, or its breach, is answered next: the last moment to write anything else. */
  answering(): void
  /** What was written so far has been taken over by the kernel. */
  drained(): void
  closeReceived(frame: CloseFrame): void
  violated(violation: Violation): void
  ended(): void
}

/** A breach of the protocol by the peer, and the Close frame that answered it. */
export interface Violation {
  readonly cause: CloseCause
  readonly sent: CloseFrame
  readonly detail: string
}

export interface Transport<P extends Packet = Packet> {
  /** Bytes written and not yet taken over by the kernel. */
  readonly bufferedBytes: number
  /** Changes when the kernel takes something of what was written. */
  readonly untakenBytes: number
  /** Whether a read is being reported; then `readDone` follows before anything else happens. */
  readonly isReading: boolean
  /** Reads what a write will need, and changes nothing; the number means nothing (docs/adr/0030). */
  touch(): number
  start(events: TransportEvents): void
  /**
   * Makes a message ready to be written, here or by any transport of the same kind.
   *
   * @param leavesSoon - whether it will be written here before anything else is read, most likely; by default not.
   */
  pack(message: Message, leavesSoon?: boolean): P
  /**
   * Writes packets in order, as one write where possible.
   *
   * @returns whether more may be written at once; after `false`, `drained` is reported.
   */
  write(packets: readonly P[]): boolean
  /** As `write`, of one packet. */
  writeOne(packet: P): boolean
  /** Sends a Ping, at most 125 bytes (§5.5); the return is as that of `write`. */
  ping(data: Uint8Array): boolean
  /** Sends a Pong, as `ping`. */
  pong(data: Uint8Array): boolean
  /** Sends a Close frame behind everything written; code 1005 sends one without a body. */
  close(frame: CloseFrame): void
  /** Ends the link now, without a Close frame. */
  destroy(): void
  /** Stops reading. Messages already read may still be reported, at most one chunk of the link's. */
  pause(): void
  resume(): void
  /** TCP_NODELAY, where there is such a thing. */
  setNoDelay(on: boolean): void
}

/** The answer that turns an upgrade request into a connection. */
export interface UpgradeAnswer {
  readonly subprotocol: string | undefined
  /** Further headers of the 101 response. */
  readonly headers: ResponseHeaders
  /** What this connection is held to. */
  readonly limits: RouteLimits
  readonly compression: Compression
}

/** What the transport found wrong after policy had let a request pass, such as an offer of compression. */
export interface UpgradeRefusal {
  readonly status: number
  readonly reason: string
}

/**
 * The other half of the port: an upgrade request that waits for its answer.
 *
 * Exactly one of the two methods is called, once.
 */
export interface Door {
  /** Answers with an HTTP status and a body, by default the reason as a line of text, and ends the socket. */
  refuse(status: number, reason: string, headers: ResponseHeaders, body?: ResponseBody): void
  /** Answers 101; a refusal when the request was answered with that, `undefined` when the socket is already gone. */
  upgrade(answer: UpgradeAnswer): Transport | UpgradeRefusal | undefined
}
