// Connection: drives ONE connection, from its upgrade request to its close record.
//
// It interprets the machine's effects (opens and shuts gates, arms timers, sends control frames, ends the link)
// and joins the streams: transport → inbound → handler, and handler → outbound → transport. User code runs in
// a barrier: what it throws becomes an event of the machine, and nothing else.
//
// Messages never go through the machine.

import type { Observable } from 'rxjs'
import type { LiveConnectionOptions } from './connection-options.ts'
import { Barrier } from './handlers/barrier.ts'
import {
  type Connection,
  type ConnectionRequest,
  type ConnectionState,
  type Pong,
} from './handlers/handler.ts'
import { deadlinesOf, NO_TOTALS } from './machines/connection.ts'
import { Driver, type PerformedEffect } from './machines/driver.ts'
import type { ConnectionEvent } from './machines/effects.ts'
import { checkCloseCode } from './protocol/close-codes.ts'
import { checkReason } from './protocol/close-reason.ts'
import type { CloseFrame, CloseRecord } from './protocol/close-record.ts'
import { HandlerError, WebSocketClosedError, WebSocketError } from './protocol/errors.ts'
import { type Message, type Sendable, toMessage } from './protocol/message.ts'
import { Changes } from './streams/changes.ts'
import { ControlFrames, pingPayload } from './streams/control-frames.ts'
import { type Deferred, deferred, handled } from './streams/deferred.ts'
import { Inbound } from './streams/inbound.ts'
import { Multicast } from './streams/multicast.ts'
import { Outbound } from './streams/outbound.ts'
import type { Door, Transport, TransportEvents, Violation } from './transport/transport.ts'

const SENT: Promise<void> = Promise.resolve()

export class LiveConnection implements Connection, TransportEvents {
  readonly id: string
  readonly request: ConnectionRequest
  subprotocol: string | undefined

  readonly #options: LiveConnectionOptions
  readonly #handler: Barrier
  readonly #driver: Driver
  readonly #control: ControlFrames
  readonly #inbound: Inbound
  #transport: Transport | undefined
  #outbound: Outbound<ReturnType<Transport['pack']>> | undefined
  #maySend = false
  #openCalled = false
  #handlerEnded = false
  #pressured = false
  #inputPaused = false
  /** The Close frame that went out, be it ours or the transport's answer. */
  #closeSent: CloseFrame | null = null

  #states: Changes<ConnectionState> | undefined
  #pongs$: Multicast<Pong> | undefined
  #closed: Deferred<CloseRecord> | undefined
  #record: CloseRecord | undefined
  #door: Door | undefined
  readonly #startedAtMs: number
  #lastSeenAtMs: number

