// SQLite store: events in one file, written by one worker thread.
//
// What is acknowledged is on disk. Calls of one turn go to the worker together; the event loop never waits for the
// disk. A process that ends by itself waits for what was appended; `process.exit()` waits for the transaction that is under
// way, and what was not acknowledged by then may be gone.

import { Worker } from 'node:worker_threads'
import { type ErrorCode, JournalError } from '../protocol/errors.ts'
import {
  BUSY,
  type Call,
  type CallFailure,
  type CallResult,
  type FromWorker,
  STOPPED,
  type ToWorker,
  type WorkerOptions,
} from './sqlite-calls.ts'
import { checkPlace } from './sqlite-place.ts'
import { unpacked } from './sqlite-results.ts'
import {
  type Appended,
  type AppendOptions,
  closed,
  type ListOptions,
  type ListPage,
  type NewEvent,
  type ReadOptions,
  type Retention,
  type SavedSnapshot,
  type Store,
  type StreamPage,
  type StreamPosition,
  type StreamsOptions,
  type TrimOptions,
} from './store.ts'

export interface SqliteOptions {
  /** Read what is there, beside the process that writes it, and change nothing. Default false. */
  readonly readOnly?: boolean
}

/** Events that may wait for the disk; an append beyond is refused, and nothing is lost. */
const MAX_BACKLOG = 100_000
/** The same in bytes of data: 64 MiB. */
const MAX_BACKLOG_BYTES = 64 * 1024 * 1024
const BEHIND = `the journal is behind: no more than ${MAX_BACKLOG} events, or ${MAX_BACKLOG_BYTES} bytes of them, may wait for the disk; publish more slowly, or try again`
/**
 * Answers that one turn of the event loop gives out, one or two milliseconds of work: a commit under a flood answers
 * ten thousand at once.
 */
const ANSWERED_A_TURN = 500
/** How long `process.exit()` may wait for a transaction; on a disk so slow the process ends as it may. */
const LONGEST_WAIT_MS = 2_000

/** The files that this process writes. */
const written = new Set<string>()

/**
 * Opens the journal `file`, and makes it and its folder if they are not there.
 *
 * @throws JournalError `ERR_WINDSOCK_JOURNAL_LOCKED` when another process has it open, or this one, `…_CORRUPT` when it is no journal
 *   or damaged, `…_NEWER` when a newer windsock has written it, `ERR_WINDSOCK_JOURNAL` when it cannot be opened, or this Node has no SQLite.
 */
export async function openSqliteStore(
  file: string,
  options: SqliteOptions = {},
): Promise<SqliteStore> {
  const { readOnly = false } = options
  const place = checkPlace(file, readOnly)
  if (!readOnly && written.has(place)) {
    throw new JournalError(
      'ERR_WINDSOCK_JOURNAL_LOCKED',
      `this process has the journal ${file} open already: a journal has one writer, so use that one, or close it first`,
    )
  }
  const shared = new SharedArrayBuffer(8)
  const workerData: WorkerOptions = { shared, file: place, readOnly }
  // `--input-type` says what a program on the command line is; the worker's is a file. Where nothing is said a worker has
  // the process's options; given to it as its own, those of the whole process (`--max-old-space-size`) are refused.
  const isTyped = process.execArgv.some((option) => option.startsWith('--input-type'))
  const worker = new Worker(new URL('./sqlite-worker.js', import.meta.url), {
    workerData,
    ...(isTyped && { execArgv: [] }),
  })
  const leave = () => stopAndWait(shared)
  process.on('exit', leave)
  if (!readOnly) written.add(place)
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      process.off('exit', leave)
      if (!readOnly) written.delete(place)
      resolve()
    })
  })
  const first = await new Promise<FromWorker>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  if (typeof first === 'object' && 'failed' in first) {
    await ended
    throw errorOf(first.failed)
  }
  return new SqliteStore(worker)
}

/**
 * Lets the worker finish the transaction that is under way, and begin no other.
 *
 * A thread that Node takes away while SQLite's native code runs aborts the process: seen with libsql in one of ten ends
 * by `process.exit()` under load.
 */
function stopAndWait(shared: SharedArrayBuffer): void {
  const state = new Int32Array(shared)
  Atomics.store(state, STOPPED, 1)
  Atomics.wait(state, BUSY, 1, LONGEST_WAIT_MS)
}

interface Waiting {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
  readonly events: number
  readonly bytes: number
}

export class SqliteStore implements Store {
  readonly durability = 'disk'
  readonly #worker: Worker
  /** Calls of this turn. */
  #calls: Call[] = []
  /** Calls without an answer, oldest first; those before `#answered` have theirs. */
  #waiting: (Waiting | undefined)[] = []
  #answered = 0
  /** What the worker has answered and nobody was told yet, oldest first. */
  #answers: Iterator<CallResult>[] = []
  #backlog = 0
  #backlogBytes = 0
  #ending: Promise<void> | undefined
  #dead: JournalError | undefined

