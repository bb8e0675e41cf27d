// Frame: a message made ready for the wire of a WebSocket server, once for everyone it goes to.
//
// A server's frames are not masked (RFC 6455 §5.1), so the same bytes serve every client. A text becomes one
// buffer, header and payload together. Binary above 4 KiB keeps its payload as it is behind a header of its
// own: joining the two would copy more than a second chunk costs. Knows nothing of sockets.

// Imported where messages pass: the global is a getter, which is asked each time.
import { Buffer } from 'node:buffer'
import { isShared, type Message } from '../protocol/message.ts'
import type { Packet } from './transport.ts'

/** Below this many bytes copying is cheaper than a second chunk; measured: at 64 KiB the copy costs 20 %. */
const JOIN_BELOW_BYTES = 4096

/** The longest message whose frame is kept for a repetition in a later turn. */
const REMEMBER_BELOW_BYTES = 65_536

/** Up to here copying byte by byte is quicker than a call that prepares for more: a seventh of an echo of 16 bytes. */
const FEW_BYTES = 48

const FIN = 0x80 // §5.2
const TEXT = FIN | 1
const BINARY = FIN | 2
const CONTROLS = { close: FIN | 8, ping: FIN | 9, pong: FIN | 10 }
/** Set on the frame of a compressed message (RFC 7692 §6). */
const RSV1 = 0x40

export interface Frame extends Packet {
  readonly message: Message
  readonly byteLength: number
  /** The header, with the payload behind it unless `body` holds that. */
  readonly head: Buffer
  readonly body: Uint8Array | undefined
  /** Whether it has gone to more than one connection. */
  isShared: boolean
}

const NO_BYTES = Buffer.alloc(0)

let lastFrame: Frame | undefined

// A text that is passed on as it came, as an echo or a chat does, is not encoded again.
let receivedText: string | undefined
let receivedIn: Uint8Array = NO_BYTES
let receivedFrom = 0
let receivedTo = 0

/** Notes that `text` has just been decoded from these bytes of `chunk`; for the length of one read. */
export function noteReceivedText(
  text: string,
  chunk: Uint8Array,
  start = 0,
  end = chunk.byteLength,
): void {
  receivedText = text
  receivedIn = chunk
  receivedFrom = start
  receivedTo = end
}

/** Lets go of the text noted last, and of the socket's chunk with it. */
export function forgetReceivedText(): void {
  receivedText = undefined
  receivedIn = NO_BYTES
}

/**
 * The frame of a message.
 *
 * A broadcast sends the same message to one connection after the other, so the last frame is remembered and
 * handed out again. Bytes count as the same only where a topic has made a copy that nobody changes.
 */
export function frameOf(message: Message): Frame {
  if (lastFrame?.message === message && (typeof message === 'string' || isShared(message))) {
    lastFrame.isShared = true
    return lastFrame
  }
  lastFrame = plainFrame(message)
  return lastFrame
}

/** A new frame of a message, uncompressed. */
export function plainFrame(message: Message): Frame {
  if (typeof message === 'string') return textFrame(message)
  // What goes to many is copied once for all of them, and each has one chunk to write.
  return bytesFrame(message, message, BINARY, isShared(message))
}

/** Whether `frame` is one of `unframed`. */
export function isUnframed(frame: Frame): boolean {
  return frame.head === NO_BYTES
}

/** Whether `frame` is one of `deflatedFrame`. */
export function isCompressed({ head }: Frame): boolean {
  return ((head[0] as number) & RSV1) !== 0
}

/** The frame of a compressed message, in one buffer, to be written to many. */
export function deflatedFrame(message: Message, byteLength: number, deflated: Uint8Array): Frame {
  const offset = headerBytes(deflated.byteLength)
  const head = Buffer.allocUnsafeSlow(offset + deflated.byteLength)
  writeHeader(head, RSV1 | (typeof message === 'string' ? TEXT : BINARY), deflated.byteLength)
  head.set(deflated, offset)
  return { message, byteLength, head, body: undefined, isShared: true }
}

