// Memory: a link within the process, and the transport over it. For tests and simulations.
//
// A link carries what a WebSocket carries, whole: messages, pings, pongs, Close frames, and its own end. Each
// end may stop reading, as a slow peer does, and then what the other writes waits in a buffer like the
// kernel's. It stands in for the network only: everything above it is the real runtime.

import { isSendable } from '../protocol/close-codes.ts'
import { utf8Length } from '../protocol/close-reason.ts'
import type { CloseFrame } from '../protocol/close-record.ts'
import type { Message } from '../protocol/message.ts'
import type { Clock } from '../protocol/ports.ts'
import type { Door, Packet, Transport, TransportEvents, UpgradeAnswer } from './transport.ts'

/** What goes over a link. */
export type LinkItem =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'ping' | 'pong'; readonly data: Uint8Array }
  | { readonly kind: 'close'; readonly frame: CloseFrame }
  /** A frame that breaks the protocol; whoever gets it answers with 1002. */
  | { readonly kind: 'breach'; readonly detail: string }
  /** The link ended, orderly or not. */
  | { readonly kind: 'end' }

/** What a link in memory is like. */
export interface LinkOptions {
  readonly clock: Clock
  /** From one end to the other, each way; default 1. */
  readonly latencyMs?: number
  /** What the buffer between the ends holds before the writer has to wait; default 64 KiB. */
  readonly bufferBytes?: number
}

/** What a peer holds of its link. */
export interface PeerLink {
  /** Gets what the other end sends, in order. */
  receive: (item: LinkItem) => void
  /** To the other end; it comes after the latency. */
  send(item: LinkItem): unknown
  /** Ends the link in order: what was sent before still arrives. */
  end(): void
  /** Ends it at once: what is under way is gone. */
  reset(): void
  /** Takes nothing any more, until `resume()`. */
  pause(): void
  /** Takes what waits, and what comes. */
  resume(): void
}

/** One end of a link. */
export class LinkEnd implements PeerLink {
  /** Gets what the other end sends, in order; set it before anything is due. */
  receive: (item: LinkItem) => void = () => {}
  /** Called when everything sent has been taken by the other end. */
  drained: () => void = () => {}
  readonly #options: LinkOptions
  #peer!: LinkEnd
  #inFlight: { item: LinkItem; bytes: number; dueMs: number }[] = []
  #inFlightBytes = 0
  #reading = true
  #ended = false
  #needsDrain = false

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /** Makes two ends that face each other. */
  static pair(options: LinkOptions): [LinkEnd, LinkEnd] {
    const one = new LinkEnd(options)
    const other = new LinkEnd(options)
    one.#peer = other
    other.#peer = one
    return [one, other]
  }

  /** Bytes sent that the other end has not taken. */
  get bufferedBytes(): number {
    return this.#inFlightBytes
  }

