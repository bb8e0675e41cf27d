// Laws of topics and feeds: one order for all, nobody's trouble is another's, and time only goes on.

import fc from 'fast-check'
import { map, take } from 'rxjs'
import { describe, expect } from 'vitest'
import { type Connection, DurableTopic, route, type Sendable, Topic } from 'windsock'
import { VirtualClock } from 'windsock/testing'
import { MemoryStore } from '../../src/journal/memory-store.ts'
import { toMessage } from '../../src/protocol/message.ts'
import { ticks } from '../../src/streams/clock.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { anyMove, anyone, movesOf, scripts, settings } from './support/arbitraries.ts'
import { lawOf } from './support/law.ts'
import { play } from './support/play.ts'

/** What happens to a topic; readers are known by a small number. */
type Op =
  | { readonly do: 'publish' }
  | { readonly do: 'subscribe' | 'unsubscribe'; readonly reader: number }

/** What a reader does on its own n-th item, from inside the delivery. */
interface Reaction {
  readonly reader: number
  readonly onItem: number
  readonly ops: readonly Op[]
  readonly throws: boolean
}

const READERS = 4
const reader = fc.nat(READERS - 1)
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Op>({ do: 'publish' }) },
  { weight: 2, arbitrary: reader.map<Op>((one) => ({ do: 'subscribe', reader: one })) },
  { weight: 1, arbitrary: reader.map<Op>((one) => ({ do: 'unsubscribe', reader: one })) },
)
interface Scenario {
  readonly ops: readonly Op[]
  readonly reactions: readonly Reaction[]
}
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  ops: fc.array(op, { minLength: 4, maxLength: 16 }),
  reactions: fc.array(
    fc
      .tuple(reader, fc.nat(3), fc.array(op, { maxLength: 3 }), fc.boolean())
      .map(([one, onItem, ops, throws]): Reaction => ({ reader: one, onItem, ops, throws })),
    { minLength: 2, maxLength: 6 },
  ),
})

/** One stretch of being subscribed. */
interface Stretch {
  readonly reader: number
  readonly after: number
  readonly items: number[]
  /** How many items it had when it unsubscribed. */
  ended: number | undefined
}

/** Plays a scenario, and holds the topic's own counts against a recount all the while. */
function playTopic({ ops, reactions }: Scenario) {
  const topic = new Topic<string>('t')
  const stretches: Stretch[] = []
  const now = new Map<number, { stretch: Stretch; stop: () => void }>()
  const done = new Set<number>()
  let published = 0
  let threw = 0

  const run = (happening: Op) => {
    if (happening.do === 'publish') {
      published++
      const expected = published
      expect(topic.publish(String(published))).toBe(expected)
    } else if (happening.do === 'subscribe' && !now.has(happening.reader)) {
      const stretch: Stretch = {
        reader: happening.reader,
        after: published,
        items: [],
        ended: undefined,
      }
      stretches.push(stretch)
      const subscription = topic.subscribe((item) => receive(stretch, Number(item)))
      now.set(happening.reader, { stretch, stop: () => subscription.unsubscribe() })
    } else if (happening.do === 'unsubscribe') {
      const found = now.get(happening.reader)
      now.delete(happening.reader)
      found?.stop()
      if (found) found.stretch.ended = found.stretch.items.length
    }
    expect(topic.subscriberCount).toBe(now.size)
    expect(topic.offset).toBe(published)
  }
  const receive = (stretch: Stretch, item: number) => {
    stretch.items.push(item)
    for (const [index, reaction] of reactions.entries()) {
      if (done.has(index)) continue
      if (reaction.reader !== stretch.reader || reaction.onItem !== stretch.items.length - 1)
        continue
      // Once, or a reader that comes again each time it goes would keep the topic busy for ever.
      done.add(index)
      for (const one of reaction.ops) run(one)
      if (!reaction.throws) continue
      threw++
      throw new Error('as the scenario says')
    }
  }
  for (const one of ops) run(one)
  return { topic, stretches, published, threw, now }
}

