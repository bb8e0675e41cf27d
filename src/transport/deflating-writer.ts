// Deflating writer: what one connection with permessage-deflate is sent, in order.
//
// Three kinds of message meet here. Short ones are written as prepared frames. What a topic gives to many is deflated
// once for all of them. What the connection sends on its own is deflated by `ws`, which takes its time, and then the
// others are held until it is through. So the order on the wire is the order of the calls.
//
// The client inflates all of it with one window of the past (RFC 7692 §7.2.2), in which a message that was deflated
// for many stands, too. The connection's own deflater does not know of that one, and would point at the wrong place:
// so its next message begins with an empty window, as that of the many did, to which no place is wrong.

import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { deliveryOf, type Message } from '../protocol/message.ts'
import { DeflatedOnce, type DeflateSettings, deflatedOnce } from './deflate-once.ts'
import { byteLengthOf, type Frame, frameOf, isCompressed, isUnframed, unframed } from './frame.ts'
import { writeFrames } from './frame-writer.ts'
import type { OwnDeflater } from './ws-internals.ts'

export interface DeflatingOptions {
  readonly ws: WebSocket
  readonly socket: Duplex
  readonly deflater: OwnDeflater
  readonly settings: DeflateSettings
  /** Shorter messages go uncompressed. */
  readonly fromBytes: number
  /** Called when something that was held or written here is with the kernel. */
  readonly progressed: () => void
}

/** A message, prepared in one of the three ways. */
export type Prepared = Frame | DeflatedOnce

export class DeflatingWriter {
  readonly #options: DeflatingOptions
  #held: Prepared[] = []
  #heldBytes = 0
  /** Messages that `ws` was given and has not written yet. */
  #atWs = 0
  /** Whether the client's window has something that the connection's own deflater has not seen. */
  #isStale = false
  /** Frames that leave in one write. */
  readonly #run: Frame[] = []

  constructor(options: DeflatingOptions) {
    this.#options = options
  }

  /** Bytes held here, at `ws` and in the socket. */
  get bufferedBytes(): number {
    const { ws, socket } = this.#options
    // Also a figure of `ws` is looked up in three places; most of the time it has nothing.
    return this.#heldBytes + (this.#atWs > 0 ? ws.bufferedAmount : socket.writableLength)
  }

  pack(message: Message): Prepared {
    const { settings, fromBytes } = this.#options
    const delivery = deliveryOf(message)
    const made = delivery?.forms.get(settings)
    if (made !== undefined) return made as DeflatedOnce
    const byteLength = byteLengthOf(message)
    if (byteLength < fromBytes) return frameOf(message)
    return delivery === undefined ? unframed(message) : deflatedOnce(delivery, byteLength, settings)
  }

  write(messages: readonly Prepared[]): void {
    for (const message of messages) this.#put(message)
    this.#flush()
  }

  writeOne(message: Prepared): void {
    this.#put(message)
    this.#flush()
  }

  /** Gives what is held to `ws` now, in order and uncompressed, which is always allowed: a Close frame comes next. */
  release(): void {
    for (const { message } of this.#takeHeld()) this.#giveToWs(message, false)
    this.#heldBytes = 0
  }

  /** Lets go of what is held; its bytes stay counted as not sent. */
  abandon(): void {
    this.#takeHeld()
  }

  #put(message: Prepared): void {
    if (this.#held.length === 0 && this.#give(message)) return
    this.#held.push(message)
    this.#heldBytes += message.byteLength
  }

  /** Puts `message` on its way, if nothing has to be waited for. */
  #give(message: Prepared): boolean {
    if (message instanceof DeflatedOnce) {
      const { frame } = message
      if (frame === undefined) message.whenReady(this.#resume)
      if (frame === undefined || this.#atWs > 0) return false
      if (isCompressed(frame)) this.#isStale = this.#options.deflater.takesContextOver
      this.#run.push(frame)
    } else if (isUnframed(message)) {
      this.#giveToWs(message.message, this.#mayDeflate())
    } else if (this.#atWs > 0) {
      this.#giveToWs(message.message, false)
    } else {
      this.#run.push(message)
    }
    return true
  }

  /** Whether `ws` may deflate the next message; it begins anew where the client's window has moved on. */
  #mayDeflate(): boolean {
    if (this.#isStale) this.#isStale = !this.#options.deflater.beginAnew()
    return !this.#isStale
  }

  #giveToWs(message: Message, compress: boolean): void {
    this.#flush()
    this.#atWs++
    const binary = typeof message !== 'string'
    this.#options.ws.send(message, { binary, compress }, this.#writtenByWs)
  }

  // After an error nothing is written any more, and `ws` goes on counting what it could not send.
  readonly #writtenByWs = (error?: Error | null) => {
    if (error) return
    this.#atWs--
    if (this.#atWs === 0) this.#resume()
    this.#options.progressed()
  }

  /** Something that held us up is over. */
  readonly #resume = () => {
    const { ws, progressed } = this.#options
    if (ws.readyState !== ws.OPEN) return
    let given = 0
    for (const message of this.#held) {
      if (!this.#give(message)) break
      this.#heldBytes -= message.byteLength
      given++
    }
    this.#held.splice(0, given)
    this.#flush(progressed)
  }

  #flush(taken?: () => void): void {
    if (this.#run.length === 0) return
    writeFrames(this.#options.socket, this.#run, taken)
    this.#run.length = 0
  }

  #takeHeld(): readonly Prepared[] {
    const held = this.#held
    this.#held = []
    for (const message of held) if (message instanceof DeflatedOnce) message.forget(this.#resume)
    return held
  }
}
