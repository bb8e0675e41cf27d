// Reconnecting client: the client of `windsock/client` itself, over the kit's clients, connection after connection.
//
// Its environment is stood in for: time and chance, and WebSockets, each of which is one `Client` of the harness. What it
// gives to its application is written down as a follower's, so that the laws judge both alike. There is no HTTP.

import { distinctUntilKeyChanged } from 'rxjs'
import { Client } from '../client/client.ts'
import type { ClientSocket, Environment, SocketEvents } from '../client/environment.ts'
import type { TopicEvent } from '../client/feed.ts'
import type { ClientState } from '../client/lifecycle.ts'
import type { CloseFrame } from '../protocol/close-record.ts'
import type { Random } from '../protocol/ports.ts'
import { hintInHeader } from '../protocol/retry-hint.ts'
import type { Client as Connection } from './client.ts'
import { newView, noteReached, type TopicView } from './follower.ts'
import { printed } from './print.ts'
import { ProcessClock } from './process-clock.ts'
import { seededRandom } from './seeded-random.ts'
import { noted } from './sequence.ts'
import type { ClientOptions } from './upgrade-request.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Short, so that it is back within the calm at the end of a script, and reaches its bounds. */
const NUMBERS = {
  transports: ['websocket'],
  firstRetryMs: 100,
  maxRetryMs: 800,
  steadyMs: 1_000,
  connectTimeoutMs: 1_500,
  heartbeatTimeoutMs: 1_000,
  closeTimeoutMs: 300,
  maxQueued: 8,
} as const

/** After `close()` it is at its end within this. */
export const CLIENT_CLOSE_MS = NUMBERS.closeTimeoutMs

/** Until a host where nothing listens has said so. */
const REFUSAL_MS = 1

/** What it connects over: a harness. */
export interface Network {
  readonly clock: VirtualClock
  readonly seed: number
  readonly isListening: boolean
  client(path: string, options: ClientOptions): Connection
}

/** How it is to connect; what counts is what its first `connect()` was given. */
export interface Dialing {
  readonly path: string
  readonly follows: readonly string[]
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export type ReconnectingCalm = ClientState & {
  /** Publishes that were not stored. */
  readonly queued: number
  /** Whether anything could come to it over its last connection: neither lost, nor vanished, nor stalled. */
  readonly hears: boolean
  /** Whether nothing was under way, either way, over that connection. */
  readonly isQuiet: boolean
}

/** One client of a script that comes back by itself; it outlives its connections, and the clients that it has had. */
export class ReconnectingClient {
  /** By their names. */
  readonly topics = new Map<string, TopicView>()
  /** What it told its application, and in which states it was. */
  readonly entries: { readonly atMs: number; readonly text: string }[] = []
  /** Its last connection. */
  present: Connection | undefined
  /** The most WebSockets that it ever had at a time. */
  mostSockets = 0
  /** WebSockets that it has asked for, also while nobody listened. */
  dials = 0
  /** What was left when it had closed or failed, in words. */
  readonly left: string[] = []
  /** How it was when all was quiet, before the server was closed. */
  calm: ReconnectingCalm | undefined
  readonly #server: Network
  readonly #number: number
  readonly #dialing: Dialing
  readonly #random: Random
  #client: Client | undefined
  #sockets = 0
  #unsettled = 0
  /** Whether the server could not do what it was asked for over the present connection. */
  #isHindered = false

  constructor(server: Network, number: number, dialing: Dialing) {
    this.#server = server
    this.#number = number
    this.#dialing = dialing
    this.#random = seededRandom(server.seed * 1_000 + number)
    for (const topic of dialing.follows) this.topics.set(topic, newView())
  }

