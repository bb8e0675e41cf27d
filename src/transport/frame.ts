// Frame: a message made ready for the wire of a WebSocket server, once for everyone it goes to.
//
// A server's frames are not masked (RFC 6455 §5.1), so the same bytes serve every client. Knows nothing of sockets, nor
// of how a message becomes a frame with the least work (framing.ts).

// Imported where messages pass: the global is a getter, which is asked each time.
import { Buffer } from 'node:buffer'
import type { Message } from '../protocol/message.ts'
import { viewOf } from './bytes.ts'
import { SLAB_BYTES, slab } from './slab.ts'
import type { Packet } from './transport.ts'

const FIN = 0x80 // §5.2
// The first bytes of whole frames: that it is one, and its opcode.
export const TEXT: number = FIN | 1
export const BINARY: number = FIN | 2
export const CLOSE: number = FIN | 8
export const PING: number = FIN | 9
export const PONG: number = FIN | 10
const CONTROLS = { close: CLOSE, ping: PING, pong: PONG }
/** Set on the frame of a compressed message (RFC 7692 §6). */
const RSV1 = 0x40

const NO_BYTES = Buffer.alloc(0)

export class Frame implements Packet {
  readonly message: Message
  readonly byteLength: number
  /** From `start` to `end` the header, with the payload behind it unless `body` holds that. */
  bytes: Buffer
  start = 0
  end: number
  readonly body: Uint8Array | undefined
  /** Whether more than one connection may have it. */
  isShared = false
  /** Whether it stands in the slab, where others take its place as soon as it has left. */
  isInSlab = false
  #head: Uint8Array | undefined

  /** @param bytes - all of them the frame's. */
  constructor(message: Message, byteLength: number, bytes: Buffer, body?: Uint8Array) {
    this.message = message
    this.byteLength = byteLength
    this.bytes = bytes
    this.end = bytes.length
    this.body = body
  }

  /** What it has in `bytes`, on its own: made when it is written alone. */
  get head(): Uint8Array {
    this.#head ??= viewOf(this.bytes, this.start, this.end)
    return this.#head
  }

  /** From now on others may have it, too, and let it wait. */
  share(): void {
    this.isShared = true
    this.leaveSlab()
  }

  /** Takes its bytes with it: of what has to wait the least part would keep all of the slab. */
  leaveSlab(): void {
    if (!this.isInSlab) return
    const { bytes, start, end } = this
    this.bytes = Buffer.from(viewOf(bytes, start, end))
    this.start = 0
    this.end = this.bytes.length
    this.isInSlab = false
    this.#head = undefined
    slab.giveBack(bytes, start, end)
  }
}

/** A frame with its header, and room behind that for the payload; in the slab if it `leavesSoon`. */
export function beginFrame(
  message: Message,
  firstByte: number,
  byteLength: number,
  leavesSoon: boolean,
): Frame {
  const length = headerBytes(byteLength) + byteLength
  const isInSlab = leavesSoon && length <= SLAB_BYTES
  const start = isInSlab ? slab.take(length) : 0
  const frame = new Frame(message, byteLength, isInSlab ? slab.bytes : Buffer.allocUnsafe(length))
  frame.start = start
  frame.end = start + length
  frame.isInSlab = isInSlab
  writeHeader(frame.bytes, start, firstByte, byteLength)
  return frame
}

/** A frame whose payload stays where it is. */
export function splitFrame(message: Message, firstByte: number, payload: Uint8Array): Frame {
  const { byteLength } = payload
  const header = Buffer.allocUnsafe(headerBytes(byteLength))
  writeHeader(header, 0, firstByte, byteLength)
  return new Frame(message, byteLength, header, payload)
}

/** The frame of a compressed message, in one buffer, to be written to many. */
export function deflatedFrame(message: Message, byteLength: number, deflated: Uint8Array): Frame {
  const offset = headerBytes(deflated.byteLength)
  const bytes = Buffer.allocUnsafeSlow(offset + deflated.byteLength)
  writeHeader(bytes, 0, RSV1 | (typeof message === 'string' ? TEXT : BINARY), deflated.byteLength)
  bytes.set(deflated, offset)
  return new Frame(message, byteLength, bytes)
}

/** Whether `frame` is one of `deflatedFrame`. */
export function isCompressed({ bytes, start }: Frame): boolean {
  return ((bytes[start] as number) & RSV1) !== 0
}

/** A message that something else will frame: a client's, because it is masked, or one to be compressed. */
export function unframed(message: Message): Frame {
  return new Frame(message, byteLengthOf(message), NO_BYTES)
}

/** Whether `frame` is one of `unframed`. */
export function isUnframed(frame: Frame): boolean {
  return frame.bytes === NO_BYTES
}

/** Whether frames stand side by side, so that they are one piece of the first one's `bytes`. */
export function areSideBySide(frames: readonly Frame[]): boolean {
  const [first] = frames
  let end = first?.start
  for (const { bytes, body, start, end: next } of frames) {
    if (body !== undefined || start !== end || bytes !== first?.bytes) return false
    end = next
  }
  return true
}

/** Has others made where these are in the slab: nobody needs their bytes any more. */
export function reuse(frames: readonly Frame[]): void {
  for (let index = frames.length - 1; index >= 0; index--) {
    const { isInSlab, bytes, start, end } = frames[index] as Frame
    if (isInSlab) slab.giveBack(bytes, start, end)
  }
}

/** Bytes of a message's payload. */
export function byteLengthOf(message: Message): number {
  return typeof message === 'string' ? Buffer.byteLength(message) : message.byteLength
}

/** The frame of a Ping, a Pong or a Close (§5.5), of at most 125 bytes. */
export function controlFrame(kind: keyof typeof CONTROLS, data: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(2 + data.byteLength)
  writeHeader(frame, 0, CONTROLS[kind], data.byteLength)
  frame.set(data, 2)
  return frame
}

/** §5.2: lengths to 125 stand in the second byte; 126 and 127 there announce 16 and 64 bits. */
export function headerBytes(payloadBytes: number): number {
  return payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10
}

function writeHeader(target: Buffer, at: number, firstByte: number, payloadBytes: number): void {
  target[at] = firstByte
  if (payloadBytes < 126) {
    target[at + 1] = payloadBytes
  } else if (payloadBytes < 65_536) {
    target[at + 1] = 126
    target[at + 2] = payloadBytes >> 8
    target[at + 3] = payloadBytes
  } else {
    target[at + 1] = 127
    target.writeUInt32BE(Math.floor(payloadBytes / 2 ** 32), at + 2)
    target.writeUInt32BE(payloadBytes >>> 0, at + 6)
  }
}
