// Session: the topics of one client, carried from link to link.
//
// On each new link it asks for every topic from where it stands, and sends again what was published and not stored;
// what the link says goes to the topic or the publish that it is about. A topic that the server cannot read at the
// moment is asked for again after a pause; who the server does not know any more asks once more over a new link, since a
// token is as old as the link that it came with.

import { describe, WebSocketError } from '../protocol/errors.ts'
import type { TimerHandle } from '../protocol/ports.ts'
import type { ResumeErrorCode, SubscribeFrom } from '../protocol/resume.ts'
import { boundedRetryMs } from '../protocol/retry-hint.ts'
import type { Environment } from './environment.ts'
import { Feed } from './feed.ts'
import type { TopicFrame, TopicLink } from './links/link.ts'
import { Publisher, refused } from './publisher.ts'
import type { ClientNumbers } from './settings.ts'

/** Before a topic that could not be read is asked for again; the jitter is as long again. */
const AGAIN_MS = 1_000

type Refusal = Extract<TopicFrame, { type: 'error' }>

export interface SessionOptions {
  readonly environment: Environment
  readonly numbers: ClientNumbers
  /** Every topic has been told where it goes on. */
  ready(): void
  /** What the server says cannot be gone on with; the link has to end. */
  stuck(reason: string): void
}

export class Session {
  readonly publisher: Publisher
  readonly #options: SessionOptions
  readonly #feeds = new Map<string, Feed>()
  readonly #again = new Map<Feed, TimerHandle>()
  /** What was refused over a link that was old: topics by their names, publishes by their numbers. */
  readonly #doubted = new Set<unknown>()
  #link: TopicLink | undefined
  /** From when on that is older than `steadyMs`. */
  #oldMs = 0
  #lastId = 0
  #isOver = false

  constructor(options: SessionOptions) {
    const { clock, random } = options.environment
    this.#options = options
    this.publisher = new Publisher({
      ...options.numbers,
      clock,
      random,
      nextId: () => ++this.#lastId,
    })
  }

