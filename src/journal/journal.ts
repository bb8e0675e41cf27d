// Journal: the front of a store. It takes lives without making anyone wait, and gives them back.
//
// Lives are written beside the way: no connection waits for its events, and a store that is full or broken costs the
// events, never the connection. What could not be written is counted in the life's last event. How much is kept is
// bounded by number and by age.

import { NO_TOTALS } from '../machines/connection.ts'
import type { ConnectionEvent } from '../machines/effects.ts'
import type { CloseRecord } from '../protocol/close-record.ts'
import { SettingError, show, WebSocketError } from '../protocol/errors.ts'
import { DEFAULT_LIMITS } from '../protocol/limits.ts'
import type { Clock } from '../protocol/ports.ts'
import { tell } from '../protocol/user-code.ts'
import {
  decodeLifeEvent,
  encodeLater,
  encodeLifeEvent,
  type LifeEvent,
  type RecordedLifeEvent,
  VOCABULARY,
  type Vocabulary,
} from './events.ts'
import { Fold } from './fold.ts'
import { Bells, type FollowOptions, follow } from './follow.ts'
import { type Described, type JournalLevel, Recorder } from './recorder.ts'
import { connectionStream, type LaterEvent, type NewEvent, type Store } from './store.ts'

/**
 * How much of the lives of connections a journal keeps, and what of each event.
 *
 * What is older or more goes, the oldest first, looked after at each 1,000 events; messages of durable topics are the
 * topics' own matter.
 */
export interface JournalOptions {
  /** Events of lives that are kept, over all connections; default 1,000,000, in memory 10,000. */
  readonly maxEvents?: number
  /** Events of lives older than this go, ms; default 86,400,000, a day. */
  readonly maxAgeMs?: number
  /** Changes an event before it is kept, or drops it (`undefined`): the place to leave out what must not be kept. */
  readonly redact?: (event: LifeEvent, connectionId: string) => LifeEvent | undefined
  /** Told when the store begins to refuse, once until it takes something again. Default: nobody. */
  readonly onError?: (error: WebSocketError) => void
}

/** Above this many events that wait for the store, only the beginning and the end of a life are written. */
const SHED_ABOVE = 50_000

/** How many events are appended between two looks at what is too old or too many. */
const EXPIRE_EVERY = 1_000

/** Places for what is gathered that are used again. */
const MOST_KEPT = 16

const DAY_MS = 24 * 3_600_000

/**
 * The lives of connections as events, and durable topics beside them; `openJournal()` and `memoryJournal()` make it.
 *
 * No connection waits for it: what the store does not take is counted in `unrecorded`, in the life's last event, and told to
 * `onError`. Reading rejects with a `JournalError`: `ERR_WINDSOCK_JOURNAL_CLOSED` after `close()`, `…_CORRUPT` for damage,
 * `ERR_WINDSOCK_JOURNAL` for the disk.
 */
export class Journal {
  /** What is behind it; durable topics write there, too. */
  readonly store: Store
  readonly #clock: Clock
  readonly #options: JournalOptions
  readonly #maxEvents: number
  readonly #maxAgeMs: number
  readonly #vocabulary: Vocabulary
  readonly #bells = new Bells()
  readonly #encode: typeof encodeLater
  readonly #now = (): number => Math.floor(this.#clock.wallMs())
  #sinceExpired = 0
  #unrecorded = 0
  #refusing = false
  #isClosed = false
  /**
   * What was said of one connection, until another has something to say or the event loop is through with this turn. It is used
   * again and again: an array that is pushed to makes room for a dozen more, and an opening has three.
   */
  #gathered: (LaterEvent | undefined)[] = []
  #gatheredCount = 0
  #gatheredOf = ''
  #appendsSoon = false

  /**
   * @param vocabulary - how events are written and read; default: today's.
   * @throws SettingError for a bound out of range.
   */
  constructor(
    store: Store,
    clock: Clock,
    options: JournalOptions = {},
    vocabulary: Vocabulary = VOCABULARY,
  ) {
    const { maxEvents = store.durability === 'memory' ? 10_000 : 1_000_000, maxAgeMs = DAY_MS } =
      options
    checkBound('maxEvents', maxEvents, 'events')
    checkBound('maxAgeMs', maxAgeMs, 'ms')
    this.store = store
    this.#clock = clock
    this.#options = options
    this.#maxEvents = maxEvents
    this.#maxAgeMs = maxAgeMs
    this.#vocabulary = vocabulary
    // What `redact` returns somebody else may hold.
    const mayWait = store.appendNow !== undefined && options.redact === undefined
    this.#encode = mayWait ? encodeLater : encodeLifeEvent
  }

