// Peer: the other end of a connection in memory, as well behaved or as hostile as a test wants it.
//
// By default it answers pings and Close frames, as RFC 6455 asks; each habit can be switched off. It keeps a log
// of what came over the wire, independent of anything that the runtime says of itself.

import type { CloseFrame } from '../protocol/close-record.ts'
import type { Message } from '../protocol/message.ts'
import type { Clock } from '../protocol/ports.ts'
import type { DoorAnswer, LinkItem, PeerLink } from '../transport/memory.ts'
import { noted } from './sequence.ts'

/** One item of the wire log. */
export interface WireEntry {
  /** When it came, in ms of the clock's `nowMs()`. */
  readonly atMs: number
  /** What it was. */
  readonly item: LinkItem
}

/** What `harness.connect()` gives: the other end of a link in memory, which speaks in frames and not in bytes. */
export class Peer {
  /** What came from the server, in order. */
  readonly wire: WireEntry[] = []
  /** Answer pings; on by default (RFC 6455 §5.5.2). */
  answersPings = true
  /** Answer a Close frame, and end the link when the server does; on by default (§5.5.1). */
  answersClose = true
  /** What it said, in order, whatever became of it; answers to pings and Close frames included. */
  readonly out: WireEntry[] = []
  /** Called with each item as it comes, after it has been written down. */
  onItem: (item: LinkItem) => void = () => {}
  readonly #clock: Clock
  #answer: DoorAnswer | undefined
  #link: PeerLink | undefined
  #closeSent = false
  #reading = true

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How the handshake was answered; `undefined` while it is undecided. */
  get answer(): DoorAnswer | undefined {
    return this.#answer
  }

  /** The HTTP status of the handshake: 101, a refusal's, or `undefined` while it is undecided. */
  get status(): number | undefined {
    return this.#answer?.accepted === false ? this.#answer.status : this.#answer && 101
  }

  /** The messages received, in order. */
  get messages(): readonly Message[] {
    return this.wire.flatMap(({ item }) => (item.kind === 'message' ? [item.message] : []))
  }

  /** The Close frames received; a server sends one at most. */
  get closeFrames(): readonly CloseFrame[] {
    return this.wire.flatMap(({ item }) => (item.kind === 'close' ? [item.frame] : []))
  }

  /** Whether the link has ended. */
  get isEnded(): boolean {
    return this.wire.some(({ item }) => item.kind === 'end')
  }

  /** The messages it sent, in order. */
  get said(): readonly Message[] {
    return this.out.flatMap(({ item }) => (item.kind === 'message' ? [item.message] : []))
  }

  /** Whether it takes what comes: neither stalled nor gone. */
  get isReading(): boolean {
    return this.#reading && !this.isEnded
  }

  /** Whether it has sent a Close frame. */
  get hasClosed(): boolean {
    return this.#closeSent
  }

  /** Sends a message; after its own Close frame nothing (RFC 6455 §5.5.1). */
  send(message: Message): void {
    if (!this.#closeSent) this.#say({ kind: 'message', message })
  }

  /** A ping; what answers it is in `wire`. */
  ping(data: Uint8Array = new Uint8Array()): void {
    this.#say({ kind: 'ping', data })
  }

  /** A pong that nobody may have asked for. */
  pong(data: Uint8Array): void {
    this.#say({ kind: 'pong', data })
  }

  /** Begins the closing handshake; 1005 stands for a frame without a body. */
  close(code = 1000, reason = ''): void {
    if (this.#closeSent) return
    this.#closeSent = true
    this.#say({ kind: 'close', frame: { code, reason } })
  }

  /** Sends a frame that breaks the protocol. */
  breach(detail = 'a reserved bit is set'): void {
    this.#say({ kind: 'breach', detail })
  }

  /** Ends the link without a Close frame; what is under way arrives. */
  cut(): void {
    this.note({ kind: 'end' })
    this.#link?.end()
  }

  /** Ends the link as a reset does; what is under way is lost. */
  reset(): void {
    this.note({ kind: 'end' })
    this.#link?.reset()
  }

  /** Stops reading: what the server sends piles up. */
  stall(): void {
    this.#reading = false
    this.#link?.pause()
  }

  /** Reads on. */
  resume(): void {
    this.#reading = true
    this.#link?.resume()
  }

  /** Is there no more and says nothing: as a laptop whose lid was closed. */
  vanish(): void {
    this.answersPings = false
    this.answersClose = false
    this.stall()
  }

  /** @internal */
  answered(answer: DoorAnswer): void {
    this.#answer = answer
    if (answer.accepted) this.attach(answer.link)
  }

  /** @internal */
  attach(link: PeerLink): void {
    this.#link = link
    link.receive = (item) => this.#receive(item)
  }

  /** Writes down what it says. */
  protected note(item: LinkItem): void {
    this.out.push(noted({ atMs: this.#clock.nowMs(), item }))
  }

  #say(item: LinkItem): void {
    this.note(item)
    this.#link?.send(item)
  }

  #receive(item: LinkItem): void {
    this.wire.push(noted({ atMs: this.#clock.nowMs(), item }))
    if (item.kind === 'ping' && this.answersPings && !this.#closeSent) this.pong(item.data)
    if (item.kind === 'close' && this.answersClose && !this.#closeSent) {
      this.#closeSent = true
      this.#say(item)
    }
    if (item.kind === 'end' && this.answersClose) this.#link?.end()
    this.onItem(item)
  }
}
