// Connection: drives ONE connection, from its upgrade request to its close record.
//
// It interprets the machine's effects (opens and shuts gates, arms timers, sends control frames, ends the link)
// and joins the streams: transport → inbound → handler, and handler → outbound → transport. User code runs in
// a barrier: what it throws becomes an event of the machine, and nothing else. Messages never go through the machine.

import type { Observable } from 'rxjs'
import { type ConnectionOwn, type ConnectionSetup, inputOf } from './connection-options.ts'
import { Watched } from './connection-watched.ts'
import { Barrier, overdue } from './handlers/barrier.ts'
import type { Connection, ConnectionRequest, ConnectionState, Pong } from './handlers/handler.ts'
import type { Recorder } from './journal/recorder.ts'
import { NO_TOTALS } from './machines/connection.ts'
import { Driver, type DriverOwner, type PerformedEffect } from './machines/driver.ts'
import type { ConnectionEvent } from './machines/effects.ts'
import { checkCloseCode } from './protocol/close-codes.ts'
import { checkReason } from './protocol/close-reason.ts'
import type { CloseFrame, CloseRecord } from './protocol/close-record.ts'
import { HandlerError, WebSocketClosedError, WebSocketError } from './protocol/errors.ts'
import { NO_HEADERS } from './protocol/http-answer.ts'
import { copyOf, type Message, type Sendable, toMessage } from './protocol/message.ts'
import { ControlFrames, pingPayload } from './streams/control-frames.ts'
import { DONE, handled } from './streams/deferred.ts'
import { Inbound, type InboundEvents } from './streams/inbound.ts'
import { Outbound, type OutboundEvents } from './streams/outbound.ts'
import type { Door, Transport, TransportEvents, Violation } from './transport/transport.ts'

