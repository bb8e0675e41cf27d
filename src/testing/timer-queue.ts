// Timer queue: the timers of a virtual clock, the next due one first.
//
// A binary heap: a simulation of thousands of clients has tens of thousands of timers armed, and looking through them
// all for each that fires took nine tenths of its time.

export interface Timer {
  readonly dueMs: number
  /** Those of one moment fire in the order they were armed. */
  readonly order: number
  readonly callback: () => void
}

export class TimerQueue {
  /** Every timer is due no sooner than the one at half its place; forgotten ones stay until they come up. */
  readonly #heap: Timer[] = []
  readonly #armed = new Map<number, Timer>()

  get size(): number {
    return this.#armed.size
  }

  add(timer: Timer): void {
    this.#armed.set(timer.order, timer)
    const heap = this.#heap
    let place = heap.push(timer) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!this.#isBefore(place, parent)) return
      this.#swap(place, parent)
      place = parent
    }
  }

  /** Forgets a timer; one that is unknown is no error. */
  delete(order: number): void {
    this.#armed.delete(order)
  }

  /** The next due timer, still armed. */
  first(): Timer | undefined {
    for (;;) {
      const [first] = this.#heap
      if (first === undefined || this.#armed.has(first.order)) return first
      this.#removeFirst()
    }
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    heap[0] = last
    for (let place = 0; ; ) {
      const [left, right] = [2 * place + 1, 2 * place + 2]
      const child = right < heap.length && this.#isBefore(right, left) ? right : left
      if (child >= heap.length || !this.#isBefore(child, place)) return
      this.#swap(child, place)
      place = child
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one] as Timer, this.#heap[other] as Timer]
    return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
  }

  #swap(one: number, other: number): void {
    const heap = this.#heap
    ;[heap[one], heap[other]] = [heap[other] as Timer, heap[one] as Timer]
  }
}