  constructor(options: LiveConnectionOptions, door: Door) {
    this.#door = door
    const { id, request, handler, host, fallbackHost, limits, clock } = options
    this.#options = options
    this.id = id
    this.request = request
    this.#startedAtMs = clock.nowMs()
    this.#lastSeenAtMs = this.#startedAtMs
    this.#handler = new Barrier(handler, this.fail)
    this.#control = new ControlFrames(clock, limits.maxControlFramesPer10s)
    this.#inbound = new Inbound({
      limits,
      clock,
      events: {
        deliver: (message) => this.#handler.message(message),
        subscriberFailed: this.fail,
        overran: () => this.#overran(),
        filled: () => this.#weighInput(),
        emptied: () => this.#weighInput(),
      },
    })
    this.#driver = new Driver({
      host,
      fallbackHost,
      clock,
      input: {
        connectionId: id,
        startedAtMs: clock.wallMs(),
        deadlines: deadlinesOf(limits),
        ...(options.pingTimeoutCode !== undefined && { pingTimeoutCode: options.pingTimeoutCode }),
      },
      witness: options.recorder,
      perform: (effect) => this.#perform(effect),
      stepped: () => this.#tellState(),
      guardFailed: (thrown) => this.#reported(thrown),
    })
  }

  // ── what user code sees ────────────────────────────────────────────────────────────────────────

  get state(): ConnectionState {
    return this.#driver.state
  }

  get state$(): Observable<ConnectionState> {
    this.#states ??= new Changes(this.fail, () => this.state)
    if (this.#record !== undefined) this.#states.complete()
    return this.#states.values$
  }

  get messages$(): Observable<Message> {
    return this.#inbound.messages$
  }

  get pongs$(): Observable<Pong> {
    if (this.#pongs$ === undefined) {
      this.#pongs$ = new Multicast(this.fail)
      if (this.#handlerEnded) this.#pongs$.complete()
    }
    return this.#pongs$
  }

  get bufferedBytes(): number {
    return this.#outbound?.bufferedBytes ?? 0
  }

  get closed(): Promise<CloseRecord> {
    if (this.#record !== undefined) return Promise.resolve(this.#record)
    return (this.#closed ??= deferred()).promise
  }

  send(data: Sendable): Promise<void> {
    const message = toMessage(data)
    const transport = this.#transport
    const outbound = this.#outbound
    if (!this.#maySend || transport === undefined || outbound === undefined)
      return handled(Promise.reject(new WebSocketClosedError()))
    outbound.push(transport.pack(message))
    this.#options.messageRecorder?.message('MessageSent', message)
    const sent = outbound.room?.then(() => {
      if (!this.#maySend) throw new WebSocketClosedError()
    })
    return sent === undefined ? SENT : handled(sent)
  }

  ping(data: string | Uint8Array = ''): void {
    const payload = pingPayload(data)
    if (!this.#maySend) return
    this.#control.sent('app', payload)
    this.#outbound?.ping(payload)
  }

  close(code = 1000, reason = ''): void {
    const frame: CloseFrame = { code: checkCloseCode(code), reason: checkReason(reason) }
    this.dispatch({ type: 'app.closed', frame })
  }

  setNoDelay(on: boolean): void {
    this.#transport?.setNoDelay(on)
  }

  /** The handshake's policy has decided in favour; the 101 response follows at once. */
  accept(subprotocol: string | undefined): void {
    this.subprotocol = subprotocol
    this.dispatch({ type: 'handshake.accepted' })
  }

  /** The socket is gone; before there is a transport nobody else would tell. */
  socketGone(): void {
    if (this.#transport === undefined) this.#linkEnded()
  }

  /** Gives the machine an event. */
  dispatch(event: ConnectionEvent): void {
    this.#driver.dispatch(event)
  }

  /** What user code threw: the connection ends with 1011, the error is reported, nobody else notices. */
  readonly fail = (thrown: unknown): void => {
    this.dispatch(this.#reported(thrown))
  }

  // ── what the transport tells ───────────────────────────────────────────────────────────────────

  messageReceived(message: Message, byteLength: number): void {
    this.#options.messageRecorder?.message('MessageReceived', message)
    this.#inbound.next(message, byteLength)
  }

  readDone(): void {
    this.#lastSeenAtMs = this.#options.clock.nowMs()
    if (this.#options.proofOfLife === 'anything' && this.#control.excuse()) {
      this.dispatch({ type: 'pong.received' })
    }
    this.#outbound?.flush()
  }

  pingReceived(data: Uint8Array): void {
    if (!this.#countControlFrame()) return
    this.#outbound?.pong(data)
    if (this.#maySend) void this.#handler.ping(data)
  }

  pongReceived(data: Uint8Array): void {
    if (!this.#countControlFrame()) return
    const answer = this.#control.answer(data)
    if (answer?.sender === 'keepalive') this.dispatch({ type: 'pong.received' })
    if (!this.#maySend) return
    const pong = { data, roundTripMs: answer?.roundTripMs }
    this.#pongs$?.next(pong)
    void this.#handler.pong(pong)
  }

  drained(): void {
    this.#outbound?.drained()
  }

  closeReceived(frame: CloseFrame): void {
    this.#lastSeenAtMs = this.#options.clock.nowMs()
    this.#closeSent ??= frame
    this.#inbound.mark(() => this.dispatch({ type: 'peer.closed', frame }))
    this.#outbound?.release()
  }

  violated(violation: Violation): void {
    this.#closeSent ??= violation.sent
    this.dispatch({ type: 'protocol.violated', ...violation })
    this.#outbound?.release()
  }

  ended(): void {
    this.#inbound.mark(() => this.#linkEnded())
    this.#outbound?.release()
  }

  #perform(effect: PerformedEffect): void {
    switch (effect.type) {
      case 'refuse':
        this.#takeDoor().refuse(effect.status, effect.reason, effect.headers, effect.body)
        return this.#linkEnded()
      case 'upgrade':
        return this.#upgrade()
      case 'callOpen':
        return this.#callOpen()
      case 'openGate':
        this.#inbound.open()
        // Held messages may still keep the reader waiting, and then no pong could be seen.
        if (this.#inputPaused) this.dispatch({ type: 'input.paused' })
        return
      case 'shutGate':
        return this.#shut()
      case 'sendPing': {
        const payload = pingPayload(String(effect.sequence))
        this.#control.sent('keepalive', payload)
        return this.#outbound?.ping(payload)
      }
      case 'sendClose':
        this.#maySend = false
        return this.#outbound?.end(effect.discard, () => {
          this.#closeSent ??= effect.frame
          this.#transport?.close(effect.frame)
        })
      case 'destroy':
        return this.#transport?.destroy()
      case 'finish':
        return this.#finish(effect.record)
    }
  }

  #tellState(): void {
    this.#states?.tell()
    if (this.#record !== undefined) this.#states?.complete()
  }

  // Answered once; then the request, and the headers that hang off it, need not live as long as the connection.
  #takeDoor(): Door {
    const door = this.#door as Door
    this.#door = undefined
    return door
  }

  #upgrade(): void {
    const { clock, compression, handler, limits, slow } = this.#options
    const headers = handler.upgradeHeaders ?? {}
    const { subprotocol } = this
    const transport = this.#takeDoor().upgrade({ subprotocol, headers, limits, compression })
    if (transport === undefined) return this.#linkEnded()
    if ('status' in transport) {
      this.dispatch({ type: 'upgrade.failed', ...transport })
      return this.#linkEnded()
    }
    this.#transport = transport
    this.#outbound = new Outbound({
      link: transport,
      limits,
      policy: slow,
      clock,
      events: {
        overflowed: (detail) =>
          this.dispatch({ type: 'limit.exceeded', cause: 'slowConsumer', detail }),
        pressured: () => this.#weighInput(true),
        relieved: () => this.#weighInput(false),
      },
    })
    this.#maySend = true
    transport.start(this)
  }

  #callOpen(): void {
    if (this.#transport === undefined) return
    this.#openCalled = true
    const { clock, random } = this.#options
    const pending = this.#handler.open(this, { clock, random, fail: this.fail })
    const finish = () => this.dispatch({ type: 'open.finished' })
    if (pending === undefined) finish()
    else void pending.then(finish)
  }

  #shut(): void {
    this.#maySend = false
    this.#inbound.shut()
    // A peer that we do not read could not tell us that it closes.
    this.#transport?.resume()
    this.#pongs$?.complete()
    if (!this.#openCalled || this.#handlerEnded) return
    this.#handlerEnded = true
    void this.#handler.end()
  }

  #linkEnded(): void {
    const now = this.#options.clock.nowMs()
    this.dispatch({
      type: 'transport.ended',
      durationMs: now - this.#startedAtMs,
      silentForMs: now - this.#lastSeenAtMs,
      sent: this.#closeSent,
      totals: { ...NO_TOTALS, ...this.#inbound.totals, ...this.#outbound?.totals },
    })
  }

  #finish(record: CloseRecord): void {
    this.#record = record
    this.#shut()
    this.#outbound?.release()
    if (this.#openCalled) void this.#handler.close(record)
    this.#closed?.resolve(record)
    this.#options.onClosed(record, this)
  }

  #reported(thrown: unknown): ConnectionEvent {
    const error = WebSocketError.from(thrown)
    this.#options.onError(error, this)
    return { type: 'handler.failed', cause: 'handlerFailed', detail: error.message }
  }

  #overran(): void {
    const detail = `onMessage did not finish within ${this.#options.limits.handlerTimeoutMs} ms`
    this.#options.onError(new HandlerError(undefined, detail), this)
    this.dispatch({ type: 'handler.failed', cause: 'handlerTimeout', detail })
  }

  /** Pauses or resumes reading: too much held for the handler, or, by policy, too much waiting for the peer. */
  #weighInput(pressured = this.#pressured): void {
    this.#pressured = pressured
    const pause = this.#inbound.isFilled || (pressured && this.#options.slow === 'pause')
    if (pause === this.#inputPaused || !this.#maySend) return
    this.#inputPaused = pause
    if (pause) this.#transport?.pause()
    else this.#transport?.resume()
    this.dispatch({ type: pause ? 'input.paused' : 'input.resumed' })
  }

  /** Counts a ping or pong; false when there were too many, an attack on whoever answers each. */
  #countControlFrame(): boolean {
    this.#lastSeenAtMs = this.#options.clock.nowMs()
    if (this.#control.count()) return true
    const detail = `more than ${this.#options.limits.maxControlFramesPer10s} pings and pongs within 10 s`
    this.dispatch({ type: 'limit.exceeded', cause: 'limitExceeded', detail })
    return false
  }
}