// It is itself the listener of its parts: a closure for each of them would be a part of what an idle connection holds.
export class LiveConnection
  implements Connection, TransportEvents, InboundEvents, OutboundEvents, DriverOwner
{
  // What a broadcast touches stands first (docs/adr/0025).
  #transport: Transport | undefined
  #outbound: Outbound<ReturnType<Transport['pack']>> | undefined
  #maySend = false
  readonly #messageRecorder: Recorder | undefined

  readonly id: string
  readonly request: ConnectionRequest
  subprotocol: string | undefined
  readonly #setup: ConnectionSetup
  readonly #barrier: Barrier
  readonly #driver: Driver
  readonly #inbound: Inbound
  #openCalled = false
  #handlerEnded = false
  #outboundReleased = false
  #inputPaused = false
  /** The Close frame that went out, be it ours or the transport's answer. */
  #closeSent: CloseFrame | null = null
  #control: ControlFrames | undefined
  #watched: Watched | undefined
  #record: CloseRecord | undefined
  #door: Door | undefined
  readonly #startedAtMs: number
  #lastSeenAtMs: number

  constructor(own: ConnectionOwn, setup: ConnectionSetup, door: Door) {
    const { id, request, handler, recorder } = own
    this.#door = door
    this.#setup = setup
    this.#messageRecorder = recorder?.recordsMessages ? recorder : undefined
    this.id = id
    this.request = request
    this.#startedAtMs = this.#lastSeenAtMs = setup.clock.nowMs()
    this.#barrier = new Barrier(handler, this)
    this.#inbound = new Inbound(setup, this)
    this.#driver = new Driver(setup, inputOf(id, setup), this, recorder)
  }

  // ── what user code sees ────────────────────────────────────────────────────────────────────────

  get state(): ConnectionState {
    return this.#driver.state
  }

  get state$(): Observable<ConnectionState> {
    return this.#toWatch.state$
  }

  get messages$(): Observable<Message> {
    return this.#inbound.messages$
  }

  get pongs$(): Observable<Pong> {
    return this.#toWatch.pongs$
  }

  get bufferedBytes(): number {
    return this.#outbound?.bufferedBytes ?? 0
  }

  get closed(): Promise<CloseRecord> {
    return this.#toWatch.closed
  }

  send(data: Sendable): Promise<void> {
    const message = toMessage(data)
    const transport = this.#transport
    const outbound = this.#maySend ? (this.#outbound ?? this.#toSend) : undefined
    if (transport === undefined || outbound === undefined)
      return handled(Promise.reject(WebSocketClosedError.of(this.state, transport)))
    outbound.push(transport.pack(message, outbound.isGathering))
    this.#messageRecorder?.message('MessageSent', message)
    const sent = outbound.room?.then(() => {
      if (!this.#maySend) throw new WebSocketClosedError()
    })
    return sent === undefined ? DONE : handled(sent)
  }

  touch(): number {
    return this.#outbound?.touch() ?? 0
  }

  ping(data: string | Uint8Array = ''): void {
    const payload = pingPayload(data)
    if (this.#maySend) this.#toSend?.ping(payload)
  }

  close(code = 1000, reason = ''): void {
    const frame: CloseFrame = { code: checkCloseCode(code), reason: checkReason(reason) }
    // Inside of `open` the machine hears of it later, and what is sent until then would come before the Close frame.
    this.#maySend = false
    this.dispatch({ type: 'app.closed', frame })
  }

  setNoDelay(on: boolean): void {
    this.#transport?.setNoDelay(on)
  }

  /** The handshake's policy has decided in favour; the 101 follows at once. */
  accept(subprotocol: string | undefined): void {
    this.subprotocol = subprotocol
    this.dispatch({ type: 'handshake.accepted' })
  }

  /** The socket is gone; before there is a transport nobody else would tell. */
  socketGone(): void {
    if (this.#transport === undefined) this.#linkEnded()
  }

  /** Called once after it was made: a handshake that is decided by then needs no timer. */
  setTimers(): void {
    this.#driver.setTimers()
  }

  /** Gives the machine an event. */
  dispatch(event: ConnectionEvent): void {
    this.#driver.dispatch(event)
  }

  /** What user code threw: the connection ends with 1011, the error is reported, nobody else notices. */
  fail(thrown: unknown): void {
    const isClosed = this.#transport !== undefined && !this.#maySend
    // A handler that was at work when its connection closed, and then awaits what it sends, has done nothing wrong.
    if (isClosed && thrown instanceof WebSocketClosedError) return
    this.dispatch(this.failure(thrown))
  }

  // ── what the transport tells ───────────────────────────────────────────────────────────────────

  messageReceived(message: Message, byteLength: number): void {
    this.#messageRecorder?.message('MessageReceived', message)
    this.#inbound.next(message, byteLength)
  }

  readDone(): void {
    this.#lastSeenAtMs = this.#setup.clock.nowMs()
    this.#inbound.readDone(this.#lastSeenAtMs)
    if (this.#setup.proofOfLife === 'anything' && this.#control?.excuse()) {
      this.dispatch({ type: 'pong.received' })
    }
    // A handler that is awaited answers the rest of the read in this turn, too: one write for all of it.
    if (this.#inbound.isBehind) this.#outbound?.hold()
    else this.#outbound?.flush()
  }

  answering(): void {
    this.#outbound?.flush()
  }

  pingReceived(data: Uint8Array): void {
    if (!this.#mayGoOn(this.#controlFrames.count())) return
    this.#toSend?.pong(copyOf(data)) // It may wait, and user code may change what it is given.
    if (this.#maySend) void this.#barrier.ping(data)
  }

  pongReceived(data: Uint8Array): void {
    const answer = this.#control?.answer(data)
    if (!this.#mayGoOn(answer !== undefined || this.#controlFrames.count())) return
    if (answer?.isProof) this.dispatch({ type: 'pong.received' })
    if (!this.#maySend) return
    const pong = { data, roundTripMs: answer?.roundTripMs }
    this.#watched?.pong(pong)
    void this.#barrier.pong(pong)
  }

  drained(): void {
    this.#outbound?.drained()
  }

  closeReceived(frame: CloseFrame): void {
    this.#lastSeenAtMs = this.#setup.clock.nowMs()
    this.#closeSent ??= frame
    this.#inbound.mark(() => this.dispatch({ type: 'peer.closed', frame }))
    this.#releaseOutbound()
  }

  violated(violation: Violation): void {
    this.#closeSent ??= violation.sent
    this.dispatch({ type: 'protocol.violated', ...violation })
    this.#releaseOutbound()
  }

  ended(): void {
    this.#inbound.mark(() => this.#linkEnded())
    this.#releaseOutbound()
  }

  // ── what the queues tell ───────────────────────────────────────────────────────────────────────

  deliver(message: Message, finished: () => void): boolean {
    return this.#barrier.message(message, finished)
  }

  overran(): void {
    const detail = `onMessage did not finish within ${this.#setup.limits.handlerTimeoutMs} ms`
    this.#setup.onError(new HandlerError(undefined, detail), this, this.#barrier.handler)
    this.dispatch({ type: 'handler.failed', cause: 'handlerTimeout', detail })
  }

  handlerRests(): void {
    this.#outbound?.flush()
  }

  overflowed(detail: string): void {
    this.dispatch({ type: 'limit.exceeded', cause: 'slowConsumer', detail })
  }

  /** Pauses or resumes reading: too much held for the handler, or, by policy, too much waiting for the peer. */
  loadChanged(): void {
    const pressured = this.#outbound?.isPressured ?? false
    const pause = this.#inbound.isFilled || (pressured && this.#setup.slow === 'pause')
    if (pause === this.#inputPaused || !this.#maySend) return
    this.#inputPaused = pause
    if (pause) this.#transport?.pause()
    else this.#transport?.resume()
    this.dispatch({ type: pause ? 'input.paused' : 'input.resumed' })
  }

  pingWritten(data: Uint8Array): void {
    this.#controlFrames.written(data)
  }

  // ── what the machine says ──────────────────────────────────────────────────────────────────────

  perform(effect: PerformedEffect): void {
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
      case 'sendPing':
        this.#controlFrames.ask()
        return this.#toSend?.ping(pingPayload(String(effect.sequence)))
      case 'sendClose':
        this.#maySend = false
        return this.#toSend?.end(effect.discard, () => {
          this.#closeSent ??= effect.frame
          this.#transport?.close(effect.frame)
        })
      case 'destroy':
        return this.#transport?.destroy()
      case 'finish':
        return this.#finish(effect.record)
    }
  }

  stepped(): void {
    this.#watched?.stepped()
  }

  failure(thrown: unknown): ConnectionEvent {
    const error = WebSocketError.from(thrown)
    this.#setup.onError(error, this, this.#barrier.handler)
    return { type: 'handler.failed', cause: 'handlerFailed', detail: error.message }
  }

  // Answered once; then the request, and the headers that hang off it, need not live as long as the connection.
  #takeDoor(): Door {
    const door = this.#door as Door
    this.#door = undefined
    return door
  }

  #upgrade(): void {
    const { compression, limits } = this.#setup
    const headers = this.#barrier.handler.upgradeHeaders ?? NO_HEADERS
    const { subprotocol } = this
    let transport: ReturnType<Door['upgrade']>
    try {
      transport = this.#takeDoor().upgrade({ subprotocol, headers, limits, compression })
    } catch (thrown) {
      // The socket is destroyed, or somebody else's: there is nothing to answer, and nothing to end.
      this.fail(thrown)
    }
    if (transport === undefined) return this.#linkEnded()
    if ('status' in transport) {
      this.dispatch({ type: 'upgrade.failed', ...transport })
      return this.#linkEnded()
    }
    this.#transport = transport
    this.#maySend = true
    transport.start(this)
  }

  #callOpen(): void {
    if (this.#transport === undefined) return
    this.#openCalled = true
    const pending = this.#barrier.open(this, this.#setup)
    const finish = () => this.dispatch({ type: 'open.finished' })
    if (pending === undefined) finish()
    else void pending.then(finish)
  }

  #shut(): void {
    this.#maySend = false
    if (this.#openCalled && !this.#handlerEnded) {
      this.#handlerEnded = true
      const { cause } = this.#driver.snapshot.context
      if (cause === 'openTimeout') this.fail(overdue('openTimeoutMs', this.#setup.limits))
      void this.#barrier.end() // First, for `first()` would take the end of `messages$` for an error.
    }
    this.#inbound.shut()
    this.#transport?.resume() // A peer that we do not read could not tell us that it closes.
    this.#watched?.shut()
  }

  #linkEnded(): void {
    const now = this.#setup.clock.nowMs()
    this.dispatch({
      type: 'transport.ended',
      durationMs: now - this.#startedAtMs,
      silentForMs: now - this.#lastSeenAtMs,
      sent: this.#closeSent,
      totals: { ...(this.#outbound?.totals ?? NO_TOTALS), ...this.#inbound.totals },
    })
  }

  #finish(record: CloseRecord): void {
    this.#record = record
    this.#shut()
    this.#releaseOutbound()
    const told = this.#openCalled ? this.#barrier.close(record) : undefined
    this.#watched?.finished(record)
    this.#setup.onClosed(record, told)
  }

  /** Nothing leaves any more: what is accepted from here on is lost, and counted. */
  #releaseOutbound(): void {
    this.#outboundReleased = true
    this.#outbound?.release()
  }

  /** A connection that sends nothing has no need of it. `send` looks first whether it is there: 3 % of an echo of 16 B. */
  get #toSend(): Outbound<ReturnType<Transport['pack']>> | undefined {
    if (this.#outbound === undefined && this.#transport !== undefined) {
      this.#outbound = new Outbound(this.#transport, this.#setup, this)
      if (this.#outboundReleased) this.#outbound.release()
    }
    return this.#outbound
  }

  get #toWatch(): Watched {
    return (this.#watched ??= new Watched(this, this.#handlerEnded, this.#record))
  }

  get #controlFrames(): ControlFrames {
    return (this.#control ??= new ControlFrames(this.#setup))
  }

  /** Ends the connection when there were too many pings or pongs, an attack on whoever answers each. */
  #mayGoOn(isWithinBound: boolean): boolean {
    this.#lastSeenAtMs = this.#setup.clock.nowMs()
    if (isWithinBound) return true
    const detail = `more than ${this.#setup.limits.maxControlFramesPer10s} pings and unasked pongs within 10 s`
    this.dispatch({ type: 'limit.exceeded', cause: 'limitExceeded', detail })
    return false
  }
}
