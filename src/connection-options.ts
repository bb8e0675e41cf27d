// Connection options: everything that a live connection is made of, and whom it tells.
//
// A server makes connections of its routes, `dial()` makes one of its own options; both say the same things.

import type { Connection, ConnectionRequest, Handler } from './handlers/handler.ts'
import type { Recorder } from './journal/recorder.ts'
import { type ConnectionInput, deadlinesOf } from './machines/connection.ts'
import type { Host } from './machines/host.ts'
import type { Timers } from './machines/timers.ts'
import type { CloseRecord } from './protocol/close-record.ts'
import type { Compression } from './protocol/compression.ts'
import type { WebSocketError } from './protocol/errors.ts'
import type { RouteLimits } from './protocol/limits.ts'
import type { Clock, Random } from './protocol/ports.ts'
import type { SlowPolicy } from './streams/outbound.ts'

/** What all connections of one route share; one object for all of them. */
export interface ConnectionSetup {
  readonly host: Host
  /** Takes over when a user's own guard or delay throws inside `host`. */
  readonly fallbackHost: Host
  readonly limits: RouteLimits
  readonly compression: Compression
  readonly slow: SlowPolicy
  readonly clock: Clock
  /** On that clock. */
  readonly timers: Timers
  readonly random: Random
  /** What counts as an answer to a ping. */
  readonly proofOfLife: 'pong' | 'anything'
  /** The close code after a ping without an answer. */
  readonly pingTimeoutCode: number
  /** Told of everything that user code threw, and of what hung. */
  onError(error: WebSocketError, connection: Connection, handler: Handler): void
  /** Told once, when everything is over; `told` settles when the handler has done what it does then. Never rejects. */
  onClosed(record: CloseRecord, told: Promise<void> | undefined): void
}

/** What one connection has for itself. */
export interface ConnectionOwn {
  readonly id: string
  readonly request: ConnectionRequest
  readonly handler: Handler
  /** Writes down the life. */
  readonly recorder: Recorder | undefined
}

/** What the machine is told of a connection that begins now. */
export function inputOf(
  connectionId: string,
  { limits, clock, pingTimeoutCode }: ConnectionSetup,
): ConnectionInput {
  return {
    connectionId,
    startedAtMs: clock.wallMs(),
    deadlines: deadlinesOf(limits),
    pingTimeoutCode: pingTimeoutCode === 1011 ? undefined : pingTimeoutCode,
  }
}
