// Runtime: all connections of one server, whatever carries them.
//
// It knows the routes, opens a connection for an upgrade request, keeps count, and drains. It knows no HTTP server
// and no socket: `server.ts` brings doors of `ws`, the test kit brings doors of memory.

import { config, type Observable } from 'rxjs'
import { LiveConnection } from './connection.ts'
import type { ConnectionSetup } from './connection-options.ts'
import { Connections } from './connections.ts'
import { type ErrorListener, printError, reportTo } from './error-listener.ts'
import { overdue } from './handlers/barrier.ts'
import type { Connection, Handler } from './handlers/handler.ts'
import { shakeHands } from './handshake.ts'
import { HandshakeRequest, type IncomingUpgrade } from './http/request.ts'
import type { Journal } from './journal/journal.ts'
import { type ConnectionMachine, connectionMachine } from './machines/connection.ts'
import { createHost, type Host } from './machines/host.ts'
import { rememberingHost } from './machines/remembering.ts'
import { Timers } from './machines/timers.ts'
import type { CloseFrame, CloseRecord } from './protocol/close-record.ts'
import { HandlerError, WebSocketError } from './protocol/errors.ts'
import { originOf } from './protocol/handshake.ts'
import { surviveSubscribers } from './protocol/last-resort.ts'
import type { Clock, Random } from './protocol/ports.ts'
import { ownPathOf, pathOf } from './protocol/request-target.ts'
import { tell } from './protocol/user-code.ts'
import type { Route } from './route.ts'
import { type ResolvedSettings, resolveSettings } from './route-settings.ts'
import { Multicast } from './streams/multicast.ts'
import type { Door } from './transport/transport.ts'

export interface RuntimeOptions {
  readonly routes: readonly Route[]
  readonly settings: ResolvedSettings
  readonly maxConnections: number
  readonly clock: Clock
  readonly random: Random
  readonly onError: ErrorListener
  /** Keeps the lives; the runtime does not close it. */
  readonly journal: Journal
}

/** How many upgrade requests came, and what became of them. */
export interface ConnectionCounts {
  /** Upgrade requests that became a connection record. */
  readonly accepted: number
  /** Of those, the ones that are over. */
  readonly closed: number
  /** Upgrade requests turned away before there was a record: no room, a server that drains, or one that cannot be understood. */
  readonly turnedAway: number
}

/** A route with its settings resolved; one per route, shared by its connections. */
export interface ActiveRoute {
  readonly route: Route
  readonly settings: ResolvedSettings
  readonly setup: ConnectionSetup
}

/** A route that answers a path, and what it captured. */
export interface RouteMatch {
  readonly active: ActiveRoute
  readonly captured: Exclude<ReturnType<Route['pattern']['match']>, undefined>
}

const RETRY_AFTER_S = '5'

