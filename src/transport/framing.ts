// Framing: how the frame of a message is made, as seldom and with as little copying as it can be.
//
// A broadcast sends one message to many: its frame is remembered. An echo and a chat pass a text on as it came: it is not
// encoded again, its bytes are still there. A text becomes one buffer, header and payload together. Binary above 4 KiB
// keeps its payload as it is behind a header of its own: joining the two would copy more than a second chunk costs.

import { Buffer } from 'node:buffer'
import { isShared, type Message } from '../protocol/message.ts'
import { viewOf } from './bytes.ts'
import { BINARY, beginFrame, type Frame, headerBytes, reuse, splitFrame, TEXT } from './frame.ts'
import { slab } from './slab.ts'

/** Below this many bytes copying is cheaper than a second chunk; measured: at 64 KiB the copy costs 20 %. */
const JOIN_BELOW_BYTES = 4096

/** The longest message whose frame is kept for a repetition in a later turn. */
const REMEMBER_BELOW_BYTES = 65_536

/** Up to here copying byte by byte is quicker than a call that prepares for more: a seventh of an echo of 16 bytes. */
const FEW_BYTES = 48

/** Of a UTF-16 code unit, at most. */
const MOST_UTF8_BYTES = 3

/** Up to here a text takes three times its room of the slab for a moment; so it is not what fills it. */
const UNCOUNTED_LENGTH = 4096

const NO_BYTES = Buffer.alloc(0)

let lastFrame: Frame | undefined

let receivedText: string | undefined
let receivedIn: Buffer = NO_BYTES
let receivedFrom = 0
let receivedTo = 0
let isReceivedLent = false

/** Notes that `text` has just been decoded from these bytes of `chunk`, which may be lent; for the length of one read. */
export function noteReceivedText(
  text: string,
  chunk: Buffer,
  start = 0,
  end = chunk.byteLength,
  isLent = false,
): void {
  receivedText = text
  receivedIn = chunk
  receivedFrom = start
  receivedTo = end
  isReceivedLent = isLent
}

/** Lets go of the text noted last, and of the socket's chunk with it. */
export function forgetReceivedText(): void {
  receivedText = undefined
  receivedIn = NO_BYTES
}

/**
 * The frame of a message, the last one again where it is of the same: of the same text, or of bytes of which a topic has made
 * a copy that nobody changes.
 *
 * @param leavesSoon - whether it is written before anything else is read, most likely; then it is made in the slab, unless
 *   somebody else is given it, too.
 */
export function frameOf(message: Message, leavesSoon = false): Frame {
  if (lastFrame?.message === message && (typeof message === 'string' || isShared(message))) {
    lastFrame.share()
    return lastFrame
  }
  // Nothing else makes frames in the slab: until the next one the last one's bytes are there, also when they have left.
  lastFrame = newFrame(message, leavesSoon)
  return lastFrame
}

/** A new frame of a message, uncompressed. */
export function plainFrame(message: Message): Frame {
  return newFrame(message, false)
}

function newFrame(message: Message, leavesSoon: boolean): Frame {
  if (typeof message === 'string') return textFrame(message, leavesSoon)
  // What goes to many is copied once for all of them, and each has one chunk to write.
  return isShared(message) || message.byteLength < JOIN_BELOW_BYTES
    ? joinedFrame(message, BINARY, message, leavesSoon)
    : splitFrame(message, BINARY, message)
}

/** Lets go of a large remembered frame; called at the end of each turn that sent one. */
export function forgetLargeFrame(): void {
  if (lastFrame !== undefined && isLarge(lastFrame)) forgetFrame()
}

/** Lets go of the remembered frame: the same message gets a new one. */
export function forgetFrame(): void {
  lastFrame = undefined
}

/** Whether `frame` is large enough to be let go of at the end of the turn. */
export function isLarge(frame: Frame): boolean {
  return frame.byteLength >= REMEMBER_BELOW_BYTES
}

function textFrame(message: string, leavesSoon: boolean): Frame {
  if (receivedText === message) return receivedFrame(message, leavesSoon)
  if (message.length <= FEW_BYTES) {
    const frame = asciiFrame(message, leavesSoon)
    if (frame !== undefined) return frame
  }
  const frame = leavesSoon ? uncountedFrame(message) : undefined
  return frame ?? countedFrame(message, leavesSoon)
}

/** To count the bytes of a text takes as long as to write them. */
function countedFrame(message: string, leavesSoon: boolean): Frame {
  const byteLength = Buffer.byteLength(message)
  const frame = beginFrame(message, TEXT, byteLength, leavesSoon)
  frame.bytes.write(message, frame.end - byteLength, byteLength, 'utf8')
  return frame
}

/** In the slab there is room for as many bytes as they can be, if that makes no other header of it. */
function uncountedFrame(message: string): Frame | undefined {
  const { length } = message
  const most = length * MOST_UTF8_BYTES
  const offset = headerBytes(length)
  if (length > UNCOUNTED_LENGTH || headerBytes(most) !== offset) return undefined
  const start = slab.take(offset + most)
  const byteLength = slab.bytes.write(message, start + offset, most, 'utf8')
  slab.giveBack(slab.bytes, start, start + offset + most)
  // It is given the same place again, where its payload stands by now.
  return beginFrame(message, TEXT, byteLength, true)
}

/** Of the text noted last. */
function receivedFrame(message: string, leavesSoon: boolean): Frame {
  const byteLength = receivedTo - receivedFrom
  if (byteLength > FEW_BYTES) {
    const payload = viewOf(receivedIn, receivedFrom, receivedTo)
    return isReceivedLent || byteLength < JOIN_BELOW_BYTES
      ? joinedFrame(message, TEXT, payload, leavesSoon)
      : splitFrame(message, TEXT, payload)
  }
  const frame = beginFrame(message, TEXT, byteLength, leavesSoon)
  const { bytes, start } = frame
  for (let at = 0; at < byteLength; at++) {
    bytes[start + 2 + at] = receivedIn[receivedFrom + at] as number
  }
  return frame
}

/** Of a few characters, if all are ASCII. */
function asciiFrame(message: string, leavesSoon: boolean): Frame | undefined {
  const { length: byteLength } = message
  const frame = beginFrame(message, TEXT, byteLength, leavesSoon)
  const { bytes, start } = frame
  for (let at = 0; at < byteLength; at++) {
    const code = message.charCodeAt(at)
    if (code > 0x7f) {
      reuse([frame])
      return undefined
    }
    bytes[start + 2 + at] = code
  }
  return frame
}

function joinedFrame(
  message: Message,
  firstByte: number,
  payload: Uint8Array,
  leavesSoon: boolean,
): Frame {
  const frame = beginFrame(message, firstByte, payload.byteLength, leavesSoon)
  frame.bytes.set(payload, frame.end - payload.byteLength)
  return frame
}
