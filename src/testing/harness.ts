// Harness: a whole server in memory and in virtual time.
//
// The runtime is the real one, from the handshake to the close record; only the network, the clock and chance are
// stood in for. Time moves by `advance()` alone.

import type { HandlerFactory } from '../handlers/handler.ts'
import { Journal } from '../journal/journal.ts'
import { MemoryStore } from '../journal/memory-store.ts'
import type { CloseRecord } from '../protocol/close-record.ts'
import { SettingError, show, WebSocketError } from '../protocol/errors.ts'
import { DEFAULT_LIMITS } from '../protocol/limits.ts'
import type { Clock, Random } from '../protocol/ports.ts'
import type { Route } from '../route.ts'
import { DEFAULT_SETTINGS, type RouteSettings, resolveSettings } from '../route-settings.ts'
import { type RouteMatch, Runtime } from '../runtime.ts'
import type { Entry } from '../server-options.ts'
import { memoryDoor } from '../transport/memory.ts'
import { Client } from './client.ts'
import type { Follower } from './follower.ts'
import { Life } from './life.ts'
import { Peer } from './peer.ts'
import { play } from './play.ts'
import { ProcessClock } from './process-clock.ts'
import type { ReconnectingClient } from './reconnecting.ts'
import { Script, type Step } from './script.ts'
import { seededRandom } from './seeded-random.ts'
import type { SimulatedDisk } from './simulated-disk.ts'
import { SimulatedSocket } from './simulated-socket.ts'
import { SocketDoors } from './socket-door.ts'
import { SocketLink } from './socket-link.ts'
import { type ClientOptions, type ConnectOptions, upgradeRequest } from './upgrade-request.ts'
import { VirtualClock } from './virtual-clock.ts'

/** What a harness takes: the settings of a server, and what its network and its chance are like. */
export type HarnessOptions = RouteSettings & {
  /** Seed of the runtime's chance; default 1. */
  readonly seed?: number
  /** Of each link, each way; default 1. */
  readonly latencyMs?: number
  /** What waits in each link before the writer has to; default 64 KiB. */
  readonly bufferBytes?: number
  /** As of `serve()`; default 10,000. */
  readonly maxConnections?: number
  /** Default: one in memory, in the harness's own time, or on `disk`. */
  readonly journal?: Journal
  /** What the journal is kept on, over the end of a process. Default: it ends with the process. */
  readonly disk?: SimulatedDisk
  /** Default: one of its own. Servers that follow each other, as over a restart, share one. */
  readonly clock?: VirtualClock
}

/** As `serve()` takes it; there is no HTTP in a harness, so what answers plain requests is left out. */
export type HarnessEntry = Entry | readonly Entry[]

/** What a process of the harness has: its time and chance, and its journal, for topics that are durable. */
export interface HarnessProcess {
  /** Ends with the process: its timers do not fire in the next. */
  readonly clock: Clock
  /** Another for each process, the same for each seed. */
  readonly random: Random
  /** On `disk` where there is one. */
  readonly journal: Journal
}

/** Routes, or what makes them anew for each process: then nothing of one is left over for the next. */
export type HarnessEntries =
  | readonly HarnessEntry[]
  | ((process: HarnessProcess) => readonly HarnessEntry[])

const CLOSE_STEP_MS = 100
const LONGEST_CLOSE_MS = 600_000

const OWN_NAMES = ['seed', 'latencyMs', 'bufferBytes', 'maxConnections', 'journal', 'disk', 'clock']

interface Process {
  readonly clock: ProcessClock
  readonly runtime: Runtime
  readonly doors: SocketDoors
  isOver: boolean
}

/** A server in memory, its network and its time; make it with `harness()`. */
export class Harness {
  /** The time of everything here; `advance()` moves it. */
  readonly clock: VirtualClock
  /** Every close record, as connections end. */
  readonly records: CloseRecord[] = []
  /** Every error of user code that was reported. */
  readonly errors: WebSocketError[] = []
  /** What became of each `client()`, from both ends; the laws are judged from it. */
  readonly lives: Life[] = []
  /** By their numbers, the clients of a script that follow topics. */
  readonly followers = new Map<number, Follower | ReconnectingClient>()
  /** The steps of a script that found what they were about: a client that is not there does nothing. */
  readonly played: Step[] = []
  readonly #entries: HarnessEntries
  readonly #options: HarnessOptions
  readonly #maskingKeys: Random
  #process: Process
  #processes = 0
  #isListening = true
  readonly #livesById = new Map<string, Life>()
  #beginning: Life | undefined

