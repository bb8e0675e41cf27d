// Laws of a client whose server is sloppy: it says things twice, says old things again, leaves messages out, and says
// what is no frame. Ours does none of that, but the protocol gives a rule for it, and there may be other servers.
//
// Client and server are the real ones, in virtual time; what is sloppy is the network in memory between them.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { Client } from '../../src/client/client.ts'
import type { TopicEvent } from '../../src/client/feed.ts'
import type { ServerFrame } from '../../src/protocol/resume.ts'
import type { Wire } from './support/client-network.ts'
import { ClientWorld, HEARTBEAT_MS, type ReadingRule, TOPIC } from './support/client-world.ts'
import { lawOf } from './support/law.ts'

const RUNS = 300
/** More than a question and its answer take. */
const ROUND_TRIP_MS = 10
/** A pause after a refusal, and its jitter. */
const AGAIN_MS = 2_000

function begin(count: number, seed: number) {
  const world = new ClientWorld(count, seed)
  const options = {
    transports: ['websocket' as const],
    connectTimeoutMs: 1_500,
    heartbeatTimeoutMs: 1_000,
    maxRetryMs: 4_000,
  }
  const client = new Client('http://server.test/topics', options, world.network)
  const events: TopicEvent[] = []
  const listen = () =>
    client
      .topic<string>(TOPIC, { from: 'start' })
      .events$.subscribe({ next: (event) => events.push(event), error() {} })
  return { world, client, events, listen }
}

const parse = (text: string) => JSON.parse(text) as ServerFrame
const asks = ({ sent }: Wire) => sent.filter((text) => JSON.parse(text).type === 'subscribe').length

/** What becomes of one message of the server. */
const SLIPS = ['none', 'twice', 'lost', 'item twice', 'item lost', 'earlier one again'] as const
// `pick`: to which of several it happens.
const slip = fc.record({ slip: fc.constantFrom('none' as const, ...SLIPS), pick: fc.nat(100) })
type Slip = typeof slip extends fc.Arbitrary<infer S> ? S : never

function slipped(text: string, { got }: Wire, one: Slip): readonly string[] {
  if (one.slip === 'earlier one again') {
    // Of answers to a subscription those to earlier ones: which is the last one, the client knows by its number.
    const newest = got.findLast((said) => parse(said).type === 'subscribed')
    const old = got.filter((said) => said !== newest)
    return [...old.slice(one.pick % (old.length + 1)).slice(0, 1), text]
  }
  const frame = parse(text)
  if (frame.type !== 'messages' || one.slip === 'none') return [text]
  if (one.slip === 'twice') return [text, text]
  if (one.slip === 'lost') return []
  const at = one.pick % frame.items.length
  const items = frame.items.flatMap((item, index) =>
    index !== at ? [item] : one.slip === 'item lost' ? [] : [item, item],
  )
  return [JSON.stringify({ ...frame, items })]
}

const TYPES = [
  ...(['welcome', 'subscribed', 'messages', 'gap', 'unsubscribed', 'ack', 'error'] as const),
  ...(['pong', 'heartbeat', 'none of ours'] as const),
]
const value = fc.oneof(
  fc.constantFrom(null, true, '', 'x', -1, 0, 1, 2, 1.5, 1e300, [], {}, [null], [{}]),
  fc.jsonValue({ maxDepth: 2 }),
)
const item = fc.record({ offset: value, prev: value, ts: value, data: value, data64: value })
/** JSON that is a frame in its type, in some of its fields, or not at all. */
const anyFrame = fc.oneof(
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  {
    weight: 8,
    arbitrary: fc.record(
      {
        type: fc.constantFrom(...TYPES),
        topic: fc.oneof(fc.constant<unknown>(TOPIC), value),
        id: value,
        ...{ heartbeatMs: value, limits: value, retryAfterMs: value },
        ...{ epoch: value, head: value, start: value, recovered: value, reason: value },
        items: fc.oneof(fc.array(item, { maxLength: 3 }), value),
        ...{ to: value, offset: value, duplicate: value, message: value, topics: value },
        code: value,
      },
      { requiredKeys: ['type'] },
    ),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('error'),
      // Those of the client's first questions.
      id: fc.integer({ min: 1, max: 4 }),
      code: fc.constantFrom('internal', 'overloaded', 'forbidden'),
      retryAfterMs: value,
    }),
  },
)

type Op =
  | { readonly do: 'publish'; readonly times: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'cut' | 'relisten' }
  | { readonly do: 'restart'; readonly forgets: boolean }
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      times: fc.oneof(
        { weight: 9, arbitrary: fc.integer({ min: 1, max: 8 }) },
        // So many that a topic that keeps few forgets the others.
        { weight: 1, arbitrary: fc.constant(150) },
      ),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat(5), fc.nat(3_000)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('cut' as const, 'relisten' as const) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('restart' as const), forgets: fc.boolean() }),
  },
)

