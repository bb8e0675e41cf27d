// Laws of clients that come back: whatever the network and the server do, and however the transport is changed, each
// message comes once and in order, or there is a gap; what is published is in the log once; and nothing is left over.
//
// Client and server are the real ones, in virtual time; the network between them is in memory (support/client-network).

import fc from 'fast-check'
import { Subscription } from 'rxjs'
import { describe, expect } from 'vitest'
import { Client } from '../../src/client/client.ts'
import type { TopicEvent } from '../../src/client/feed.ts'
import { TRANSPORTS } from '../../src/client/settings.ts'
import type { ClientTransport } from '../../src/machines/client-effects.ts'
import type { Condition } from './support/client-network.ts'
import {
  ClientWorld,
  HEARTBEAT_MS,
  type Mood,
  type ReadingRule,
  TOPIC,
} from './support/client-world.ts'
import { lawOf } from './support/law.ts'

type Op =
  | { readonly do: 'publish' | 'say'; readonly times: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'network'; readonly condition: Condition }
  | { readonly do: 'cut' | 'freeze' | 'offline' | 'online' | 'woke' | 'retry' }
  | { readonly do: 'leave' | 'listen' }
  | { readonly do: 'rule'; readonly reading: ReadingRule }
  | { readonly do: 'moods'; readonly moods: readonly Mood[] }
  | { readonly do: 'restart'; readonly forgets: boolean; readonly awayMs: number }
  | { readonly do: 'use'; readonly transports: readonly ClientTransport[] }

const someTransports = fc.oneof(
  fc.constantFrom(...TRANSPORTS).map((one) => [one]),
  fc.shuffledSubarray([...TRANSPORTS], { minLength: 1 }),
)
/** What readers and writers do while the network is well. */
const doing: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('publish' as const, 'say' as const),
      times: fc.integer({ min: 1, max: 8 }),
    }),
  },
  // So many that a topic that keeps few forgets the others.
  { weight: 1, arbitrary: fc.constant({ do: 'publish' as const, times: 150 }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat(20), fc.nat(5_000)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('leave' as const, 'listen' as const) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('rule' as const),
      reading: fc.constantFrom<ReadingRule>(
        'allowed',
        'allowed',
        'forbidden',
        'failing',
        'hanging',
      ),
    }),
  },
)
/** What a writer does, and what the server makes of it. */
const writing: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('say' as const),
      times: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('moods' as const),
      moods: fc.array(
        fc.constantFrom<Mood>('well', 'slow', 'busy', 'limited', 'hanging', 'unwilling'),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat(20), fc.nat(5_000)),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'cut' as const }) },
)
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 2, arbitrary: writing },
  { weight: 15, arbitrary: doing },
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
const livesOf = (op: fc.Arbitrary<Op>) =>
  fc.record({
    seed: fc.nat(1_000_000),
    count: fc.constantFrom(5, 10_000),
    transports: someTransports,
    /** Whether its listener is replaced by another each time that the topic has just been asked for. */
    restless: fc.boolean(),
    /** After how many events a listener leaves, and how long after that or a refusal another comes, ms. */
    patience: fc.constantFrom(1, 8, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY),
    pauseMs: fc.constantFrom(0, 10, 100),
    ops: fc.array(op, { minLength: 3, maxLength: 20 }),
  })
const lives = livesOf(op)
type Life = typeof lives extends fc.Arbitrary<infer L> ? L : never

/** Less than is said at once now and then. */
const MAX_QUEUED = 6

interface Told {
  readonly world: ClientWorld
  readonly client: Client
  readonly events: TopicEvent[]
  /** How many events there were when a listener closed the client. */
  readonly toldAtClose: number | undefined
  /** What became of each text that the client published. */
  readonly said: Map<string, 'waiting' | 'stored' | string>
  readonly mostQueued: number
  readonly hasFailed: boolean
}

/**
 * @param end - `calm`: in the end all works, and everybody has time. `in the middle`: an answer to a question
 *   for the topic is on its way. `as it stands`: as the last step left it. `by a listener`: who has taken enough closes
 *   the client.
 */