  /** Whether it has neither closed nor failed, nor is about to. */
  get isAlive(): boolean {
    return !['closing', 'closed', 'failed'].includes(this.#client?.state.state ?? 'closed')
  }

  /** Connects now where it waits; after its end another goes on where it was. */
  connect(): void {
    if (this.isAlive) this.#client?.retry()
    else if (this.#client?.state.state !== 'closing') this.#begin()
  }

  /** Publishes with its client; before the first `connect()` there is none. */
  publish(topic: string, data: string): void {
    const client = this.#client
    if (client === undefined) return
    const view = this.topics.get(topic) ?? newView()
    this.topics.set(topic, view)
    view.published.push(JSON.stringify(data))
    this.#unsettled++
    client
      .topic(topic)
      .publish(data)
      .then(
        ({ offset, epoch }) => {
          this.#note(`is told that ${printed(data)} is stored in ${topic} as ${offset}`)
          view.acknowledged.push({ offset, epoch, data: JSON.stringify(data) })
        },
        ({ code }) => this.#note(`is told that ${printed(data)} is not stored: ${code}`),
      )
      .finally(() => this.#unsettled--)
  }

  /** Closes for good. */
  close(code = 1000, reason = ''): void {
    void this.#client?.close(code, reason)
  }

  /** Writes down where it stands; `isQuiet` tells whether nothing is under way to a client of it. */
  noteCalm(isQuiet: (client: Connection) => boolean): void {
    const { present } = this
    for (const view of this.topics.values()) noteReached(view)
    if (this.#client === undefined || present === undefined) return
    const { state, queued } = this.#client
    this.calm = { ...state, queued, hears: present.isReading, isQuiet: isQuiet(present) }
    const isThere = state.state === 'open' && this.calm.isQuiet
    for (const view of this.topics.values()) {
      // One that it has not asked for again is its fault, unless the server has turned it away.
      const isAsked = view.isSubscribed || !this.#isHindered
      view.calm = isThere && isAsked ? view.last : undefined
    }
  }

  /** Writes down whether it has come to its end, after `CLIENT_CLOSE_MS`. */
  noteEnd(): void {
    const { state } = this.#client?.state ?? {}
    if (state !== 'closed' && state !== 'failed') this.left.push(`a client that is ${state}`)
    if (this.#unsettled > 0) this.left.push(`${this.#unsettled} publishes that were never answered`)
  }

  #begin(): void {
    const { path, follows } = this.#dialing
    const clock = new ProcessClock(this.#server.clock)
    const environment: Environment = {
      clock,
      random: this.#random,
      baseUrl: undefined,
      isOnline: () => true,
      watch: () => () => {},
      fetch: () => Promise.reject(new TypeError('there is no HTTP in a harness')),
      openSocket: (_url, protocols, events) => this.#open(protocols, events),
    }
    const client = new Client(`http://server.test${path}`, NUMBERS, environment)
    this.#client = client
    client.state$
      .pipe(distinctUntilKeyChanged('state'))
      .subscribe(({ state }) => this.#note(`is ${state}`))
    for (const name of follows) {
      const view = this.topics.get(name) as TopicView
      const { epoch, last: offset } = view
      client
        .topic<string>(name, epoch === undefined ? { from: 'start' } : { since: { epoch, offset } })
        .events$.subscribe({
          next: (event) => this.#take(view, event),
          error: (error) => this.#note(`may not read ${name}: ${error.code}`),
        })
    }
    void client.closed.then(() => {
      if (clock.timerCount > 0) this.left.push(`${clock.timerCount} timers`)
      if (this.#sockets > 0) this.left.push(`${this.#sockets} WebSockets`)
    })
  }

  #take(view: TopicView, event: TopicEvent<string>): void {
    if (event.type === 'gap') {
      const { epoch, offset } = event.to
      this.#note(`is told of a gap in ${event.topic}, up to ${offset}: ${event.reason}`)
      view.sightings.push({ saw: 'gap', offset, epoch, from: event.from })
      view.epoch = epoch
      view.last = offset
    } else {
      const { epoch, offset, topic } = event
      this.#note(`is given ${printed(event.data)}, which is ${offset} of ${topic}`)
      view.sightings.push({ saw: 'item', offset, epoch, data: JSON.stringify(event.data) })
      view.last = offset
    }
  }

  // Where a first reading begins is no gap; it shows in the position.
  #noteBeginnings(): void {
    for (const [name, view] of this.topics) {
      const position = view.epoch === undefined && this.#client?.topic(name).position
      if (!position) continue
      view.epoch = position.epoch
      view.last = position.offset
      view.sightings.push({ saw: 'gap', ...position })
    }
  }

  // As `ws` has it: the end is told when the socket is gone, and a Close frame says which end it was.
  #open(protocols: readonly string[], events: SocketEvents): ClientSocket {
    const server = this.#server
    const { clock } = server
    let isOver = false
    let frame: CloseFrame | undefined
    this.dials++
    this.#sockets++
    this.mostSockets = Math.max(this.mostSockets, this.#sockets)
    const over = () => {
      if (isOver) return false
      this.#sockets--
      isOver = true
      return true
    }
    const closed: SocketEvents['closed'] = (...told) => {
      if (over()) events.closed(...told)
    }
    if (!server.isListening) {
      const timer = clock.setTimeout(() => closed(1006, 'connect ECONNREFUSED'), REFUSAL_MS)
      const destroy = () => {
        over()
        clock.clearTimeout(timer)
      }
      return { bufferedBytes: 0, send() {}, close: destroy, destroy }
    }
    const headers = { ...this.#dialing.headers, 'sec-websocket-protocol': protocols.join(', ') }
    const connection = server.client(this.#dialing.path, { headers, number: this.#number })
    this.present = connection
    this.#isHindered = false
    for (const view of this.topics.values()) view.isSubscribed = false
    connection.onAnswer = (status, retryAfter) => {
      if (isOver) return
      if (status === 101) events.opened()
      else closed(1006, `HTTP ${status}`, hintInHeader(retryAfter, clock.wallMs()))
    }
    connection.onItem = (item) => {
      if (isOver) return
      if (item.kind === 'message') {
        this.#overhear(String(item.message))
        events.received(item.message)
        this.#noteBeginnings()
      } else if (item.kind === 'ping' || item.kind === 'pong') events.heard()
      else if (item.kind === 'close') frame = item.frame
      else if (item.kind === 'end') closed(frame?.code ?? 1006, frame?.reason ?? '')
    }
    return {
      bufferedBytes: 0,
      send: (message) => connection.send(message),
      close: (code = 1005, reason = '') => connection.close(code, reason),
      destroy() {
        if (over()) connection.reset()
      },
    }
  }

  // What the server has agreed to, from the server itself.
  #overhear(text: string): void {
    const { type, topic } = JSON.parse(text) as { type: string; topic?: string }
    if (type === 'error' || type === 'unsubscribed') this.#isHindered = true
    const view = this.topics.get(topic ?? '')
    if (view !== undefined && type === 'subscribed') view.isSubscribed = true
    if (view !== undefined && type === 'unsubscribed') view.isSubscribed = false
  }

  #note(text: string): void {
    this.entries.push(noted({ atMs: this.#server.clock.nowMs(), text }))
  }
}
