// Disk: the store that outlives the simulated servers, and how a server reaches it.
//
// A server's calls take time, there and back, and end with it: what had not arrived is not done, what was done is not
// told any more. So a crash may fall between what is kept and what is known to be. What the store says is noted in the
// ledger as it says it.

import { seededRandom, type VirtualClock } from 'windsock/testing'
import { MemoryStore } from '../../../../src/journal/memory-store.ts'
import type { Store } from '../../../../src/journal/store.ts'
import { Ledger } from './ledger.ts'

/** One server's way to the disk. */
export interface DiskLink {
  readonly store: Store
  /** The server is no more. */
  cut(): void
}

export class Disk {
  readonly ledger = new Ledger()
  readonly #stream: string
  #count = 1
  #store = new MemoryStore(seededRandom(this.#count))
  #epoch = ''

  /** @param stream - the one that is looked after. */
  constructor(stream: string) {
    this.#stream = stream
  }

  /** Of what is kept now; call `look` first. */
  get epoch(): string {
    return this.#epoch
  }

  /** Reads where the log stands. */
  async look(): Promise<void> {
    const { epoch } = await this.#store.position(this.#stream)
    this.#epoch = epoch
  }

  /** Everything is gone: what comes is another log. */
  forget(): void {
    this.#store = new MemoryStore(seededRandom(++this.#count))
  }

  /** Takes the oldest away while no server looks. */
  async compact(keep: number): Promise<void> {
    this.#noteTrim(await this.#store.trim(this.#stream, { keep }))
  }

  /** What the store keeps at the end, against what it said; each difference in a line. */
  async audit(): Promise<readonly string[]> {
    const { ledger } = this
    const { epoch, head, floor, events } = await this.#store.read(this.#stream, {
      maxEvents: Number.MAX_SAFE_INTEGER,
      maxBytes: Number.MAX_SAFE_INTEGER,
    })
    const differences: string[] = []
    if (head !== ledger.headOf(epoch)) differences.push(`head ${head}, not ${ledger.headOf(epoch)}`)
    if (events.length !== head - floor) differences.push(`${events.length} of ${head - floor}`)
    for (const { version: offset, data } of events) {
      if (data !== ledger.textAt({ epoch, offset })) differences.push(`${offset} is another`)
    }
    return differences.map((difference) => `the store keeps ${difference}`)
  }

  /**
   * A way for one server.
   *
   * @param delayMs - how long each call takes there, and its answer back; 0: it is answered in the turn of the call.
   */
  link(clock: VirtualClock, delayMs: number): DiskLink {
    const store = this.#store
    let isCut = false
    const slowly = <T>(call: () => Promise<T>): Promise<T> => {
      if (delayMs === 0) return isCut ? new Promise(() => {}) : call()
      return new Promise((resolve, reject) => {
        const back = (settle: () => void) => clock.setTimeout(() => !isCut && settle(), delayMs)
        const there = () => {
          if (isCut) return
          call().then(
            (value) => back(() => resolve(value)),
            (thrown: unknown) => back(() => reject(thrown as Error)),
          )
        }
        clock.setTimeout(there, delayMs)
      })
    }
    const append: Store['append'] = async (name, events, options) => {
      const appended = await store.append(name, events, options)
      for (const [index, { version, duplicate }] of appended.kept.entries()) {
        if (!duplicate) this.ledger.kept(appended.epoch, version, String(events[index]?.data))
      }
      return appended
    }
    const trim: Store['trim'] = async (name, options) => {
      const position = await store.trim(name, options)
      this.#noteTrim(position)
      return position
    }
    // What a topic asks of its store.
    const reached: Pick<Store, 'append' | 'trim' | 'read' | 'position'> = {
      append: (...args) => slowly(() => append(...args)),
      trim: (...args) => slowly(() => trim(...args)),
      read: (...args) => slowly(() => store.read(...args)),
      position: (...args) => slowly(() => store.position(...args)),
    }
    const cut = () => {
      isCut = true
    }
    return { store: reached as Store, cut }
  }

  #noteTrim({ epoch, floor }: { epoch: string; floor: number }): void {
    this.ledger.trimmed(epoch, floor)
  }
}
