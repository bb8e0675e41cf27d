// Life: one client's connection as both ends saw it, written down beside the runtime.
//
// The laws are judged from here: from what the client said and got, and from what the handler was told and did. Nothing
// in it is the runtime's own account, but for the close record, which is one of the things that are judged.

import type {
  Connection,
  ConnectionState,
  Handler,
  HandlerContext,
  HandlerFactory,
} from '../handlers/handler.ts'
import type { CloseRecord } from '../protocol/close-record.ts'
import { type Message, type Sendable, toMessage } from '../protocol/message.ts'
import type { Clock } from '../protocol/ports.ts'
import type { ResolvedSettings } from '../route-settings.ts'
import type { SlowPolicy } from '../streams/outbound.ts'
import type { Client } from './client.ts'
import type { FailingHook } from './script.ts'
import { noted } from './sequence.ts'
import type { SimulatedSocket } from './simulated-socket.ts'

/** One thing that the handler was told, or did. */
export type LifeEntry = { readonly atMs: number } & (
  | { readonly what: 'open' | 'opened' | 'end' | 'close' }
  /** As the script has it; what a handler throws by itself stands in no entry. */
  | { readonly what: 'throws'; readonly hook: FailingHook }
  | { readonly what: 'message' | 'send'; readonly message: Message }
  | { readonly what: 'closeCall'; readonly code: number; readonly reason: string }
  /** The server's own account came. */
  | { readonly what: 'over'; readonly record: CloseRecord }
)

/** What a handler is asked or told that no law looks at. */
const HOOKS = ['prepare', 'checkOrigin', 'selectSubprotocol', 'reported'] as const

type Timeless<Entry> = Entry extends unknown ? Omit<Entry, 'atMs'> : never

/** Where things stood when the script was over and all was quiet, before the server was closed. */
export interface Calm {
  /** In ms of the clock's `nowMs()`. */
  readonly atMs: number
  /** Of the server's end; `undefined` where there never was a connection. */
  readonly state: ConnectionState | undefined
  /** Whether that was `open`. */
  readonly isOpen: boolean
  /** Whether the client reads, and nothing is under way to it or from it; otherwise nothing can be asked of it. */
  readonly isQuiet: boolean
  /** Whether a hook of the handler had not finished. */
  readonly isBusy: boolean
  /** For how long the handler had been at one message; 0 when it was at none. */
  readonly busyForMs: number
  /** For how long its socket had had more than it takes ahead, and the network had taken nothing; 0 when it had less. */
  readonly stalledForMs: number
  /** Messages: what the client said, and what of it the handler had heard. */
  readonly said: number
  readonly heard: number
  /** Messages: what the client had received, of what the handler had sent. */
  readonly received: number
  readonly sent: number
}

/** What a socket takes before the queue behind it keeps the rest. */
const WRITE_AHEAD_BYTES = 64 * 1024

/** One connection of a `client()`, from both ends: what either said and was told. The laws are judged from it. */
export class Life {
  readonly client: Client
  readonly slow: SlowPolicy
  maxOutboundBytes: number
  readonly entries: LifeEntry[] = []
  /** `undefined` when the request was turned away before there was one. */
  connection: Connection | undefined
  /** The most bytes that were certainly with the server, and not with the network, after any `send()`. */
  mostHeldBytes = 0
  largestSentBytes = 0
  calm: Calm | undefined
  /** The hook that fails when it is called next, and how. */
  fails: { readonly hook: FailingHook; readonly does: 'throw' | 'reject' } | undefined
  /** What the handler sent when it was too late for that, and was told that all was well. */
  lateSends = 0
  /** Whether a message was delivered while the handler was still busy with the one before. */
  hasOverlapped = false
  /** Whether the process has ended under it: then there is no account of its end. */
  hasCrashed = false
  readonly startedAtMs: number
  readonly #clock: Clock
  readonly #socket: SimulatedSocket
  #sentBytes = 0
  /** When a `send()` first found the socket full, with as many bytes taken by the network as now. */
  #stalledAtMs: number | undefined
  #takenBytes = 0
  #running = 0
  #messagesRunning = 0
  #busySinceMs = 0
  #watchedConnection: WatchedConnection | undefined

