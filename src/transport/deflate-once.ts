// Deflate once: a message that goes to many, compressed for all of them by whoever is written to first.
//
// Each is a deflate stream of its own, which refers to no earlier message, so the same bytes serve every client
// whatever it was sent before (RFC 7692 §7.2.3.2). It lives in the delivery and in the queues of those who still have
// to write it, and nowhere else. Knows nothing of sockets, and nothing of whose turn it is.

import { constants, deflateRaw, deflateRawSync } from 'node:zlib'
import type { Delivery, Message } from '../protocol/message.ts'
import { deflatedFrame, type Frame } from './frame.ts'
import { plainFrame } from './framing.ts'
import type { Packet } from './transport.ts'

/** How a group of connections has its messages deflated; the same object for the same values. */
export interface DeflateSettings {
  /** zlib's, 0 … 9. */
  readonly level: number
  /** zlib's, 1 … 9. */
  readonly memLevel: number
  /** 8 … 15: what the client keeps of what it has inflated, as a power of two (RFC 7692 §7.1.2.1). */
  readonly windowBits: number
}

/**
 * Up to here a message is deflated at once: 20 µs at 1 KiB, 0.4 ms at 16 KiB, measured. A job of zlib's pool costs 0.3 ms
 * by itself, most of it on the event loop; above, it is worth that.
 */
const AT_ONCE_BYTES = 16 * 1024

/** Jobs in zlib's pool at a time: half of its threads, the others are for files, names and `ws`. */
const MAX_JOBS = 2

/** What an empty block at the end looks like, which RFC 7692 §7.2.1 takes away. */
const TAIL_BYTES = 4

const known = new Map<string, DeflateSettings>()

/** The one object for these values. */
export function deflateSettings(
  level: number,
  memLevel: number,
  windowBits: number,
): DeflateSettings {
  const key = `${level} ${memLevel} ${windowBits}`
  let settings = known.get(key)
  if (settings === undefined) known.set(key, (settings = { level, memLevel, windowBits }))
  return settings
}

/** The message of `delivery`, to be deflated with `settings`: the same for all who ask while it is delivered. */
export function deflatedOnce(
  { forms, message }: Delivery,
  byteLength: number,
  settings: DeflateSettings,
): DeflatedOnce {
  const made = new DeflatedOnce(message, byteLength, settings)
  forms.set(settings, made)
  return made
}

export class DeflatedOnce implements Packet {
  readonly message: Message
  readonly byteLength: number
  readonly #settings: DeflateSettings
  readonly #waiting = new Set<() => void>()
  #frame: Frame | undefined
  #isQueued = false

  constructor(message: Message, byteLength: number, settings: DeflateSettings) {
    this.message = message
    this.byteLength = byteLength
    this.#settings = settings
  }

  /** What to write: compressed, or as it is where that is no shorter. A long message may not be ready yet. */
  get frame(): Frame | undefined {
    if (this.#frame === undefined && this.byteLength <= AT_ONCE_BYTES) {
      this.#finish(deflateRawSync(bytesOf(this.message), this.#options))
    }
    return this.#frame
  }

  /** Calls `listener` once when `frame` is there, unless `forget` is called before. */
  whenReady(listener: () => void): void {
    this.#waiting.add(listener)
    if (this.#isQueued) return
    this.#isQueued = true
    queue.push(this)
    nextJob()
  }

  forget(listener: () => void): void {
    this.#waiting.delete(listener)
  }

  /** Deflates in zlib's pool, and calls `done` after those who wait; false when nobody does any more. */
  begin(done: () => void): boolean {
    this.#isQueued = this.#waiting.size > 0
    if (!this.#isQueued) return false
    deflateRaw(bytesOf(this.message), this.#options, (error, deflated) => {
      this.#finish(error === null ? deflated : undefined)
      const waiting = [...this.#waiting]
      this.#waiting.clear()
      for (const listener of waiting) listener()
      done()
    })
    return true
  }

  /** Where deflating failed for want of memory, the message goes out as it is. */
  #finish(deflated: Buffer | undefined): void {
    const { message, byteLength } = this
    this.#frame =
      deflated === undefined || deflated.byteLength - TAIL_BYTES >= byteLength
        ? plainFrame(message)
        : deflatedFrame(message, byteLength, deflated.subarray(0, -TAIL_BYTES))
    this.#frame.share()
  }

  // A window larger than the message is never looked into, and setting one up costs more than deflating 1 KiB does:
  // 46 µs with all of it, 17 µs with no more than fits. `memLevel` n is for 2^(n+7) bytes.
  get #options() {
    const { level, memLevel, windowBits } = this.#settings
    const bitsOfAll = Math.max(9, Math.ceil(Math.log2(this.byteLength + 262)))
    return {
      level,
      windowBits: Math.min(windowBits, bitsOfAll),
      memLevel: Math.min(memLevel, Math.max(1, bitsOfAll - 7)),
      chunkSize: Math.max(64, Math.min(this.byteLength, AT_ONCE_BYTES) + 64),
      finishFlush: constants.Z_SYNC_FLUSH,
    }
  }
}

const queue: DeflatedOnce[] = []
let jobs = 0

function nextJob(): void {
  while (jobs < MAX_JOBS && queue.length > 0) {
    const next = queue.shift() as DeflatedOnce
    if (next.begin(jobDone)) jobs++
  }
}

function jobDone(): void {
  jobs--
  nextJob()
}

function bytesOf(message: Message): Uint8Array {
  return typeof message === 'string' ? Buffer.from(message) : message
}
