// Laws of resuming: whatever is cut, restarted, slow or trimmed, a client that keeps the rule gets each message once and
// in order, or is told of the gap.
//
// The clients here keep `judge`, the rule that the protocol gives to clients; the server is the real runtime over links
// in memory, its topic on a store that survives the restarts.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { DurableTopic, topics } from 'windsock'
import { type Harness, harness, type Peer, seededRandom, VirtualClock } from 'windsock/testing'
import { MemoryStore } from '../../src/journal/memory-store.ts'
import {
  judge,
  type MessageItem,
  RESUME_SUBPROTOCOL,
  type ServerFrame,
} from '../../src/protocol/resume.ts'
import { lawOf } from './support/law.ts'

const TOPIC = 'news'

/** One server after the other on one store. */
class World {
  readonly clock = new VirtualClock()
  readonly store = new MemoryStore(seededRandom(1))
  readonly bufferBytes: number
  server!: Harness
  topic!: DurableTopic<string>
  published = 0
  readonly acknowledged: number[] = []

  readonly #count: number

  constructor(count: number, bufferBytes: number) {
    this.#count = count
    this.bufferBytes = bufferBytes
    this.start()
  }

  start(): void {
    const { clock, bufferBytes } = this
    const ports = { clock, random: seededRandom(2) }
    const history = { count: this.#count, bytes: 2_000 }
    this.topic = new DurableTopic<string>(TOPIC, this.store, { history }, ports)
    const routes = topics('/topics', [this.topic as never], {
      accept: (input) => (typeof input === 'string' ? input : JSON.stringify(input)),
      maxPublishesPerSecond: 1_000,
    })
    this.server = harness(routes, { bufferBytes, stallTimeoutMs: 1_000, clock })
  }

  publish(size: number): void {
    const number = ++this.published
    void this.topic
      .publish(`${number}`.padEnd(size, '.'))
      .then((offset) => this.acknowledged.push(offset))
  }
}

/** A client that comes back. */
class Client {
  readonly world: World
  peer: Peer | undefined
  epoch: string | undefined
  last = 0
  started = false
  readonly got: MessageItem[] = []
  readonly gaps: { readonly after: number; readonly to: number }[] = []
  /** What came after something that was missing without a word. */
  readonly holes: unknown[] = []
  readonly errors: unknown[] = []
  #read = 0

  constructor(world: World) {
    this.world = world
  }

  connect(): void {
    this.#read = 0
    const headers = { 'sec-websocket-protocol': RESUME_SUBPROTOCOL }
    this.peer = this.world.server.dial('/topics', { headers })
  }

  subscribe(): void {
    const { epoch, last: offset } = this
    const begin = epoch === undefined ? { from: 'start' } : { since: { epoch, offset } }
    this.peer?.send(JSON.stringify({ type: 'subscribe', id: 1, topic: TOPIC, ...begin }))
  }

  /** Reads what has come; subscribes again where the rule says so. */
  read(): void {
    const wire = this.peer?.wire ?? []
    for (; this.#read < wire.length; this.#read++) {
      const item = wire[this.#read]?.item
      if (item?.kind === 'message') this.#take(JSON.parse(String(item.message)) as ServerFrame)
    }
  }

  #take(frame: ServerFrame): void {
    if (frame.type === 'welcome') this.subscribe()
    if (frame.type === 'error') this.errors.push(frame)
    if (frame.type === 'gap') this.#gap(frame.to)
    if (frame.type === 'subscribed') {
      if (!frame.recovered || !this.started) {
        if (frame.start > this.last || !frame.recovered)
          this.gaps.push({ after: this.last, to: frame.start })
        this.last = frame.start
      }
      this.started = true
      this.epoch = frame.epoch
    }
    if (frame.type === 'messages') {
      for (const item of frame.items) {
        const verdict = judge(this.last, item)
        if (verdict === 'resubscribe') this.holes.push({ after: this.last, before: item.offset })
        if (verdict !== 'take') continue
        this.got.push(item)
        this.last = item.offset
      }
    }
  }

