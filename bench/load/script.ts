// Script: everything that a connection sends and expects, prepared before the first byte leaves.
//
// Messages are text and begin with their number in four digits. The numbers run round a cycle, so everything a
// connection ever sends is a stretch of one masked stream, and everything it may receive a stretch of one expected
// stream: sending is a slice, and checking content and order of a whole read is one comparison. The load generator
// spends its time in system calls that way, and not on frames.

import type { Dialect } from '../cases.ts'
import { maskedFrame, plainFrame, TEXT } from './wire.ts'

/** Digits of a message's number, at the start of its payload. */
const NUMBER_BYTES = 4
/** A cycle has about this many payload bytes, within the bounds below. */
const CYCLE_BYTES = 256 * 1024
const SHORTEST_CYCLE = 64
const LONGEST_CYCLE = 10 ** NUMBER_BYTES

/** What stands around a payload: Socket.IO sends an event's name and arguments as JSON. */
const AROUND: Readonly<Record<Dialect, readonly [string, string]>> = {
  plain: ['', ''],
  'socket.io': ['42["message","', '"]'],
  bytes: ['', ''],
}

export interface Stream {
  readonly bytes: Buffer
  readonly frameBytes: number
}

export interface Script {
  /** Messages until the numbers repeat. */
  readonly cycle: number
  /** What the frames carry: one cycle. */
  readonly payloads: readonly Buffer[]
  /** Masked frames: one cycle and `inFlight` more, so that a slice never has to wrap. */
  readonly outgoing: Stream
  /** The frames that come back: one cycle. */
  readonly expected: Stream
  /** Bytes before the payload in a frame that comes back. */
  readonly headBytes: number
  /** Where a payload has its number. */
  readonly numberAt: number
}

/** Prepares the streams of a connection that keeps at most `inFlight` messages on their way. */
export function writeScript(dialect: Dialect, payloadBytes: number, inFlight: number): Script {
  if (payloadBytes < NUMBER_BYTES) throw new Error(`a payload needs ${NUMBER_BYTES} bytes or more`)
  const wanted = Math.max(SHORTEST_CYCLE, 4 * inFlight, Math.floor(CYCLE_BYTES / payloadBytes))
  const cycle = Math.min(LONGEST_CYCLE, wanted)
  const [before, after] = AROUND[dialect]
  const text = filler(cycle + payloadBytes)
  const payloads = Array.from({ length: cycle }, (_, number) => {
    const own = text.slice(number, number + payloadBytes - NUMBER_BYTES)
    return Buffer.from(`${before}${String(number).padStart(NUMBER_BYTES, '0')}${own}${after}`)
  })
  const outgoing = payloads.map((payload) => maskedFrame(TEXT, payload))
  const expected =
    dialect === 'bytes' ? outgoing : payloads.map((payload) => plainFrame(TEXT, payload))
  return {
    cycle,
    payloads,
    outgoing: stream([...outgoing, ...outgoing.slice(0, inFlight)], cycle + inFlight),
    expected: stream(expected, cycle),
    headBytes: (expected[0]?.length ?? 0) - (payloads[0]?.length ?? 0),
    numberAt: before.length,
  }
}

/** The number at `at`; undefined if it is not all there, NaN if it is none. */
export function readNumber(chunk: Buffer, at: number): number | undefined {
  if (chunk.length < at + NUMBER_BYTES) return undefined
  return Number(chunk.toString('latin1', at, at + NUMBER_BYTES))
}

function stream(frames: readonly Buffer[], count: number): Stream {
  const bytes = Buffer.concat(frames)
  return { bytes, frameBytes: bytes.length / count }
}

/** Text that compresses as feeds do, to about a third: names that come again, numbers that do not. */
function filler(length: number): string {
  const names = ['bid', 'ask', 'last', 'high', 'low', 'open', 'volume', 'change']
  let text = ''
  // The constants are those of the C standard's example of rand(); any would do.
  for (let seed = 1; text.length < length; ) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
    text += ` ${names[(seed >> 8) & 7]}=${(seed >> 11) / 100}`
  }
  return text
}