  /** Events of lives that could not be kept: the store refused, too many were waiting, or `redact` threw. */
  get unrecorded(): number {
    return this.#unrecorded
  }

  /** A recorder for one connection; `undefined` when nothing of it is to be kept. */
  recorder(level: JournalLevel, described: Described): Recorder | undefined {
    return level === 'off' ? undefined : new Recorder(level, described, this.#now, this.#write)
  }

  /** The events of one life that are kept, oldest first; empty for a connection that is not known. */
  async life(connectionId: string): Promise<readonly RecordedLifeEvent[]> {
    this.#append()
    const events: RecordedLifeEvent[] = []
    for (let after = 0; ; ) {
      const page = await this.store.read(connectionStream(connectionId), { after })
      for (const recorded of page.events) {
        const event = decodeLifeEvent(recorded, this.#vocabulary)
        if (event !== undefined) events.push(event)
      }
      const last = page.events.at(-1)
      if (last === undefined || last.version >= page.head) return events
      after = last.version
    }
  }

  /**
   * The events of one life, oldest first, those to come as soon as they are kept; each once, in order, until the life has
   * ended or `signal` ends it. A connection that is not known yet is waited for.
   *
   * However slow the reader, nothing is queued for it: it is a position in the journal, which is read page by page.
   *
   * @throws JournalError when events after its position expired before they were read, or the journal was closed.
   */
  async *follow(
    connectionId: string,
    options: FollowOptions = {},
  ): AsyncGenerator<RecordedLifeEvent, void, undefined> {
    this.#append()
    const stream = connectionStream(connectionId)
    const { after = 0 } = options
    if (after > 0) {
      const last = await this.#lastOf(connectionId)
      if (last?.type === 'ConnectionClosed' && last.version <= after) return
    }
    for await (const recorded of follow(this.store, stream, options, this.#bells, this.#clock)) {
      const event = decodeLifeEvent(recorded, this.#vocabulary)
      if (event === undefined) continue
      yield event
      if (event.type === 'ConnectionClosed') return
    }
  }

  /** The close record of one connection; `undefined` while it lives, and when it is not known. */
  async closeRecord(connectionId: string): Promise<CloseRecord | undefined> {
    this.#append()
    const last = await this.#lastOf(connectionId)
    return last?.type === 'ConnectionClosed' ? last.data.record : undefined
  }

  /**
   * Close records, newest first.
   *
   * @param options - `maxRecords` at a time: default 100, at most 10,000; `before`: the `next` of the page before.
   */
  async closeRecords(
    options: { readonly before?: number; readonly maxRecords?: number } = {},
  ): Promise<{ readonly records: readonly CloseRecord[]; readonly next: number | undefined }> {
    this.#append()
    const { before, maxRecords = 100 } = options
    const { events, next } = await this.store.list({
      type: 'ConnectionClosed',
      maxEvents: maxRecords,
      ...(before !== undefined && { before }),
    })
    const records: CloseRecord[] = []
    for (const recorded of events) {
      const event = decodeLifeEvent(recorded, this.#vocabulary)
      if (event?.type === 'ConnectionClosed') records.push(event.data.record)
    }
    return { records, next }
  }

  /**
   * Ends the lives that a process before this one left open, and returns how many there were.
   *
   * Nobody knows when they ended: the record says what was known last, and that it is inferred.
   */
  async endAbandoned(): Promise<number> {
    let ended = 0
    for (;;) {
      const streams = await this.store.unended()
      for (const stream of streams) {
        const id = stream.slice('connection/'.length)
        await this.store.append(stream, [
          encodeLifeEvent(inferEnd(id, await this.life(id)), this.#now(), this.#vocabulary),
        ])
        ended++
      }
      if (streams.length === 0) return ended
    }
  }

  /** Whether `close()` was called. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Waits for what was written, and lets go of the store; nothing can be read or written any more. */
  close(): Promise<void> {
    this.#isClosed = true
    this.#append()
    const closed = this.store.close()
    this.#bells.ringAll()
    return closed
  }

  /** As `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #lastOf(connectionId: string): Promise<RecordedLifeEvent | undefined> {
    const stream = connectionStream(connectionId)
    const { head } = await this.store.position(stream)
    const { events } = await this.store.read(stream, { after: Math.max(0, head - 1) })
    const last = events.at(-1)
    return last === undefined ? undefined : decodeLifeEvent(last, this.#vocabulary)
  }

  readonly #write = (connectionId: string, event: LifeEvent, atMs: number): boolean => {
    const isEdge = event.type === 'ConnectionStarted' || event.type === 'ConnectionClosed'
    if (this.store.backlog > SHED_ABOVE && !isEdge) return this.#lost()
    let kept: LifeEvent | undefined = event
    try {
      if (this.#options.redact !== undefined) kept = this.#options.redact(event, connectionId)
      if (kept === undefined) return false
      this.#gather(connectionId, this.#encode(kept, atMs, this.#vocabulary))
    } catch (thrown) {
      this.#refused(thrown)
      return false
    }
    this.#expireSometimes()
    return true
  }

  // What a turn says of one connection, such as all of its opening, is appended at once.
  #gather(connectionId: string, event: LaterEvent): void {
    if (this.#gatheredOf !== connectionId) this.#append()
    if (!this.#appendsSoon) this.#clock.endOfLoop(this.#appendSoon)
    this.#appendsSoon = true
    this.#gatheredOf = connectionId
    this.#gathered[this.#gatheredCount++] = event
  }

  readonly #appendSoon = (): void => {
    this.#appendsSoon = false
    this.#append()
  }

  #append(): void {
    const events = this.#takeGathered()
    if (events.length === 0) return
    const stream = connectionStream(this.#gatheredOf)
    try {
      if (this.store.appendNow !== undefined) {
        this.store.appendNow(stream, events)
        this.#took(stream)
      } else {
        this.#appendLater(stream, events as readonly NewEvent[])
      }
    } catch (thrown) {
      this.#refused(thrown, events.length)
    }
  }

  #takeGathered(): LaterEvent[] {
    const count = this.#gatheredCount
    const events = this.#gathered.slice(0, count) as LaterEvent[]
    this.#gatheredCount = 0
    if (count > MOST_KEPT) this.#gathered = []
    else this.#gathered.fill(undefined, 0, count)
    return events
  }

  #appendLater(stream: string, events: readonly NewEvent[]): void {
    this.store.append(stream, events).then(
      () => this.#took(stream),
      (thrown: unknown) => this.#refused(thrown, events.length),
    )
  }

  #took(stream: string): void {
    this.#refusing = false
    this.#bells.ring(stream)
  }

  #lost(events = 1): false {
    this.#unrecorded += events
    return false
  }

  readonly #refused = (thrown: unknown, events = 1): void => {
    this.#lost(events)
    if (this.#refusing) return
    this.#refusing = true
    // An error listener that fails has nobody left to tell.
    tell(this.#options.onError, () => {}, WebSocketError.from(thrown))
  }

  #expireSometimes(): void {
    if (++this.#sinceExpired < EXPIRE_EVERY) return
    this.#sinceExpired = 0
    const notBeforeMs = this.#now() - this.#maxAgeMs
    this.store
      .expire({ maxEvents: this.#maxEvents, notBeforeMs })
      .catch((thrown) => this.#refused(thrown))
  }
}

/** What is to be said of a life whose process ended without a word: what was known last, and nothing counted. */
function inferEnd(connectionId: string, events: readonly RecordedLifeEvent[]): LifeEvent {
  const folding = new Fold()
  const [first] = events
  const startedAtMs = first?.atMs ?? 0
  // Where the beginning is gone, a life that never got anywhere stands for it.
  if (first?.type !== 'ConnectionStarted') {
    folding.start({ connectionId, startedAtMs, deadlines: DEFAULT_LIMITS })
  } else {
    for (const event of events) folding.apply(event)
  }
  const end: ConnectionEvent = {
    type: 'transport.ended',
    totals: NO_TOTALS,
    durationMs: (events.at(-1)?.atMs ?? startedAtMs) - startedAtMs,
    silentForMs: 0,
    sent: null,
  }
  const record = folding.tell(end).after.context.record as CloseRecord
  return { type: 'ConnectionClosed', data: { record, unrecorded: 0, inferred: true } }
}

function checkBound(name: string, value: number, unit: string): void {
  if (Number.isSafeInteger(value) && value >= 1) return
  throw new SettingError(
    `the journal's ${name} is ${show(value)}: it must be a whole number of ${unit}, at least 1`,
  )
}
