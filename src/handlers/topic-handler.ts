// Topic handler: topics over WebSocket, in two modes that the client chooses by its subprotocol.
//
// With `windsock.v1.json` one connection subscribes to several topics, publishes with acknowledgements, and comes back
// to where it was (topic-session.ts). Without a subprotocol one connection is one topic, as plain as it can be: each
// message out is a message of the topic, each message in is a publish. A client that offers only other subprotocols is
// refused: it would not understand either.

import { fitReason } from '../protocol/close-reason.ts'
import { HandshakeError, JournalError, LimitError } from '../protocol/errors.ts'
import type { Message, Sendable } from '../protocol/message.ts'
import type { TimerHandle } from '../protocol/ports.ts'
import { RESUME_SUBPROTOCOL } from '../protocol/resume.ts'
import type { DurableTopic } from '../streams/durable-topic.ts'
import { inTime, Lifeline } from '../streams/lifeline.ts'
import { PublishRate } from '../streams/publish-rate.ts'
import { Refusals } from '../streams/refusals.ts'
import { Replay } from '../streams/replay.ts'
import type { Topic } from '../streams/topic.ts'
import type {
  Connection,
  ConnectionRequest,
  Handler,
  HandlerContext,
  HandlerFactory,
  HandlerSettings,
} from './handler.ts'
import {
  acceptWith,
  type TopicCaller,
  type TopicInput,
  type TopicRules,
  tellRule,
} from './topic-rules.ts'
import {
  type SessionOptions,
  type SessionService,
  TopicSession,
  type TopicsByName,
} from './topic-session.ts'

/** A topic of either kind. */
export type AnyTopic = Topic<Sendable> | DurableTopic<Sendable>

/** The most messages of the past that a plain client may ask for, as `?last=50`. */
const MAX_PLAIN_LAST = 1_000

interface PlainReader {
  readonly topic: AnyTopic
  readonly caller: TopicCaller
  /** So many of the past. */
  readonly last: number
  stop: () => void
}

/** The handler of `topics`; a path that names one (`:name`) binds a plain client to it. */
export function topicHandler(
  topics: TopicsByName<AnyTopic>,
  rules: TopicRules,
  options: SessionOptions,
): HandlerFactory {
  const refusals = new Refusals()
  return (request, { clock, report }) =>
    new TopicHandler(request, {
      topics,
      rules,
      options,
      clock,
      report: (error, topic) => {
        if (refusals.isNews(topic, error, clock.nowMs())) report(error)
      },
    })
}

class TopicHandler implements Handler {
  readonly settings: HandlerSettings
  readonly #request: ConnectionRequest
  readonly #service: SessionService<AnyTopic>
  readonly #rate: PublishRate
  readonly #lifeline = new Lifeline()
  #connection: Connection | undefined
  #session: TopicSession | undefined
  #plain: PlainReader | undefined
  #turn: TimerHandle

  constructor(request: ConnectionRequest, service: SessionService<AnyTopic>) {
    const { frameBytes, publishPerSecond } = service.options
    this.#request = request
    this.#service = service
    this.#rate = new PublishRate(publishPerSecond)
    const isSession = request.headers['sec-websocket-protocol']?.includes(RESUME_SUBPROTOCOL)
    // A session reads on when there is room; what a policy dropped of it would be answers, and beginnings.
    this.settings = { maxMessageBytes: frameBytes, ...(isSession && { slow: 'close' }) }
  }

  async selectSubprotocol(offered: readonly string[]): Promise<string | undefined> {
    if (offered.includes(RESUME_SUBPROTOCOL)) return RESUME_SUBPROTOCOL
    if (offered.length > 0) {
      throw new HandshakeError(400, `this address speaks ${RESUME_SUBPROTOCOL}, or plain messages`)
    }
    const topic = this.#plainTopic()
    const caller = { request: this.#request, topic: topic.name }
    await this.#service.rules.mayRead?.(caller)
    this.#plain = { topic, caller, last: lastOf(this.#request), stop: () => {} }
    return undefined
  }

  open(connection: Connection, context: HandlerContext): void {
    this.#connection = connection
    const plain = this.#plain
    if (plain === undefined) {
      this.#session = new TopicSession(connection, this.#lifeline, this.#service)
      return
    }
    const { topic, caller, last } = plain
    const { rules, report } = this.#service
    const stop =
      last > 0
        ? new Replay<Sendable>(topic, topic, last).deliverTo(connection, context.fail)
        : topic.deliverTo(connection)
    // What it gave at once may have been too much.
    if (this.#lifeline.ended !== undefined) return stop()
    plain.stop = () => {
      stop()
      tellRule(rules.left, caller, report)
    }
    tellRule(rules.joined, caller, report)
  }

  message(message: Message): Promise<void> {
    return this.#session?.message(message) ?? this.#publish(message)
  }

  end(): void {
    this.#lifeline.end('gone')
    this.#session?.end()
    this.#plain?.stop()
    this.#service.clock.clearTimeout(this.#turn)
  }

  /** A plain client has no other way to be told of a refusal than the close. */
  async #publish(message: Message): Promise<void> {
    const { topic, caller } = this.#plain as PlainReader
    await this.#itsTurn()
    try {
      const accepted = acceptWith(this.#service.rules, message as TopicInput, caller)
      await this.#soon('the topic', topic.append(await this.#soon('accept', accepted)))
    } catch (thrown) {
      if (this.#lifeline.ended !== undefined) return
      if (thrown instanceof HandshakeError)
        return this.#connection?.close(1008, fitReason(thrown.message))
      const isLate = thrown instanceof LimitError
      if (!isLate && !(thrown instanceof JournalError)) throw thrown
      this.#service.report(thrown, topic.name)
      const what = isLate ? 'perhaps not stored' : 'not stored'
      this.#connection?.close(1013, `${what}, try again later`)
    }
  }

  #soon<T>(what: string, promise: T | PromiseLike<T>): T | Promise<T> {
    const { options, clock } = this.#service
    return inTime(promise, what, options.answerTimeoutMs, clock, this.#lifeline)
  }

  /** Nobody can tell a plain client to come again: what is too much waits, and after some time its reading does. */
  async #itsTurn(): Promise<void> {
    const { clock } = this.#service
    for (;;) {
      const waitMs = this.#rate.take(clock.nowMs())
      if (waitMs === 0) return
      await new Promise<void>((resolve) => {
        this.#turn = clock.setTimeout(resolve, waitMs)
      })
    }
  }

  #plainTopic(): AnyTopic {
    const { name } = this.#request.params
    const { topics } = this.#service
    const topic = name === undefined ? topics.only : topics.get(name)
    if (topic === undefined) {
      throw name === undefined
        ? new HandshakeError(400, `say which topic, or speak ${RESUME_SUBPROTOCOL}`)
        : new HandshakeError(404, 'there is no such topic')
    }
    return topic
  }
}

/** @throws HandshakeError for what is no number of messages. */
function lastOf({ query }: ConnectionRequest): number {
  const asked = query.get('last') ?? '0'
  if (/^\d+$/.test(asked)) return Math.min(Number(asked), MAX_PLAIN_LAST)
  throw new HandshakeError(400, 'last must be a whole number of messages')
}
