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
import {
  DeflatedOnce,
  type DeflateSettings,
  deflatedOnce,
  deflateSettings,
} from './deflate-once.ts'
import { byteLengthOf, type Frame, isCompressed, isUnframed, unframed } from './frame.ts'
import { writeFrames } from './frame-writer.ts'
import { frameOf } from './framing.ts'
import { type WritingHandle, writeAtOnce } from './node-internals.ts'
import { type OwnDeflater, ownDeflater } from './ws-internals.ts'
import type { DeflateChoice } from './ws-options.ts'

export interface DeflatingOptions {
  readonly ws: WebSocket
  readonly socket: Duplex
  /** The socket's, as `handleOf` gives it. */
  readonly handle: WritingHandle | undefined
  readonly deflate: DeflateChoice
  /** Called when something that was held or written here is with the kernel. */
  readonly progressed: () => void
}

/** The writer of a connection with permessage-deflate; `undefined` of another, and where `ws` keeps its deflater to itself. */
export function deflatingWriter(options: DeflatingOptions): DeflatingWriter | undefined {
  const deflater = ownDeflater(options.ws, options.socket)
  return deflater && new DeflatingWriter(options, deflater)
}

/** A message, prepared in one of the three ways. */
export type Prepared = Frame | DeflatedOnce

export class DeflatingWriter {
  readonly #ws: WebSocket
  readonly #socket: Duplex
  readonly #handle: WritingHandle | undefined
  readonly #deflater: OwnDeflater
  readonly #settings: DeflateSettings
  readonly #fromBytes: number
  readonly #progressed: () => void
  /** Behind something that takes its time; `undefined` when nothing is, which is nearly always. */
  #held: Prepared[] | undefined
  #heldBytes = 0
  /** Messages that `ws` was given and has not written yet. */
  #atWs = 0
  /** Whether the client's window has something that the connection's own deflater has not seen. */
  #isStale = false

  constructor(
    { ws, socket, handle, deflate, progressed }: DeflatingOptions,
    deflater: OwnDeflater,
  ) {
    this.#ws = ws
    this.#socket = socket
    this.#handle = handle
    this.#deflater = deflater
    this.#settings = deflateSettings(deflate.level, deflate.memLevel, deflater.windowBits)
    this.#fromBytes = deflate.thresholdBytes
    this.#progressed = progressed
  }

  /** Bytes held here, at `ws` and in the socket. */
  get bufferedBytes(): number {
    // The figure of `ws` is put together from three places; most of the time it has nothing.
    return (
      this.#heldBytes + (this.#atWs > 0 ? this.#ws.bufferedAmount : this.#socket.writableLength)
    )
  }

  pack(message: Message): Prepared {
    const delivery = deliveryOf(message)
    const made = delivery?.forms.get(this.#settings)
    if (made !== undefined) return made as DeflatedOnce
    const byteLength = byteLengthOf(message)
    if (byteLength < this.#fromBytes) return frameOf(message)
    return delivery === undefined
      ? unframed(message)
      : deflatedOnce(delivery, byteLength, this.#settings)
  }

  /** As `write`, of one message: the way of a broadcast, without a list. */
  writeOne(message: Prepared): void {
    if (this.#isFree && message instanceof DeflatedOnce) {
      const { frame } = message
      if (frame !== undefined && frame.body === undefined && this.#socket.writable) {
        this.#noteShared(frame)
        writeAtOnce(this.#socket, this.#handle, frame.head)
        return
      }
    }
    this.write([message])
  }

  write(messages: readonly Prepared[]): void {
    const run: Frame[] = []
    for (const message of messages) {
      if (this.#held === undefined && this.#give(message, run)) continue
      this.#held ??= []
      this.#held.push(message)
      this.#heldBytes += message.byteLength
    }
    writeFrames(this.#socket, this.#handle, run)
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

  get #isFree(): boolean {
    return this.#atWs === 0 && this.#held === undefined
  }

  /** Puts `message` on its way, or into `run`, which is written next; false when something has to be waited for. */
  #give(message: Prepared, run: Frame[]): boolean {
    if (message instanceof DeflatedOnce) {
      const { frame } = message
      if (frame === undefined) message.whenReady(this.#resume)
      if (frame === undefined || this.#atWs > 0) return false
      this.#noteShared(frame)
      run.push(frame)
    } else if (this.#atWs === 0 && !isUnframed(message)) {
      run.push(message)
    } else {
      writeFrames(this.#socket, this.#handle, run)
      run.length = 0
      this.#giveToWs(message.message, isUnframed(message) && this.#mayDeflate())
    }
    return true
  }

  /** The client's window takes in what was deflated for many, and the connection's own deflater does not. */
  #noteShared(frame: Frame): void {
    if (isCompressed(frame)) this.#isStale = this.#deflater.takesContextOver
  }

  /** Whether `ws` may deflate the next message; it begins anew where the client's window has moved on. */
  #mayDeflate(): boolean {
    if (this.#isStale) this.#isStale = !this.#deflater.beginAnew()
    return !this.#isStale
  }

  #giveToWs(message: Message, compress: boolean): void {
    this.#atWs++
    const binary = typeof message !== 'string'
    this.#ws.send(message, { binary, compress }, this.#writtenByWs)
  }

  // After an error nothing is written any more, and `ws` goes on counting what it could not send.
  readonly #writtenByWs = (error?: Error | null) => {
    if (error) return
    this.#atWs--
    if (this.#atWs === 0) this.#resume()
    this.#progressed()
  }

  /** Something that held us up is over. */
  readonly #resume = () => {
    const held = this.#held
    if (held === undefined || this.#ws.readyState !== this.#ws.OPEN) return
    const run: Frame[] = []
    let given = 0
    for (const message of held) {
      if (!this.#give(message, run)) break
      this.#heldBytes -= message.byteLength
      given++
    }
    this.#held = given < held.length ? held.slice(given) : undefined
    writeFrames(this.#socket, this.#handle, run, this.#progressed)
  }

  #takeHeld(): readonly Prepared[] {
    const held = this.#held ?? []
    this.#held = undefined
    for (const message of held) if (message instanceof DeflatedOnce) message.forget(this.#resume)
    return held
  }
}