  constructor(entries: HarnessEntries, options: HarnessOptions = {}) {
    this.#entries = entries
    this.#options = options
    this.clock = options.clock ?? new VirtualClock()
    this.#maskingKeys = seededRandom(options.seed ?? 1)
    this.#process = this.#begin()
  }

  /** What the server itself sees; of the present process. */
  get runtime(): Runtime {
    return this.#process.runtime
  }

  /** Seed of the runtime's chance, and of whatever else here is left to chance. */
  get seed(): number {
    return this.#options.seed ?? 1
  }

  /** Whether anybody listens: not from a `crash()` until the next process has read its journal, as a server does first. */
  get isListening(): boolean {
    return this.#isListening
  }

  /** What the journal is kept on, if that was given. */
  get disk(): SimulatedDisk | undefined {
    return this.#options.disk
  }

  /** Timers of the present process that are armed from now on fire so much later than they should. */
  set timersLateMs(ms: number) {
    this.#process.clock.lateMs = ms
  }

  /**
   * Ends the process as SIGKILL does: connections are reset, nobody is told anything, and `journal` and `disk` have
   * what they had. `restart()` begins the next one; until then there is no server to come to.
   */
  crash(): void {
    this.#process.isOver = true
    this.#isListening = false
    this.#process.clock.end()
    this.disk?.crash()
    for (const life of this.#livesById.values()) {
      if (this.runtime.connections.has(life.connection?.id ?? '')) life.crash()
    }
    this.#livesById.clear()
  }

  /** Begins the process after a `crash()`. Lives that the one before has left open in the journal are ended. */
  async restart(): Promise<void> {
    this.#process = this.#begin()
    let done = false
    void this.runtime.journal.endAbandoned().finally(() => {
      done = true
    })
    await this.settle()
    for (let waitedMs = 0; !done && waitedMs < LONGEST_CLOSE_MS; waitedMs += CLOSE_STEP_MS) {
      await this.advance(CLOSE_STEP_MS)
    }
    this.#isListening = true
  }