export class Runtime {
  readonly routes: readonly ActiveRoute[]
  /** One close record per connection, as it ends; never errors, completes when the server has closed. */
  readonly closed$: Observable<CloseRecord>
  readonly #options: RuntimeOptions
  /** Told of what no connection can be blamed for; never throws. */
  readonly report: ErrorListener
  readonly #connections = new Connections<LiveConnection>()
  readonly #closed = new Multicast<CloseRecord>({
    fail: (thrown) => this.report(new HandlerError(thrown)),
  })
  readonly #fallbackHost: Host
  readonly #timers: Timers
  readonly #identifier: () => string
  /** From then on it is not told of subscribers outside any connection. */
  readonly #deafen: () => void
  #accepted = 0
  #ended = 0
  #turnedAway = 0
  #drainFrame: CloseFrame | undefined
  #whenEmpty: (() => void) | undefined
  /** Handlers at work whose connections are over, such as in an asynchronous `onClose`. A number holds none of them. */
  #leaving = 0
  /** Drains that wait for those. */
  readonly #waiting = new Set<() => void>()

  constructor(options: RuntimeOptions) {
    this.#options = options
    this.report = reportTo(options.onError)
    this.#identifier = identifiers(options.random)
    this.#timers = new Timers(options.clock)
    const hosts = new Map<ConnectionMachine, Host>()
    const hostOf = (machine: ConnectionMachine) => {
      const host = hosts.get(machine) ?? createHost(machine)
      hosts.set(machine, host)
      return host
    }
    hosts.set(connectionMachine, rememberingHost(createHost(connectionMachine)))
    this.#fallbackHost = hostOf(connectionMachine)
    this.routes = options.routes.map((route) => {
      const settings = resolveSettings(options.settings, route.settings, 'route')
      return { route, settings, setup: this.#setupOf(settings, hostOf(settings.machine)) }
    })
    this.closed$ = this.#closed
    this.#deafen = surviveSubscribers(config, printError, this.report)
  }

  /** The connections that are not over, by id. */
  get connections(): ReadonlyMap<string, Connection> {
    return this.#connections
  }

  get journal(): Journal {
    return this.#options.journal
  }

  get counts(): ConnectionCounts {
    return { accepted: this.#accepted, closed: this.#ended, turnedAway: this.#turnedAway }
  }

  /** The first route that answers the path of `url`. */
  match(url: string): RouteMatch | undefined {
    const path = pathOf(url)
    for (const active of this.routes) {
      const captured = active.route.pattern.match(path)
      if (captured !== undefined) return { active, captured }
    }
    return undefined
  }

  /** Opens a connection, or turns the request away; the answer goes through `door`. */
  accept(match: RouteMatch, upgrade: IncomingUpgrade, door: Door): LiveConnection | undefined {
    if (match.captured === 'malformed') {
      return this.#turnAway(door, 400, 'the path does not decode to UTF-8')
    }
    if (this.#drainFrame !== undefined) {
      return this.#turnAway(door, 503, 'the server is going away')
    }
    if (this.#connections.size >= this.#options.maxConnections) {
      return this.#turnAway(door, 503, 'the server is full')
    }
    const { active, captured } = match
    const { clock, random, journal } = this.#options
    const request = new HandshakeRequest(upgrade, captured)
    let handler: Handler
    let settings: ResolvedSettings
    try {
      handler = active.route.factory(request, { clock, random, report: this.report })
      settings = settingsOf(handler, active.settings)
    } catch (thrown) {
      this.report(WebSocketError.from(thrown), undefined, request)
      return this.#turnAway(door, 500, 'internal error')
    }
    const recorder = journal.recorder(settings.journalLevel, {
      path: ownPathOf(request.url),
      origin: originOf(upgrade) ?? null,
      ownMachine: settings.machine !== connectionMachine,
    })
    const setup =
      settings === active.settings ? active.setup : this.#setupOf(settings, active.setup.host)
    const own = { id: this.#identifier(), request, handler, recorder }
    const connection = new LiveConnection(own, setup, door)
    this.#accepted++
    this.#connections.add(connection.id, connection)
    shakeHands(connection, handler, upgrade, settings)
    connection.setTimers()
    return connection
  }

  /**
   * Accepts nothing more, and closes every connection with `frame`.
   *
   * Resolves when all are over: within each one's `closeTimeoutMs`; and when what their handlers do then is done, if that
   * is within the server's from now. A second call waits for the first.
   */
  async drain(frame: CloseFrame): Promise<void> {
    this.#drainFrame ??= frame
    const { clock, settings } = this.#options
    const untilMs = clock.nowMs() + settings.limits.closeTimeoutMs
    for (const connection of this.#connections.values()) {
      connection.dispatch({ type: 'server.draining', frame })
    }
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        const waiting = this.#whenEmpty
        this.#whenEmpty = () => {
          waiting?.()
          resolve()
        }
      })
    }
    this.#closed.complete()
    this.#deafen()
    await this.#handlersLeft(untilMs)
  }

  #setupOf(settings: ResolvedSettings, host: Host): ConnectionSetup {
    const { limits, compression, slow, proofOfLife, pingTimeoutCode } = settings
    const { clock, random } = this.#options
    return {
      host,
      fallbackHost: this.#fallbackHost,
      limits,
      compression,
      slow,
      clock,
      timers: this.#timers,
      random,
      proofOfLife,
      pingTimeoutCode,
      onError: (error, connection, handler) => this.#reportOf(handler, error, connection),
      onClosed: (record, told) => {
        // Of connections that were dialed this is not told: they wait for the other end, and not for user code.
        if (record.cause === 'handshakeTimeout') {
          const connection = this.#connections.get(record.connectionId)
          connection?.fail(overdue('handshakeTimeoutMs', limits))
        }
        this.#over(record, told)
      },
    }
  }

  #turnAway(door: Door, status: number, reason: string): undefined {
    this.#turnedAway++
    door.refuse(status, reason, status === 503 ? { 'Retry-After': RETRY_AFTER_S } : {})
    return undefined
  }

  #over(record: CloseRecord, told: Promise<void> | undefined): void {
    if (told !== undefined) this.#waitFor(told)
    this.#ended++
    this.#connections.delete(record.connectionId)
    this.#closed.next(record)
    if (this.#connections.size === 0) this.#whenEmpty?.()
  }

  #waitFor(told: Promise<void>): void {
    this.#leaving++
    void told.then(() => {
      this.#leaving--
      if (this.#leaving === 0) for (const done of this.#waiting) done()
    })
  }

  /** Resolves when no handler is at work any more on the end of its connection. */
  async #handlersLeft(untilMs: number): Promise<void> {
    if (this.#leaving === 0) return
    const { clock } = this.#options
    await new Promise<void>((resolve) => {
      const done = () => {
        clock.clearTimeout(timer)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = clock.setTimeout(done, Math.max(0, untilMs - clock.nowMs()))
      this.#waiting.add(done)
    })
  }

  #reportOf(handler: Handler, error: WebSocketError, connection: Connection): void {
    if (handler.reported === undefined) {
      this.report(error, connection)
      return
    }
    const failed = (thrown: unknown) => {
      this.report(error, connection)
      this.report(WebSocketError.from(thrown), connection)
    }
    tell(() => handler.reported?.(error), failed)
  }
}

function settingsOf({ settings }: Handler, base: ResolvedSettings): ResolvedSettings {
  return settings === undefined ? base : resolveSettings(base, settings, 'route')
}

/** Ids that are made at a time, since each by itself would cost a twentieth of what is ours in an opening. */
const IDS_AT_ONCE = 64

/** Gives ids of 16 characters that cannot be guessed: 96 bits. */
export function identifiers(random: Random): () => string {
  let text = ''
  let given = 0
  return () => {
    if (given === text.length) {
      text = Buffer.from(random.bytes(12 * IDS_AT_ONCE)).toString('base64url')
      given = 0
    }
    given += 16
    return text.slice(given - 16, given)
  }
}
