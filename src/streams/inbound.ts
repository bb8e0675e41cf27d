// Inbound: what one link brought, in order, through a gate, to one handler.
//
// Messages are held while the gate has not opened yet (`open` still runs) and while the handler is busy with
// the one before: one at a time, the next waits for its promise. Holding is bounded: at the bound reading
// pauses, and nothing is lost. Pings, pongs and Close frames do not pass here, so they never wait; but the
// news that the peer closed is kept in its place behind the messages that came before it.
//
// Knows nothing of frames, sockets or machines.

import type { Observable } from 'rxjs'
import type { RouteLimits } from '../protocol/limits.ts'
import { type Message, ownBytes } from '../protocol/message.ts'
import type { Clock } from '../protocol/ports.ts'
import { Multicast } from './multicast.ts'
import { Watchdog } from './watchdog.ts'

/** What the gates of many links share. */
export interface InboundSetup {
  readonly limits: Pick<RouteLimits, 'maxHeldBytes' | 'maxHeldMessages' | 'handlerTimeoutMs'>
  readonly clock: Clock
}

/** What the gate reports to its connection; none of these may throw. */
export interface InboundEvents {
  /** One message for the handler; true holds back the next until it has called `finished`, the same function each time. */
  deliver(message: Message, finished: () => void): boolean
  /** A subscriber of `messages$` threw. */
  fail(thrown: unknown): void
  /** One delivery has not settled within `handlerTimeoutMs`. */
  overran(): void
  /** After a read that left messages held: the handler has caught up, or waits for more than promises. */
  handlerRests(): void
  /** `isFilled` has changed: stop reading, or read on. */
  loadChanged(): void
}

/** A message that waits, or a task in its place among them. */
class Held {
  readonly item: Message | (() => void)
  readonly byteLength: number
  /** Of the last one, the first: so a connection needs one field for all of them. */
  next: Held = this

  constructor(item: Held['item'], byteLength: number) {
    this.item = item
    this.byteLength = byteLength
  }
}

export class Inbound {
  /** What was delivered to the handler. */
  messagesReceived = 0
  bytesReceived = 0

  readonly #limits: InboundSetup['limits']
  readonly #clock: Clock
  readonly #events: InboundEvents
  #gate: 'holding' | 'open' | 'shut' = 'holding'
  #busy = false
  #last: Held | undefined
  #heldMessages = 0
  #heldBytes = 0
  #filled = false
  #messages$: Multicast<Message> | undefined
  // Made for the whole life, with the first message.
  #finished: (() => void) | undefined
  #restIsDue = false
  #tellRest: (() => void) | undefined
  /** Of the deliveries that take time; when one began is known at the end of the read or the turn. */
  #watchdog: Watchdog | undefined

  constructor(setup: InboundSetup, events: InboundEvents) {
    this.#limits = setup.limits
    this.#clock = setup.clock
    this.#events = events
  }

  get totals() {
    const { messagesReceived, bytesReceived } = this
    return { messagesReceived, bytesReceived }
  }

  /** Whether reading is paused because too much is held. */
  get isFilled(): boolean {
    return this.#filled
  }

  /** Whether messages wait for the handler to finish with the one before. */
  get isBehind(): boolean {
    return this.#busy && this.#last !== undefined
  }

