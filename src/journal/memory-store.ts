// Memory store: events in memory, bounded, for as long as the process lives. The default.
//
// It keeps the contract of `store.ts` with durability `memory`: a new process has a new epoch and nothing before it.
// Nothing here waits: promises resolve in the turn of the call.

import type { Random } from '../protocol/ports.ts'
import { newEpoch } from '../protocol/position.ts'
import { KeyWindow } from './key-window.ts'
import {
  type Appended,
  type AppendOptions,
  closed,
  conflict,
  DEFAULT_READ,
  isTopicStream,
  type LaterEvent,
  type ListOptions,
  type ListPage,
  MAX_UNENDED,
  type NewEvent,
  type ReadOptions,
  type RecordedEvent,
  type Retention,
  type SavedSnapshot,
  type Store,
  type StreamPage,
  type StreamPosition,
  type StreamsOptions,
  type TrimOptions,
} from './store.ts'

interface Stream {
  readonly name: string
  readonly epoch: string
  head: number
  floor: number
  /** Versions `floor + 1 … head`, in order, as they were given; those before `start` are gone. */
  events: LaterEvent[]
  start: number
  ended: boolean
  /** Made with the first key. */
  keys: KeyWindow | undefined
  snapshot: SavedSnapshot | undefined
}

/** Events of a stream that are kept without room for more. */
const SHORT = 8

export class MemoryStore implements Store {
  readonly durability = 'memory'
  readonly backlog = 0
  readonly #random: Random
  /** In the order of their first appends. */
  readonly #streams = new Map<string, Stream>()
  /** Of all lives: nothing is kept of one that was only asked for, so it has no epoch of its own. */
  readonly #livesEpoch: string
  /**
   * Of every event of a connection's life, in the order of the appends, its stream, and at the same place of the other its
   * version: an object for each event would be one more to keep. Those before `#lifeStart` are gone.
   */
  #life: Stream[] = []
  #lifeVersions: number[] = []
  #lifeStart = 0
  /** The cursor of what stands first there. */
  #lifeBase = 1
  #closed = false

  constructor(random: Random) {
    this.#random = random
    this.#livesEpoch = newEpoch(random)
  }

