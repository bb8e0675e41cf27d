// Laws of clients that come back: whatever the network and the server do, and however the transport is changed, each
// message comes once and in order, or there is a gap; what is published is in the log once; and nothing is left over.
//
// Client and server are the real ones, in virtual time; the network between them is in memory (support/client-network).

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { DurableTopic, topics } from 'windsock'
import { type Harness, harness, seededRandom, VirtualClock } from 'windsock/testing'
import { Client } from '../../src/client/client.ts'
import type { TopicEvent } from '../../src/client/feed.ts'
import { TRANSPORTS } from '../../src/client/settings.ts'
import { MemoryStore } from '../../src/journal/memory-store.ts'
import type { ClientTransport } from '../../src/machines/client-effects.ts'
import { Asking, CountedTopic } from './support/asking.ts'
import { ClientNetwork, type Condition } from './support/client-network.ts'
import { lawOf } from './support/law.ts'

const TOPIC = 't'
const HEARTBEAT_MS = 2_000
const accept = (input: unknown) => input as string

/** One server after the other, on a store that survives restarts, or on a new one each time. */
class World {
  readonly clock = new VirtualClock()
  readonly network: ClientNetwork
  /** Everything that any log ever held: `<epoch> <offset>` and the text. */
  readonly logged = new Map<string, string>()
  readonly #count: number
  #store = new MemoryStore(seededRandom(1))
  #server: { harness: Harness; asking: Asking; topic: DurableTopic<string> } | undefined
  #seed = 1
  #published = 0

