// Client network: a network in memory between real clients and the real runtime, as bad as a test wants it.
//
// It stands in for sockets and fetch alone. It can be down, refuse upgrades, freeze what is open, cut it, and it goes
// on talking over sockets that the client has let go of.

import type { Harness, VirtualClock } from 'windsock/testing'
import type {
  ClientClock,
  Environment,
  EnvironmentEvent,
  SocketEvents,
} from '../../../src/client/environment.ts'
import type { IncomingUpgrade } from '../../../src/http/request.ts'
import type { Random, TimerHandle } from '../../../src/protocol/ports.ts'
import { memoryDoor, type PeerLink } from '../../../src/transport/memory.ts'
import type { Answer } from '../../../src/transport/topic-answer.ts'
import type { Asking } from './asking.ts'

/** From one end to the other, for requests over HTTP. */
const LATENCY_MS = 1

/** What a server in memory is reached by. */
export interface Reachable {
  readonly harness: Harness
  readonly asking: Asking
}

/** What the network does with new connections and requests. */
export type Condition = 'up' | 'down' | 'refusing upgrades' | 'frozen'

/** What went over one WebSocket; both as texts. */
export interface Wire {
  readonly sent: string[]
  readonly got: string[]
}

interface Way {
  /** Ends it for both sides. */
  cut(): void
  /** Passes nothing on any more, and ends neither side. */
  freeze(): void
}

export class ClientNetwork implements Environment {
  readonly clock: CountingClock
  readonly random: Random
  readonly baseUrl = undefined
  readonly #virtual: VirtualClock
  readonly #server: () => Reachable | undefined
  readonly #ways = new Set<Way>()
  readonly #listeners = new Set<(event: EnvironmentEvent) => void>()
  condition: Condition = 'up'
  online = true
  /** From one end to the other of a WebSocket. */
  latencyMs = LATENCY_MS
  /** What becomes of a message of the server on its way: a server that is sloppy says it twice, or not at all. */
  meddle: (text: string, wire: Wire) => readonly string[] = (text) => [text]
  /** WebSockets that are neither closed nor let go of. */
  sockets = 0
  /** The most of them there ever were at a time. */
  mostSockets = 0
  /** When each WebSocket was dialed. */
  dials: number[] = []
  /** What went over each of them. */
  readonly wires: Wire[] = []

  constructor(clock: VirtualClock, random: Random, server: () => Reachable | undefined) {
    this.#virtual = clock
    this.clock = new CountingClock(clock)
    this.random = random
    this.#server = server
  }

  isOnline(): boolean {
    return this.online
  }

