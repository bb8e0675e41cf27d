// Ledger: what a store said that it kept and took away, noted as it said it, over all of its epochs.
//
// The truth that readers and publishers are judged by. It knows nothing of topics, and shares no code with them.

import type { Place } from './place.ts'

interface Log {
  /** The text at offset `index + 1`. */
  readonly texts: string[]
  floor: number
}

export class Ledger {
  readonly #logs = new Map<string, Log>()
  /** Where the store contradicted itself. */
  readonly oddities: string[] = []
  trims = 0

  kept(epoch: string, offset: number, text: string): void {
    const { texts } = this.#log(epoch)
    if (offset !== texts.length + 1) {
      this.oddities.push(`the store gave ${epoch}/${offset} after ${texts.length}`)
    }
    texts[offset - 1] = text
  }

  trimmed(epoch: string, floor: number): void {
    const log = this.#log(epoch)
    if (floor < log.floor) this.oddities.push(`the floor of ${epoch} fell to ${floor}`)
    if (floor > log.floor) this.trims++
    log.floor = floor
  }

  textAt({ epoch, offset }: Place): string | undefined {
    return this.#logs.get(epoch)?.texts[offset - 1]
  }

  headOf(epoch: string): number {
    return this.#logs.get(epoch)?.texts.length ?? 0
  }

  /** What stands at `floor + 1 …` is kept. */
  floorOf(epoch: string): number {
    return this.#logs.get(epoch)?.floor ?? 0
  }

  /** Every text that was ever kept in an epoch, in order. */
  textsOf(epoch: string): readonly string[] {
    return this.#logs.get(epoch)?.texts ?? []
  }

  get epochs(): readonly string[] {
    return [...this.#logs.keys()]
  }

  #log(epoch: string): Log {
    let log = this.#logs.get(epoch)
    if (log === undefined) {
      log = { texts: [], floor: 0 }
      this.#logs.set(epoch, log)
    }
    return log
  }
}