  constructor(count: number, seed: number) {
    this.#count = count
    this.network = new ClientNetwork(this.clock, seededRandom(seed), () => this.#server)
    this.start(false)
  }

  get topic(): DurableTopic<string> {
    return (this.#server as { topic: DurableTopic<string> }).topic
  }

  start(forgets: boolean): void {
    if (forgets) this.#store = new MemoryStore(seededRandom(++this.#seed))
    const ports = { clock: this.clock, random: seededRandom(++this.#seed) }
    const topic = new DurableTopic<string>(
      TOPIC,
      this.#store,
      { history: { count: this.#count } },
      ports,
    )
    topic.watch(() => void this.#note(topic))
    const entries = topics('/topics', [topic as never], {
      accept,
      heartbeatMs: HEARTBEAT_MS,
      maxPublishesPerSecond: 20,
    })
    const limits = { longPollMs: 1_000, eventStreamMs: 3_000, eventStreamHeartbeatMs: HEARTBEAT_MS }
    const asking = new Asking({ rules: { accept }, limits }, this.clock)
    asking.topics.set(TOPIC, new CountedTopic(topic))
    this.#server = { harness: harness(entries, { clock: this.clock }), asking, topic }
  }

  /** Ends the server with all its connections. */
  async stop(): Promise<void> {
    const { harness, asking } = this.#server as { harness: Harness; asking: Asking }
    this.#server = undefined
    let drained = false
    void harness.runtime.drain({ code: 1012, reason: 'restarting; retry=1s' }).then(() => {
      drained = true
    })
    this.network.cut()
    while (!drained) await this.clock.advance(50)
    void asking
  }

  publish(times: number): void {
    for (let n = 0; n < times; n++) void this.topic.publish(`server ${++this.#published}`)
  }

  async #note(topic: DurableTopic<string>): Promise<void> {
    const { items } = await topic.read(Math.max(topic.floor, topic.offset - 1), {
      maxItems: 1,
      maxBytes: 1e6,
    })
    for (const { offset, message } of items)
      this.logged.set(`${topic.epoch} ${offset}`, String(message))
  }
}

type Op =
  | { readonly do: 'publish' | 'say'; readonly times: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'network'; readonly condition: Condition }
  | { readonly do: 'cut' | 'freeze' | 'offline' | 'online' | 'woke' | 'retry' }
  | { readonly do: 'restart'; readonly forgets: boolean; readonly awayMs: number }
  | { readonly do: 'use'; readonly transports: readonly ClientTransport[] }

const someTransports = fc.oneof(
  fc.constantFrom(...TRANSPORTS).map((one) => [one]),
  fc.shuffledSubarray([...TRANSPORTS], { minLength: 1 }),
)
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('publish' as const, 'say' as const),
      times: fc.integer({ min: 1, max: 8 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat(20), fc.nat(5_000)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('network' as const),
      condition: fc.constantFrom<Condition>('up', 'up', 'down', 'refusing upgrades', 'frozen'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'cut' as const,
        'freeze' as const,
        'offline' as const,
        'online' as const,
        'woke' as const,
        'retry' as const,
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('restart' as const),
      forgets: fc.boolean(),
      awayMs: fc.nat(3_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('use' as const), transports: someTransports }),
  },
)
const lives = fc.record({
  seed: fc.nat(1_000_000),
  count: fc.constantFrom(5, 10_000),
  transports: someTransports,
  ops: fc.array(op, { minLength: 3, maxLength: 20 }),
})
type Life = typeof lives extends fc.Arbitrary<infer L> ? L : never

/** Less than is said at once now and then. */
const MAX_QUEUED = 6

interface Told {
  readonly world: World
  readonly client: Client
  readonly events: TopicEvent[]
  /** What became of each text that the client published. */
  readonly said: Map<string, 'waiting' | 'stored' | string>
  readonly mostQueued: number
  readonly hasFailed: boolean
}

async function live({ seed, count, transports, ops }: Life): Promise<Told> {
  const world = new World(count, seed)
  const { network, clock } = world
  const options = {
    transports,
    maxQueued: MAX_QUEUED,
    connectTimeoutMs: 1_500,
    heartbeatMs: HEARTBEAT_MS,
    heartbeatTimeoutMs: 1_000,
    upgradeMs: 4_000,
    pollMs: 500,
    maxRetryMs: 4_000,
  }
  const client = new Client('http://server.test/topics', options, network)
  const events: TopicEvent[] = []
  const topic = client.topic<string>(TOPIC, { from: 'start' })
  topic.events$.subscribe((event) => events.push(event))
  const said = new Map<string, string>()
  let mostQueued = 0
  const say = () => {
    const text = `client ${said.size + 1}`
    said.set(text, 'waiting')
    topic.publish(text).then(
      () => said.set(text, 'stored'),
      (error) => said.set(text, error.code),
    )
    mostQueued = Math.max(mostQueued, client.queued)
  }
  for (const op of ops) {
    if (op.do === 'publish') world.publish(op.times)
    else if (op.do === 'say') for (let n = 0; n < op.times; n++) say()
    else if (op.do === 'wait') await clock.advance(op.ms)
    else if (op.do === 'network') network.condition = op.condition
    else if (op.do === 'cut') network.cut()
    else if (op.do === 'freeze') network.freeze()
    else if (op.do === 'retry') client.retry()
    else if (op.do === 'use') client.use(...op.transports)
    else if (op.do === 'restart') {
      await world.stop()
      await clock.advance(op.awayMs)
      world.start(op.forgets)
    } else network.tell(op.do)
    await clock.advance(1)
  }
  // In the end everything works, and everybody has time.
  network.condition = 'up'
  network.tell('online')
  await clock.advance(60_000)
  const hasFailed = client.state.state === 'failed'
  return { world, client, events, said, mostQueued, hasFailed }
}

describe('a client that comes back', () => {
  lawOf(
    'gets each message once and in order, or a gap, up to the last one',
    lives,
    async (life) => {
      const { world, client, events } = await live(life)
      expect(client.state.state).toBe('open')
      let at = { epoch: '', offset: 0 }
      for (const event of events) {
        if (event.type === 'gap') {
          if (at.epoch !== '') expect(event.from).toEqual(at)
          at = event.to
          continue
        }
        const { epoch, offset, data } = event
        if (at.epoch !== '') expect({ epoch, offset }).toEqual({ ...at, offset: at.offset + 1 })
        at = { epoch, offset }
        expect(data).toBe(world.logged.get(`${epoch} ${offset}`) ?? data)
      }
      const { epoch, offset } = world.topic
      expect(client.topic(TOPIC).position).toEqual({ epoch, offset })
      const forgets = life.ops.some((one) => one.do === 'restart' && one.forgets)
      if (!forgets && life.count === 10_000) {
        expect(events.filter(({ type }) => type === 'gap')).toEqual([])
        expect(events.length).toBe(offset)
      }
    },
    300,
  )

  lawOf(
    'has what it published in the log once, in its order, and tells of the rest',
    lives,
    async (life) => {
      const { world, said, client, mostQueued } = await live(life)
      const forgets = life.ops.some((one) => one.do === 'restart' && one.forgets)
      if (forgets || life.count !== 10_000 || said.size === 0) return false
      const { items } = await world.topic.read(0, { maxItems: 10_000, maxBytes: 1e9 })
      const logged = items
        .map(({ message }) => String(message))
        .filter((text) => text.startsWith('client'))
      const stored = [...said].filter(([, end]) => end === 'stored').map(([text]) => text)
      expect(logged).toEqual(stored)
      expect([...said.values()].filter((end) => end === 'waiting')).toEqual([])
      expect(client.queued).toBe(0)
      expect(mostQueued).toBeLessThanOrEqual(MAX_QUEUED)
      return true
    },
    300,
  )

  lawOf(
    'has one WebSocket at most, and leaves no timer, socket or listener behind when it is closed',
    lives,
    async (life) => {
      const { world, client } = await live(life)
      const { network } = world
      expect(network.mostSockets).toBeLessThanOrEqual(1)
      void client.close()
      await world.clock.advance(10_000)
      expect(client.state.state).toBe('closed')
      expect(network.sockets).toBe(0)
      expect(network.clock.armed.size).toBe(0)
      expect(network.watchers).toBe(0)
    },
    200,
  )
})
