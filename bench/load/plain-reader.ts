// Plain reader: compares what arrives with the expected stream, byte for byte.
//
// A whole read is one comparison. Only when the two differ does it go through the frames one by one, to find the
// control frame or the wrong byte.

import type { Reader, ReaderEvents } from './reader.ts'
import { readNumber, type Script } from './script.ts'
import { CLOSE, frameAt } from './wire.ts'

export class PlainReader implements Reader {
  received = 0
  readonly #script: Script
  readonly #events: ReaderEvents
  /** Bytes received since the beginning of the stream; undefined until the stream is joined. */
  #position: number | undefined

  /** @param joins - whether the first message may be any one of the stream. */
  constructor(script: Script, joins: boolean, events: ReaderEvents) {
    this.#script = script
    this.#events = events
    this.#position = joins ? undefined : 0
  }

  read(chunk: Buffer, start: number): number {
    if (this.#position === undefined && !this.#join(chunk, start)) return start
    const at = this.#matches(chunk, start) ? chunk.length : this.#lookCloser(chunk, start)
    this.#report()
    return at
  }

  /** Finds the place in the stream by the first message's number; false while that is not there. */
  #join(chunk: Buffer, start: number): boolean {
    const { expected, headBytes, numberAt } = this.#script
    const number = readNumber(chunk, start + headBytes + numberAt)
    if (number === undefined) return false
    if (Number.isNaN(number)) {
      this.#events.fault('the first message has no number')
      return false
    }
    this.#position = number * expected.frameBytes
    this.received = number
    return true
  }

  /** Whether all of `chunk` from `start` is what the stream goes on with; if so, it is taken. */
  #matches(chunk: Buffer, start: number): boolean {
    const { bytes } = this.#script.expected
    let position = this.#position ?? 0
    for (let at = start; at < chunk.length; ) {
      const offset = position % bytes.length
      const size = Math.min(chunk.length - at, bytes.length - offset)
      if (bytes.compare(chunk, at, at + size, offset, offset + size) !== 0) return false
      at += size
      position += size
    }
    this.#position = position
    return true
  }

  /** Goes through `chunk` frame by frame; where it stopped because the rest of a control frame is missing. */
  #lookCloser(chunk: Buffer, start: number): number {
    const { bytes, frameBytes } = this.#script.expected
    let at = start
    while (at < chunk.length) {
      const position = this.#position ?? 0
      const within = position % frameBytes
      const opcode = (chunk[at] ?? 0) & 0x0f
      if (within === 0 && opcode >= CLOSE) {
        const frame = frameAt(chunk, at)
        if (frame === undefined) return at
        this.#events.control(opcode, chunk.subarray(frame.payloadAt, frame.end))
        at = frame.end
        continue
      }
      const size = Math.min(chunk.length - at, frameBytes - within)
      const offset = position % bytes.length
      if (bytes.compare(chunk, at, at + size, offset, offset + size) !== 0) {
        const found = chunk.toString('latin1', at, Math.min(at + size, at + 24))
        const number = Math.floor(position / frameBytes)
        this.#events.fault(`message ${number} arrived wrong, from "${found}"`)
        return chunk.length
      }
      at += size
      this.#position = position + size
    }
    return at
  }

  #report(): void {
    const received = Math.floor((this.#position ?? 0) / this.#script.expected.frameBytes)
    const first = this.received
    if (received === first) return
    this.received = received
    this.#events.messages(received - first, first)
  }
}
