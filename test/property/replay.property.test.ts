// Laws of `last`: the newest of a topic, then each later one, for readers that take as much as there is room for.
//
// The sink is a stand-in that has room when the scenario says so: a socket's room is the kernel's to decide.

import fc from 'fast-check'
import { expect } from 'vitest'
import { type Topic, topic } from 'windsock'
import { VirtualClock } from 'windsock/testing'
import { DONE, deferred } from '../../src/streams/deferred.ts'
import { Replay } from '../../src/streams/replay.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { lawOf } from './support/law.ts'

interface Op {
  readonly do: 'publish' | 'settle' | 'make room'
  /** For so many; default: for all. */
  readonly takes?: number
}

const scenarios = fc.record({
  kept: fc.integer({ min: 1, max: 12 }),
  before: fc.nat(20),
  last: fc.integer({ min: 0, max: 15 }),
  /** How many it takes at first, before it is full. */
  takes: fc.nat(6),
  /** Which of those that it gets makes it publish another, from inside. */
  answers: fc.uniqueArray(fc.nat(30), { maxLength: 3 }),
  /** It leaves in the middle. */
  leaves: fc.boolean(),
  ops: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant<Op>({ do: 'publish' }) },
      { weight: 2, arbitrary: fc.constant<Op>({ do: 'settle' }) },
      { weight: 1, arbitrary: fc.constant<Op>({ do: 'make room' }) },
      { weight: 1, arbitrary: fc.nat(4).map((takes): Op => ({ do: 'make room', takes })) },
    ),
    { maxLength: 40 },
  ),
})

/** Takes so many at once, and then none until there is room; whoever pushes is not kept from pushing. */
class Paced {
  readonly got: number[] = []
  closedWith: number | undefined
  /** Given to it of the past though it had said that it is full. */
  forced = 0
  left: number
  wasFull = false
  #isFull = false
  #room = deferred<void>()
  readonly #topic: Topic<string>
  readonly #onItem: (count: number) => void

  constructor(takes: number, topic: Topic<string>, onItem: (count: number) => void) {
    this.left = takes
    this.#topic = topic
    this.#onItem = onItem
  }

  send(value: unknown): Promise<void> {
    if (this.#isFull && this.#topic.subscriberCount === 0) this.forced++
    this.got.push(Number(value))
    this.left--
    this.#onItem(this.got.length)
    this.#isFull = this.left <= 0
    this.wasFull ||= this.#isFull
    return this.#isFull ? this.#room.promise : DONE
  }

  close(code: number): void {
    this.closedWith = code
  }

  makeRoom(takes = Number.POSITIVE_INFINITY): void {
    this.left = takes
    this.#isFull = false
    this.#room.resolve()
    this.#room = deferred()
  }
}

lawOf(
  'a reader of the last ones gets them in order, once each, and then each later one, or is told that it fell behind',
  scenarios,
  async ({ kept, before, last, takes, answers, leaves, ops }) => {
    const clock = new VirtualClock()
    const news = topic<string>('t', { history: { count: kept }, clock, random: seededRandom(1) })
    for (let count = 0; count < before; count++) news.publish(String(news.offset + 1))
    const publish = () => news.publish(String(news.offset + 1))
    const paced = new Paced(takes, news, (count) => {
      if (answers.includes(count)) publish()
    })
    const first = Math.max(before - Math.min(last, kept), 0) + 1
    const failures: unknown[] = []
    const stop = new Replay<string>(news, news, last).deliverTo(paced, (thrown) =>
      failures.push(thrown),
    )
    for (const op of ops) {
      if (op.do === 'publish') publish()
      else if (op.do === 'settle') await clock.settle()
      else paced.makeRoom(op.takes)
    }
    const finish = async () => {
      paced.makeRoom()
      await clock.settle()
    }
    if (!leaves) await finish()
    stop()
    const seen = paced.got.length
    publish()
    await finish()

    expect(failures).toEqual([])
    expect(paced.forced).toBe(0)
    expect(paced.got.length).toBe(seen)
    expect(news.subscriberCount).toBe(0)
    const whole = Array.from({ length: news.offset - first }, (_, index) => first + index)
    expect(paced.got).toEqual(whole.slice(0, seen))
    if (paced.closedWith === undefined) {
      if (!leaves) expect(seen).toBe(whole.length)
    } else {
      expect(paced.closedWith).toBe(1013)
      expect(paced.wasFull).toBe(true)
      // It had been given all that was kept when it asked, and more than that had been published since.
      expect(news.floor).toBeGreaterThan(first + seen - 1)
    }
  },
)