  constructor(client: Client, settings: ResolvedSettings, socket: SimulatedSocket, clock: Clock) {
    this.client = client
    this.slow = settings.slow
    this.maxOutboundBytes = settings.limits.maxOutboundBytes
    this.#socket = socket
    this.#clock = clock
    this.startedAtMs = clock.nowMs()
  }

  /** What the handler was given, in order. */
  get heard(): readonly Message[] {
    return this.entries.flatMap((entry) => (entry.what === 'message' ? [entry.message] : []))
  }

  /** What the handler sent while it might, in order. */
  get sent(): readonly Message[] {
    return this.entries.flatMap((entry) => (entry.what === 'send' ? [entry.message] : []))
  }

  get records(): readonly CloseRecord[] {
    return this.entries.flatMap((entry) => (entry.what === 'over' ? [entry.record] : []))
  }

  /** Whether `open` came to its end; until then messages are held. */
  get hasOpened(): boolean {
    return this.entries.some(({ what }) => what === 'opened')
  }

  get isSocketGone(): boolean {
    return this.#socket.destroyed
  }

  /** Writes down where things stand. */
  noteCalm(): void {
    const { client, connection } = this
    if (this.hasCrashed) return
    this.#noteStall()
    this.calm = {
      atMs: this.#clock.nowMs(),
      state: connection?.state,
      isOpen: connection?.state === 'open',
      isQuiet: client.isReading && this.#socket.isQuiet,
      isBusy: this.#running > 0,
      busyForMs: this.#messagesRunning > 0 ? this.#clock.nowMs() - this.#busySinceMs : 0,
      stalledForMs: this.#clock.nowMs() - (this.#stalledAtMs ?? this.#clock.nowMs()),
      said: client.said.length,
      heard: this.heard.length,
      received: client.messages.length,
      sent: this.sent.length,
    }
  }

  /** The route's factory, with somebody who looks on. */
  watch(factory: HandlerFactory): HandlerFactory {
    return (request, context) => this.#watched(factory(request, context))
  }

  #watched(handler: Handler): Handler {
    this.maxOutboundBytes = handler.settings?.maxOutboundBytes ?? this.maxOutboundBytes
    // A hook that is not there must not seem to be: what the runtime does instead depends on it.
    const forwarded = HOOKS.filter((name) => handler[name] !== undefined).map((name) => [
      name,
      (...given: unknown[]) =>
        (handler[name] as (...all: unknown[]) => unknown).apply(handler, given),
    ])
    const controls = (['ping', 'pong'] as const).filter((name) => handler[name] !== undefined)
    const failing = controls.map((name) => [
      name,
      (given: never) => this.#failsAt(name) ?? handler[name]?.(given),
    ])
    return {
      ...Object.fromEntries([...forwarded, ...failing]),
      get settings() {
        return handler.settings
      },
      get upgradeHeaders() {
        return handler.upgradeHeaders
      },
      open: (connection: Connection, context: HandlerContext) => {
        this.#note({ what: 'open' })
        // It may open before `accept` returns.
        this.connection = connection
        const watched = new WatchedConnection(connection, this)
        this.#watchedConnection = watched
        const opening = this.#runs(() => handler.open?.(watched, context))
        if (opening === undefined) return this.#note({ what: 'opened' })
        return (opening as Promise<void>).then(() => this.#note({ what: 'opened' }))
      },
      message: (message: Message) => {
        this.#note({ what: 'message', message })
        return this.#failsAt('message') ?? this.#runsMessage(() => handler.message?.(message))
      },
      end: () => {
        this.#note({ what: 'end' })
        // It is let go of whether it fails or not.
        handler.end?.()
        return this.#failsAt('end') as unknown as undefined
      },
      close: (record: CloseRecord) => {
        this.#note({ what: 'close' })
        return this.#failsAt('close') ?? handler.close?.(record)
      },
    } as Handler
  }

