// Client world: what real clients live in, in virtual time. The real server with one topic, and a network in memory.

import { expect } from 'vitest'
import { DurableTopic, HandshakeError, topics } from 'windsock'
import { type Harness, harness, seededRandom, VirtualClock } from 'windsock/testing'
import type { Client } from '../../../src/client/client.ts'
import type { TopicEvent } from '../../../src/client/feed.ts'
import { MemoryStore } from '../../../src/journal/memory-store.ts'
import { Asking, CountedTopic } from './asking.ts'
import { ClientNetwork } from './client-network.ts'

export const TOPIC = 't'
export const HEARTBEAT_MS = 2_000
/** Half of what its clients give a new connection, as the defaults are. */
const ANSWER_TIMEOUT_MS = 750
/** What the server says to whoever asks for the topic; what is read already goes on, but for polls. */
export type ReadingRule = 'allowed' | 'forbidden' | 'failing' | 'hanging'

/** What the server makes of a publish. */
export type Mood = 'well' | 'slow' | 'busy' | 'limited' | 'hanging' | 'unwilling'

const SLOW_MS = 300

/** One server after the other, on a store that survives restarts, or on a new one each time. */
export class ClientWorld {
  readonly clock = new VirtualClock()
  readonly network: ClientNetwork
  /** Everything that any log ever held: `<epoch> <offset>` and the text. */
  readonly logged = new Map<string, string>()
  reading: ReadingRule = 'allowed'
  /** Of the publishes that come next, in order; those after them it takes well. */
  moods: Mood[] = []
  readonly #wanted = new Map<unknown, boolean>()
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
    const rules = {
      accept: async (input: unknown) => {
        const mood = this.moods.shift()
        if (mood === 'busy') throw new HandshakeError(503, 'not now')
        if (mood === 'limited') throw new HandshakeError(429, 'not so many')
        // Of one text it thinks the same each time, also when the answer was lost.
        const isWanted = this.#wanted.get(input) ?? mood !== 'unwilling'
        this.#wanted.set(input, isWanted)
        if (!isWanted) throw new HandshakeError(403, 'not that')
        if (mood === 'hanging') await new Promise<never>(() => {})
        if (mood === 'slow') await new Promise<void>((done) => this.clock.setTimeout(done, SLOW_MS))
        return input as string
      },
      mayRead: () => {
        if (this.reading === 'forbidden') throw new HandshakeError(403, 'not you')
        if (this.reading === 'failing') throw new Error('nobody knows who you are')
        return this.reading === 'hanging' ? new Promise<never>(() => {}) : undefined
      },
    }
    const entries = topics('/topics', [topic as never], {
      ...rules,
      heartbeatMs: HEARTBEAT_MS,
      maxPublishesPerSecond: 20,
      answerTimeoutMs: ANSWER_TIMEOUT_MS,
    })
    const limits = {
      longPollMs: 1_000,
      eventStreamMs: 3_000,
      eventStreamHeartbeatMs: HEARTBEAT_MS,
      answerTimeoutMs: ANSWER_TIMEOUT_MS,
    }
    const asking = new Asking({ rules, limits }, this.clock)
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

  /** Holds the rule of readers: each message of the logs once and in order, or a gap, told once, up to the last one. */
  hasBeenRead(client: Client, events: readonly TopicEvent[]): void {
    const got = new Set<string>()
    let at = { epoch: '', offset: 0 }
    for (const event of events) {
      if (event.type === 'gap') {
        if (at.epoch !== '') expect(event.from).toEqual(at)
        if (event.to.epoch === at.epoch) expect(event.to.offset).toBeGreaterThan(at.offset)
        at = event.to
        continue
      }
      const { epoch, offset, data } = event
      const place = `${epoch} ${offset}`
      if (at.epoch !== '') expect({ epoch, offset }).toEqual({ ...at, offset: at.offset + 1 })
      expect(data).toBe(this.logged.get(place) ?? data)
      expect(got).not.toContain(place)
      got.add(place)
      at = { epoch, offset }
    }
    const { epoch, offset } = this.topic
    expect(client.topic(TOPIC).position).toEqual({ epoch, offset })
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