  #begin(): Process {
    const { seed = 1, disk, maxConnections, ...options } = this.#options
    const count = this.#processes++
    const clock = new ProcessClock(this.clock)
    const random = seededRandom(seed + count)
    const ownStore = () => disk?.open(clock) ?? new MemoryStore(seededRandom(count))
    const journal = options.journal ?? new Journal(ownStore(), clock)
    const own = { clock, random, journal }
    const entries = typeof this.#entries === 'function' ? this.#entries(own) : this.#entries
    if (!Array.isArray(entries)) {
      throw new WebSocketError(
        'ERR_WINDSOCK_ROUTE',
        `routes is ${show(entries)}: give harness() an array, as in harness([route(path, handler)])`,
      )
    }
    const runtime = new Runtime({
      ...own,
      routes: entries
        .flat()
        .filter((entry) => entry.kind === 'route')
        .map((route) => this.#watched(route)),
      settings: resolveSettings(DEFAULT_SETTINGS, this.#options, 'server', OWN_NAMES),
      maxConnections: maxConnections ?? DEFAULT_LIMITS.maxConnections,
      onError: (error) => {
        if (!process.isOver) this.errors.push(error)
      },
    })
    const process: Process = { clock, runtime, doors: new SocketDoors(clock), isOver: false }
    runtime.closed$.subscribe((record) => {
      if (process.isOver) return
      this.records.push(record)
      // A connection may be over before `accept` returns; its life is the one that begins.
      const life = this.#livesById.get(record.connectionId) ?? this.#beginning
      life?.noteOver(record)
    })
    return process
  }

  /**
   * Sends an upgrade request for `path`; the peer's `status` tells how it was answered, after `settle()`.
   *
   * @throws WebSocketError `ERR_WINDSOCK_ROUTE` when no route answers `path`: that would be a 404, which a harness has no
   *   HTTP for.
   */
  dial(path: string, options: ConnectOptions = {}): Peer {
    const match = this.#match(path)
    const peer = new Peer(this.clock)
    const { latencyMs, bufferBytes } = this.#options
    const door = memoryDoor(
      {
        clock: this.clock,
        ...(latencyMs !== undefined && { latencyMs }),
        ...(bufferBytes !== undefined && { bufferBytes }),
      },
      (answer) => peer.answered(answer),
    )
    this.runtime.accept(match, upgradeRequest(path, options), door)
    return peer
  }

  /**
   * A client over a simulated socket: its bytes are read and answered by `ws`, as on a real server.
   *
   * The handshake is decided at once or, where policy takes its time, later; the answer takes the latency to arrive.
   *
   * @throws WebSocketError as `dial`.
   */
  client(path: string, options: ClientOptions = {}): Client {
    const match = this.#match(path)
    const { clock, runtime } = this
    const { latencyMs, bufferBytes } = this.#options
    const upgrade = upgradeRequest(path, options)
    const sockets = SimulatedSocket.pair({ clock, latencyMs, bufferBytes }, upgrade.remoteAddress)
    const link = new SocketLink(sockets.client, () => this.#maskingKeys.bytes(4))
    const number = options.number ?? this.lives.length + 1
    const client = new Client(number, path, link, sockets.server, clock)
    const door = this.#process.doors.door(upgrade, sockets.server, link, (answer) =>
      client.answered(answer),
    )
    const life = new Life(client, match.active.settings, sockets.server, clock)
    this.lives.push(life)
    this.#beginning = life
    const connection = runtime.accept(match, upgrade, door)
    this.#beginning = undefined
    life.connection = connection
    if (connection !== undefined) {
      this.#livesById.set(connection.id, life)
      sockets.server.once('close', () => connection.socketGone())
    }
    return client
  }

  #match(path: string): RouteMatch {
    const match = this.runtime.match(path)
    if (match !== undefined) return match
    const known = this.runtime.routes.map(({ route }) => route.pattern.text).join(', ')
    throw new WebSocketError(
      'ERR_WINDSOCK_ROUTE',
      `no route answers ${show(path)}: the harness has ${known || 'none'}`,
    )
  }

  /** Plays a script with clients, waits for what is under way, and closes the server. */
  async run(script: Script): Promise<void> {
    if (!(script instanceof Script)) {
      throw new SettingError(`run() needs a script, as in new Script([…]), not ${show(script)}`)
    }
    return play(this, script)
  }

  /** Dials and lets the handshake be decided. */
  async connect(path: string, options?: ConnectOptions): Promise<Peer> {
    const peer = this.dial(path, options)
    await this.settle()
    return peer
  }

  /** Lets `ms` of virtual time pass, with everything that is due in it. */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms)
  }

  /** Lets everything happen that needs no time. */
  settle(): Promise<void> {
    return this.clock.settle()
  }

  /**
   * Drains the server, advancing time until every connection is over.
   *
   * @throws Error when one is not after ten minutes: then its end was lost.
   */
  async close(): Promise<void> {
    let done = false
    void this.runtime.drain({ code: 1001, reason: 'going away' }).then(() => {
      done = true
    })
    await this.settle()
    for (let waitedMs = 0; !done && waitedMs < LONGEST_CLOSE_MS; waitedMs += CLOSE_STEP_MS) {
      await this.advance(CLOSE_STEP_MS)
    }
    if (done) return
    const { size } = this.runtime.connections
    throw new Error(`${size} connections have not ended ten minutes after the server was closed`)
  }

  // Only a `client()` has a life that somebody looks at.
  #watched(route: Route): Route {
    const factory: HandlerFactory = (request, context) => {
      const life = this.#beginning
      return (life?.watch(route.factory) ?? route.factory)(request, context)
    }
    return { ...route, factory }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Makes a server in memory. */
export function harness(entries: HarnessEntries, options?: HarnessOptions): Harness {
  return new Harness(entries, options)
}
