// Store: where events are kept. The port, and its contract in prose.
//
// A store holds streams; a stream is a log of events that are numbered 1, 2, 3 … without a hole. There are two
// families, told apart by the name: `connection/<id>` holds the life of one connection, `topic/<name>` the messages
// of one durable topic. What an event means the store does not know; its data is text or bytes.
//
// Every store keeps to this, and `storeContract` in `windsock/testing` checks it:
//
//   1. `append` resolves when all its events are kept, in the class that `durability` names, or rejects and keeps
//      none of them. Appends take effect in the order of the calls, over all streams, and resolve in it.
//   2. Versions are assigned once and never again within an epoch: a refused append leaves no hole.
//   3. An event whose key its stream has seen within the key window is not kept again; its first version comes back.
//   4. `read` gives what is kept after a version, oldest first, in one piece without a hole.
//   5. What `trim` and `expire` took away shows in `floor`; they never take what they were not told to.
//   6. `epoch` stays as long as nothing acknowledged was lost, also over a restart; otherwise it is a new one.
//   7. Damage is an error (`ERR_WINDSOCK_JOURNAL_CORRUPT`), never a skipped event. After an error of the disk's own
//      (a failed sync) nothing is acknowledged any more by this process.
//   8. After `close` every call rejects with `ERR_WINDSOCK_JOURNAL_CLOSED`; `close` itself waits for what was appended.

import { JournalError } from '../protocol/errors.ts'

/** What an acknowledged append survives: the end of the process it does not, `disk`: a loss of power too. */
export type Durability = 'memory' | 'disk'

export interface NewEvent {
  /** What happened, in the past tense; for a topic's message `text`, `json` or `binary`. */
  readonly type: string
  /** The version of the data's shape; old ones are read through upcasters. */
  readonly schema: number
  /** Wall-clock time, ms since 1970. */
  readonly atMs: number
  readonly data: string | Uint8Array
  /** Idempotency key, at most 128 bytes of UTF-8. */
  readonly key?: string
  /** The stream ends with this event. */
  readonly ends?: boolean
}

/**
 * An event for `appendNow`; data that is an object is written out, as JSON, each time that it is read, and must not change.
 *
 * How a life begins and ends is long to write and seldom read; to write out the beginning made up half of what
 * a journal in memory adds to the opening of a connection.
 */
export type LaterEvent = Omit<NewEvent, 'data'> & { readonly data: NewEvent['data'] | object }

export interface RecordedEvent {
  readonly stream: string
  /** Its number in its stream, from 1. */
  readonly version: number
  readonly type: string
  readonly schema: number
  readonly atMs: number
  readonly data: string | Uint8Array
}

export interface AppendOptions {
  /**
   * Append only if the stream's head is this; 0: only if the stream is new.
   *
   * Otherwise the append rejects with `ERR_WINDSOCK_JOURNAL_CONFLICT`. Default: append to whatever there is.
   */
  readonly expectedVersion?: number
}

/** What became of one event. */
export interface Kept {
  readonly version: number
  /** Its key was known: nothing was kept, and `version` is that of the first. */
  readonly duplicate: boolean
}

/** Where a stream stands: `floor + 1 … head` is kept. A stream that does not exist has head 0. */
export interface StreamPosition {
  /** Opaque, at most 32 characters; compared for equality only. */
  readonly epoch: string
  readonly head: number
  /** The highest version that was trimmed; 0 when none was. */
  readonly floor: number
}

export interface Appended extends StreamPosition {
  /** One for each event, in their order. */
  readonly kept: readonly Kept[]
}

export interface ReadOptions {
  /** Give what comes after this version; default 0. Below `floor` it counts as `floor`. */
  readonly after?: number
  /** Default 1,000, at most 10,000. */
  readonly maxEvents?: number
  /** Stop before the event that would exceed it, but give at least one; default 1 MiB. */
  readonly maxBytes?: number
}

export interface StreamPage extends StreamPosition {
  readonly events: readonly RecordedEvent[]
}

export interface TrimOptions {
  /** Keep this many of the newest. */
  readonly keep?: number
  /** Keep what is not older than this wall-clock time, ms since 1970. With `keep`: what either rule takes goes. */
  readonly notBeforeMs?: number
}

/** What is kept of the lives of connections, over all of them. */
export interface Retention {
  /** Events over all connections. */
  readonly maxEvents: number
  /** Wall-clock time, ms since 1970, before which events go. */
  readonly notBeforeMs: number
}

