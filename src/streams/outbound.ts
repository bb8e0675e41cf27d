// Outbound: the bounded queue between those who send and one link, in two lanes.
//
// Data waits in the queue while the link has enough to do, because only what is still here can be dropped or
// replaced. What one turn of the event loop produces leaves as one write; a message that comes alone leaves at
// once. Pings and pongs go by the control lane: never queued behind data, one of each waiting at most, the newest
// wins (RFC 6455 §5.5.3).
//
// The bound counts what waits here and what the link has not handed to the kernel yet. At the bound the
// slow-consumer policy acts:
//   close        the consumer is reported as too slow; its connection ends with 1013
//   drop-oldest  the oldest waiting messages make room; the newest always has its place
//   latest       while the link is busy only the newest message waits
//   pause        above the high-water mark the connection's source is paused; at the bound, as close
//
// Knows nothing of frames, sockets or machines.

import type { RouteLimits } from '../protocol/limits.ts'
import type { Clock } from '../protocol/ports.ts'
import { type Deferred, deferred } from './deferred.ts'
import type { OutboundLink, Sized } from './outbound-link.ts'
import { Watchdog } from './watchdog.ts'

/** What happens to a consumer that takes messages more slowly than they come. */
export type SlowPolicy = (typeof SLOW_POLICIES)[number]
export const SLOW_POLICIES = ['close', 'drop-oldest', 'latest', 'pause'] as const

/** What the queue reports to its connection. */
export interface OutboundEvents {
  /** The bound was reached and the policy is to end the connection; reported once. */
  overflowed(detail: string): void
  /** `isPressured` has changed. */
  loadChanged(): void
  /** A Ping was written, which those that were replaced while they waited never are. */
  pingWritten(data: Uint8Array): void
}

/** What the queues of many links share. */
export interface OutboundSetup {
  readonly limits: Pick<
    RouteLimits,
    'maxOutboundBytes' | 'maxOutboundMessages' | 'outboundHighWaterBytes' | 'stallTimeoutMs'
  >
  readonly slow: SlowPolicy
  readonly clock: Clock
}

export class Outbound<P extends Sized> {
  // What a broadcast touches stands first (docs/adr/0025).
  #state: 'open' | 'ending' | 'ended' = 'open'
  #blocked = false
  #scheduled = false
  #isHeld = false
  // Whether the last turn that sent brought several messages, so that the next first one had better wait.
  #isBurst = false
  #pressured = false
  #lastTurn = -1
  readonly #policy: SlowPolicy
  readonly #link: OutboundLink<P>
  readonly #clock: Clock
  readonly #limits: OutboundSetup['limits']
  /** Messages that wait here; not looked up in the array, which would be one more object to touch. */
  queuedMessages = 0
  #queuedBytes = 0
  /** Messages and bytes handed to the link. */
  messagesSent = 0
  bytesSent = 0

  /** Made when first needed: a message that comes alone is written at once. */
  #queue: (P | undefined)[] | undefined
  #head = 0
  readonly #events: OutboundEvents
  /** Messages that the policy dropped or refused. */
  messagesDropped = 0
  #discardedBytes = 0
  /** Of a message that alone reaches the bound: it was accepted, and those behind it are not to pay for it. */
  #largeBytes = 0
  /** Of the link, when it was last looked at. */
  #untakenBytes = 0
  #overflowed = false
  #waitingPing: Uint8Array | undefined
  #waitingPong: Uint8Array | undefined
  #onEmpty: (() => void) | undefined
  #room: Deferred<void> | undefined
  /** Of a link that takes nothing. */
  #watchdog: Watchdog | undefined
  // One function for the whole life, made when first needed, so that a turn costs no closure.
  #endOfTurn: (() => void) | undefined

  constructor(link: OutboundLink<P>, setup: OutboundSetup, events: OutboundEvents) {
    this.#link = link
    this.#limits = setup.limits
    this.#policy = setup.slow
    this.#clock = setup.clock
    this.#events = events
  }

  /** Reads something of each line of the cache that `push` will need. */
  touch(): number {
    return this.#lastTurn + this.messagesSent + this.#link.touch()
  }

  /** From the high-water mark on, until half of it is left or the link takes more: from then on it tells of nothing. */
  get isPressured(): boolean {
    return this.#pressured
  }

  /** Bytes accepted that the kernel does not have yet. */
  get bufferedBytes(): number {
    return this.#queuedBytes + this.#link.bufferedBytes
  }

  /** Bytes accepted that were, or now would be, lost with the link. */
  get unsentBytes(): number {
    return this.#discardedBytes + this.bufferedBytes
  }