  /** The topic of that name; `begin` counts the first time. */
  feed(topic: string, begin: SubscribeFrom): Feed {
    const known = this.#feeds.get(topic)
    if (known !== undefined) return known
    const feed = new Feed(topic, begin, {
      wanted: (one) => this.#subscribe(one),
      unwanted: (one) => this.#unsubscribe(one),
    })
    this.#feeds.set(topic, feed)
    if (this.#isOver) feed.end()
    return feed
  }

  /** Goes on over another link. */
  resume(link: TopicLink): void {
    this.#link = link
    this.#oldMs = this.#options.environment.clock.nowMs() + this.#options.numbers.steadyMs
    for (const feed of this.#feeds.values()) if (feed.isWanted) this.#subscribe(feed)
    this.publisher.resume(link)
    this.#tellReady()
  }

  /** There is no link, or it is being closed. Topics are asked for again with the next. */
  pause(): void {
    this.#link = undefined
    this.publisher.pause()
    for (const feed of this.#feeds.values()) feed.begun = false
  }

  /** Nothing comes and nothing goes any more. */
  end(error: WebSocketError): void {
    this.#isOver = true
    this.pause()
    this.publisher.end(error)
    for (const feed of this.#feeds.values()) feed.end()
  }

  /** Takes what the present link says; while that is being closed, answers to publishes alone. */
  received(frame: TopicFrame): void {
    if (frame.type === 'error' && this.#isOutdated(frame)) return this.#options.stuck(frame.code)
    const isAnswer = frame.type === 'ack' || frame.type === 'error'
    if ((isAnswer && this.publisher.answered(frame)) || this.#link === undefined) return
    switch (frame.type) {
      case 'error':
        return this.#refused(frame)
      case 'heartbeat':
        return this.#heartbeat(frame.topics)
      case 'ack':
      case 'pong':
        return
      case 'subscribed':
      case 'messages':
      case 'gap':
      case 'unsubscribed': {
        const feed = this.#feeds.get(frame.topic)
        if (feed?.isWanted) this.#take(feed, frame)
      }
    }
  }

  #take(
    feed: Feed,
    frame: Extract<TopicFrame, { type: 'subscribed' | 'messages' | 'gap' | 'unsubscribed' }>,
  ): void {
    if (frame.type === 'subscribed') {
      if (frame.id !== feed.requestId) return
      this.#doubted.delete(feed.topic)
      feed.begin(frame)
      this.#tellReady()
    } else if (!feed.begun) {
      // It belongs to a subscription whose place another has taken.
    } else if (frame.type === 'messages') {
      if (!feed.take(frame.items)) this.#subscribe(feed)
    } else if (frame.type === 'gap') {
      feed.skip(frame.to)
    } else if (frame.id === undefined) {
      this.#subscribeAgain(feed)
    }
  }

  #subscribe(feed: Feed): void {
    this.#forgetAgain(feed)
    feed.begun = false
    feed.requestId = ++this.#lastId
    const { requestId: id, topic, from: begin } = feed
    this.#link?.send({ type: 'subscribe', id, topic, begin })
  }

  #unsubscribe(feed: Feed): void {
    this.#forgetAgain(feed)
    feed.begun = false
    this.#link?.send({ type: 'unsubscribe', id: ++this.#lastId, topic: feed.topic })
    this.#tellReady()
  }

  /** The topic cannot be read at the moment. */
  #subscribeAgain(feed: Feed, afterMs = AGAIN_MS): void {
    const { clock, random } = this.#options.environment
    this.#forgetAgain(feed)
    feed.begun = false
    const delayMs = boundedRetryMs(afterMs) + random.next() * AGAIN_MS
    this.#again.set(
      feed,
      clock.setTimeout(() => this.#subscribe(feed), delayMs),
    )
  }

  #forgetAgain(feed: Feed): void {
    this.#options.environment.clock.clearTimeout(this.#again.get(feed))
    this.#again.delete(feed)
  }

  /** Whether this may be for the age of the address alone, and another is worth a try: once, for each that is refused. */
  #isOutdated({ id, code }: Refusal): boolean {
    if (code !== 'unauthorized' || this.#link === undefined) return false
    const feed = this.#asked(id)
    const what = feed?.topic ?? id
    // Whoever has read over this very link was known then.
    const isOld = feed?.begun || this.#options.environment.clock.nowMs() > this.#oldMs
    // Who is refused slowly is told so over a link that has become old meanwhile, again and again.
    if (this.#doubted.delete(what) || !isOld) return false
    this.#doubted.add(what)
    return true
  }

  /** The topic that was asked for with that number. */
  #asked(id: number | undefined): Feed | undefined {
    // Over HTTP it may be refused after it has begun, too: each of its questions is answered for itself.
    return [...this.#feeds.values()].find(({ requestId, isWanted }) => requestId === id && isWanted)
  }

  #refused({ id, code, message, retryAfterMs }: Refusal): void {
    const feed = this.#asked(id)
    if (feed === undefined) return
    if (mayPass(code)) this.#subscribeAgain(feed, retryAfterMs)
    else feed.refuse(refused(code, message))
    this.#tellReady()
  }

  #heartbeat(topics: Readonly<Record<string, number>>): void {
    for (const [topic, head] of Object.entries(topics)) {
      const feed = this.#feeds.get(topic)
      if (feed?.isWanted && feed.heartbeat(head)) {
        return this.#options.stuck(`${describe(topic)} has messages that do not come`)
      }
    }
  }

  #tellReady(): void {
    if (this.#link === undefined) return
    for (const feed of this.#feeds.values()) {
      if (feed.isWanted && !feed.begun && !this.#again.has(feed)) return
    }
    this.#options.ready()
  }
}

function mayPass(code: ResumeErrorCode): boolean {
  return code === 'internal' || code === 'overloaded'
}