  /** Sends to the other end; false when the buffer is full. After the end nothing is sent. */
  send(item: LinkItem): boolean {
    if (this.#ended) return true
    const bytes = itemBytes(item)
    const { clock, latencyMs = 1, bufferBytes = 65_536 } = this.#options
    this.#inFlight.push({ item, bytes, dueMs: clock.nowMs() + latencyMs })
    this.#inFlightBytes += bytes
    clock.setTimeout(() => this.#arrive(), latencyMs)
    if (this.#inFlightBytes < bufferBytes) return true
    this.#needsDrain = true
    return false
  }

  /** Stops taking what the other end sends. */
  pause(): void {
    this.#reading = false
  }

  /** Takes what has arrived meanwhile, and goes on. */
  resume(): void {
    if (this.#reading) return
    this.#reading = true
    this.#options.clock.setTimeout(() => this.#peer.#arrive(), 0)
  }

  /** Ends the link for both, at once here and after the latency there; what is under way arrives first. */
  end(): void {
    if (this.#ended) return
    this.send({ kind: 'end' })
    this.#ended = true
    // Nobody waits to write any more.
    this.#needsDrain = false
  }

  /** Ends the link for both and loses what is under way, as a reset does. */
  reset(): void {
    if (this.#ended) return
    // Lost bytes stay bytes that the other end has not taken.
    this.#inFlight = []
    this.#peer.#reading = true
    this.end()
  }

  // Hands over what is due, while the other end reads.
  #arrive(): void {
    const now = this.#options.clock.nowMs()
    while (this.#peer.#reading) {
      const first = this.#inFlight[0]
      if (first === undefined || first.dueMs > now) break
      this.#inFlight.shift()
      this.#inFlightBytes -= first.bytes
      this.#peer.receive(first.item)
    }
    if (this.#needsDrain && this.#inFlight.length === 0) {
      this.#needsDrain = false
      this.drained()
    }
  }
}

interface MemoryPacket extends Packet {
  readonly message: Message
}

/** The transport over one end; it keeps the contract as the one of `ws` does. */
export class MemoryTransport implements Transport<MemoryPacket> {
  readonly #link: LinkEnd
  readonly #clock: Clock
  readonly isReading = false
  #events: TransportEvents | undefined
  #early: LinkItem[] = []
  #closeSent = false
  #closeReceived = false
  #ended = false

  constructor(link: LinkEnd, clock: Clock) {
    this.#link = link
    this.#clock = clock
    link.receive = (item) => {
      if (this.#events === undefined) this.#early.push(item)
      else this.#take(item)
    }
    link.drained = () => this.#events?.drained()
  }

  get untakenBytes(): number {
    return this.bufferedBytes
  }

  get bufferedBytes(): number {
    return this.#link.bufferedBytes
  }

  touch(): number {
    return 0
  }

  start(events: TransportEvents): void {
    this.#events = events
    const early = this.#early
    this.#early = []
    for (const item of early) this.#take(item)
  }

  pack(message: Message): MemoryPacket {
    return { message, byteLength: messageBytes(message) }
  }

  write(packets: readonly MemoryPacket[]): boolean {
    let writable = true
    if (this.#closeSent) return writable
    for (const { message } of packets) writable = this.#link.send({ kind: 'message', message })
    return writable
  }

  writeOne(packet: MemoryPacket): boolean {
    return this.write([packet])
  }

  ping(data: Uint8Array): boolean {
    return this.#closeSent || this.#link.send({ kind: 'ping', data })
  }

  pong(data: Uint8Array): boolean {
    return this.#closeSent || this.#link.send({ kind: 'pong', data })
  }

  close(frame: CloseFrame): void {
    if (this.#closeSent || this.#ended) return
    this.#closeSent = true
    this.#link.send({ kind: 'close', frame })
    if (this.#closeReceived) this.#link.end()
  }

  destroy(): void {
    if (this.#ended) return
    this.#link.reset()
    this.#clock.setTimeout(() => this.#end(), 0)
  }

  pause(): void {
    this.#link.pause()
  }

  resume(): void {
    this.#link.resume()
  }

  setNoDelay(): void {}

  #take(item: LinkItem): void {
    if (item.kind === 'end') {
      this.#link.end()
      this.#end()
    } else if (!this.#ended && !this.#closeReceived) {
      this.#report(item)
      this.#events?.readDone()
    }
  }

  #report(item: Exclude<LinkItem, { kind: 'end' }>): void {
    const events = this.#events as TransportEvents
    switch (item.kind) {
      case 'message':
        return events.messageReceived(item.message, messageBytes(item.message))
      case 'ping':
        return events.pingReceived(item.data)
      case 'pong':
        return events.pongReceived(item.data)
      case 'close':
        if (item.frame.code !== 1005 && !isSendable(item.frame.code)) {
          return this.#report({ kind: 'breach', detail: `invalid close code ${item.frame.code}` })
        }
        events.answering()
        this.#closeReceived = true
        // Answered at once with the same code (RFC 6455 §5.5.1); then both frames have crossed.
        if (this.#closeSent) this.#link.end()
        else this.close(item.frame)
        return events.closeReceived(item.frame)
      case 'breach': {
        events.answering()
        this.#closeReceived = true
        const sent = { code: 1002, reason: '' }
        this.close(sent)
        return events.violated({ cause: 'protocolError', sent, detail: item.detail })
      }
    }
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#events?.ended()
  }
}

/** How an upgrade request in memory was answered. */
export type DoorAnswer =
  | { readonly accepted: true; readonly answer: UpgradeAnswer; readonly link: PeerLink }
  | { readonly accepted: false; readonly status: number; readonly reason: string }

/** A door in memory; `answered` gets its answer, and the peer's end of the link with it. */
export function memoryDoor(options: LinkOptions, answered: (answer: DoorAnswer) => void): Door {
  return {
    refuse: (status, reason) => answered({ accepted: false, status, reason }),
    upgrade: (answer) => {
      const [here, there] = LinkEnd.pair(options)
      const transport = new MemoryTransport(here, options.clock)
      answered({ accepted: true, answer, link: there })
      return transport
    },
  }
}

// A control frame's header is all that counts of it; the end of a link is no byte at all.
function itemBytes(item: LinkItem): number {
  if (item.kind === 'message') return messageBytes(item.message)
  return item.kind === 'end' ? 0 : 2
}

function messageBytes(message: Message): number {
  return typeof message === 'string' ? utf8Length(message) : message.byteLength
}