async function live(
  { seed, count, transports, restless, patience, pauseMs, ops }: Life,
  end: 'calm' | 'in the middle' | 'as it stands' | 'by a listener' = 'calm',
): Promise<Told> {
  const world = new ClientWorld(count, seed)
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
  let isCalm = false
  let toldAtClose: number | undefined
  let listener: Subscription | undefined
  const leave = () => listener?.unsubscribe()
  const listen = () => {
    leave()
    let left = patience
    listener = new Subscription()
    const subscription = topic.events$.subscribe({
      next(event) {
        events.push(event)
        if (isCalm || --left > 0) return
        if (end !== 'by a listener') return next()
        toldAtClose ??= events.length
        void client.close()
      },
      error() {
        // What was refused is not left any more.
        listener = undefined
        next()
      },
    })
    listener.add(subscription)
  }
  const next = () => {
    leave()
    if (pauseMs === 0) listen()
    else clock.setTimeout(listen, pauseMs)
  }
  listen()
  client.state$.subscribe(({ state }) => {
    if (restless && state === 'resuming') clock.endOfTurn(listen)
  })
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
    else if (op.do === 'leave') leave()
    else if (op.do === 'listen') listen()
    else if (op.do === 'rule') world.reading = op.reading
    else if (op.do === 'moods') world.moods = [...op.moods]
    else if (op.do === 'restart') {
      await world.stop()
      await clock.advance(op.awayMs)
      world.start(op.forgets)
    } else network.tell(op.do)
    await clock.advance(1)
  }
  if (end === 'calm') {
    isCalm = true
    network.condition = 'up'
    network.tell('online')
    world.reading = 'allowed'
    world.moods = []
    if (listener?.closed !== false) listen()
    await clock.advance(60_000)
  } else if (end === 'in the middle') {
    listen()
    await clock.advance(1)
  }
  const hasFailed = client.state.state === 'failed'
  return { world, client, events, toldAtClose, said, mostQueued, hasFailed }
}

describe('a client that comes back', () => {
  lawOf(
    'gets each message once and in order, or a gap, up to the last one',
    lives,
    async (life) => {
      const { world, client, events } = await live(life)
      expect(client.state.state).toBe('open')
      world.hasBeenRead(client, events)
      const forgets = life.ops.some((one) => one.do === 'restart' && one.forgets)
      if (!forgets && life.count === 10_000) {
        expect(events.filter(({ type }) => type === 'gap')).toEqual([])
        expect(events.length).toBe(world.topic.offset)
      }
    },
    300,
  )

  lawOf(
    'reads on when it may again, also where it was refused in the middle, and was told of that',
    livesOf(doing),
    async (life) => {
      const { world, client, events } = await live(life)
      expect(client.state.state).toBe('open')
      world.hasBeenRead(client, events)
      return life.ops.some((one) => one.do === 'rule' && one.reading !== 'allowed')
    },
    200,
  )

  lawOf(
    'has what it published in the log once, in its order, and tells of the rest',
    fc.oneof(lives, livesOf(writing)),
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
    500,
  )

  lawOf(
    'has one WebSocket at most, and nothing comes of it nor is left behind, whenever it is closed',
    fc.tuple(
      fc.oneof(lives, livesOf(doing)),
      fc.constantFrom('calm' as const, 'in the middle' as const, 'as it stands' as const),
    ),
    async ([life, end]) => {
      const { world, client, events } = await live(life, end)
      const { network } = world
      expect(network.mostSockets).toBeLessThanOrEqual(1)
      let left: object | undefined
      void client.closed.then(() => {
        const { sockets, watchers, clock } = network
        left = { sockets, watchers, timers: clock.armed.size }
      })
      world.publish(3)
      const before = events.length
      void client.close()
      await world.clock.advance(10_000)
      expect(client.state.state).toBe('closed')
      expect(left).toEqual({ sockets: 0, watchers: 0, timers: 0 })
      expect(events).toHaveLength(before)
    },
    500,
  )

  lawOf(
    'hands nothing on any more when a listener has closed it, also of what came together',
    lives,
    async (life) => {
      const { events, toldAtClose } = await live(life, 'by a listener')
      if (toldAtClose === undefined) return false
      expect(events).toHaveLength(toldAtClose)
      return true
    },
    200,
  )
})
