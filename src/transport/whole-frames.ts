// Whole frames: messages and control frames that reads of a server's socket bring whole, one frame each.
//
// Small messages come many to a read, large ones in many reads, and nearly all of them in one frame without extensions
// (RFC 6455 §5.2). `ws` makes three buffers and an event of each and unmasks byte by byte; here they are unmasked four
// bytes at a time, and a text is decoded from there. At the first byte of anything else, be it a fragment or a breach, the
// rest is left to `ws`, which decides about it as about everything.

import { Buffer, isUtf8 } from 'node:buffer'
import { isSendable } from '../protocol/close-codes.ts'
import type { Message } from '../protocol/message.ts'
import { copyOf } from './bytes.ts'
import { BINARY, CLOSE, PING, PONG, TEXT } from './frame.ts'
import { noteReceivedText } from './framing.ts'
import { asciiText } from './node-internals.ts'

/** Who gets what the frames bring. */
export interface FrameTaker {
  /** A message, with the number of its bytes. */
  take(message: Message, byteLength: number): void
  pingReceived(data: Buffer): void
  pongReceived(data: Buffer): void
  /** Whether it answers the peer's Close frame; otherwise that is left. */
  readonly answersClose: boolean
  /** A Close frame that may stand on the wire, as its body (RFC 6455 §5.5.1), which is lent; nothing is read after it. */
  closeFrameReceived(body: Buffer): void
}

/** One connection's reading, from one read to the next. */
export interface FrameReader extends FrameTaker {
  /** A message whose frame has begun. */
  partial: PartialFrame | undefined
}

const MASKED = 0x80
const LENGTH_16 = 126
const LENGTH_64 = 127
const MASK_BYTES = 4
/** Up to here unmasking byte by byte is as quick as preparing for more. */
const FEW_BYTES = 32
const NOT_ASCII = 0x80808080
const NOTHING: readonly Buffer[] = []

/**
 * Reads on, from between two messages or in the middle of the one that has begun; `chunk` is lent: what is kept is copied.
 *
 * @param maxBufferedChunks - a message in more pieces than these is left to `ws`, which refuses it.
 * @returns what is left for `ws`, from the first byte of a frame on and as it came; most of the time nothing.
 */
export function readAhead(
  reader: FrameReader,
  chunk: Buffer,
  maxMessageBytes: number,
  maxBufferedChunks: number,
): readonly Buffer[] {
  const { partial } = reader
  let read = 0
  if (partial !== undefined) {
    const { chunks, missing } = partial
    const isTooMany = chunks.length >= maxBufferedChunks
    if (!isTooMany && chunk.length < missing) {
      partial.add(copyOf(chunk))
      return NOTHING
    }
    reader.partial = undefined
    if (isTooMany || !partial.give(chunk, reader)) return [...chunks, copyOf(chunk)]
    read = missing
  }
  read += readWholeFrames(read === 0 ? chunk : chunk.subarray(read), maxMessageBytes, reader)
  if (read === chunk.length) return NOTHING
  const rest = copyOf(chunk, read)
  reader.partial = PartialFrame.of(rest, maxMessageBytes)
  return reader.partial === undefined ? [rest] : NOTHING
}

/**
 * Gives the messages and control frames at the beginning of `chunk` to `taker`, in order.
 *
 * Texts are noted for the length of the read (framing.ts); bytes are copied.
 *
 * @param maxMessageBytes - longer messages are left, for `ws` to refuse.
 * @returns how many bytes were read; what begins there is as it came, or the same unmasked with a mask of zeros.
 */
export function readWholeFrames(chunk: Buffer, maxMessageBytes: number, taker: FrameTaker): number {
  const { length } = chunk
  let at = 0
  while (at + 2 <= length) {
    const first = chunk[at]
    const second = chunk[at + 1] as number
    const isMessage = first === TEXT || first === BINARY
    if (!isMessage && first !== PING && first !== PONG) {
      if (first !== CLOSE || !taker.answersClose) return at
    }
    if (second < MASKED) return at
    let byteLength = second - MASKED
    // §5.5: a control frame has no longer length.
    if (!isMessage && byteLength >= LENGTH_16) return at
    let mask = at + 2
    if (byteLength === LENGTH_16) {
      byteLength = ((chunk[at + 2] as number) << 8) | (chunk[at + 3] as number)
      mask = at + 4
    } else if (byteLength === LENGTH_64) {
      return at
    }
    const start = mask + MASK_BYTES
    const end = start + byteLength
    // Past the end of the chunk its bytes are undefined, and the length is nonsense: then `end` is past it, too.
    if (end > length || byteLength > maxMessageBytes) return at
    const isAscii = unmask(chunk, start, end, chunk, mask)
    if (first === BINARY) {
      taker.take(copyOf(chunk, start, end), byteLength)
    } else if (first === PING) {
      taker.pingReceived(copyOf(chunk, start, end))
    } else if (first === PONG) {
      taker.pongReceived(copyOf(chunk, start, end))
    } else if (first === CLOSE) {
      const body = chunk.subarray(start, end)
      if (!isCloseBody(body)) return leaveUnmasked(chunk, at, mask)
      taker.closeFrameReceived(body)
      return length
    } else if (!takeText(chunk, start, end, isAscii, true, taker)) {
      return leaveUnmasked(chunk, at, mask)
    }
    at = end
  }
  return at
}