describe('a topic', () => {
  lawOf(
    'a subscriber sees every item from its subscribing on, in order, without gap or repetition (I-46)',
    scenarios,
    (scenario) => {
      const { stretches, published } = playTopic(scenario)
      for (const { items, after, ended } of stretches) {
        expect(items).toEqual(items.map((_, index) => after + 1 + index))
        if (ended === undefined) expect(items).toHaveLength(published - after)
      }
      return stretches.some(({ items }) => items.length > 1)
    },
  )

  lawOf(
    'unsubscribing is immediate, also from inside a delivery, and leaves nothing (I-47)',
    scenarios,
    (scenario) => {
      const { topic, stretches, now } = playTopic(scenario)
      for (const { items, ended } of stretches) {
        if (ended !== undefined) expect(items).toHaveLength(ended)
      }
      for (const { stop } of now.values()) stop()
      expect(topic.subscriberCount).toBe(0)
      topic.publish('nobody')
      return stretches.some(({ ended, items }) => ended !== undefined && items.length > 0)
    },
  )

  lawOf(
    'a subscriber that throws is counted, and neither the others nor the topic notice (I-50)',
    scenarios,
    (scenario) => {
      const calm = scenario.reactions.map((reaction) => ({ ...reaction, throws: false }))
      // A throw cuts off the later reactions to the same item: at most one to each.
      const once = (list: readonly Reaction[]) =>
        list.filter(
          (one, index) =>
            list.findIndex(
              (other) => other.reader === one.reader && other.onItem === one.onItem,
            ) === index,
        )
      const faulty = playTopic({ ...scenario, reactions: once(scenario.reactions) })
      const sane = playTopic({ ...scenario, reactions: once(calm) })
      expect(faulty.stretches).toEqual(sane.stretches)
      expect(faulty.topic.subscriberErrors).toBe(faulty.threw)
      expect(sane.topic.subscriberErrors).toBe(0)
      return faulty.threw > 0
    },
  )

  lawOf(
    'a pipeline that errors or completes ends for itself alone (I-50)',
    fc.record({
      items: fc.integer({ min: 1, max: 9 }),
      errorAt: fc.nat(9),
      takes: fc.integer({ min: 1, max: 9 }),
    }),
    ({ items, errorAt, takes }) => {
      const topic = new Topic<string>('t')
      const [all, some, few]: string[][] = [[], [], []]
      topic
        .pipe(
          map((item) => {
            if (Number(item) === errorAt) throw new Error('an operator')
            return item
          }),
        )
        .subscribe((item) => some?.push(item))
      topic.pipe(take(takes)).subscribe((item) => few?.push(item))
      topic.subscribe((item) => all?.push(item))
      for (let item = 0; item < items; item++) topic.publish(String(item))
      const published = Array.from({ length: items }, (_, item) => String(item))
      expect(all).toEqual(published)
      expect(some).toEqual(published.slice(0, errorAt))
      expect(few).toEqual(published.slice(0, takes))
      expect(topic.subscriberErrors).toBe(errorAt < items ? 1 : 0)
      expect(topic.subscriberCount).toBe(1 + Number(errorAt >= items) + Number(takes > items))
    },
  )

  const broadcasts = scripts({ settings, moves: movesOf(anyMove(anyone(4)), { peers: 3 }) })
  lawOf(
    'a broadcast is as many single sends, to those there at the call, the speaker among them (I-52)',
    broadcasts,
    async (script) => {
      const room = new Topic<string>('room')
      const members = new Set<Connection>()
      const routesOf = (form: (connection: Connection) => Topic<string> | undefined) => () =>
        [0, 1, 2, 3].map((who) => route(`/${who}`, form))
      const broadcast = await play(script, {
        routes: routesOf((connection) => {
          connection.messages$.subscribe((message) => void room.publish(message as string))
          return room
        }),
      })
      const single = await play(script, {
        routes: routesOf((connection) => {
          members.add(connection)
          connection.messages$.subscribe({
            next: (message) => {
              for (const member of members) void member.send(message)
            },
            complete: () => members.delete(connection),
          })
          return undefined
        }),
      })
      expect(broadcast.lives.map(({ peer }) => peer.wire)).toEqual(
        single.lives.map(({ peer }) => peer.wire),
      )
      expect(broadcast.harness.records).toEqual(single.harness.records)
      return room.offset > 0
    },
  )
})

