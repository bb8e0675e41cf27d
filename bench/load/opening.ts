// Opening: connections one after the other on a few lanes, closed again or not, or many that are open and silent.

import type { IdleWork, OpeningWork } from '../cases.ts'
import { type Activity, type CommonOptions, openAll } from './activity.ts'
import { Link } from './link.ts'

/** Of one run: what descriptors and client ports bear on either side. */
const MOST_OPEN = 8000

export class Opening implements Activity {
  done = 0
  readonly #work: OpeningWork
  readonly #common: CommonOptions
  #running = false
  #lanes: Promise<void>[] = []
  #links: Link[] = []

  constructor(work: OpeningWork, common: CommonOptions) {
    this.#work = work
    this.#common = common
  }

  run(): void {
    this.#running = true
    this.#lanes = Array.from({ length: this.#work.atOnce }, () => this.#lane())
  }

  async rest(): Promise<void> {
    this.#running = false
    await Promise.all(this.#lanes)
  }

  async tidy(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()))
    this.#links = []
  }

  async #lane(): Promise<void> {
    while (this.#running && this.#links.length < MOST_OPEN) {
      const link = new Link({ ...this.#common, onMessages: () => {} })
      if (!this.#work.closes) this.#links.push(link)
      await link.opened
      if (this.#work.closes) await link.close()
      this.done += 1
    }
  }
}

export async function idle(work: IdleWork, common: CommonOptions): Promise<Activity> {
  const links = await openAll(work.connections, common, () => {})
  return { done: links.length, run: () => {}, rest: async () => {}, tidy: async () => {} }
}
