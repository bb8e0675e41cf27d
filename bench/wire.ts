// Wire: the bytes that the load process writes and expects, all prepared before the first one is
// sent.
//
// Messages are text and begin with their number in four digits. The numbers run round a cycle,
// so everything a connection ever sends is a stretch of one masked stream, and everything it may
// receive a stretch of one expected stream: sending is a slice, and checking content and order
// of a whole read is one comparison. The load generator spends its time in system calls that
// way, and not on frames.

import { createHash } from 'node:crypto'

/** Digits of a message's number, at the start of its payload. */
const NUMBER_BYTES = 4
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const CLIENT_KEY = 'd2luZHNvY2sgYmVuY2ggIQ=='
// Not zero: `ws` skips the unmasking of a zero mask.
const MASK = Buffer.from([0x9d, 0x31, 0xe4, 0x5a])
const TEXT = 0x81
const MASKED = 0x80
/** A cycle has about this many payload bytes, within the bounds below. */
const CYCLE_BYTES = 256 * 1024
const SHORTEST_CYCLE = 64
const LONGEST_CYCLE = 10 ** NUMBER_BYTES

export interface Stream {
  readonly bytes: Buffer
  readonly frameBytes: number
}

export interface Script {
  /** Messages until the numbers repeat. */
  readonly cycle: number
  /** Masked frames: one cycle and `inFlight` more, so that a slice never has to wrap. */
  readonly outgoing: Stream
  /** The unmasked frames that come back: one cycle. */
  readonly expected: Stream
}

/** Prepares the streams of a connection that keeps at most `inFlight` messages on their way. */
export function writeScript(payloadBytes: number, inFlight: number): Script {
  if (payloadBytes < NUMBER_BYTES) throw new Error(`a payload needs ${NUMBER_BYTES} bytes or more`)
  const wanted = Math.max(SHORTEST_CYCLE, 4 * inFlight, Math.floor(CYCLE_BYTES / payloadBytes))
  const cycle = Math.min(LONGEST_CYCLE, wanted)
  const payloads = Array.from({ length: cycle }, (_, number) => payload(number, payloadBytes))
  const expected = payloads.map((body) => frame(body, undefined))
  const outgoing = payloads.map((body) => frame(body, MASK))
  return {
    cycle,
    outgoing: stream([...outgoing, ...outgoing.slice(0, inFlight)], cycle + inFlight),
    expected: stream(expected, cycle),
  }
}

/** The number of the message whose unmasked frame starts at `at`; undefined if not all there. */
export function numberAt(chunk: Buffer, at: number, frameBytes: number, payloadBytes: number) {
  const start = at + frameBytes - payloadBytes
  if (chunk.length < start + NUMBER_BYTES) return undefined
  return Number(chunk.toString('latin1', start, start + NUMBER_BYTES))
}

/** A client's frame of any opcode, masked. */
export function controlFrame(opcode: number, body: Buffer): Buffer {
  const made = frame(body, MASK)
  made[0] = 0x80 | opcode
  return made
}

/** The request that opens a WebSocket at `path`. */
export function upgradeRequest(path: string, port: number): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${CLIENT_KEY}`,
    '\r\n',
  ].join('\r\n')
}

/** What is wrong with the server's answer to `upgradeRequest`, or nothing. */
export function upgradeFault(head: string): string | undefined {
  const status = head.slice(0, head.indexOf('\r\n'))
  if (!status.startsWith('HTTP/1.1 101')) return `the upgrade was answered with "${status}"`
  const accept = createHash('sha1').update(`${CLIENT_KEY}${ACCEPT_SUFFIX}`).digest('base64')
  const given = /^sec-websocket-accept: *(\S+)/im.exec(head)?.[1]
  if (given !== accept) return `Sec-WebSocket-Accept is ${given}, expected ${accept}`
  if (/^sec-websocket-extensions:/im.test(head)) return 'an extension was chosen, none was offered'
  return undefined
}

function stream(frames: readonly Buffer[], count: number): Stream {
  const bytes = Buffer.concat(frames)
  return { bytes, frameBytes: bytes.length / count }
}

function payload(number: number, length: number): Buffer {
  const body = Buffer.alloc(length, 'the quick brown fox jumps over the lazy dog; ')
  body.write(String(number).padStart(NUMBER_BYTES, '0'), 'latin1')
  return body
}

function frame(body: Buffer, mask: Buffer | undefined): Buffer {
  const masking = mask === undefined ? 0 : MASKED
  const header = frameHeader(body.length, masking)
  if (mask === undefined) return Buffer.concat([header, body])
  const masked = Buffer.from(body)
  for (let i = 0; i < masked.length; i++) masked[i] = (body[i] ?? 0) ^ (mask[i & 3] ?? 0)
  return Buffer.concat([header, mask, masked])
}

function frameHeader(length: number, masking: number): Buffer {
  if (length < 126) return Buffer.from([TEXT, masking | length])
  if (length < 65_536) return Buffer.from([TEXT, masking | 126, length >> 8, length & 0xff])
  const header = Buffer.from([TEXT, masking | 127, 0, 0, 0, 0, 0, 0, 0, 0])
  header.writeBigUInt64BE(BigInt(length), 2)
  return header
}
