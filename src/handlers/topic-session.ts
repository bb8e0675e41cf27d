// Topic session: several topics over one WebSocket, each read from where its client stopped.
//
// It speaks `windsock.v1.json` (protocol/resume.ts). Reading is pulling: a subscription holds an offset, and reads the
// next page when there is news and the connection has room. So nothing is queued for a slow client, and one that falls
// behind what is kept is told of the gap. Requests are taken one after the other; their answers come in that order, and
// no rule and no store can keep one waiting for longer than `answerTimeoutMs`.

import { HandshakeError, JournalError, LimitError, WebSocketError } from '../protocol/errors.ts'
import type { Message } from '../protocol/message.ts'
import type { Clock, TimerHandle } from '../protocol/ports.ts'
import {
  type ClientFrame,
  itemJson,
  messagesJson,
  parseClientFrame,
  type ResumeErrorCode,
  type ResumeLimits,
  resumeErrorOf,
  type ServerFrame,
  type SubscribeFrom,
} from '../protocol/resume.ts'
import type { TopicLog } from '../streams/broadcast.ts'
import type { TopicItem } from '../streams/history.ts'
import { inTime, type Lifeline } from '../streams/lifeline.ts'
import { PublishRate } from '../streams/publish-rate.ts'
import { type From, PAGE, TopicReader } from '../streams/topic-reader.ts'
import type { Connection } from './handler.ts'
import {
  acceptWith,
  type ReportOf,
  type TopicCaller,
  type TopicInput,
  type TopicRules,
  tellRule,
} from './topic-rules.ts'

export interface SessionOptions extends ResumeLimits {
  readonly heartbeatMs: number
  /** How long a rule may take, or one step of a store, ms. */
  readonly answerTimeoutMs: number
}

const NO_SUCH_TOPIC = 'there is no such topic'

/** Topics by their names. */
export interface TopicsByName<Log> {
  get(name: string): Log | undefined
  /** The one that a client means who says no name. */
  readonly only?: Log | undefined
}

/** What connections to topics are served from. */
export interface SessionService<Log extends TopicLog = TopicLog> {
  /** By their names. */
  readonly topics: TopicsByName<Log>
  readonly rules: TopicRules
  readonly options: SessionOptions
  readonly clock: Clock
  readonly report: ReportOf
}

/** Above this much that waits to be sent, a session reads on only when there is room again. */
const HIGH_WATER_BYTES = 64 * 1024

interface Subscription {
  readonly reader: TopicReader
  readonly caller: TopicCaller
  stopWatching: () => void
  reading: boolean
  over: boolean
}

export class TopicSession {
  readonly #connection: Connection
  readonly #service: SessionService
  readonly #lifeline: Lifeline
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #rate: PublishRate
  /** The last publish that was stored, or refused for good. */
  #settled: number | undefined
  #heartbeat: TimerHandle
  /** Until there is room for another page, whichever subscription it is of. */
  #full: Promise<void> | undefined

  /** @param lifeline - of the connection: once it ends, nothing is answered any more. */
  constructor(connection: Connection, lifeline: Lifeline, service: SessionService) {
    const { options } = service
    this.#connection = connection
    this.#service = service
    this.#lifeline = lifeline
    this.#rate = new PublishRate(options.publishPerSecond)
    const { heartbeatMs, frameBytes, subscriptions, publishPerSecond } = options
    const limits = { frameBytes, subscriptions, publishPerSecond }
    this.#send({ type: 'welcome', connection: connection.id, heartbeatMs, limits })
    this.#armHeartbeat()
  }

  /** Takes one frame; the next comes when the promise has settled. */
  async message(message: Message): Promise<void> {
    const frame =
      typeof message === 'string'
        ? parseClientFrame(message)
        : ({ type: 'problem', id: undefined, message: 'frames are text' } as const)
    if (frame.type === 'problem') {
      this.#refuse(frame.id, 'bad_frame', frame.message)
      return
    }
    const refusal = await this.#take(frame).catch((thrown) => this.#failed(frame, thrown))
    const comesAgain = refusal === 'overloaded' || refusal === 'rate_limited'
    if (frame.type === 'publish' && !comesAgain) this.#settled = frame.id
  }