/** A message that something else will frame: a client's, because it is masked, or one to be compressed. */
export function unframed(message: Message): Frame {
  return {
    message,
    byteLength: byteLengthOf(message),
    head: NO_BYTES,
    body: undefined,
    isShared: false,
  }
}

/** Bytes of a message's payload. */
export function byteLengthOf(message: Message): number {
  return typeof message === 'string' ? Buffer.byteLength(message) : message.byteLength
}

/** Lets go of a large remembered frame; called at the end of each turn that sent one. */
export function forgetLargeFrame(): void {
  if (lastFrame !== undefined && lastFrame.byteLength >= REMEMBER_BELOW_BYTES) lastFrame = undefined
}

/** Whether `frame` is large enough to be let go of at the end of the turn. */
export function isLarge(frame: Frame): boolean {
  return frame.byteLength >= REMEMBER_BELOW_BYTES
}

/** The frame of a Ping or a Pong (§5.5), of at most 125 bytes. */
export function controlFrame(kind: keyof typeof CONTROLS, data: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(2 + data.byteLength)
  writeHeader(frame, CONTROLS[kind], data.byteLength)
  frame.set(data, 2)
  return frame
}

function textFrame(message: string): Frame {
  if (receivedText === message) return receivedFrame(message)
  if (message.length <= FEW_BYTES) {
    const frame = asciiFrame(message)
    if (frame !== undefined) return frame
  }
  const byteLength = Buffer.byteLength(message)
  const offset = headerBytes(byteLength)
  const head = Buffer.allocUnsafe(offset + byteLength)
  writeHeader(head, TEXT, byteLength)
  head.write(message, offset, byteLength, 'utf8')
  return { message, byteLength, head, body: undefined, isShared: false }
}

/** Of the text noted last. */
function receivedFrame(message: string): Frame {
  const byteLength = receivedTo - receivedFrom
  if (byteLength > FEW_BYTES) {
    return bytesFrame(message, receivedIn.subarray(receivedFrom, receivedTo), TEXT, false)
  }
  const head = fewBytesHead(byteLength)
  for (let at = 0; at < byteLength; at++) head[2 + at] = receivedIn[receivedFrom + at] as number
  return { message, byteLength, head, body: undefined, isShared: false }
}

/** Of a few characters, if all are ASCII. */
function asciiFrame(message: string): Frame | undefined {
  const { length: byteLength } = message
  const head = fewBytesHead(byteLength)
  for (let at = 0; at < byteLength; at++) {
    const code = message.charCodeAt(at)
    if (code > 0x7f) return undefined
    head[2 + at] = code
  }
  return { message, byteLength, head, body: undefined, isShared: false }
}

function fewBytesHead(byteLength: number): Buffer {
  const head = Buffer.allocUnsafe(2 + byteLength)
  head[0] = TEXT
  head[1] = byteLength
  return head
}

function bytesFrame(
  message: Message,
  bytes: Uint8Array,
  firstByte: number,
  isForMany: boolean,
): Frame {
  const { byteLength } = bytes
  const offset = headerBytes(byteLength)
  const joined = isForMany || byteLength < JOIN_BELOW_BYTES
  const head = Buffer.allocUnsafe(joined ? offset + byteLength : offset)
  writeHeader(head, firstByte, byteLength)
  if (joined) head.set(bytes, offset)
  return { message, byteLength, head, body: joined ? undefined : bytes, isShared: false }
}

// §5.2: lengths to 125 stand in the second byte; 126 and 127 there announce 16 and 64 bits.
function headerBytes(payloadBytes: number): number {
  return payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10
}

function writeHeader(target: Buffer, firstByte: number, payloadBytes: number): void {
  target[0] = firstByte
  if (payloadBytes < 126) {
    target[1] = payloadBytes
  } else if (payloadBytes < 65_536) {
    target[1] = 126
    target.writeUInt16BE(payloadBytes, 2)
  } else {
    target[1] = 127
    target.writeUInt32BE(Math.floor(payloadBytes / 2 ** 32), 2)
    target.writeUInt32BE(payloadBytes >>> 0, 6)
  }
}
