// Asking: requests for topics without a socket, in virtual time, with everything that they hold counted.
//
// What answers is the real thing, from the Origin to the last piece of an event stream; only the sockets are not there.

import type { ConnectionRequest, Sendable, WebSocketError } from 'windsock'
import { seededRandom, VirtualClock } from 'windsock/testing'
import type { TopicRules } from '../../../src/handlers/topic-rules.ts'
import { HandshakeRequest } from '../../../src/http/request.ts'
import { formatOffset } from '../../../src/protocol/http-offset.ts'
import type { OriginRule } from '../../../src/protocol/origin.ts'
import type { PageBounds, PublishOptions, TopicLog } from '../../../src/streams/broadcast.ts'
import { Lifeline } from '../../../src/streams/lifeline.ts'
import { PublishRate } from '../../../src/streams/publish-rate.ts'
import { Refusals } from '../../../src/streams/refusals.ts'
import { Topic } from '../../../src/streams/topic.ts'
import { Presence } from '../../../src/transport/presence.ts'
import type { Answer } from '../../../src/transport/topic-answer.ts'
import { answerTopic, type TopicService } from '../../../src/transport/topic-exchange.ts'
import { TopicFormats } from '../../../src/transport/topic-format.ts'
import { resolveTopicLimits, type TopicLimitName } from '../../../src/transport/topic-limits.ts'

export interface AskingOptions {
  readonly rules?: TopicRules
  readonly checkOrigin?: OriginRule<ConnectionRequest>
  readonly requireOrigin?: boolean
  readonly contentType?: string
  readonly limits?: Partial<Record<TopicLimitName, number>>
}

export interface AskOptions {
  readonly method?: string
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: string | Uint8Array | (() => Promise<Uint8Array>)
}

/** A request on its way. */
export interface Asked {
  readonly lifeline: Lifeline
  /** What it was answered, once it was. */
  answer: Answer | undefined
  answers: number
  answeredAtMs: number
  /** Settles with the answer. */
  done: Promise<Answer>
}

export class Asking {
  readonly clock: VirtualClock
  readonly topics = new Map<string, CountedTopic>()
  readonly errors: WebSocketError[] = []
  readonly service: TopicService

  constructor(options: AskingOptions = {}, clock = new VirtualClock()) {
    this.clock = clock
    const { rules = {}, checkOrigin = 'same-origin', contentType = 'application/json' } = options
    const limits = resolveTopicLimits(options.limits ?? {})
    const report = (error: WebSocketError) => void this.errors.push(error)
    const { eventStreamGraceMs: graceMs, maxRequests: maxAway } = limits
    this.service = {
      rate: new PublishRate(limits.maxPublishesPerSecondPerAddress),
      refusals: new Refusals(),
      presence: new Presence({ rules, graceMs, maxAway, report }),
      topics: this.topics,
      rules,
      checkOrigin,
      requireOrigin: options.requireOrigin ?? false,
      formats: new TopicFormats(() => contentType),
      limits,
      clock: this.clock,
      random: seededRandom(7),
      report,
    }
  }

  /** A topic in memory that keeps the newest `count`. */
  add(name: string, count = 1_000): Topic<Sendable> {
    const ports = { clock: this.clock, random: seededRandom(this.topics.size + 1) }
    const topic = new Topic<Sendable>(name, { history: { count, bytes: 1_000_000 } }, ports)
    this.topics.set(name, new CountedTopic(topic))
    return topic
  }

  /** Sends a request for `/topics/<name><search>`; it is on its way when this returns. */
  ask(name: string, search = '', { method = 'GET', headers = [], body }: AskOptions = {}): Asked {
    const usual = headers.some(([one]) => one.toLowerCase() === 'host')
      ? []
      : ['Host', 'server.test']
    const head = {
      method,
      url: `/topics/${encodeURIComponent(name)}${search}`,
      httpVersion: '1.1',
      rawHeaders: [...usual, ...headers.flat()],
      remoteAddress: '192.0.2.1',
      secure: false,
    }
    const captured = { params: { name }, args: [] }
    const request: ConnectionRequest = new HandshakeRequest(head, captured)
    const lifeline = new Lifeline()
    const bytes = async () => new Uint8Array(Buffer.from((body ?? '') as string))
    const read = typeof body === 'function' ? body : bytes
    const done = answerTopic({ head, request, name, body: read, lifeline }, this.service)
    const [answer, answeredAtMs] = [undefined, Number.NaN]
    const asked: Asked = { lifeline, answer, answers: 0, answeredAtMs, done }
    void done.then((answer) => {
      asked.answer = answer
      asked.answers++
      asked.answeredAtMs = this.clock.nowMs()
    })
    return asked
  }

  /** As `ask`, once everything has happened that needs no time. */
  async answered(name: string, search = '', options?: AskOptions): Promise<Answer> {
    const asked = this.ask(name, search, options)
    await this.clock.settle()
    if (asked.answer === undefined) throw new Error(`${name}${search} was not answered`)
    return asked.answer
  }

  /** Watchers of all topics. */
  get watchers(): number {
    return [...this.topics.values()].reduce((sum, { watchers }) => sum + watchers, 0)
  }
}

/** One topic, `t`, in memory; `at` are its offsets as words. */
export function oneTopic(options?: AskingOptions, count?: number) {
  const asking = new Asking(options)
  const topic = asking.add('t', count)
  const at = (offset: number) => formatOffset({ epoch: topic.epoch, offset })
  return { asking, topic, at }
}

/** A topic whose watchers are counted. */
export class CountedTopic implements TopicLog {
  watchers = 0
  readonly #topic: TopicLog

  constructor(topic: TopicLog) {
    this.#topic = topic
  }

  get name() {
    return this.#topic.name
  }
  get ready() {
    return this.#topic.ready
  }
  get epoch() {
    return this.#topic.epoch
  }
  get offset() {
    return this.#topic.offset
  }
  get floor() {
    return this.#topic.floor
  }
  read(offset: number, bounds: PageBounds) {
    return this.#topic.read(offset, bounds)
  }
  watch(listener: () => void) {
    this.watchers++
    const unwatch = this.#topic.watch(listener)
    let watching = true
    return () => {
      if (watching) this.watchers--
      watching = false
      unwatch()
    }
  }
  append(value: Sendable, options?: PublishOptions) {
    return this.#topic.append(value, options)
  }
}

/** A header of an answer, by its name in any case. */
export function headerOf({ headers }: Answer, name: string): string | undefined {
  const found = Object.entries(headers).find(([one]) => one.toLowerCase() === name.toLowerCase())
  return found === undefined ? undefined : String(found[1])
}

export function textOf({ body }: Answer): string {
  return body === undefined ? '' : Buffer.from(body as string).toString('utf8')
}

/** The place that an answer says to go on from. */
export function placeIn(answer: Answer): string {
  return headerOf(answer, 'stream-next-offset') as string
}