  #gap(to: number): void {
    this.gaps.push({ after: this.last, to })
    this.last = to
  }
}

type Op =
  | { readonly do: 'publish'; readonly size: number; readonly times: number }
  | { readonly do: 'connect' | 'cut' | 'stall' | 'resume' | 'garbage'; readonly who: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'restart' }

const who = fc.nat(2)
const ops: fc.Arbitrary<Op[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('publish' as const),
        size: fc.oneof(fc.nat(20), fc.nat(600), fc.constant(3_000)),
        times: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constant(130)),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constantFrom('connect' as const, 'cut' as const), who }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constantFrom('stall' as const, 'resume' as const, 'garbage' as const),
        who,
      }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(50) }) },
    { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
  ),
  { minLength: 3, maxLength: 25 },
)
const worlds = fc.record({
  count: fc.constantFrom(5, 50, 10_000),
  bufferBytes: fc.constantFrom(300, 65_536),
  ops,
})

async function playWorld({
  count,
  bufferBytes,
  ops,
}: {
  count: number
  bufferBytes: number
  ops: Op[]
}) {
  const world = new World(count, bufferBytes)
  const clients = [new Client(world), new Client(world), new Client(world)]
  const settle = async (ms = 5) => {
    await world.server.advance(ms)
    for (const client of clients) client.read()
  }
  for (const op of ops) {
    if (op.do === 'publish') for (let n = 0; n < op.times; n++) world.publish(op.size)
    else if (op.do === 'wait') await settle(op.ms)
    else if (op.do === 'restart') {
      await settle(0)
      await world.server.close()
      for (const client of clients) {
        client.read()
        client.peer = undefined
      }
      world.start()
    } else {
      const client = clients[op.who] as Client
      const { peer } = client
      if (op.do === 'connect') {
        if (peer === undefined || peer.isEnded) client.connect()
      } else if (op.do === 'cut') peer?.cut()
      else if (peer?.status === 101) {
        if (op.do === 'garbage') peer.send('{"type":"subscribe","id":2,"topic":7}')
        else if (op.do === 'stall') peer.stall()
        else peer.resume()
      }
    }
    await settle(1)
  }
  // Everyone comes back, over links that work, until everything is read.
  for (const client of clients) client.peer?.cut()
  await settle(10)
  for (const client of clients) client.connect()
  for (let round = 0; round < 50; round++) await settle(20)
  return { world, clients }
}

describe('a client that comes back', () => {
  lawOf(
    'gets each message once and in order, or is told of the gap, whatever is cut, slow, trimmed or restarted (I-60, I-61, I-62)',
    worlds,
    async (script) => {
      const { world, clients } = await playWorld(script)
      const head = world.topic.offset
      expect(head).toBe(world.published)
      for (const client of clients) {
        expect(client.last).toBe(head)
        // One comparison for all: an expectation for each message takes longer than all else.
        expect(client.holes).toEqual([])
        const offsets = client.got.map(({ offset }) => offset)
        expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b))
        const others = client.got.filter(({ offset, data }) => {
          return Number.parseInt(data as string, 10) !== offset
        })
        expect(others).toEqual([])
        const seen = new Set(offsets)
        const missed = Array.from({ length: head }, (_, index) => index + 1).filter((offset) => {
          const isAnnounced = client.gaps.some(({ after, to }) => after < offset && offset <= to)
          return !seen.has(offset) && !isAnnounced
        })
        expect(missed).toEqual([])
      }
      if (script.count === 10_000) for (const { gaps } of clients) expect(gaps).toEqual([])
    },
  )

  lawOf(
    'has its publishes numbered 1, 2, 3 … without a hole, in the order it sent them (I-57)',
    worlds,
    async (script) => {
      const { world } = await playWorld(script)
      expect(world.acknowledged).toEqual(world.acknowledged.map((_, index) => index + 1))
    },
  )
})