  get totals() {
    const { messagesSent, bytesSent, messagesDropped, unsentBytes: bytesUnsent } = this
    return { messagesSent, bytesSent, messagesDropped, bytesUnsent }
  }

  /** Resolves when the pressure is over; `undefined` when nobody has to wait. */
  get room(): Promise<void> | undefined {
    if (!this.#pressured) return undefined
    this.#room ??= deferred()
    return this.#room.promise
  }

  /** Whether what is pushed now leaves with others, most likely before anything else is read. */
  get isGathering(): boolean {
    return (this.#isHeld || this.#link.isReading) && !this.#blocked
  }

  /** Accepts a packet for sending, within the bound; after `end` it counts as unsent. */
  push(packet: P): void {
    if (this.#state !== 'open') {
      this.#discardedBytes += packet.byteLength
      return
    }
    if (this.#policyDrops()) return
    const isWaiting = this.#blocked || this.#scheduled || this.#isHeld || this.#link.isReading
    const isAlone = !isWaiting && !this.#isBurst && this.queuedMessages === 0
    if (isAlone && this.#lastTurn !== this.#clock.turn) {
      this.#lastTurn = this.#clock.turn
      this.#writeAtOnce(packet)
      return
    }
    this.#queue ??= []
    this.#queue.push(packet)
    this.queuedMessages++
    this.#queuedBytes += packet.byteLength
    if (this.#queuedBytes >= this.#limits.outboundHighWaterBytes) {
      this.#noteLarge(packet)
      this.flush()
    } else if (!isWaiting) this.#flushSoon()
  }

  /** Sends a Ping ahead of all waiting data. */
  ping(data: Uint8Array): void {
    if (this.#state === 'ended') return
    if (this.#blocked) {
      this.#waitingPing = data
      return
    }
    this.#events.pingWritten(data)
    if (!this.#link.ping(data)) this.#block()
  }

  /** Answers a Ping ahead of all waiting data; of several that wait only the newest is answered. */
  pong(data: Uint8Array): void {
    if (this.#state === 'ended') return
    if (this.#blocked) this.#waitingPong = data
    else if (!this.#link.pong(data)) this.#block()
  }

  /** The link has handed everything to the kernel. */
  drained(): void {
    if (this.#state === 'ended') return
    this.#blocked = false
    if (this.#queuedBytes === 0) this.#largeBytes = 0
    const pong = this.#waitingPong
    const ping = this.#waitingPing
    this.#waitingPong = undefined
    this.#waitingPing = undefined
    if (pong !== undefined) this.pong(pong)
    if (ping !== undefined) this.ping(ping)
    this.flush()
  }

  // Hands to the link what it takes at the end of this turn.
  #flushSoon(): void {
    if (this.#scheduled || this.queuedMessages === 0) return
    this.#scheduled = true
    this.#endOfTurn ??= () => {
      this.#scheduled = false
      this.#isBurst = this.queuedMessages > 1
      this.flush()
    }
    this.#clock.endOfTurn(this.#endOfTurn)
  }

  /**
   * Keeps what is sent from here on for `flush`, which its caller owes it before the process waits for anything: after a read
   * that left messages held, that is when `Inbound` tells that the handler rests.
   */
  hold(): void {
    this.#isHeld = true
  }

  /** Hands to the link what it takes now. */
  flush(): void {
    this.#isHeld = false
    if (this.#state === 'ended') return
    while (!this.#blocked && this.queuedMessages > 0) {
      const batch = this.#take()
      if (!this.#link.write(batch)) this.#block()
    }
    if (this.#blocked || this.#pressured) this.#weighPressure()
    if (this.queuedMessages === 0 && this.#onEmpty !== undefined) {
      const done = this.#onEmpty
      this.#onEmpty = undefined
      done()
    }
  }

  /**
   * Accepts nothing more, and calls `done` when what was accepted has gone to the link: at once if nothing
   * waits or `discard` says to drop it.
   */
  end(discard: boolean, done: () => void): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    if (discard) this.#discard()
    this.#onEmpty = done
    this.flush()
  }

  /** Lets go of everything: timers, packets, those who wait for room. */
  release(): void {
    if (this.#state === 'ended') return
    this.#discard()
    this.#state = 'ended'
    this.#pressured = false
    this.#onEmpty = undefined
    this.#waitingPing = undefined
    this.#waitingPong = undefined
    this.#watchdog?.stop()
    this.#room?.resolve()
    this.#room = undefined
  }

  // The first message of a turn, with nothing before it: no queue, no tick.
  #writeAtOnce(packet: P): void {
    this.#queuedBytes += packet.byteLength
    this.#count(1, packet.byteLength)
    if (this.#link.writeOne(packet)) return
    this.#noteLarge(packet)
    this.#block()
    this.#weighPressure()
  }

  /** Takes one write's worth from the queue: all of it, or about a high-water mark. */
  #take(): P[] {
    const mark = this.#limits.outboundHighWaterBytes
    if (this.#head === 0 && this.#queuedBytes <= mark) {
      const all = this.#queue as P[]
      this.#queue = undefined
      this.queuedMessages = 0
      this.#count(all.length, this.#queuedBytes)
      return all
    }
    const batch: P[] = []
    let bytes = 0
    do {
      const packet = this.#next()
      batch.push(packet)
      bytes += packet.byteLength
    } while (bytes < mark && this.queuedMessages > 0)
    this.#compact()
    this.#count(batch.length, bytes)
    return batch
  }

  #next(): P {
    this.queuedMessages--
    const queue = this.#queue as (P | undefined)[]
    const packet = queue[this.#head] as P
    queue[this.#head++] = undefined
    return packet
  }

  #count(messages: number, bytes: number): void {
    this.messagesSent += messages
    this.bytesSent += bytes
    this.#queuedBytes -= bytes
  }

  #policyDrops(): boolean {
    const policy = this.#policy
    if (policy === 'latest' && this.#blocked) {
      while (this.queuedMessages > 0) this.#dropOldest()
      return false
    }
    if (!this.#isFull()) return false
    // A burst within one turn is no sign of a slow consumer: let the link take what it can first.
    this.flush()
    if (!this.#isFull()) return false
    if (policy === 'drop-oldest' || policy === 'latest') {
      while (this.queuedMessages > 0 && this.#isFull()) this.#dropOldest()
      // Also where the link alone has reached the bound: who reads on at last is to be told how things stand.
      return false
    }
    if (!this.#overflowed) {
      this.#overflowed = true
      const { maxOutboundBytes, maxOutboundMessages } = this.#limits
      this.#events.overflowed(
        `${this.queuedMessages} messages and ${this.bufferedBytes} bytes wait: at most ${maxOutboundMessages} and ${maxOutboundBytes} may`,
      )
    }
    this.messagesDropped++
    return true
  }

  #isFull(): boolean {
    const { maxOutboundBytes, maxOutboundMessages } = this.#limits
    if (this.queuedMessages >= maxOutboundMessages) return true
    const waiting = this.bufferedBytes
    return waiting >= maxOutboundBytes && waiting - this.#largeBytes >= maxOutboundBytes
  }

  #noteLarge({ byteLength }: P): void {
    if (byteLength >= this.#limits.maxOutboundBytes) this.#largeBytes = byteLength
  }

  #dropOldest(): void {
    const packet = this.#next()
    this.#queuedBytes -= packet.byteLength
    this.messagesDropped++
    this.#compact()
  }

  #discard(): void {
    this.#discardedBytes += this.#queuedBytes
    this.#queue = undefined
    this.#head = 0
    this.queuedMessages = 0
    this.#queuedBytes = 0
  }

  // The head of the array is cut off now and then, not each time: amortised, a packet is moved once.
  #compact(): void {
    const queue = this.#queue as (P | undefined)[]
    if (this.#head === queue.length) {
      this.#queue = undefined
      this.#head = 0
    } else if (this.#head > 256 && this.#head * 2 > queue.length) {
      this.#queue = queue.slice(this.#head)
      this.#head = 0
    }
  }

  #weighPressure(): void {
    const events = this.#events
    const limits = this.#limits
    const waiting = this.bufferedBytes
    if (!this.#pressured && this.#blocked && waiting >= limits.outboundHighWaterBytes) {
      this.#pressured = true
      events.loadChanged()
    } else if (this.#pressured && (!this.#blocked || waiting * 2 < limits.outboundHighWaterBytes)) {
      this.#pressured = false
      this.#room?.resolve()
      this.#room = undefined
      events.loadChanged()
    }
  }

  #block(): void {
    this.#blocked = true
    this.#untakenBytes = this.#link.untakenBytes
    const { stallTimeoutMs } = this.#limits
    this.#watchdog ??= new Watchdog({
      clock: this.#clock,
      limitMs: stallTimeoutMs,
      isWaiting: () => this.#blocked,
      hasMoved: () => {
        const before = this.#untakenBytes
        this.#untakenBytes = this.#link.untakenBytes
        return this.#untakenBytes !== before
      },
      overdue: () => {
        const detail = `the peer has taken nothing of what was written for ${stallTimeoutMs} ms`
        this.#events.overflowed(detail)
      },
    })
    this.#watchdog.begin(this.#clock.nowMs())
  }
}
