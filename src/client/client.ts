// Client: topics that are read and written across lost connections, restarts and changes of transport.
//
// What users hold. It joins the lifecycle, which looks after links, and the session, which looks after topics.

import { filter, type Observable } from 'rxjs'
import type { ClientTransport } from '../machines/client-effects.ts'
import { SettingError, show, WebSocketClosedError, WebSocketError } from '../protocol/errors.ts'
import { isOffset, MAX_EPOCH_LENGTH, type Position } from '../protocol/position.ts'
import { MAX_LAST, MAX_TOPIC_LENGTH, type SubscribeFrom } from '../protocol/resume.ts'
import { socketAddress } from './address.ts'
import { closeFrame } from './close-frame.ts'
import type { Environment } from './environment.ts'
import type { Feed, TopicEvent, TopicGap, TopicMessage } from './feed.ts'
import { type ClientState, Lifecycle } from './lifecycle.ts'
import { eventStream } from './links/event-stream.ts'
import { openHttp } from './links/http.ts'
import type { LinkEvents, TopicFrame, TopicLink, TopicRequest } from './links/link.ts'
import { longPoll } from './links/long-poll.ts'
import { poll } from './links/poll.ts'
import { openWebSocket } from './links/websocket.ts'
import type { PublishOptions, Stored } from './publisher.ts'
import { Session } from './session.ts'
import {
  type ClientNumbers,
  type ClientUrl,
  checkTransports,
  resolveNumbers,
  TRANSPORTS,
} from './settings.ts'

/**
 * What `connect()` takes: the numbers of a client, whole and mostly ms, and its ways.
 *
 * By default it tries again within 0.5 s, later within up to 30 s; an attempt has 10 s; 1,000 publishes may wait.
 */
export type ClientOptions = { readonly [Name in keyof ClientNumbers]?: number | undefined } & {
  /** In the order of preference; default `['websocket', 'sse', 'long-poll', 'poll']`. */
  readonly transports?: readonly ClientTransport[] | undefined
  /** Whether requests to another origin carry cookies, as WebSockets always do. Default false. */
  readonly withCredentials?: boolean | undefined
}

const WAYS = { sse: eventStream, 'long-poll': longPoll, poll }

/** One topic of a client. */
export interface ClientTopic<T = unknown> {
  /** As it was asked for. */
  readonly name: string
  /**
   * Messages, and gaps where some will not come, in order. Hot; the topic is asked for while somebody listens to any of
   * the three. Errors with `ERR_WINDSOCK_REFUSED` when the server does not let us read; completes with the client.
   */
  readonly events$: Observable<TopicEvent<T>>
  /** The messages alone. */
  readonly messages$: Observable<TopicMessage<T>>
  /** The gaps alone. */
  readonly gaps$: Observable<TopicGap>
  /** Of the last message taken, or of the beginning; `undefined` until the server has told. Keep it to go on from. */
  readonly position: Position | undefined
  /**
   * Publishes `data` (what JSON can express, or bytes), now or when there is a connection, once, and after what this client
   * published before.
   *
   * Resolves with its place in the log, when it is stored. Rejects with `ERR_WINDSOCK_LIMIT` when too many wait,
   * `ERR_WINDSOCK_REFUSED` when the server does not take it, `ERR_WINDSOCK_CLOSED` when the client is closed first, and
   * `ERR_WINDSOCK_UNCERTAIN` when it was sent, and not acknowledged until it was too late to send it again (90 s). Look at
   * it: a rejection that nobody looks at is not told in any other way, and ends no process.
   */
  publish(data: T, options?: PublishOptions): Promise<Stored>
}

/**
 * Topics of one server, read and written across lost connections, restarts and changes of transport; `connect()` makes it.
 *
 * It connects at once, and again whenever a connection is lost, until `close()`, or until the server closes for good: with
 * 1000, without a code, or with one after which coming back makes no sense. Nothing that happens on the way is thrown:
 * `state$` tells.
 */
export class Client {
  readonly #session: Session
  readonly #lifecycle: Lifecycle<TopicRequest, TopicFrame>
  readonly #topics = new Map<string, ClientTopic>()

  /** @internal */
  constructor(url: ClientUrl, options: ClientOptions, environment: Environment) {
    const numbers = resolveNumbers(options, ['transports', 'withCredentials'])
    const { transports = TRANSPORTS, withCredentials = false } = options
    if (typeof withCredentials !== 'boolean') {
      throw new SettingError(`withCredentials is ${show(withCredentials)}: it must be a boolean`)
    }
    const session = new Session({
      environment,
      numbers,
      ready: () => lifecycle.ready(),
      stuck: (reason) => lifecycle.fail(reason),
    })
    const open = (
      transport: ClientTransport,
      address: URL,
      events: LinkEvents<TopicFrame>,
    ): TopicLink =>
      transport === 'websocket'
        ? openWebSocket(socketAddress(address), events, environment, numbers)
        : openHttp(WAYS[transport], { address, environment, numbers, withCredentials }, events)
    const lifecycle = new Lifecycle<TopicRequest, TopicFrame>({
      url,
      environment,
      numbers,
      transports: checkTransports(transports),
      open,
      resume: (link) => session.resume(link as TopicLink),
      pause: () => session.pause(),
      received: (frame) => session.received(frame),
      ended: (state) => session.end(endOf(state)),
    })
    this.#session = session
    this.#lifecycle = lifecycle
  }

