// Whole frames: messages that a read of a server's socket brought whole, one frame each.
//
// Small messages come many to a read, and nearly all of them in one frame without extensions (RFC 6455 §5.2). `ws` makes
// three buffers and an event of each and unmasks byte by byte; here they are unmasked four bytes at a time where they
// lie, and a text is decoded from there. At the first byte of anything else, be it a fragment, a control frame, a breach
// or what the read brought only half of, the rest is left to `ws`, which decides about it as about everything.

import { isUtf8 } from 'node:buffer'
import type { Message } from '../protocol/message.ts'
import { noteReceivedText } from './frame.ts'

/** Who gets the messages, each with the number of its bytes. */
export interface MessageTaker {
  take(message: Message, byteLength: number): void
}

const TEXT = 0x81 // FIN, opcode 1
const BINARY = 0x82 // FIN, opcode 2
const MASKED = 0x80
const LENGTH_16 = 126
const MASK_BYTES = 4
/** Up to here unmasking byte by byte is as quick as preparing for more. */
const FEW_BYTES = 32
const NOT_ASCII = 0x80808080

/**
 * Gives the messages at the beginning of `chunk` to `taker`, in order.
 *
 * Texts are noted for the length of the read (frame.ts). Bytes are views of `chunk`, as those of `ws` are.
 *
 * @param maxMessageBytes - longer messages are left, for `ws` to refuse.
 * @returns how many bytes were read; what begins there is as it came, or the same unmasked with a mask of zeros.
 */
export function readWholeFrames(
  chunk: Buffer,
  maxMessageBytes: number,
  taker: MessageTaker,
): number {
  const { length } = chunk
  let at = 0
  while (at + 2 <= length) {
    const first = chunk[at]
    const second = chunk[at + 1] as number
    if ((first !== TEXT && first !== BINARY) || second < MASKED) return at
    let byteLength = second - MASKED
    let mask = at + 2
    if (byteLength === LENGTH_16) {
      byteLength = ((chunk[at + 2] as number) << 8) | (chunk[at + 3] as number)
      mask = at + 4
    } else if (byteLength > LENGTH_16) {
      return at
    }
    const start = mask + MASK_BYTES
    const end = start + byteLength
    // Past the end of the chunk its bytes are undefined, and the length is nonsense: then `end` is past it, too.
    if (end > length || byteLength > maxMessageBytes) return at
    const isAscii = unmask(chunk, mask, start, end)
    if (first === BINARY) {
      taker.take(chunk.subarray(start, end), byteLength)
    } else {
      if (!isAscii && !isUtf8(chunk.subarray(start, end))) {
        chunk.fill(0, mask, start)
        return at
      }
      const text = chunk.toString(isAscii ? 'latin1' : 'utf8', start, end)
      noteReceivedText(text, chunk, start, end)
      taker.take(text, byteLength)
    }
    at = end
  }
  return at
}

// Four bytes of the mask, as one number in this machine's order.
const maskBytes = new Uint8Array(MASK_BYTES)
const maskWord = new Int32Array(maskBytes.buffer)

/** Unmasks in place (§5.3); whether all that was there is ASCII. */
function unmask(chunk: Buffer, mask: number, start: number, end: number): boolean {
  let seen = 0
  let at = start
  if (end - start > FEW_BYTES) {
    while (((chunk.byteOffset + at) & 3) !== 0) {
      seen |= chunk[at] = (chunk[at] as number) ^ (chunk[mask + ((at - start) & 3)] as number)
      at++
    }
    for (let index = 0; index < MASK_BYTES; index++) {
      maskBytes[index] = chunk[mask + ((at - start + index) & 3)] as number
    }
    const word = maskWord[0] as number
    const words = new Int32Array(chunk.buffer, chunk.byteOffset + at, (end - at) >> 2)
    let seenWords = 0
    for (let index = 0; index < words.length; index++) {
      seenWords |= words[index] = (words[index] as number) ^ word
    }
    if ((seenWords & NOT_ASCII) !== 0) seen = MASKED
    at += words.length << 2
  }
  for (; at < end; at++) {
    seen |= chunk[at] = (chunk[at] as number) ^ (chunk[mask + ((at - start) & 3)] as number)
  }
  return seen < MASKED
}
