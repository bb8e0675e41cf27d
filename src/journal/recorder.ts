// Recorder: writes down one connection's life as it is lived.
//
// It hears what the machine has taken, before the effects of it are performed, and appends it without waiting. A
// heartbeat that is answered is the one thing that happens all the time and says nothing; those are counted, and
// written as one event when something else happens. Each event carries the time at which it happened; heartbeats that
// were counted, that of the last.

import type { ConnectionInput } from '../machines/connection.ts'
import type { Witness } from '../machines/driver.ts'
import type { ConnectionEvent } from '../machines/effects.ts'
import type { ConnectionSnapshot } from '../machines/host.ts'
import type { Message } from '../protocol/message.ts'
import { type LifeEvent, toLifeEvent } from './events.ts'

/** What of a connection is written down: nothing; its life; also each message's size; also what it said. */
export type JournalLevel = 'off' | 'lifecycle' | 'sizes' | 'payloads'

export const JOURNAL_LEVELS: readonly JournalLevel[] = ['off', 'lifecycle', 'sizes', 'payloads']

/** What the recorder needs to know that the machine does not. */
export interface Described {
  readonly path: string
  readonly origin: string | null
  readonly ownMachine: boolean
}

/** Takes the events of one life, in order; `atMs` is wall-clock time. Returns whether it was kept, or is on its way. */
export type Write = (connectionId: string, event: LifeEvent, atMs: number) => boolean

interface Happened {
  readonly event: LifeEvent
  readonly atMs: number
}

/** Events that only keep time; a few of them wait here, in case they come to nothing. */
const MAX_QUIET = 8

export class Recorder implements Witness {
  readonly level: JournalLevel
  readonly #write: Write
  readonly #nowMs: () => number
  /** Until the life's first event has told it. */
  #described: Described | undefined
  #id = ''
  /** Whether what is written leaves the connection `alive`, with `#pings` pings: then a heartbeat is only a count. */
  #anchored = false
  #pings = 0
  #heartbeats = 0
  /** When the last of those was answered. */
  #beatAtMs = 0
  /** Quiet events after those. */
  #quiet: Happened[] | undefined
  #unrecorded = 0

  /** @param nowMs - wall-clock time, ms since 1970. */
  constructor(level: JournalLevel, described: Described, nowMs: () => number, write: Write) {
    this.level = level
    this.#nowMs = nowMs
    this.#described = described
    this.#write = write
  }

  get recordsMessages(): boolean {
    return this.level !== 'lifecycle'
  }

  started(input: ConnectionInput): void {
    this.#id = input.connectionId
    const { connectionId, startedAtMs, deadlines, pingTimeoutCode } = input
    const { path, origin, ownMachine } = this.#described as Described
    this.#described = undefined
    const data = {
      connectionId,
      startedAtMs,
      deadlines,
      pingTimeoutCode,
      path,
      origin,
      ownMachine,
    }
    this.#note({ type: 'ConnectionStarted', data })
  }

  took(event: ConnectionEvent | { readonly type: string }, after: ConnectionSnapshot): void {
    const { record } = after.context
    if (record !== null) {
      this.#flush()
      const unrecorded = this.#unrecorded
      this.#note({ type: 'ConnectionClosed', data: { record, unrecorded, inferred: false } })
    } else if (isQuiet(event.type)) {
      this.#keepQuiet(event, after)
    } else {
      this.#flush()
      this.#note(toLifeEvent(event))
      this.#anchor(after)
    }
  }

  machineReplaced(): void {
    this.#flush()
    this.#note({ type: 'MachineReplaced', data: {} })
  }

  message(type: 'MessageReceived' | 'MessageSent', message: Message): void {
    // In the order of their times. A heartbeat that is half over then cannot become a count any more.
    if (this.#quiet !== undefined) this.#anchored = false
    this.#flush()
    const text = typeof message === 'string'
    const bytes = text ? Buffer.byteLength(message) : message.byteLength
    const size = { kind: text ? 'text' : 'binary', bytes } as const
    if (this.level === 'sizes') return this.#note({ type, data: size })
    const payload = text ? message : Buffer.from(message).toString('base64')
    this.#note({ type, data: { ...size, payload } })
  }

  /** Holds a quiet event back; once the connection is `alive` again all that is left of them is a number. */
  #keepQuiet(event: { readonly type: string }, after: ConnectionSnapshot): void {
    if (this.#anchored && isAlive(after)) {
      this.#heartbeats += after.context.pings - this.#pings
      this.#pings = after.context.pings
      this.#beatAtMs = this.#nowMs()
      this.#quiet = undefined
      return
    }
    this.#quiet ??= []
    this.#quiet.push({ event: toLifeEvent(event), atMs: this.#nowMs() })
    if (this.#anchored && this.#quiet.length < MAX_QUIET) return
    this.#flush()
    this.#anchor(after)
  }

  #anchor(after: ConnectionSnapshot): void {
    this.#anchored = isAlive(after)
    this.#pings = after.context.pings
  }

  #flush(): void {
    if (this.#heartbeats > 0) {
      this.#note({ type: 'HeartbeatsPassed', data: { pings: this.#heartbeats } }, this.#beatAtMs)
      this.#heartbeats = 0
    }
    const quiet = this.#quiet
    this.#quiet = undefined
    if (quiet !== undefined) for (const { event, atMs } of quiet) this.#note(event, atMs)
  }

  #note(event: LifeEvent, atMs = this.#nowMs()): void {
    if (!this.#write(this.#id, event, atMs)) this.#unrecorded++
  }
}

// Asked at each step; `snapshot.matches` takes its argument apart each time.
function isAlive({ value }: ConnectionSnapshot): boolean {
  return typeof value === 'object' && 'open' in value && value.open === 'alive'
}

function isQuiet(type: string): boolean {
  return (
    type === 'pong.received' ||
    type === 'input.paused' ||
    type === 'input.resumed' ||
    type.startsWith('xstate.after.ping')
  )
}