  /** Replays the present one, and completes after `closed` or `failed`. */
  get state$(): Observable<ClientState> {
    return this.#lifecycle.state$
  }

  /** The present one. */
  get state(): ClientState {
    return this.#lifecycle.state
  }

  /** Settles with the last state; never rejects. */
  get closed(): Promise<ClientState> {
    return this.#lifecycle.closed
  }

  /** How many publishes are not stored yet. */
  get queued(): number {
    return this.#session.publisher.size
  }

  /**
   * A topic by its name.
   *
   * @param begin - where reading begins the first time: with the `last` so many messages, `from: 'start'` or `'now'`
   *   (default), or `since` a position that was kept. Later it goes on where it was; a name that was asked for before gives
   *   the same topic, wherever that began.
   * @throws WebSocketError `ERR_WINDSOCK_TOPIC` for a name or a beginning that cannot be.
   */
  topic<T = unknown>(name: string, begin: SubscribeFrom = { from: 'now' }): ClientTopic<T> {
    checkTopic(name, begin)
    const known = this.#topics.get(name)
    if (known !== undefined) return known as ClientTopic<T>
    const topic = topicOf(this.#session.feed(name, begin), (data, options) =>
      this.#session.publisher.publish(name, data, options),
    )
    this.#topics.set(name, topic)
    return topic as ClientTopic<T>
  }

  /**
   * Goes on over these transports, in the order of preference, from the same positions.
   *
   * @throws SettingError as `connect`.
   */
  use(...transports: readonly ClientTransport[]): void {
    this.#lifecycle.use(checkTransports(transports))
  }

  /** Connects now, when it waits or is offline. */
  retry(): void {
    this.#lifecycle.retry()
  }

  /**
   * Closes for good: nothing is delivered any more, and what was not stored is rejected.
   *
   * @throws WebSocketError for a code or a reason that cannot be sent.
   */
  close(code = 1000, reason = ''): Promise<ClientState> {
    return this.#lifecycle.close(closeFrame(code, reason))
  }

  /** As `close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

function topicOf(feed: Feed, publish: ClientTopic['publish']): ClientTopic {
  const { topic: name, events$ } = feed
  return {
    name,
    events$,
    messages$: events$.pipe(filter((event) => event.type === 'message')),
    gaps$: events$.pipe(filter((event) => event.type === 'gap')),
    get position() {
      return feed.position
    },
    publish,
  }
}

function endOf({ lastClose }: ClientState): WebSocketError {
  const { code, reason } = lastClose ?? { code: 1000, reason: '' }
  return new WebSocketClosedError(
    `the client is closed (${code}${reason && ` ${reason}`}): nothing can be published any more`,
  )
}

/** Over HTTP the dots would be other paths, and half a character no path at all. */
const NO_NAME = /^\.{0,2}$|\p{Cs}/u

function checkTopic(name: string, begin: SubscribeFrom): void {
  if (typeof name !== 'string' || name.length > MAX_TOPIC_LENGTH || NO_NAME.test(name)) {
    throw wrong(
      'the name of a topic',
      name,
      `a text of 1 to ${MAX_TOPIC_LENGTH} characters, not . or ..`,
    )
  }
  // A program in JavaScript may give anything.
  const asked = Object(begin)
  const isOne = Object.keys(asked).length === 1
  if (isOne && 'last' in asked) {
    if (isOffset(asked.last) && asked.last <= MAX_LAST) return
    throw wrong('last', asked.last, `a whole number from 0 to ${MAX_LAST}`)
  }
  if (isOne && 'since' in asked) {
    const { epoch, offset } = Object(asked.since)
    if (epoch && epoch.length <= MAX_EPOCH_LENGTH && isOffset(offset)) return
    throw wrong('since', asked.since, 'the position of a message or gap')
  }
  if (!isOne || (asked.from !== 'start' && asked.from !== 'now'))
    throw wrong('from', asked.from, '"start" or "now" alone, or give { last } or { since }')
}

function wrong(what: string, value: unknown, allowed: string): WebSocketError {
  return new WebSocketError(
    'ERR_WINDSOCK_TOPIC',
    `${what} is ${show(value)}: it must be ${allowed}`,
  )
}
