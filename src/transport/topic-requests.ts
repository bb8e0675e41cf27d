// Topic requests: topics over plain HTTP, as an entry among the routes of a server.
//
// Everything that has to do with sockets is here: a slow reader is not read on for until it has taken what it was
// given, a client that leaves lets go of everything at once, a client that takes nothing is cut off. What the answer
// is stands in `topic-exchange.ts`. Each request that is under way counts, in all and for its address.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ConnectionRequest } from '../handlers/handler.ts'
import type { TopicRules } from '../handlers/topic-rules.ts'
import type { Captures, IncomingUpgrade } from '../http/request.ts'
import type { Answerer } from '../http/requests.ts'
import { SettingError, show, WebSocketError } from '../protocol/errors.ts'
import { checkOriginRule, type OriginRule } from '../protocol/origin.ts'
import type { Clock, Random } from '../protocol/ports.ts'
import { bodyOf } from '../protocol/request-body.ts'
import { pathOf } from '../protocol/request-target.ts'
import { MAX_TOPIC_LENGTH } from '../protocol/resume.ts'
import { PublishRate } from '../streams/publish-rate.ts'
import { Refusals } from '../streams/refusals.ts'
import { HttpExchange } from './http-exchange.ts'
import { liveClock, liveRandom } from './live-ports.ts'
import { Presence } from './presence.ts'
import { type Answer, answerFor, busy, leaving, line } from './topic-answer.ts'
import { answerTopic, type TopicService } from './topic-exchange.ts'
import { TopicFormats } from './topic-format.ts'
import { resolveTopicLimits, type TopicLimitName, type TopicLimits } from './topic-limits.ts'

export type TopicRequestsOptions = Pick<TopicService, 'topics' | 'report'> & {
  /** The path before the topic's name: `/topics` answers `/topics/:name`. */
  readonly prefix: string
  /** A request as user code sees it; `params.name` is the topic's. */
  readonly requestOf: (upgrade: IncomingUpgrade, captured: Captures) => ConnectionRequest
  readonly rules?: TopicRules
  /** As on a route. Default `'same-origin'`. */
  readonly checkOrigin?: OriginRule<ConnectionRequest> | undefined
  /** As on a route: whether only pages may ask. Default false. */
  readonly requireOrigin?: boolean | undefined
  /**
   * The content type of a topic over HTTP, by its name: `application/json` is read as an array of its messages, `text/…` and
   * any other as their text or bytes end to end. Default: `application/json` for all.
   */
  readonly contentType?: ((name: string) => string) | undefined
  readonly random?: Random
} & { readonly [Name in TopicLimitName]?: number | undefined }

/** Requests of one socket at a time; browsers send one. */
const MAX_PER_SOCKET = 8
/** How long a drain waits for answers that are under way. */
const DRAIN_MS = 5_000

export class TopicRequests implements Answerer {
  readonly #prefix: string
  readonly #requestOf: TopicRequestsOptions['requestOf']
  readonly #service: Omit<TopicService, 'clock'>
  readonly #limits: TopicLimits
  readonly #presence: Presence
  readonly #underWay = new Set<HttpExchange>()
  readonly #byAddress = new Map<string, number>()
  readonly #drains = new Set<() => void>()
  #clock = liveClock

  /** @throws SettingError for a prefix, an Origin policy or a limit out of range. */
  constructor(options: TopicRequestsOptions) {
    const { prefix, topics, report, rules = {}, random = liveRandom } = options
    const { checkOrigin = 'same-origin', requireOrigin = false } = options
    const { contentType = () => 'application/json' } = options
    if (typeof prefix !== 'string' || !/^\/(.*[^/])?$/.test(prefix)) {
      throw new SettingError(
        `the path of topics() is ${show(prefix)}: it must begin with "/", and not end with it`,
      )
    }
    this.#prefix = prefix === '/' ? prefix : `${prefix}/`
    this.#requestOf = options.requestOf
    this.#limits = resolveTopicLimits(options)
    const { eventStreamGraceMs: graceMs, maxRequests: maxAway } = this.#limits
    this.#presence = new Presence({ rules, graceMs, maxAway, report })
    this.#service = {
      presence: this.#presence,
      rate: new PublishRate(this.#limits.maxPublishesPerSecondPerAddress),
      refusals: new Refusals(),
      topics,
      rules,
      random,
      report,
      requireOrigin,
      limits: this.#limits,
      formats: new TopicFormats(contentType),
      checkOrigin: checkOriginRule(checkOrigin),
    }
  }

