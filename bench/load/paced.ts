// Paced: messages leave at a fixed pace, and what is measured is the time from when each was due.
//
// Not from when it was sent: a server that stands still delays the messages behind it too, and a load that waits with it
// would not see that (coordinated omission). The loop spins, because timers of Node are as coarse as what is measured;
// so this process uses all of its core.

import { createHistogram } from 'node:perf_hooks'
import type { PacedWork } from '../cases.ts'
import type { Latency } from '../words.ts'
import { type Activity, answerOnce, type CommonOptions, openAll } from './activity.ts'
import type { Link } from './link.ts'

const NANOSECONDS = 1e6 // in a millisecond

export class Paced implements Activity {
  done = 0
  readonly #everyMs: number
  #links: readonly Link[] = []
  #latency = createHistogram()
  #lateness = createHistogram()
  #running = false
  #startMs = 0
  #sent = 0
  #answered = 0
  /** What each link had sent before the run. */
  #sentBefore: number[] = []
  #resolveRest: (() => void) | undefined

  constructor(work: PacedWork) {
    this.#everyMs = 1000 / work.perSecond
  }

  async open(work: PacedWork, common: CommonOptions): Promise<this> {
    this.#links = await openAll(work.connections, common, (_link, index, count, first) => {
      if (this.#sentBefore.length > 0) this.#through(index, count, first)
    })
    await answerOnce(this.#links)
    return this
  }

  run(): void {
    this.#latency = createHistogram()
    this.#lateness = createHistogram()
    this.#sentBefore = this.#links.map((link) => link.sent)
    this.#sent = 0
    this.#answered = 0
    this.#running = true
    this.#startMs = performance.now()
    this.#spin()
  }

  rest(): Promise<void> {
    this.#running = false
    return new Promise((resolve) => {
      if (this.#answered === this.#sent) resolve()
      else this.#resolveRest = resolve
    })
  }

  async tidy(): Promise<void> {}

  latency(): Latency {
    const microseconds = (percentile: number) => this.#latency.percentile(percentile) / 1000
    return {
      p50: microseconds(50),
      p99: microseconds(99),
      late99: this.#lateness.percentile(99) / 1000,
    }
  }

  #dueMs(message: number): number {
    return this.#startMs + message * this.#everyMs
  }

  #spin(): void {
    for (let now = performance.now(); this.#running && this.#dueMs(this.#sent) <= now; ) {
      record(this.#lateness, now - this.#dueMs(this.#sent))
      this.#links[this.#sent % this.#links.length]?.send(1)
      this.#sent += 1
      now = performance.now()
    }
    if (this.#running || this.#answered < this.#sent) setImmediate(() => this.#spin())
  }

  #through(index: number, count: number, first: number): void {
    const now = performance.now()
    const before = this.#sentBefore[index] ?? 0
    for (let number = first; number < first + count; number++) {
      const message = (number - before) * this.#links.length + index
      record(this.#latency, now - this.#dueMs(message))
    }
    this.done += count
    this.#answered += count
    if (!this.#running && this.#answered === this.#sent) this.#resolveRest?.()
  }
}

function record(histogram: ReturnType<typeof createHistogram>, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms * NANOSECONDS)))
}