/** The code of a Close frame and its reason: both, or nothing (§5.5.1, §7.4). */
function isCloseBody(body: Buffer): boolean {
  if (body.length === 0) return true
  return body.length > 1 && isSendable(body.readUInt16BE(0)) && isUtf8(body.subarray(2))
}

/** The frame at `at` has been unmasked already; a mask of zeros says so. */
function leaveUnmasked(chunk: Buffer, at: number, mask: number): number {
  chunk.fill(0, mask, mask + MASK_BYTES)
  return at
}

/** A message whose frame goes on in the next read. */
export class PartialFrame {
  /** Where it began and what came since, as it came. */
  readonly chunks: Buffer[]
  readonly #isText: boolean
  readonly #start: number
  readonly #byteLength: number
  /** Bytes that are still to come. */
  missing: number

  /** Of the frame that begins with `chunk`, if it is one that may be read here and its header is there. */
  static of(chunk: Buffer, maxMessageBytes: number): PartialFrame | undefined {
    const [first, second = 0] = chunk
    if ((first !== TEXT && first !== BINARY) || second < MASKED) return undefined
    const length = second - MASKED
    const start = (length < LENGTH_16 ? 2 : length === LENGTH_16 ? 4 : 10) + MASK_BYTES
    if (chunk.length < start) return undefined
    let byteLength = length
    if (length === LENGTH_16) byteLength = chunk.readUInt16BE(2)
    if (length === LENGTH_64) {
      byteLength = chunk.readUInt32BE(2) * 2 ** 32 + chunk.readUInt32BE(6)
    }
    // What is all there and was left is for `ws`.
    if (byteLength > maxMessageBytes || chunk.length >= start + byteLength) return undefined
    return new PartialFrame(chunk, first === TEXT, start, byteLength)
  }

  private constructor(chunk: Buffer, isText: boolean, start: number, byteLength: number) {
    this.chunks = [chunk]
    this.#isText = isText
    this.#start = start
    this.#byteLength = byteLength
    this.missing = byteLength - (chunk.length - start)
  }

  /** Takes the next read, which is not the last. */
  add(chunk: Buffer): void {
    this.chunks.push(chunk)
    this.missing -= chunk.length
  }

  /**
   * Gives the message, whose end is in `last`; the chunks stay as they are.
   *
   * @returns false when it is a text, and no UTF-8.
   */
  give(last: Buffer, taker: FrameTaker): boolean {
    const [first] = this.chunks as [Buffer]
    const bytes = Buffer.allocUnsafeSlow(this.#byteLength)
    let at = 0
    for (const chunk of this.chunks) {
      at += chunk.copy(bytes, at, chunk === first ? this.#start : 0)
    }
    // As much as there is room for: what follows is not this message's.
    last.copy(bytes, at)
    const isAscii = unmask(bytes, 0, bytes.length, first, this.#start - MASK_BYTES)
    if (this.#isText) return takeText(bytes, 0, bytes.length, isAscii, false, taker)
    taker.take(bytes, bytes.length)
    return true
  }
}

function takeText(
  bytes: Buffer,
  start: number,
  end: number,
  isAscii: boolean,
  isLent: boolean,
  taker: FrameTaker,
): boolean {
  if (!isAscii && !isUtf8(bytes.subarray(start, end))) return false
  const text = isAscii ? asciiText(bytes, start, end) : bytes.toString('utf8', start, end)
  noteReceivedText(text, bytes, start, end, isLent)
  taker.take(text, end - start)
  return true
}

// Four bytes of the mask, as one number in this machine's order.
const maskBytes = new Uint8Array(MASK_BYTES)
const maskWord = new Int32Array(maskBytes.buffer)

/** Unmasks in place (§5.3), with the mask that stands in `source`; whether all that was there is ASCII. */
function unmask(bytes: Buffer, start: number, end: number, source: Buffer, mask: number): boolean {
  let seen = 0
  let at = start
  if (end - start > FEW_BYTES) {
    while (((bytes.byteOffset + at) & 3) !== 0) {
      seen |= bytes[at] = (bytes[at] as number) ^ (source[mask + ((at - start) & 3)] as number)
      at++
    }
    for (let index = 0; index < MASK_BYTES; index++) {
      maskBytes[index] = source[mask + ((at - start + index) & 3)] as number
    }
    const word = maskWord[0] as number
    // Four words at a time, which is a third quicker than one by one.
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, ((end - at) >> 4) << 2)
    let seenWords = 0
    for (let index = 0; index < words.length; index += 4) {
      const first = (words[index] as number) ^ word
      const second = (words[index + 1] as number) ^ word
      const third = (words[index + 2] as number) ^ word
      const fourth = (words[index + 3] as number) ^ word
      words[index] = first
      words[index + 1] = second
      words[index + 2] = third
      words[index + 3] = fourth
      seenWords |= first | second | third | fourth
    }
    if ((seenWords & NOT_ASCII) !== 0) seen = MASKED
    at += words.length << 2
  }
  for (; at < end; at++) {
    seen |= bytes[at] = (bytes[at] as number) ^ (source[mask + ((at - start) & 3)] as number)
  }
  return seen < MASKED
}