  watch(listener: (event: EnvironmentEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  tell(event: EnvironmentEvent): void {
    if (event !== 'woke') this.online = event === 'online'
    for (const listener of [...this.#listeners]) listener(event)
  }

  get watchers(): number {
    return this.#listeners.size
  }

  /** Ends everything that is open. */
  cut(): void {
    for (const way of [...this.#ways]) way.cut()
  }

  /** Everything that is open is there and says nothing any more. */
  freeze(): void {
    for (const way of [...this.#ways]) way.freeze()
  }

  openSocket(url: string, protocols: readonly string[], events: SocketEvents) {
    this.dials.push(this.#virtual.nowMs())
    const wire: Wire = { sent: [], got: [] }
    this.wires.push(wire)
    this.sockets++
    this.mostSockets = Math.max(this.mostSockets, this.sockets)
    let end: PeerLink | undefined
    let isOver = false
    let isFrozen = this.condition === 'frozen'
    let closeSent = false
    const over = () => {
      if (isOver) return false
      isOver = true
      this.sockets--
      this.#ways.delete(way)
      return true
    }
    const closed = (code: number, reason: string) => {
      if (over()) events.closed(code, reason)
      // What an old socket still says; 4001 would be final.
      events.received('{"type":"messages","topic":"t","items":[{"offset":1,"ts":0,"data":"late"}]}')
      events.closed(4001, 'late')
    }
    const hear = (message: string) => {
      for (const text of this.meddle(message, wire)) {
        wire.got.push(text)
        events.received(text)
      }
    }
    const way: Way = {
      cut: () => {
        end?.reset()
        if (!isFrozen) closed(1006, '')
        else over()
      },
      freeze: () => {
        isFrozen = true
        end?.pause()
      },
    }
    this.#ways.add(way)
    this.#virtual.setTimeout(() => {
      if (isOver || isFrozen) return
      const server = this.#server()
      const path = new URL(url).pathname
      const match = server?.harness.runtime.match(path)
      if (this.condition !== 'up' || server === undefined || match === undefined) {
        return closed(1006, this.condition)
      }
      const door = memoryDoor({ clock: this.#virtual, latencyMs: this.latencyMs }, (answer) => {
        if (isOver || isFrozen) return
        if (!answer.accepted) return closed(1006, `HTTP ${answer.status}`)
        end = answer.link
        end.receive = (item) => {
          if (isFrozen) return
          if (item.kind === 'message') hear(String(item.message))
          else if (item.kind === 'ping') end?.send({ kind: 'pong', data: item.data })
          else if (item.kind === 'close') {
            if (!closeSent) end?.send({ kind: 'close', frame: item.frame })
            closed(item.frame.code, item.frame.reason)
          } else if (item.kind === 'end') {
            end?.end()
            closed(1006, '')
          }
        }
        events.opened()
      })
      server.harness.runtime.accept(match, upgradeOf(path, protocols), door)
    }, this.latencyMs)
    return {
      bufferedBytes: 0,
      send: (message: string | Uint8Array) => {
        if (isOver || isFrozen) return
        wire.sent.push(String(message))
        end?.send({ kind: 'message', message })
      },
      close: (code = 1005, reason = '') => {
        closeSent = true
        if (!isFrozen) end?.send({ kind: 'close', frame: { code, reason } })
      },
      destroy: () => {
        if (over()) end?.reset()
        closed(4001, 'late')
      },
    }
  }

  readonly fetch: Environment['fetch'] = (url, { method = 'GET', headers, body, signal }) => {
    const { promise, resolve, reject } = withResolvers<Response>()
    let stop = () => {}
    let isFrozen = this.condition === 'frozen'
    const fail = (reason: string) => {
      this.#ways.delete(way)
      stop()
      if (!isFrozen || signal?.aborted) reject(new TypeError(reason))
    }
    const way: Way = {
      cut: () => fail('cut'),
      freeze: () => {
        isFrozen = true
      },
    }
    this.#ways.add(way)
    signal?.addEventListener('abort', () => fail('aborted'))
    this.#virtual.setTimeout(() => {
      const server = this.#server()
      if (isFrozen || signal?.aborted) return
      if (this.condition === 'down' || server === undefined) return fail('unreachable')
      const { pathname, search } = new URL(url)
      const name = decodeURIComponent(pathname.split('/').at(-1) as string)
      const pairs = Object.entries((headers ?? {}) as Record<string, string>)
      const asked = server.asking.ask(name, search, {
        method,
        headers: pairs,
        ...(typeof body === 'string' && { body }),
      })
      stop = () => asked.lifeline.end('gone')
      void asked.done.then((answer) => {
        this.#virtual.setTimeout(() => {
          if (isFrozen || !this.#ways.has(way)) return
          const isStream = answer.events !== undefined
          if (!isStream) this.#ways.delete(way)
          resolve(
            this.#responseOf(
              answer,
              signal ?? undefined,
              () => isFrozen,
              (cut) => {
                way.cut = cut
              },
              () => this.#ways.delete(way),
              stop,
            ),
          )
        }, LATENCY_MS)
      })
    }, LATENCY_MS)
    return promise
  }

  #responseOf(
    { status, headers, body, events }: Answer,
    signal: AbortSignal | undefined,
    isFrozen: () => boolean,
    onCut: (cut: () => void) => void,
    over: () => void,
    stop: () => void,
  ): Response {
    const init = { status, headers: headers as Record<string, string> }
    if (events === undefined) {
      return new Response(status === 204 || status === 304 ? null : ((body ?? '') as string), init)
    }
    const encoder = new TextEncoder()
    let isOver = false
    const end = () => {
      isOver = true
      over()
      stop()
    }
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        const fail = () => {
          // One that was cut while it was frozen says nothing, until it is given up.
          if (isOver && !signal?.aborted) return
          end()
          if (!isFrozen()) controller.error(new TypeError('cut'))
        }
        onCut(fail)
        // Whoever gives up is told at once, whatever became of the other side.
        signal?.addEventListener('abort', () => {
          if (!isOver) end()
          controller.error(new TypeError('aborted'))
        })
      },
      async pull(controller) {
        const piece = await events.next()
        if (isOver) return
        if (isFrozen()) return new Promise(() => {})
        if (piece !== undefined) return controller.enqueue(encoder.encode(piece))
        end()
        controller.close()
      },
      cancel: end,
    })
    return new Response(stream, init)
  }
}

/** What a timer can wait, ms. */
const LONGEST_MS = 2 ** 31 - 1

/** A clock that knows which timers of the client's are armed, and whether all were such as a clock takes. */
class CountingClock implements ClientClock {
  readonly #clock: VirtualClock
  readonly armed = new Set<TimerHandle>()
  rulesKept = true

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  nowMs(): number {
    return this.#clock.nowMs()
  }
  wallMs(): number {
    return this.#clock.wallMs()
  }
  endOfTurn(task: () => void): void {
    this.#clock.endOfTurn(task)
  }
  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    if (!(delayMs >= 0 && delayMs <= LONGEST_MS)) this.rulesKept = false
    const handle = this.#clock.setTimeout(() => {
      this.armed.delete(handle)
      callback()
    }, delayMs)
    this.armed.add(handle)
    return handle
  }
  clearTimeout(handle: TimerHandle): void {
    this.armed.delete(handle)
    this.#clock.clearTimeout(handle)
  }
}

function upgradeOf(path: string, protocols: readonly string[]): IncomingUpgrade {
  const headers = {
    host: 'server.test',
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': protocols.join(', '),
  }
  return {
    method: 'GET',
    url: path,
    httpVersion: '1.1',
    rawHeaders: Object.entries(headers).flat(),
    remoteAddress: '192.0.2.1',
    secure: false,
  }
}

function withResolvers<T>() {
  let resolve!: (value: T) => void
  let reject!: (reason: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