describe('what is published', () => {
  const KINDS = ['floats', 'view', 'buffer', 'bytes', 'object'] as const
  const publishes = fc.array(
    fc.record({
      kind: fc.constantFrom(...KINDS),
      value: fc.nat(255),
      /** From inside of the delivery before it. */
      isInside: fc.boolean(),
    }),
    { minLength: 2, maxLength: 8 },
  )

  /** One of each kind, whose owner uses them again and again. */
  function holders() {
    const buffer = new ArrayBuffer(4)
    const object = { value: 0 }
    const floats = new Uint16Array(buffer)
    const all = {
      floats,
      view: new DataView(buffer, 1, 2),
      buffer,
      bytes: new Uint8Array(buffer),
      object,
    }
    const set = (value: number) => {
      new Uint8Array(buffer).fill(value)
      object.value = value
    }
    return { all, set }
  }

  const written = (value: Sendable) => Buffer.from(toMessage(value) as string).toString('latin1')

  lawOf(
    'comes as it was then, live and from the past, whatever its owner does to it afterwards',
    fc.record({ publishes, isDurable: fc.boolean() }),
    async ({ publishes, isDurable }) => {
      const { all, set } = holders()
      const ports = { clock: new VirtualClock(), random: seededRandom(1) }
      const history = { history: { count: 100 } }
      const topic = isDurable
        ? new DurableTopic<Sendable>('t', new MemoryStore(ports.random), history, ports)
        : new Topic<Sendable>('t', history, ports)
      const wanted: string[] = []
      const live: string[] = []
      const todo = [...publishes]
      const done: unknown[] = []
      const next = () => {
        const { kind, value } = todo.shift() as (typeof publishes)[number]
        set(value)
        const text = String.fromCharCode(value).repeat(kind === 'view' ? 2 : 4)
        wanted.push(kind === 'object' ? JSON.stringify({ value }) : text)
        done.push(topic.publish(all[kind]))
      }
      topic.subscribe((value) => {
        live.push(written(value))
        if (todo[0]?.isInside) next()
      })
      while (todo.length > 0) next()
      await Promise.all(done)
      expect(live).toEqual(wanted)
      const { items } = await topic.read(0, { maxItems: 100, maxBytes: 1_000_000 })
      expect(items.map(({ message }) => written(message))).toEqual(wanted)
      set(7)
      expect(written(all.object)).toBe('{"value":7}')
      expect(written(all.floats)).toBe('\x07'.repeat(4))
    },
    300,
  )
})

describe('a clock feed', () => {
  const everyMs = fc.constantFrom(1, 7, 100, 1_000)
  const passing = fc.array(
    fc.oneof(
      fc.record({ do: fc.constant('advance' as const), ms: fc.nat(2_500) }),
      fc.record({ do: fc.constant('stall' as const), ms: fc.nat(9_000) }),
      fc.record({ do: fc.constant('step' as const), ms: fc.nat(5_000) }),
    ),
    { maxLength: 6 },
  )

  lawOf(
    'ticks only go on, never two of one interval, and those missed become one (I-51)',
    fc.record({ everyMs: fc.constantFrom(7, 100, 1_000), startMs: fc.nat(5_000), passing }),
    async ({ everyMs, startMs, passing }) => {
      const clock = new VirtualClock(startMs)
      const seen: { interval: number; atMs: number }[] = []
      const subscription = ticks(everyMs, clock).subscribe((wallMs) => {
        expect(wallMs).toBe(clock.wallMs())
        seen.push({ interval: Math.floor(wallMs / everyMs), atMs: clock.nowMs() })
      })
      const first = Math.floor(startMs / everyMs)
      for (const { do: does, ms } of passing) {
        if (does === 'advance') await clock.advance(ms)
        else if (does === 'step') clock.stepWall(ms)
        else clock.stall(ms)
      }
      await clock.advance(0)
      for (const [index, { interval, atMs }] of seen.entries()) {
        expect(interval).toBeGreaterThan(seen[index - 1]?.interval ?? first)
        // A burst would be two ticks of one moment.
        if (index > 0) expect(atMs).toBeGreaterThan(seen[index - 1]?.atMs as number)
      }
      if (passing.every(({ do: does }) => does === 'advance')) {
        const last = Math.floor(clock.wallMs() / everyMs)
        expect(seen.map(({ interval }) => interval)).toEqual(
          Array.from({ length: last - first }, (_, index) => first + 1 + index),
        )
      }
      expect(clock.timerCount).toBe(1)
      subscription.unsubscribe()
      expect(clock.timerCount).toBe(0)
      return seen.length > 1
    },
  )

  lawOf(
    'where the wall clock is set back the feed follows it within one interval (I-51)',
    fc.record({ everyMs, backMs: fc.integer({ min: 1, max: 100_000 }) }),
    async ({ everyMs, backMs }) => {
      const clock = new VirtualClock()
      const seen: number[] = []
      const subscription = ticks(everyMs, clock).subscribe((wallMs) => seen.push(wallMs))
      await clock.advance(everyMs)
      clock.stepWall(-backMs)
      const before = seen.length
      await clock.advance(2 * everyMs)
      expect(seen.length - before).toBeGreaterThanOrEqual(1)
      expect(seen.length - before).toBeLessThanOrEqual(3)
      expect(seen.at(-1)).toBeLessThanOrEqual(clock.wallMs())
      subscription.unsubscribe()
    },
  )
})