  // Throws, or gives a promise that rejects, when the script has this hook fail.
  #failsAt(hook: FailingHook): Promise<never> | undefined {
    if (this.fails?.hook !== hook) return undefined
    const { does } = this.fails
    this.fails = undefined
    this.#note({ what: 'throws', hook })
    const error = new Error(`the script has the handler ${does}`)
    if (does === 'throw') throw error
    return Promise.reject(error)
  }

  #runsMessage(hook: () => unknown): unknown {
    if (this.#messagesRunning > 0) this.hasOverlapped = true
    this.#messagesRunning++
    this.#busySinceMs = this.#clock.nowMs()
    const done = () => {
      this.#messagesRunning--
    }
    try {
      const running = this.#runs(hook) as Promise<unknown> | undefined
      if (running === undefined) done()
      else return running.finally(done)
    } catch (thrown) {
      done()
      throw thrown
    }
    return undefined
  }

  /** The process ends: nobody tells anything any more. @internal */
  crash(): void {
    this.hasCrashed = true
    this.#socket.die()
  }

  /** The handler closes its connection now. @internal */
  closeNow(code: number, reason: string): void {
    this.#watchedConnection?.close(code, reason)
  }

  // How many hooks have begun and not ended.
  #runs(hook: () => unknown): unknown {
    const result = hook()
    if (typeof (result as PromiseLike<unknown> | undefined)?.then !== 'function') return undefined
    this.#running++
    return Promise.resolve(result).finally(() => {
      this.#running--
    })
  }

  /** @internal */
  noteSend(data: Sendable): void {
    const message = toMessage(data)
    const bytes = typeof message === 'string' ? Buffer.byteLength(message) : message.byteLength
    this.#sentBytes += bytes
    this.largestSentBytes = Math.max(this.largestSentBytes, bytes)
    this.#note({ what: 'send', message })
  }

  /** @internal */
  noteHeld(): void {
    this.#noteStall()
    // What is refused because too much waits already ends the connection, and is not kept; nor is what has nowhere to go,
    // such as what follows the answer to the client's Close frame.
    const { destroyed, errored } = this.#socket
    const isGone = destroyed || errored || this.client.hasClosed
    if (this.connection?.state !== 'open' || isGone) return
    const held = this.#sentBytes - this.#socket.takenBytes
    this.mostHeldBytes = Math.max(this.mostHeldBytes, held)
  }

  #noteStall(): void {
    const { writableLength, takenBytes } = this.#socket
    const isFull = writableLength >= WRITE_AHEAD_BYTES
    if (!isFull || takenBytes !== this.#takenBytes) this.#stalledAtMs = undefined
    if (isFull) this.#stalledAtMs ??= this.#clock.nowMs()
    this.#takenBytes = takenBytes
  }

  /** @internal */
  noteOver(record: CloseRecord): void {
    this.#note({ what: 'over', record })
  }

  /** @internal */
  noteCloseCall(code: number, reason: string): void {
    this.#note({ what: 'closeCall', code, reason })
  }

  #note(entry: Timeless<LifeEntry>): void {
    if (this.hasCrashed) return
    this.entries.push(noted({ atMs: this.#clock.nowMs(), ...entry } as LifeEntry))
  }
}

/** The connection as the handler has it, with what it does written down. */
class WatchedConnection implements Connection {
  readonly #inner: Connection
  readonly #life: Life

  constructor(inner: Connection, life: Life) {
    this.#inner = inner
    this.#life = life
  }

  get id() {
    return this.#inner.id
  }
  get request() {
    return this.#inner.request
  }
  get subprotocol() {
    return this.#inner.subprotocol
  }
  get state() {
    return this.#inner.state
  }
  get state$() {
    return this.#inner.state$
  }
  get messages$() {
    return this.#inner.messages$
  }
  get pongs$() {
    return this.#inner.pongs$
  }
  get closed() {
    return this.#inner.closed
  }
  get bufferedBytes() {
    return this.#inner.bufferedBytes
  }

  send(data: Sendable): Promise<void> {
    const { state } = this.#inner
    // Before the call, as what is sent may be answered within it. What cannot be sent throws here as it does there.
    const isInTime = state === 'connecting' || state === 'open'
    if (isInTime) this.#life.noteSend(data)
    const sending = this.#inner.send(data)
    if (!isInTime) {
      void sending.then(
        () => this.#life.lateSends++,
        () => {},
      )
    }
    this.#life.noteHeld()
    return sending
  }

  ping(data?: string | Uint8Array): void {
    this.#inner.ping(data)
  }

  close(code?: number, reason?: string): void {
    const wasOpen = this.#inner.state === 'connecting' || this.#inner.state === 'open'
    this.#inner.close(code, reason)
    if (wasOpen) this.#life.noteCloseCall(code ?? 1000, reason ?? '')
  }

  setNoDelay(on: boolean): void {
    this.#inner.setNoDelay(on)
  }
}