  async append(
    name: string,
    events: readonly NewEvent[],
    { expectedVersion }: AppendOptions = {},
  ): Promise<Appended> {
    const stream = this.#stream(name)
    if (expectedVersion !== undefined && expectedVersion !== stream.head) {
      throw conflict(name, expectedVersion, stream.head)
    }
    const kept = events.map((event) => {
      const known = versionOf(stream, event)
      return known === undefined
        ? { version: this.#keep(stream, event), duplicate: false }
        : { version: known, duplicate: true }
    })
    return { ...positionOf(stream), kept }
  }

  appendNow(name: string, events: readonly LaterEvent[]): void {
    const stream = this.#stream(name)
    // Most lives are short, and an array that is pushed to makes room for a dozen more.
    if (stream.events.length < SHORT && events.every(hasNoKey)) {
      stream.events = stream.events.concat(events)
      for (const event of events) this.#count(stream, event)
      return
    }
    for (const event of events) {
      if (versionOf(stream, event) === undefined) this.#keep(stream, event)
    }
  }

  async read(name: string, options: ReadOptions = {}): Promise<StreamPage> {
    const { after, maxEvents, maxBytes } = { ...DEFAULT_READ, ...options }
    const stream = this.#streamIfAny(name)
    const events: RecordedEvent[] = []
    let bytes = 0
    const { head, floor } = stream
    for (let version = Math.max(after, floor) + 1; version <= head; version++) {
      if (events.length >= maxEvents) break
      const event = recorded(stream, version)
      bytes += event.data.length
      if (bytes > maxBytes && events.length > 0) break
      events.push(event)
    }
    return { ...positionOf(stream), events }
  }

  async position(name: string): Promise<StreamPosition> {
    return positionOf(isTopicStream(name) ? this.#stream(name) : this.#streamIfAny(name))
  }

  async list({ type, before, maxEvents = 100 }: ListOptions = {}): Promise<ListPage> {
    this.#checkOpen()
    const events: RecordedEvent[] = []
    let index = Math.min((before ?? Number.POSITIVE_INFINITY) - this.#lifeBase, this.#life.length)
    while (--index >= this.#lifeStart) {
      const stream = this.#life[index] as Stream
      const version = this.#lifeVersions[index] as number
      const event = eventAt(stream, version)
      if (event === undefined || (type !== undefined && event.type !== type)) continue
      if (events.length === maxEvents) return { events, next: this.#lifeBase + index + 1 }
      events.push(recorded(stream, version))
    }
    return { events, next: undefined }
  }

  async streams({
    prefix = '',
    after = '',
    maxStreams = 1_000,
  }: StreamsOptions = {}): Promise<readonly string[]> {
    this.#checkOpen()
    const names: string[] = []
    for (const { name, start, events } of this.#streams.values()) {
      if (start < events.length && name > after && name.startsWith(prefix)) names.push(name)
    }
    return names.sort().slice(0, maxStreams)
  }

  async unended(): Promise<readonly string[]> {
    this.#checkOpen()
    const names: string[] = []
    for (const { name, head, ended } of this.#streams.values()) {
      if (names.length === MAX_UNENDED) break
      if (head > 0 && !ended && !isTopicStream(name)) names.push(name)
    }
    return names
  }

  async trim(name: string, { keep, notBeforeMs }: TrimOptions): Promise<StreamPosition> {
    const stream = this.#streamIfAny(name)
    const newest = stream.events.length - stream.start
    let count = keep === undefined ? 0 : Math.max(0, newest - keep)
    if (notBeforeMs !== undefined) {
      while (count < newest && ageOf(stream.events[stream.start + count]) < notBeforeMs) count++
    }
    drop(stream, count)
    return positionOf(stream)
  }

  async expire({ maxEvents, notBeforeMs }: Retention): Promise<number> {
    this.#checkOpen()
    let count = 0
    for (; this.#lifeStart < this.#life.length; this.#lifeStart++) {
      const stream = this.#life[this.#lifeStart] as Stream
      const oldest = eventAt(stream, this.#lifeVersions[this.#lifeStart] as number)
      // Its stream may have been trimmed meanwhile.
      if (oldest === undefined) continue
      const tooMany = this.#life.length - this.#lifeStart > maxEvents
      if (!tooMany && oldest.atMs >= notBeforeMs) break
      count++
      drop(stream, 1)
      if (stream.ended && stream.floor === stream.head) this.#streams.delete(stream.name)
    }
    // An array that is cut at its front is moved; every so often is cheap, every time is not.
    if (this.#lifeStart > 1_000 && this.#lifeStart > this.#life.length / 2) {
      this.#life = this.#life.slice(this.#lifeStart)
      this.#lifeVersions = this.#lifeVersions.slice(this.#lifeStart)
      this.#lifeBase += this.#lifeStart
      this.#lifeStart = 0
    }
    return count
  }

  async saveSnapshot(name: string, snapshot: SavedSnapshot): Promise<void> {
    this.#stream(name).snapshot = snapshot
  }

  async loadSnapshot(name: string): Promise<SavedSnapshot | undefined> {
    return this.#streamIfAny(name).snapshot
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #keep(stream: Stream, event: LaterEvent): number {
    stream.events.push(event)
    return this.#count(stream, event)
  }

  #count(stream: Stream, event: LaterEvent): number {
    const version = ++stream.head
    if (event.ends) stream.ended = true
    if (event.key !== undefined) {
      stream.keys ??= new KeyWindow()
      stream.keys.note(event.key, version, event.atMs)
    }
    if (!isTopicStream(stream.name)) {
      this.#life.push(stream)
      this.#lifeVersions.push(version)
    }
    return version
  }

  #stream(name: string): Stream {
    this.#checkOpen()
    let stream = this.#streams.get(name)
    if (stream === undefined) {
      stream = this.#newStream(name)
      this.#streams.set(name, stream)
    }
    return stream
  }

  /** To look at a stream must not make one: nobody would ever take it away. */
  #streamIfAny(name: string): Stream {
    this.#checkOpen()
    return this.#streams.get(name) ?? this.#newStream(name)
  }

  #newStream(name: string): Stream {
    return {
      name,
      // A connection's id is never used again, so the lives of one process can share what tells them from another's.
      epoch: isTopicStream(name) ? newEpoch(this.#random) : this.#livesEpoch,
      head: 0,
      floor: 0,
      events: [],
      start: 0,
      ended: false,
      keys: undefined,
      snapshot: undefined,
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw closed()
  }
}

function positionOf({ epoch, head, floor }: Stream): StreamPosition {
  return { epoch, head, floor }
}

function hasNoKey({ key }: LaterEvent): boolean {
  return key === undefined
}

/** The version under which an event with that key is kept already. */
function versionOf(stream: Stream, { key, atMs }: LaterEvent): number | undefined {
  return key === undefined ? undefined : stream.keys?.versionOf(key, atMs)
}

function eventAt(stream: Stream, version: number): LaterEvent | undefined {
  const { floor, start, events } = stream
  return version > floor ? events[start + version - floor - 1] : undefined
}

/** As it is read; `version` must be kept. */
function recorded(stream: Stream, version: number): RecordedEvent {
  const { type, schema, atMs, data } = eventAt(stream, version) as LaterEvent
  const isWritten = typeof data === 'string' || data instanceof Uint8Array
  const written = isWritten ? data : JSON.stringify(data)
  return { stream: stream.name, version, type, schema, atMs, data: written }
}

function ageOf(event: LaterEvent | undefined): number {
  return event?.atMs ?? 0
}

function drop(stream: Stream, count: number): void {
  stream.start += count
  stream.floor += count
  if (stream.start > 1_000 && stream.start > stream.events.length / 2) {
    stream.events = stream.events.slice(stream.start)
    stream.start = 0
  }
}