  /** Hot: each message once, from the moment of subscribing; completes when the gate shuts. */
  get messages$(): Observable<Message> {
    if (this.#messages$ === undefined) {
      this.#messages$ = new Multicast(this.#events)
      if (this.#gate === 'shut') this.#messages$.complete()
    }
    return this.#messages$
  }

  /** Takes a message from the link; `byteLength` is its payload's. */
  next(message: Message, byteLength: number): void {
    if (this.#gate === 'shut') return
    if (this.#gate === 'open' && !this.#busy && this.#last === undefined) {
      this.#deliver(message, byteLength)
      // What came while the handler ran, from the handler's own doing.
      if (this.#last !== undefined) this.#drain()
    } else {
      this.#holdMessage(message, byteLength)
    }
  }

  /** What one read brought has been delivered or is held; what is under way began before `nowMs`. */
  readDone(nowMs: number): void {
    this.#watchdog?.date(nowMs)
    if (this.isBehind) this.#tellRestLater()
  }

  /** Calls `task` in its place: when everything that came before it has been dealt with. */
  mark(task: () => void): void {
    if (this.#gate === 'shut' || (this.#last === undefined && !this.#busy)) {
      task()
      return
    }
    this.#hold(task, 0)
    // Nothing more will be read; a ping could not be answered now.
    if (!this.#filled) this.#fill()
  }

  /** Lets messages through, the held ones first. */
  open(): void {
    if (this.#gate !== 'holding') return
    this.#gate = 'open'
    this.#drain()
  }

  /** Delivers nothing more: held messages are let go, held tasks run. */
  shut(): void {
    if (this.#gate === 'shut') return
    this.#gate = 'shut'
    this.#watchdog?.stop()
    this.#messages$?.complete()
    while (this.#last !== undefined) {
      const { item } = this.#take(this.#last)
      if (typeof item === 'function') item()
    }
  }

  #deliver(message: Message, byteLength: number): void {
    this.#busy = true
    this.messagesReceived++
    this.bytesReceived += byteLength
    this.#finished ??= () => {
      this.#busy = false
      this.#drain()
      if (this.#restIsDue && !this.#busy && this.#last === undefined) this.#events.handlerRests()
    }
    const isBusy = this.#events.deliver(message, this.#finished)
    this.#messages$?.next(message)
    if (isBusy) this.#watch()
    else this.#busy = false
  }

  #drain(): void {
    while (this.#gate === 'open' && !this.#busy && this.#last !== undefined) {
      const { item, byteLength } = this.#take(this.#last)
      if (typeof item === 'function') item()
      else this.#deliver(item, byteLength)
    }
    if (this.#busy && this.#watchdog?.isUndated) this.#tellRestLater()
    if (this.#filled && this.#last === undefined && this.#gate === 'open') {
      this.#filled = false
      this.#events.loadChanged()
    }
  }

  #take(last: Held): Held {
    const first = last.next
    if (first === last) this.#last = undefined
    else last.next = first.next
    // Once V8 holds it for old, it would keep alive all that come after it.
    first.next = first
    this.#heldMessages--
    this.#heldBytes -= first.byteLength
    return first
  }

  #holdMessage(message: Message, byteLength: number): void {
    this.#hold(typeof message === 'string' ? message : ownBytes(message), byteLength)
    const { maxHeldBytes, maxHeldMessages } = this.#limits
    const full = this.#heldBytes >= maxHeldBytes || this.#heldMessages >= maxHeldMessages
    if (full && !this.#filled) this.#fill()
  }

  #hold(item: Held['item'], byteLength: number): void {
    const held = new Held(item, byteLength)
    if (this.#last !== undefined) {
      held.next = this.#last.next
      this.#last.next = held
    }
    this.#last = held
    this.#heldMessages++
    this.#heldBytes += byteLength
  }

  #fill(): void {
    this.#filled = true
    this.#events.loadChanged()
  }

  #watch(): void {
    const { handlerTimeoutMs } = this.#limits
    // The handler may have ended the connection before it began to wait.
    if (handlerTimeoutMs === 0 || this.#gate === 'shut') return
    this.#watchdog ??= new Watchdog({
      clock: this.#clock,
      limitMs: handlerTimeoutMs,
      isWaiting: () => this.#busy,
      overdue: () => this.#events.overran(),
    })
    this.#watchdog.begin()
  }

  #tellRestLater(): void {
    if (this.#restIsDue) return
    this.#restIsDue = true
    this.#tellRest ??= () => {
      this.#restIsDue = false
      if (!this.#busy) return
      if (this.#watchdog?.isUndated) this.#watchdog.date(this.#clock.nowMs())
      this.#events.handlerRests()
    }
    this.#clock.endOfLoop(this.#tellRest)
  }
}