describe('a client of a sloppy server', () => {
  lawOf(
    'gets each message once and in order, or a gap, whatever is said twice, said late or left out',
    fc.record({
      seed: fc.nat(1_000_000),
      count: fc.constantFrom(5, 10_000),
      slips: fc.array(slip, { minLength: 1, maxLength: 30 }),
      ops: fc.array(op, { minLength: 3, maxLength: 20 }),
    }),
    async ({ seed, count, slips, ops }) => {
      const { world, client, events, listen } = begin(count, seed)
      const { network, clock } = world
      let said = 0
      network.meddle = (text, wire) => slipped(text, wire, slips[said++ % slips.length] as Slip)
      let listener = listen()
      for (const one of ops) {
        if (one.do === 'publish') world.publish(one.times)
        else if (one.do === 'wait') await clock.advance(one.ms)
        else if (one.do === 'cut') network.cut()
        else if (one.do === 'relisten') {
          listener.unsubscribe()
          listener = listen()
        } else if (one.do === 'restart') {
          await world.stop()
          world.start(one.forgets)
        }
        await clock.advance(1)
      }
      network.meddle = (text) => [text]
      await clock.advance(30_000)
      expect(client.state.state).toBe('open')
      world.hasBeenRead(client, events)
      const forgets = ops.some((one) => one.do === 'restart' && one.forgets)
      if (!forgets && count === 10_000) expect(events.length).toBe(world.topic.offset)
    },
    RUNS,
  )

  lawOf(
    'asks for what is missing when a later message shows it, once, over the connection that it has',
    fc.record({
      seed: fc.nat(1_000_000),
      rounds: fc.array(
        fc.record({ lost: fc.integer({ min: 1, max: 5 }), come: fc.integer({ min: 1, max: 5 }) }),
        { minLength: 1, maxLength: 8 },
      ),
    }),
    async ({ seed, rounds }) => {
      const { world, client, events, listen } = begin(10_000, seed)
      const { network, clock } = world
      listen()
      await clock.advance(ROUND_TRIP_MS)
      for (const { lost, come } of rounds) {
        network.meddle = () => []
        world.publish(lost)
        await clock.advance(ROUND_TRIP_MS)
        network.meddle = (text) => [text]
        world.publish(come)
        await clock.advance(ROUND_TRIP_MS)
        world.hasBeenRead(client, events)
      }
      expect(events).toHaveLength(world.topic.offset)
      expect(network.wires.map(asks)).toEqual([1 + rounds.length])
    },
    RUNS,
  )

  lawOf(
    'asks for its topic once over each connection, and once more for each time that it was refused there',
    fc.record({
      seed: fc.nat(1_000_000),
      rounds: fc.array(
        fc.record({
          reading: fc.constantFrom<ReadingRule>('allowed', 'failing'),
          ms: fc.oneof(fc.nat(500), fc.nat(5_000)),
          cut: fc.boolean(),
        }),
        { minLength: 1, maxLength: 8 },
      ),
    }),
    async ({ seed, rounds }) => {
      const { world, client, events, listen } = begin(10_000, seed)
      const { network, clock } = world
      listen()
      for (const { reading, ms, cut } of rounds) {
        world.reading = reading
        if (cut) network.cut()
        world.publish(1)
        await clock.advance(ms)
      }
      world.reading = 'allowed'
      await clock.advance(4_000 + AGAIN_MS + HEARTBEAT_MS)
      world.hasBeenRead(client, events)
      for (const wire of network.wires) {
        const refused = wire.got.filter((text) => parse(text).type === 'error').length
        expect(asks(wire)).toBeLessThanOrEqual(1 + refused)
      }
      return rounds.some(({ reading, cut }) => reading === 'failing' || cut)
    },
    RUNS,
  )

  lawOf(
    'is sent nothing of a topic that nobody listens to any more, also where it had to ask again',
    fc.record({
      seed: fc.nat(1_000_000),
      lost: fc.nat(3),
      reading: fc.constantFrom<ReadingRule>('allowed', 'failing', 'forbidden'),
      ms: fc.nat(3_000),
    }),
    async ({ seed, lost, reading, ms }) => {
      const { world, listen } = begin(10_000, seed)
      const { network, clock } = world
      const listener = listen()
      await clock.advance(ROUND_TRIP_MS)
      network.meddle = () => []
      world.publish(lost)
      await clock.advance(ROUND_TRIP_MS)
      network.meddle = (text) => [text]
      world.reading = reading
      world.publish(1)
      await clock.advance(ms)
      listener.unsubscribe()
      await clock.advance(ROUND_TRIP_MS)
      const { got } = network.wires[0] as Wire
      const before = got.length
      world.publish(3)
      await clock.advance(ROUND_TRIP_MS)
      expect(network.wires).toHaveLength(1)
      expect(got.slice(before).filter((text) => parse(text).type === 'messages')).toEqual([])
    },
    RUNS,
  )

  lawOf(
    'comes to no harm by frames of any shape: it goes on, or comes back, or has failed',
    fc.record({
      seed: fc.nat(1_000_000),
      shapes: fc.array(fc.record({ at: fc.nat(12), replaces: fc.boolean(), frame: anyFrame }), {
        minLength: 1,
        maxLength: 6,
      }),
    }),
    async ({ seed, shapes }) => {
      const { world, client, listen } = begin(10_000, seed)
      const { network, clock } = world
      let said = 0
      network.meddle = (text) => {
        const now = shapes.filter(({ at }) => at === said)
        said++
        const replaced = now.some(({ replaces }) => replaces)
        return [...now.map(({ frame }) => JSON.stringify(frame)), ...(replaced ? [] : [text])]
      }
      listen()
      void client
        .topic(TOPIC)
        .publish('at some time')
        .catch(() => {})
      for (let n = 0; n < 8; n++) {
        world.publish(1)
        await clock.advance(500)
      }
      expect(['open', 'connecting', 'resuming', 'waiting', 'failed']).toContain(client.state.state)
      void client.close()
      await clock.advance(10_000)
      expect(['closed', 'failed']).toContain(client.state.state)
      expect(network.clock.armed.size).toBe(0)
      expect(network.clock.rulesKept).toBe(true)
    },
    RUNS,
  )
})
