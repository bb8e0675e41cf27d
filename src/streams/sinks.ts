// Sinks: those to whom a topic gives what is published, in the order in which they came.
//
// Between two messages to many the kernel works for all their connections, and after that nothing of theirs is in the
// processor's caches. So they stand in columns, the next one beside the last, and a stretch of them is touched before
// the first of it is given anything: then the processor waits for the memory of many at once, and not for one after the
// other (docs/adr/0030-many-are-touched-before-they-are-written-to.md).

import type { Guard } from './guarded.ts'

/** Takes values without the machinery of a subscription; a connection is one. */
export interface Sink<T> {
  send(value: T, offset: number): unknown
  /** Reads what `send` will read, and changes nothing. The number means nothing: what is not used is not read. */
  touch?(): number
}

/** So many are touched at once: enough for the processor to wait for, and few enough to be there when their turn comes. */
const STRETCH = 64

/** Where one stands. Its owner leaves by it, so nothing of a sink is kept that has left (docs/adr/0022). */
interface Seat {
  /** -1 when it has left. */
  at: number
}

export class Sinks<T> {
  /** Empty where one has left. */
  readonly #sinks: (Sink<T> | undefined)[] = []
  /** The offset when it came: it gets only later ones. */
  readonly #afters: number[] = []
  readonly #seats: Seat[] = []
  /** Whose they are: who can leave it holds it, so that it is not collected while it has somebody to give to. */
  readonly owner: object | undefined
  #size = 0
  #isGiving = false
  /** What was touched last; kept, for otherwise the compiler would leave the reads out. */
  touched = 0

  constructor(owner?: object) {
    this.owner = owner
  }

  get size(): number {
    return this.#size
  }

  /** Empty ones among them: at most twice as many as `size`, but inside of `send`. */
  get places(): number {
    return this.#sinks.length
  }

  /** Gives `sink` what has an offset above `after`, until the function returned is called. */
  add(sink: Sink<T>, after: number): () => void {
    const seat = { at: this.#sinks.length }
    this.#sinks.push(sink)
    this.#afters.push(after)
    this.#seats.push(seat)
    this.#size++
    return () => this.#leave(seat)
  }

  /** What a sink throws `guard` is told, and nobody else notices. Not to be called from inside of itself. */
  send(value: T, offset: number, guard: Guard): void {
    const sinks = this.#sinks
    this.#isGiving = true
    for (let from = 0; from < sinks.length; from += STRETCH) {
      // Who comes meanwhile stands behind, and its offset bars it.
      const to = Math.min(from + STRETCH, sinks.length)
      try {
        this.#touch(from, to)
      } catch (thrown) {
        guard.fail(thrown)
      }
      for (let at = from; at < to; at++) {
        if ((this.#afters[at] as number) >= offset) continue
        try {
          sinks[at]?.send(value, offset)
        } catch (thrown) {
          guard.fail(thrown)
        }
      }
    }
    this.#isGiving = false
    this.#closeRanks()
  }

  #touch(from: number, to: number): void {
    let touched = 0
    for (let at = from; at < to; at++) touched += this.#sinks[at]?.touch?.() ?? 0
    this.touched = touched
  }

  #leave(seat: Seat): void {
    if (seat.at < 0) return
    this.#sinks[seat.at] = undefined
    seat.at = -1
    this.#size--
    this.#closeRanks()
  }

  /** Once more than half of the places are empty; in place, since a table left behind keeps what was in it. */
  #closeRanks(): void {
    if (this.#isGiving || this.places <= 2 * this.#size) return
    const seats = this.#seats
    let to = 0
    for (let from = 0; from < seats.length; from++) {
      const seat = seats[from] as Seat
      if (seat.at < 0) continue
      this.#sinks[to] = this.#sinks[from]
      this.#afters[to] = this.#afters[from] as number
      seats[to] = seat
      seat.at = to++
    }
    this.#sinks.length = to
    this.#afters.length = to
    seats.length = to
  }
}
