// Laws of clients that know nothing but their place: no message is lost without a word, and none comes twice.
//
// Answers are lost, event streams are cut in the middle of a line, histories are trimmed, servers restart.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { DurableTopic, type Sendable } from 'windsock'
import { seededRandom, VirtualClock } from 'windsock/testing'
import { MemoryStore } from '../../src/journal/memory-store.ts'
import { formatOffset, parseOffset } from '../../src/protocol/http-offset.ts'
import { Topic } from '../../src/streams/topic.ts'
import type { Answer } from '../../src/transport/topic-answer.ts'
import { type Asked, Asking, CountedTopic, placeIn, textOf } from './support/asking.ts'
import { EventSourceParser } from './support/event-source.ts'
import { lawOf } from './support/law.ts'

type Step =
  | { readonly do: 'publish'; readonly times: number }
  | {
      readonly do: 'ask'
      readonly lost: boolean
      readonly cutAt: number
      readonly meanwhile: number
    }
  | { readonly do: 'restart'; readonly forgets: boolean }
  | { readonly do: 'wait'; readonly ms: number }
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      times: fc.integer({ min: 1, max: 12 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      lost: fc.boolean(),
      cutAt: fc.nat(400),
      meanwhile: fc.constantFrom(0, 0, 1, 8),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('restart' as const), forgets: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(3_000) }) },
)

interface WorldOptions {
  readonly count: number
  readonly pageMessages: number
  /** Whether the topic survives a restart; one in memory is trimmed at once. */
  readonly durable: boolean
}

/** One server after the other; a store that forgets has a new epoch. */
class World {
  readonly clock = new VirtualClock()
  readonly #options: WorldOptions
  #store = new MemoryStore(seededRandom(1))
  #seed = 1
  asking!: Asking
  topic!: DurableTopic<string> | Topic<string>
  #published = 0

  constructor(options: WorldOptions) {
    this.#options = options
    this.start(false)
  }