  get bodyTimeoutMs(): number {
    return this.#limits.bodyTimeoutMs
  }

  /** Requests that are under way: polls that are held, event streams, and what is being decided. */
  get underWay(): number {
    return this.#underWay.size
  }

  /** Answers a request for a topic; `false` for any other path. */
  readonly answer = (
    message: IncomingMessage,
    response: ServerResponse,
    clock: Clock,
    upgrade: IncomingUpgrade,
  ): boolean => {
    const word = wordAfter(this.#prefix, message.url ?? '')
    if (word === undefined) return false
    this.#clock = clock
    const { stallTimeoutMs } = this.#limits
    const onError = (thrown: unknown) => this.#service.report(WebSocketError.from(thrown))
    const exchange = new HttpExchange(message, response, { clock, stallTimeoutMs, onError })
    void this.#told(exchange, upgrade, word)
      .catch((thrown: unknown) => answerFor(thrown, this.#service.report))
      .then((told) => exchange.finish(told))
      .catch(exchange.fail)
    return true
  }

  /**
   * Answers what waits, ends event streams, and resolves when all of it has been sent, after 5 s at most.
   *
   * What comes meanwhile is told to come again; afterwards requests are answered as before.
   */
  readonly close = async (): Promise<void> => {
    this.#presence.end()
    if (this.#underWay.size === 0) return
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#clock.clearTimeout(timer)
        this.#drains.delete(done)
        resolve()
      }
      const timer = this.#clock.setTimeout(done, DRAIN_MS)
      this.#drains.add(done)
      for (const exchange of this.#underWay) exchange.drain()
    })
  }

  async #told(exchange: HttpExchange, head: IncomingUpgrade, word: string): Promise<Answer> {
    const { message, lifeline } = exchange
    const name = decode(word)
    if (name === undefined) return line(400, 'the path does not decode to UTF-8')
    if (Buffer.byteLength(name) > MAX_TOPIC_LENGTH) return line(404, 'no topic has so long a name')
    const params = Object.assign(Object.create(null), { name })
    const request = this.#requestOf(head, { params, args: [] })
    const refusal = this.#admit(exchange, request.remoteAddress)
    if (refusal !== undefined) return refusal
    const { maxBodyBytes: maxBytes, bodyTimeoutMs: timeoutMs } = this.#limits
    const clock = this.#clock
    const body = () => bodyOf(message, { maxBytes, timeoutMs }, clock)
    return answerTopic({ head, request, name, body, lifeline }, { ...this.#service, clock })
  }

  /** Counts a request until its client has the answer or is gone; or says why it cannot be taken in. */
  #admit(exchange: HttpExchange, address: string): Answer | undefined {
    const { maxRequests, maxRequestsPerAddress } = this.#limits
    const ofAddress = this.#byAddress.get(address) ?? 0
    if (this.#drains.size > 0) {
      exchange.drain()
      return leaving()
    }
    const isFull =
      this.#underWay.size >= maxRequests ||
      ofAddress >= maxRequestsPerAddress ||
      exchange.ofSocket > MAX_PER_SOCKET
    if (isFull) return busy('too many requests are waiting')
    this.#underWay.add(exchange)
    this.#byAddress.set(address, ofAddress + 1)
    exchange.lifeline.onEnd((why) => {
      if (why === 'gone') this.#release(exchange, address)
    })
    return undefined
  }

  #release(exchange: HttpExchange, address: string): void {
    this.#underWay.delete(exchange)
    const left = (this.#byAddress.get(address) ?? 1) - 1
    if (left > 0) this.#byAddress.set(address, left)
    else this.#byAddress.delete(address)
    if (this.#underWay.size === 0) for (const done of this.#drains) done()
  }
}

/** The segment after `prefix`, still encoded; `undefined` when the path is not one of ours. */
function wordAfter(prefix: string, url: string): string | undefined {
  const path = pathOf(url)
  if (!path.startsWith(prefix)) return undefined
  const word = path.slice(prefix.length)
  return word === '' || word.includes('/') ? undefined : word
}

function decode(word: string): string | undefined {
  try {
    return decodeURIComponent(word)
  } catch {
    return undefined
  }
}