export interface ListOptions {
  /** Only events of this type. */
  readonly type?: string
  /** Only what stands before this cursor; default: from the newest. */
  readonly before?: number
  /** Default 100, at most 10,000. */
  readonly maxEvents?: number
}

export interface ListPage {
  /** Newest first. */
  readonly events: readonly RecordedEvent[]
  /** Give it as `before` for the next page; `undefined` when this was the last. */
  readonly next: number | undefined
}

export interface StreamsOptions {
  /** Only names that begin so; default: all. */
  readonly prefix?: string
  /** Only names behind this one, for the next page; default: from the first. */
  readonly after?: string
  /** Default 1,000, at most 10,000. */
  readonly maxStreams?: number
}

/** A fold's result, so that the next fold may begin there. */
export interface SavedSnapshot {
  /** The version of the last event in it. */
  readonly version: number
  /** The version of the machine's shape; a snapshot of another is not used. */
  readonly schema: number
  readonly data: string
}

/**
 * Where events are kept: the port behind a `Journal`, for a store of your own.
 *
 * The contract stands above, and `storeContract` in `windsock/testing` checks it. What cannot be done rejects with a
 * `JournalError`, and nothing is thrown.
 */
export interface Store {
  readonly durability: Durability
  /** Events appended and not acknowledged yet. */
  readonly backlog: number
  /** Keeps all of `events`, or none; `ERR_WINDSOCK_JOURNAL_CONFLICT` when the stream is not at `expectedVersion`. */
  append(stream: string, events: readonly NewEvent[], options?: AppendOptions): Promise<Appended>
  /**
   * As `append`, for a store that keeps what it is given as it is, and waits for nothing: the events are kept when it
   * returns. Throws what `append` would reject with.
   */
  appendNow?(stream: string, events: readonly LaterEvent[]): void
  /** What is kept after a version, oldest first; a stream that does not exist has no events and head 0. */
  read(stream: string, options?: ReadOptions): Promise<StreamPage>
  /** Where a stream stands; a stream that does not exist yet gets its epoch now. */
  position(stream: string): Promise<StreamPosition>
  /** Events of all connections' lives, newest first. */
  list(options?: ListOptions): Promise<ListPage>
  /** Names of the streams that keep events, of both families; in an order of the store's own, always the same. */
  streams(options?: StreamsOptions): Promise<readonly string[]>
  /**
   * Lives that have begun and not ended, in the order in which they began; at most `MAX_UNENDED`, the oldest. Who ends
   * those gets the next ones.
   */
  unended(): Promise<readonly string[]>
  /** Takes away the oldest of one stream. */
  trim(stream: string, options: TrimOptions): Promise<StreamPosition>
  /** Takes away the oldest of all lives; returns how many events went. */
  expire(retention: Retention): Promise<number>
  /** Keeps the one snapshot of a stream, in place of the one before. */
  saveSnapshot(stream: string, snapshot: SavedSnapshot): Promise<void>
  /** The one that was saved last; `undefined` for none. */
  loadSnapshot(stream: string): Promise<SavedSnapshot | undefined>
  /** Waits for what was appended; then every call rejects with `ERR_WINDSOCK_JOURNAL_CLOSED`. */
  close(): Promise<void>
}

/** The stream of one connection's life. */
export function connectionStream(connectionId: string): string {
  return `connection/${connectionId}`
}

/** The stream of one durable topic. */
export function topicStream(name: string): string {
  return `topic/${name}`
}

/** Which family a stream is of. */
export function isTopicStream(stream: string): boolean {
  return stream.startsWith('topic/')
}

export const DEFAULT_READ = { after: 0, maxEvents: 1_000, maxBytes: 1024 * 1024 } as const

export const MAX_UNENDED = 10_000

/** How long, and for how many messages, a stream knows a key again. NATS JetStream's window is the same two minutes. */
export const KEY_WINDOW = { ms: 120_000, count: 100_000 } as const

export function conflict(stream: string, expected: number, head: number): JournalError {
  return new JournalError(
    'ERR_WINDSOCK_JOURNAL_CONFLICT',
    `${stream} is at version ${head}, and the append expected ${expected}: read what came in between, and decide again`,
  )
}

export function closed(): JournalError {
  return new JournalError('ERR_WINDSOCK_JOURNAL_CLOSED', 'the journal is closed')
}