  start(forgets: boolean): void {
    const { count, pageMessages, durable } = this.#options
    if (forgets || !durable) {
      this.#store = new MemoryStore(seededRandom(++this.#seed))
      this.#published = 0
    }
    const limits = { pageMessages, longPollMs: 500, eventStreamMs: 1_000 }
    this.asking = new Asking({ limits }, this.clock)
    const ports = { clock: this.clock, random: seededRandom(this.#seed) }
    const history = { count }
    this.topic = durable
      ? new DurableTopic<string>('t', this.#store, { history }, ports)
      : new Topic<string>('t', { history }, ports)
    this.asking.topics.set('t', new CountedTopic(this.topic))
  }

  publish(times: number): void {
    for (let n = 0; n < times; n++) void this.topic.publish(`${++this.#published}`)
  }
}

/** A client that knows its place, and nothing else. */
class Client {
  readonly world: World
  readonly live: string
  place = '-1'
  /** What it has got, as epoch and offset; and where it was told that something is gone. */
  readonly got: { readonly epoch: string; readonly offset: number; readonly data: string }[] = []
  readonly gone: { readonly after: number; readonly reason: string }[] = []

  constructor(world: World, live: '' | '&live=long-poll' | '&live=sse') {
    this.world = world
    this.live = live
  }

  /** Asks from its place, and so many messages are published meanwhile. A lost answer was given, and does not come. */
  async ask(lost: boolean, cutAt = Number.POSITIVE_INFINITY, meanwhile = 0): Promise<void> {
    const { asking, clock } = this.world
    const asked = asking.ask('t', `?envelope=1&offset=${this.place}${this.live}`)
    if (meanwhile > 0) await clock.settle()
    this.world.publish(meanwhile)
    for (let waited = 0; asked.answer === undefined && waited < 20; waited++) {
      await clock.advance(50)
    }
    const answer = asked.answer as Answer
    if (answer.status === 410) {
      if (lost) return
      const { reason } = JSON.parse(textOf(answer))
      this.gone.push({ after: this.got.length, reason })
      this.place = '-1'
      return
    }
    if (answer.events !== undefined) await this.#follow(asked, lost ? cutAt : undefined, meanwhile)
    else if (!lost) this.#take(answer.status === 200 ? textOf(answer) : '[]', placeIn(answer))
    asked.lifeline.end('gone')
  }

  /** Reads events until the stream is quiet; a lost one is cut after so many characters. */
  async #follow({ answer }: Asked, cutAt: number | undefined, meanwhile: number): Promise<void> {
    const parser = new EventSourceParser()
    let left = cutAt ?? Number.POSITIVE_INFINITY
    let seen = 0
    for (let quiet = false; !quiet && left > 0; ) {
      let piece: string | undefined
      void answer?.events?.next().then((next) => {
        piece = next
      })
      await this.world.clock.settle()
      quiet = piece === undefined
      // It is slow to take what it has been given.
      if (seen === 0) this.world.publish(meanwhile)
      parser.push((piece ?? '').slice(0, left))
      left -= piece?.length ?? 0
      for (; seen < parser.events.length; seen++) {
        const event = parser.events[seen]
        this.#take(event?.type === 'data' ? event.data : '[]', event?.lastEventId || this.place)
      }
    }
  }

  #take(json: string, place: string): void {
    const { epoch } = parseOffset(place) as { epoch: string }
    for (const { offset, data } of JSON.parse(json)) this.got.push({ epoch, offset, data })
    this.place = place
  }
}

describe('a client that knows nothing but its place', () => {
  const worlds = fc.record({
    steps: fc.array(step, { minLength: 3, maxLength: 20 }),
    count: fc.constantFrom(5, 10_000),
    pageMessages: fc.constantFrom(1, 3, 1_000),
    durable: fc.boolean(),
    live: fc.constantFrom('' as const, '&live=long-poll' as const, '&live=sse' as const),
  })

  lawOf(
    'gets each message once and in order, or is told 410, whatever answers are lost, trimmed or of another epoch (I-54, I-61, I-62)',
    worlds,
    async ({ steps, live, ...options }) => {
      const world = new World(options)
      const client = new Client(world, live)
      for (const one of steps) {
        if (one.do === 'publish') world.publish(one.times)
        else if (one.do === 'ask') await client.ask(one.lost, one.cutAt, one.meanwhile)
        else if (one.do === 'wait') await world.clock.advance(one.ms)
        else {
          await world.clock.settle()
          world.start(one.forgets)
        }
        await world.clock.settle()
      }
      // Over links that work, until everything is read.
      for (let round = 0; round < 400; round++) {
        await client.ask(false)
        const { epoch, offset } = world.topic
        if (client.place === formatOffset({ epoch, offset })) break
      }
      const { epoch, offset: head, floor } = world.topic
      expect(client.place).toBe(formatOffset({ epoch, offset: head }))
      let last: { epoch: string; offset: number } | undefined
      for (const [index, { epoch, offset, data }] of client.got.entries()) {
        expect(data).toBe(`${offset}`)
        const wasTold = client.gone.some(({ after }) => after === index)
        if (last !== undefined && !wasTold) {
          expect({ epoch, offset }).toEqual({ epoch: last.epoch, offset: last.offset + 1 })
        }
        last = { epoch, offset }
      }
      const ofLast = client.got.filter((one) => one.epoch === epoch)
      if (head > floor) expect(ofLast.at(-1)?.offset).toBe(head)
      // Twice only where it was told to begin again.
      if (client.gone.length === 0) {
        expect(new Set(client.got.map(({ offset }) => offset)).size).toBe(client.got.length)
      }
      return steps.some((one) => one.do === 'ask' && one.lost)
    },
  )

  lawOf(
    'that posts until it has an answer publishes each message once, in order (I-59)',
    fc.array(
      fc.record({
        count: fc.integer({ min: 1, max: 4 }),
        lostAnswers: fc.nat(3),
        afterMs: fc.nat(30_000),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    async (posts) => {
      const asking = new Asking({ rules: { accept: (input) => input as Sendable } })
      const topic = asking.add('t')
      let next = 0
      for (const [post, { count, lostAnswers, afterMs }] of posts.entries()) {
        const body = JSON.stringify(Array.from({ length: count }, () => `${++next}`))
        const headers = [
          ['Content-Type', 'application/json'],
          ['Idempotency-Key', `post-${post}`],
        ] as const
        for (let attempt = 0; attempt <= lostAnswers; attempt++) {
          const answer = await asking.answered('t', '', { method: 'POST', headers, body })
          expect(answer.status).toBe(204)
          expect(placeIn(answer)).toBe(formatOffset({ epoch: topic.epoch, offset: next }))
          await asking.clock.advance(afterMs)
        }
      }
      const all = JSON.parse(textOf(await asking.answered('t')))
      expect(all).toEqual(Array.from({ length: next }, (_, index) => `${index + 1}`))
      return posts.some(({ lostAnswers }) => lostAnswers > 0)
    },
  )
})
