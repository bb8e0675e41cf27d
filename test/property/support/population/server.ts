// Server: one simulated process, from its start to its end; the topic that it serves lies on a disk that outlives it.
//
// WebSockets go through the whole runtime over links in memory, HTTP through everything but the sockets. What is judged
// comes by its path, so that outside vitest, where "windsock" is what was built, all of it is one copy.

import type { Sendable } from 'windsock'
import { type Peer, seededRandom, type VirtualClock } from 'windsock/testing'
import { DurableTopic } from '../../../../src/streams/durable-topic.ts'
import type { HistoryOptions } from '../../../../src/streams/history.ts'
import { type Harness, type HarnessOptions, harness } from '../../../../src/testing/harness.ts'
import { topics } from '../../../../src/topics.ts'
import { type Asked, Asking, type AskOptions, CountedTopic } from '../asking.ts'
import type { Disk, DiskLink } from './disk.ts'

export const TOPIC = 'news'

export interface ServerSettings {
  readonly history: HistoryOptions
  readonly pageMessages: number
  /** Of a WebSocket's link, before its server has to wait. */
  readonly bufferBytes: number
  /** How long the store takes, each way. */
  readonly storeMs: number
}

const HARNESS: HarnessOptions = { latencyMs: 1, stallTimeoutMs: 1_000, closeTimeoutMs: 200 }
const LIMITS = { longPollMs: 500, eventStreamMs: 1_500, eventStreamHeartbeatMs: 400 }

export class Server {
  /** Of the log that it serves. */
  readonly epoch: string
  readonly topic: DurableTopic<string>
  readonly #harness: Harness
  readonly #asking: Asking
  readonly #link: DiskLink
  readonly #asked = new Set<Asked>()

  constructor(disk: Disk, clock: VirtualClock, settings: ServerSettings) {
    const { history, pageMessages, bufferBytes, storeMs } = settings
    this.epoch = disk.epoch
    this.#link = disk.link(clock, storeMs)
    const ports = { clock, random: seededRandom(2) }
    this.topic = new DurableTopic<string>(TOPIC, this.#link.store, { history }, ports)
    const rules = { accept: (input: unknown) => input as Sendable }
    const served = this.topic as unknown as DurableTopic<Sendable>
    const routes = topics('/topics', [served], {
      ...rules,
      heartbeatMs: 700,
      maxPublishesPerSecond: 1_000_000,
    })
    this.#harness = harness(routes, { ...HARNESS, bufferBytes, clock })
    this.#asking = new Asking({ rules, limits: { ...LIMITS, pageMessages } }, clock)
    this.#asking.topics.set(TOPIC, new CountedTopic(this.topic))
  }

  /** Opens a WebSocket that speaks the resume protocol. */
  dial(): Peer {
    const headers = { 'sec-websocket-protocol': 'windsock.v1.json' }
    return this.#harness.dial('/topics', { headers })
  }

  /** Sends a request for the topic. */
  ask(search: string, options?: AskOptions): Asked {
    const asked = this.#asking.ask(TOPIC, search, options)
    this.#asked.add(asked)
    asked.lifeline.onEnd((why) => {
      if (why === 'gone') this.#asked.delete(asked)
    })
    return asked
  }

  /** Answers what waits, says goodbye to everyone, and ends. */
  async drain(): Promise<void> {
    for (const asked of this.#asked) asked.lifeline.end('draining')
    await this.#harness.close()
  }

  /** Is no more, from one moment to the next. Whoever held a link to it cuts it. */
  end(): void {
    this.#link.cut()
    for (const asked of this.#asked) asked.lifeline.end('gone')
  }

  /** Errors of its own that it reported. */
  get errors(): readonly Error[] {
    return [...this.#harness.errors, ...this.#asking.errors]
  }

  /** Requests and streams that wait for news of the topic. */
  get watchers(): number {
    return this.#asking.watchers
  }
}
