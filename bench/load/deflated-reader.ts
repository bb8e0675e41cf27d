// Deflated reader: inflates what arrives and compares it with what was said.
//
// Whether a message is right depends on its bytes and on the 32 KiB of text before it on the same connection, which are
// known (RFC 7692 §7.2). So of equal frames with the same past one is inflated, and the others are compared with it,
// byte for byte. A load process that inflated each of a broadcast's frames would measure itself.

import { constants, inflateRawSync } from 'node:zlib'
import type { Reader, ReaderEvents } from './reader.ts'
import { readNumber, type Script } from './script.ts'
import { CLOSE, frameAt, RSV1 } from './wire.ts'

/** zlib's window. */
const WINDOW_BYTES = 32 * 1024
/** RFC 7692 §7.2.2. */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff])
/** Kept of one message with one past; compressors that began at different times may differ. */
const MOST_VARIANTS = 16

/** Frames found right, by message and past. */
const known = new Map<number, Buffer[]>()

export class DeflatedReader implements Reader {
  received = 0
  readonly #script: Script
  readonly #events: ReaderEvents
  readonly #byItself: boolean
  readonly #windowMessages: number
  #joined: number | undefined

  /** @param byItself - whether each message is compressed without those before it. */
  constructor(script: Script, joins: boolean, byItself: boolean, events: ReaderEvents) {
    this.#script = script
    this.#events = events
    this.#byItself = byItself
    this.#windowMessages = Math.ceil(WINDOW_BYTES / (script.payloads[0]?.length ?? 1))
    this.#joined = joins ? undefined : 0
  }

  read(chunk: Buffer, start: number): number {
    const first = this.received
    let joinedAt = first
    let at = start
    for (let frame = frameAt(chunk, at); frame !== undefined; frame = frameAt(chunk, at)) {
      const opcode = frame.firstByte & 0x0f
      const payload = chunk.subarray(frame.payloadAt, frame.end)
      at = frame.end
      if (opcode >= CLOSE) {
        this.#events.control(opcode, payload)
      } else if ((frame.firstByte & RSV1) === 0) {
        this.#events.fault(`message ${this.received} came uncompressed`)
        return chunk.length
      } else {
        if (this.#joined === undefined) joinedAt = this.#join(payload)
        if (!this.#isRight(payload)) {
          this.#events.fault(`message ${this.received} is not what was said, once inflated`)
          return chunk.length
        }
        this.received += 1
      }
    }
    if (this.received > joinedAt) this.#events.messages(this.received - joinedAt, joinedAt)
    return at
  }

  #join(payload: Buffer): number {
    const number = readNumber(inflate(payload, undefined), this.#script.numberAt) ?? 0
    this.#joined = number
    this.received = number
    return number
  }

  #isRight(payload: Buffer): boolean {
    const { cycle, payloads } = this.#script
    const number = this.received % cycle
    const past = this.#byItself
      ? 0
      : Math.min(this.received - (this.#joined ?? 0), this.#windowMessages)
    const key = number * (this.#windowMessages + 1) + past
    const variants = known.get(key) ?? []
    if (variants.some((variant) => variant.equals(payload))) return true
    const before = Array.from({ length: past }, (_, index) => {
      return payloads[(number - past + index + cycle) % cycle] ?? Buffer.alloc(0)
    })
    const dictionary = Buffer.concat(before).subarray(-WINDOW_BYTES)
    if (payloads[number]?.equals(inflate(payload, dictionary)) !== true) return false
    if (variants.length === MOST_VARIANTS) variants.shift()
    variants.push(Buffer.from(payload))
    known.set(key, variants)
    return true
  }
}

function inflate(payload: Buffer, dictionary: Buffer | undefined): Buffer {
  try {
    return inflateRawSync(Buffer.concat([payload, TAIL]), {
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(dictionary === undefined || dictionary.length === 0 ? {} : { dictionary }),
    })
  } catch {
    return Buffer.alloc(0)
  }
}
