// Connection options: everything that one live connection is made of and told by whoever makes it.
//
// A server makes connections of its routes, `dial()` makes one of its own options; both say the same things.

import type { Connection, ConnectionRequest, Handler } from './handlers/handler.ts'
import type { Recorder } from './journal/recorder.ts'
import type { Host } from './machines/host.ts'
import type { CloseRecord } from './protocol/close-record.ts'
import type { Compression } from './protocol/compression.ts'
import type { WebSocketError } from './protocol/errors.ts'
import type { RouteLimits } from './protocol/limits.ts'
import type { Clock, Random } from './protocol/ports.ts'
import type { SlowPolicy } from './streams/outbound.ts'

export interface LiveConnectionOptions {
  readonly id: string
  readonly request: ConnectionRequest
  readonly handler: Handler
  readonly host: Host
  /** Takes over when a user's own guard or delay throws inside `host`. */
  readonly fallbackHost: Host
  readonly limits: RouteLimits
  readonly compression: Compression
  readonly slow: SlowPolicy
  readonly clock: Clock
  readonly random: Random
  /** Default `'pong'`. */
  readonly proofOfLife?: 'pong' | 'anything'
  /** Default 1011. */
  readonly pingTimeoutCode?: number
  /** Writes down the life. */
  readonly recorder?: Recorder | undefined
  /** The same, if it is to write down messages. */
  readonly messageRecorder?: Recorder | undefined
  /** Told of everything that user code threw. */
  readonly onError: (error: WebSocketError, connection: Connection) => void
  /** Told once, when everything is over. */
  readonly onClosed: (record: CloseRecord, connection: Connection) => void
}
