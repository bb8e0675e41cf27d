// Simulated disk: what a journal keeps over the end of its process, and everything that a disk does wrong.
//
// It stands in for the disk and for SQLite above it, behind the port `Store`. Each process opens it anew; what was
// acknowledged is there then, what was not is there whole or not at all. Torn pages and flipped bits are beneath
// SQLite and are not told apart here.

import { MemoryStore } from '../journal/memory-store.ts'
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
} from '../journal/store.ts'
import { JournalError } from '../protocol/errors.ts'
import type { Clock } from '../protocol/ports.ts'
import { seededRandom } from './seeded-random.ts'

/**
 * How the disk is: `full` and `read-only` refuse each write and keep nothing of it; with `failing` a sync fails, so that
 * nobody knows whether the write was kept, and that process may acknowledge nothing any more.
 */
export type DiskCondition = 'fine' | 'full' | 'read-only' | 'failing'

const REFUSALS = {
  full: 'database or disk is full',
  'read-only': 'attempt to write a readonly database',
  failing: 'disk I/O error',
} as const

/** What a journal is kept on in a harness: it outlives processes, may be slow, and may fail. */
export class SimulatedDisk {
  /** Whether writes succeed; from now on. Reads always do. */
  condition: DiskCondition = 'fine'
  /** How long each write takes; default 0: it is there in the turn of the call. */
  writeMs = 0
  /** Writes that were refused. */
  refusals = 0
  /** Whether a write whose sync fails, or that a crash interrupts, is kept after all. */
  keepsInterrupted = false
  /** What is on the disk. */
  readonly #kept = new MemoryStore(seededRandom(0))
  #opened: DiskStore | undefined

  /** The store of a process that begins; that of the process before is dead. */
  open(clock: Clock): Store {
    this.crash()
    this.#opened = new DiskStore(this, this.#kept, clock)
    return this.#opened
  }

  /** The process is gone: what it has not been told of is lost, but for the first write, as `keepsInterrupted` says. */
  crash(): void {
    this.#opened?.die(this.keepsInterrupted)
    this.#opened = undefined
  }
}

interface Work {
  readonly isWrite: boolean
  readonly events: number
  readonly run: () => void
  readonly refuse: (error: JournalError) => void
}

class DiskStore implements Store {
  readonly durability = 'disk'
  backlog = 0
  readonly #disk: SimulatedDisk
  readonly #kept: MemoryStore
  readonly #clock: Clock
  #queue: Work[] = []
  #isBusy = false
  #isBroken = false
  #isDead = false
  #isClosed = false

  constructor(disk: SimulatedDisk, kept: MemoryStore, clock: Clock) {
    this.#disk = disk
    this.#kept = kept
    this.#clock = clock
  }

  append(name: string, events: readonly NewEvent[], options?: AppendOptions): Promise<Appended> {
    return this.#write(() => this.#kept.append(name, events, options), events.length)
  }

  read(name: string, options?: ReadOptions): Promise<StreamPage> {
    return this.#read(() => this.#kept.read(name, options))
  }

  position(name: string): Promise<StreamPosition> {
    return this.#read(() => this.#kept.position(name))
  }

  list(options?: ListOptions): Promise<ListPage> {
    return this.#read(() => this.#kept.list(options))
  }

  streams(options?: StreamsOptions): Promise<readonly string[]> {
    return this.#read(() => this.#kept.streams(options))
  }

  unended(): Promise<readonly string[]> {
    return this.#read(() => this.#kept.unended())
  }

  trim(name: string, options: TrimOptions): Promise<StreamPosition> {
    return this.#write(() => this.#kept.trim(name, options))
  }

  expire(retention: Retention): Promise<number> {
    return this.#write(() => this.#kept.expire(retention))
  }

  saveSnapshot(name: string, snapshot: SavedSnapshot): Promise<void> {
    return this.#write(() => this.#kept.saveSnapshot(name, snapshot))
  }

  loadSnapshot(name: string): Promise<SavedSnapshot | undefined> {
    return this.#read(() => this.#kept.loadSnapshot(name))
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    const done = this.#read(async () => {})
    this.#isClosed = true
    await done
  }

  /** @internal */
  die(keepsFirst: boolean): void {
    this.#isDead = true
    const [first] = this.#queue
    if (keepsFirst && first?.isWrite && !this.#isBroken) first.run()
    this.#queue = []
  }

  #write<Result>(run: () => Promise<Result>, events = 0): Promise<Result> {
    return this.#inTurn(run, true, events)
  }

  #read<Result>(run: () => Promise<Result>): Promise<Result> {
    return this.#inTurn(run, false, 0)
  }

  // One after the other, in the order of the calls. A dead process is never answered.
  #inTurn<Result>(run: () => Promise<Result>, isWrite: boolean, events: number): Promise<Result> {
    if (this.#isClosed) return Promise.reject(closed())
    return new Promise((resolve, reject) => {
      const answer = () => {
        run().then(
          (result) => this.#isDead || resolve(result),
          (error) => this.#isDead || reject(error),
        )
      }
      this.backlog += events
      this.#queue.push({ isWrite, events, run: answer, refuse: reject })
      if (!this.#isBusy) this.#next()
    })
  }

  #next(): void {
    for (let work = this.#queue[0]; work !== undefined && !this.#isDead; work = this.#queue[0]) {
      const { writeMs } = this.#disk
      if (work.isWrite && writeMs > 0) {
        this.#isBusy = true
        this.#clock.setTimeout(() => {
          this.#isBusy = false
          if (this.#isDead) return
          this.#perform()
          this.#next()
        }, writeMs)
        return
      }
      this.#perform()
    }
  }

  #perform(): void {
    const work = this.#queue.shift() as Work
    this.backlog -= work.events
    const { condition, keepsInterrupted } = this.#disk
    if (!work.isWrite || (condition === 'fine' && !this.#isBroken)) return work.run()
    this.#disk.refusals++
    const isFirstFailure = condition === 'failing' && !this.#isBroken
    if (condition === 'failing') this.#isBroken = true
    const why = REFUSALS[condition === 'fine' ? 'failing' : condition]
    work.refuse(new JournalError('ERR_WINDSOCK_JOURNAL', why))
    // Kept all the same; the promise has been rejected, and nobody hears of it.
    if (isFirstFailure && keepsInterrupted) work.run()
  }
}
