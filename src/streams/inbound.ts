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
import type { Clock, TimerHandle } from '../protocol/ports.ts'
import { Multicast } from './multicast.ts'

export interface InboundOptions {
  readonly limits: Pick<RouteLimits, 'maxHeldBytes' | 'maxHeldMessages' | 'handlerTimeoutMs'>
  readonly clock: Clock
  readonly events: InboundEvents
}

/** What the gate reports to its connection; none of these may throw. */
export interface InboundEvents {
  /** One message for the handler; true holds back the next until it has called `finished`, the same function each time. */
  deliver(message: Message, finished: () => void): boolean
  /** A subscriber of `messages$` threw. */
  fail(thrown: unknown): void
  /** One delivery has not settled within `handlerTimeoutMs`. */
  overran(): void
  /** `isFilled` has changed: stop reading, or read on. */
  heldChanged(): void
}

type Held = { readonly message: Message; readonly byteLength: number } | (() => void)

export class Inbound {
  /** What was delivered to the handler. */
  messagesReceived = 0
  bytesReceived = 0

  readonly #limits: InboundOptions['limits']
  readonly #clock: Clock
  readonly #events: InboundEvents
  #gate: 'holding' | 'open' | 'shut' = 'holding'
  #busy = false
  /** Made when first needed: most connections never hold anything. */
  #held: (Held | undefined)[] | undefined
  /** Where the first of them stands; what was before it is gone. */
  #head = 0
  #heldBytes = 0
  #filled = false
  #messages$: Multicast<Message> | undefined
  // Made for the whole life, with the first message.
  #finished: (() => void) | undefined
  /** When the delivery under way had begun at the latest; known at the end of its turn. */
  #busySinceMs: number | undefined
  #notes = false
  #note: (() => void) | undefined
  #overrunTimer: TimerHandle | undefined

  constructor({ limits, clock, events }: InboundOptions) {
    this.#limits = limits
    this.#clock = clock
    this.#events = events
  }

  /** Whether reading is paused because too much is held. */
  get isFilled(): boolean {
    return this.#filled
  }

  /** Whether messages wait for the handler to finish with the one before. */
  get isBehind(): boolean {
    return this.#busy && this.#holds
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
    if (this.#gate === 'open' && !this.#busy && !this.#holds) {
      this.#deliver(message, byteLength)
      // What came while the handler ran, from the handler's own doing.
      if (this.#holds) this.#drain()
    } else {
      this.#hold(message, byteLength)
    }
  }

  /** Calls `task` in its place: when everything that came before it has been dealt with. */
  mark(task: () => void): void {
    if (this.#gate === 'shut' || (!this.#holds && !this.#busy)) {
      task()
      return
    }
    this.#held ??= []
    this.#held.push(task)
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
    this.#clock.clearTimeout(this.#overrunTimer)
    this.#overrunTimer = undefined
    const held = this.#held?.slice(this.#head) ?? []
    this.#held = undefined
    this.#head = 0
    this.#heldBytes = 0
    this.#messages$?.complete()
    for (const item of held) if (typeof item === 'function') item()
  }

  get #holds(): boolean {
    return this.#held !== undefined && this.#head < this.#held.length
  }

  #deliver(message: Message, byteLength: number): void {
    this.#busy = true
    this.messagesReceived++
    this.bytesReceived += byteLength
    this.#finished ??= () => {
      this.#busy = false
      this.#drain()
    }
    const isBusy = this.#events.deliver(message, this.#finished)
    this.#messages$?.next(message)
    if (isBusy) this.#watch()
    else this.#busy = false
  }

  #drain(): void {
    while (this.#gate === 'open' && !this.#busy && this.#holds) {
      const item = this.#first()
      if (typeof item === 'function') {
        item()
      } else {
        this.#heldBytes -= item.byteLength
        this.#deliver(item.message, item.byteLength)
      }
    }
    if (this.#filled && !this.#holds && this.#gate === 'open') {
      this.#filled = false
      this.#events.heldChanged()
    }
  }

  // The array is cut off now and then, not each time: shifting made up a tenth of a small message that is awaited.
  #first(): Held {
    const held = this.#held as (Held | undefined)[]
    const item = held[this.#head] as Held
    held[this.#head++] = undefined
    if (this.#head === held.length) {
      held.length = 0
      this.#head = 0
    } else if (this.#head > 256 && this.#head * 2 > held.length) {
      this.#held = held.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  #hold(message: Message, byteLength: number): void {
    this.#held ??= []
    this.#held.push({
      message: typeof message === 'string' ? message : ownBytes(message),
      byteLength,
    })
    this.#heldBytes += byteLength
    const { maxHeldBytes, maxHeldMessages } = this.#limits
    const full =
      this.#heldBytes >= maxHeldBytes || this.#held.length - this.#head >= maxHeldMessages
    if (full && !this.#filled) this.#fill()
  }

  #fill(): void {
    this.#filled = true
    this.#events.heldChanged()
  }

  // One timer for a whole stretch of slow deliveries; when it fires it looks how long the present one has run. Most are
  // over in the turn in which they began, and never cost a look at the clock.
  #watch(): void {
    const { handlerTimeoutMs } = this.#limits
    // The handler may have ended the connection before it began to wait.
    if (handlerTimeoutMs === 0 || this.#gate === 'shut') return
    if (this.#overrunTimer === undefined) this.#armOverrun(handlerTimeoutMs)
    this.#busySinceMs = undefined
    if (this.#notes) return
    this.#notes = true
    this.#note ??= () => {
      this.#notes = false
      this.#busySinceMs ??= this.#clock.nowMs()
    }
    this.#clock.endOfTurn(this.#note)
  }

  #armOverrun(delayMs: number): void {
    this.#overrunTimer = this.#clock.setTimeout(() => {
      this.#overrunTimer = undefined
      if (!this.#busy) return
      const now = this.#clock.nowMs()
      const left = (this.#busySinceMs ?? now) + this.#limits.handlerTimeoutMs - now
      if (left > 0) this.#armOverrun(left)
      else this.#events.overran()
    }, delayMs)
  }
}