  /** @internal Use `openSqliteStore`. */
  constructor(worker: Worker) {
    this.#worker = worker
    worker.unref()
    worker.on('message', (message: FromWorker) => {
      if (typeof message !== 'object' || !('results' in message)) return
      this.#answers.push(unpacked(message.results))
      // Behind others that wait, its turn comes.
      if (this.#answers.length === 1) this.#answerSome()
    })
    worker.on('error', (cause) => this.#died(cause))
    worker.on('exit', () => this.#died(undefined))
  }

  get backlog(): number {
    return this.#backlog
  }

  append(
    stream: string,
    events: readonly NewEvent[],
    { expectedVersion }: AppendOptions = {},
  ): Promise<Appended> {
    let bytes = 0
    for (const { data } of events) bytes += data.length
    const tooMany = this.#backlog + events.length > MAX_BACKLOG
    if (tooMany || this.#backlogBytes + bytes > MAX_BACKLOG_BYTES) {
      return Promise.reject(new JournalError('ERR_WINDSOCK_JOURNAL', BEHIND))
    }
    return this.#call(['append', stream, events, expectedVersion], events.length, bytes)
  }

  read(stream: string, options: ReadOptions = {}): Promise<StreamPage> {
    return this.#call(['read', stream, options])
  }

  position(stream: string): Promise<StreamPosition> {
    return this.#call(['position', stream])
  }

  list(options: ListOptions = {}): Promise<ListPage> {
    return this.#call(['list', options])
  }

  streams(options: StreamsOptions = {}): Promise<readonly string[]> {
    return this.#call(['streams', options])
  }

  unended(): Promise<readonly string[]> {
    return this.#call(['unended'])
  }

  trim(stream: string, options: TrimOptions): Promise<StreamPosition> {
    return this.#call(['trim', stream, options])
  }

  expire(retention: Retention): Promise<number> {
    return this.#call(['expire', retention])
  }

  saveSnapshot(stream: string, snapshot: SavedSnapshot): Promise<void> {
    return this.#call(['saveSnapshot', stream, snapshot])
  }

  loadSnapshot(stream: string): Promise<SavedSnapshot | undefined> {
    return this.#call(['loadSnapshot', stream])
  }

  /** Makes another log of every stream, for whoever held positions in it; returns how many topics there are. */
  newEpochs(): Promise<number> {
    return this.#call(['newEpochs'])
  }

  /** Gives the space of what was taken away back to the disk; everything else waits meanwhile. */
  compact(): Promise<void> {
    return this.#call(['compact'])
  }

  close(): Promise<void> {
    this.#ending ??= new Promise((resolve) => {
      this.#post()
      if (this.#dead !== undefined) return resolve()
      this.#worker.ref()
      this.#worker.once('exit', () => resolve())
      this.#tell('close')
    })
    return this.#ending
  }

  #call<T>(call: Call, events = 0, bytes = 0): Promise<T> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead)
    if (this.#ending !== undefined) return Promise.reject(closed())
    return new Promise<T>((resolve, reject) => {
      if (this.#waiting.length === this.#answered) this.#worker.ref()
      this.#waiting.push({ resolve, reject, events, bytes })
      this.#backlog += events
      this.#backlogBytes += bytes
      this.#calls.push(call)
      if (this.#calls.length === 1) setImmediate(() => this.#post())
    })
  }

  #post(): void {
    const calls = this.#calls
    if (calls.length === 0) return
    this.#calls = []
    this.#tell({ calls })
  }

  #tell(message: ToWorker): void {
    this.#worker.postMessage(message)
  }

  #answerSome(): void {
    this.#answer(ANSWERED_A_TURN)
    if (this.#answers.length > 0) setImmediate(() => this.#answerSome())
  }

  #answer(most: number): void {
    for (let count = 0; count < most; count++) {
      const next = this.#nextAnswer()
      if (next === undefined) break
      this.#settle(next)
    }
    // Cut at the front every so often: the array is moved as a whole.
    if (this.#answered > 1_000 && this.#answered > this.#waiting.length / 2) {
      this.#waiting = this.#waiting.slice(this.#answered)
      this.#answered = 0
    }
    if (this.#waiting.length === this.#answered && this.#ending === undefined) this.#worker.unref()
  }

  #nextAnswer(): CallResult | undefined {
    for (;;) {
      const next = this.#answers[0]?.next()
      if (next === undefined) return undefined
      if (next.done !== true) return next.value
      this.#answers.shift()
    }
  }

  #settle(result: CallResult): void {
    const call = this.#waiting[this.#answered] as Waiting
    // Its promise holds what it was answered with, which may be a page of megabytes.
    this.#waiting[this.#answered] = undefined
    this.#answered++
    this.#backlog -= call.events
    this.#backlogBytes -= call.bytes
    if ('failure' in result) call.reject(errorOf(result.failure))
    else call.resolve(result.value as never)
  }

  #died(cause: unknown): void {
    if (this.#dead !== undefined) return
    // What was answered before the end was kept.
    this.#answer(Number.POSITIVE_INFINITY)
    this.#dead =
      this.#ending === undefined
        ? new JournalError('ERR_WINDSOCK_JOURNAL', "the journal's thread has ended", cause)
        : closed()
    for (const call of this.#waiting.slice(this.#answered)) call?.reject(this.#dead)
    this.#waiting = []
    this.#answered = 0
    this.#backlog = 0
    this.#backlogBytes = 0
  }
}

function errorOf({ code, message }: CallFailure): JournalError {
  return new JournalError(code as Extract<ErrorCode, `ERR_WINDSOCK_JOURNAL${string}`>, message)
}