  end(): void {
    this.#service.clock.clearTimeout(this.#heartbeat)
    for (const name of [...this.#subscriptions.keys()]) this.#stop(name)
  }

  /** The word of the refusal, if it was refused. */
  async #take(frame: ClientFrame): Promise<ResumeErrorCode | undefined> {
    if (frame.type === 'ping') return this.#send({ type: 'pong', id: frame.id })
    const { id, topic: name } = frame
    if (frame.type === 'unsubscribe') return this.#unsubscribe(id, name)
    const log = this.#service.topics.get(name)
    if (log === undefined) return this.#refuse(id, 'topic_not_found', NO_SUCH_TOPIC)
    if (frame.type === 'subscribe') return this.#subscribe(id, log, frame.begin)
    return this.#publish(id, log, frame)
  }

  // What it reads it may leave, also where the topic itself is not to be found any more.
  #unsubscribe(id: number, topic: string): ResumeErrorCode | undefined {
    if (!this.#subscriptions.has(topic) && this.#service.topics.get(topic) === undefined) {
      return this.#refuse(id, 'topic_not_found', NO_SUCH_TOPIC)
    }
    this.#stop(topic)
    return this.#send({ type: 'unsubscribed', id, topic })
  }

  async #subscribe(
    id: number,
    log: TopicLog,
    begin: SubscribeFrom,
  ): Promise<ResumeErrorCode | undefined> {
    const topic = log.name
    const { rules, options, report } = this.#service
    const caller = { request: this.#connection.request, topic }
    await this.#soon('mayRead', rules.mayRead?.(caller))
    // A second subscription takes the place of the first: that is how a client fills what it missed.
    this.#stop(topic)
    if (this.#subscriptions.size >= options.subscriptions) {
      const message = `no more than ${options.subscriptions} subscriptions at a time`
      return this.#refuse(id, 'rate_limited', message)
    }
    const reader = new TopicReader(log)
    const start = await this.#soon('the topic', reader.begin(toFrom(begin)))
    if (this.#connection.state !== 'open' && this.#connection.state !== 'connecting')
      return undefined
    const subscription: Subscription = {
      reader,
      caller,
      stopWatching: () => {},
      reading: false,
      over: false,
    }
    this.#subscriptions.set(topic, subscription)
    this.#send({ type: 'subscribed', id, topic, ...start })
    subscription.stopWatching = log.watch(() => void this.#readOn(subscription))
    tellRule(rules.joined, caller, report)
    void this.#readOn(subscription)
    return undefined
  }

  async #readOn(subscription: Subscription): Promise<void> {
    if (subscription.reading) return
    subscription.reading = true
    const { reader } = subscription
    const topic = reader.log.name
    try {
      while (!subscription.over && !reader.caughtUp) {
        // All subscriptions share the one connection: what another has sent counts as well.
        for (let full = this.#isFull(); full; full = this.#isFull()) await full
        if (subscription.over) return
        const next = this.#soon('the topic', reader.next(PAGE))
        const { items, gapTo } = next instanceof Promise ? await next : next
        for (let full = this.#isFull(); full; full = this.#isFull()) await full
        if (subscription.over) return
        if (gapTo !== undefined) this.#send({ type: 'gap', topic, to: gapTo, reason: 'trimmed' })
        if (items.length === 0) continue
        const room = this.#connection.send(messagesJson(topic, items.map(jsonOf)))
        if (this.#connection.bufferedBytes > HIGH_WATER_BYTES) this.#awaitRoom(room)
      }
    } catch (thrown) {
      if (subscription.over) return
      this.#stop(topic)
      this.#failed({ topic }, thrown)
      this.#send({ type: 'unsubscribed', topic, reason: 'the topic cannot be read now' })
    } finally {
      subscription.reading = false
    }
  }

  /** Until when; who has waited asks again, because another may have filled it meanwhile. */
  #isFull(): Promise<void> | undefined {
    return this.#full
  }

  #awaitRoom(room: Promise<void>): void {
    const over = () => {
      this.#full = undefined
    }
    // It rejects when the connection is over, and with it every subscription.
    this.#full = room.then(over, over)
  }

  async #publish(
    id: number,
    log: TopicLog,
    { data, key, expect, after }: Extract<ClientFrame, { type: 'publish' }>,
  ): Promise<ResumeErrorCode | undefined> {
    if (after !== undefined && after !== this.#settled) {
      return this.#refuse(id, 'overloaded', 'the publish before it is not settled')
    }
    const { rules, options, clock } = this.#service
    const waitMs = this.#rate.take(clock.nowMs())
    if (waitMs > 0) {
      const message = `no more than ${options.publishPerSecond} publishes a second`
      return this.#refuse(id, 'rate_limited', message, Math.ceil(waitMs))
    }
    const caller = { request: this.#connection.request, topic: log.name }
    const accepted = acceptWith(rules, data as TopicInput, caller)
    const value = await this.#soon('accept', accepted)
    const appended = log.append(value, {
      ...(key !== undefined && { key }),
      ...(expect !== undefined && { expectedOffset: expect }),
    })
    const published = await this.#soon('the topic', appended)
    return this.#send({ type: 'ack', id, topic: log.name, ...published })
  }

  #stop(name: string): void {
    const subscription = this.#subscriptions.get(name)
    if (subscription === undefined) return
    this.#subscriptions.delete(name)
    subscription.over = true
    subscription.stopWatching()
    const { rules, report } = this.#service
    tellRule(rules.left, subscription.caller, report)
  }

  #armHeartbeat(): void {
    const { options, clock } = this.#service
    this.#heartbeat = clock.setTimeout(() => {
      this.#armHeartbeat()
      const topics: Record<string, number> = {}
      for (const [name, { reader }] of this.#subscriptions) topics[name] = reader.log.offset
      this.#send({ type: 'heartbeat', topics })
    }, options.heartbeatMs)
  }

  #soon<T>(what: string, promise: T | PromiseLike<T>): T | Promise<T> {
    const { options, clock } = this.#service
    return inTime(promise, what, options.answerTimeoutMs, clock, this.#lifeline)
  }

  #failed(
    { id, topic = '' }: { readonly id?: number; readonly topic?: string },
    thrown: unknown,
  ): ResumeErrorCode | undefined {
    if (this.#lifeline.ended !== undefined) return undefined
    const error = WebSocketError.from(thrown)
    const code = errorCodeOf(thrown)
    const isJournals = thrown instanceof JournalError && code !== 'conflict'
    if (code !== 'internal' && !isJournals && !(thrown instanceof LimitError)) {
      return this.#refuse(id, code, error.message)
    }
    // What went wrong inside is for the log, not for whoever asked.
    this.#service.report(error, topic)
    const message = code === 'internal' ? 'internal error' : 'the topic cannot answer now'
    return this.#refuse(id, code, message)
  }

  #refuse(
    id: number | undefined,
    code: ResumeErrorCode,
    message: string,
    retryAfterMs?: number,
  ): ResumeErrorCode {
    this.#send({
      type: 'error',
      ...(id !== undefined && { id }),
      code,
      message,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    })
    return code
  }

  #send(frame: ServerFrame): undefined {
    void this.#connection.send(JSON.stringify(frame))
  }
}

/** The word for what was thrown, whoever asked. */
function errorCodeOf(thrown: unknown): ResumeErrorCode {
  if (!(thrown instanceof WebSocketError)) return 'internal'
  if (thrown.code === 'ERR_WINDSOCK_JOURNAL_CONFLICT') return 'conflict'
  if (thrown instanceof JournalError || thrown instanceof LimitError) return 'overloaded'
  if (thrown.code === 'ERR_WINDSOCK_MESSAGE_TYPE') return 'bad_frame'
  if (!(thrown instanceof HandshakeError) && thrown.code !== 'ERR_WINDSOCK_TOPIC') return 'internal'
  return resumeErrorOf(thrown.httpStatus) ?? 'forbidden'
}

// One item goes to many sessions; its JSON is made for the first of them.
const json = new WeakMap<TopicItem, string>()

function jsonOf(item: TopicItem): string {
  const known = json.get(item)
  if (known !== undefined) return known
  const made = itemJson(item.offset, item.atMs, item.kind, item.message)
  json.set(item, made)
  return made
}

function toFrom(begin: SubscribeFrom): From {
  if ('since' in begin) return begin.since
  return 'last' in begin ? begin : begin.from
}
