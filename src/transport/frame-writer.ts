// Frame writer: the frames of one turn, as one write to the socket.
//
// Small frames mostly stand side by side. Where they do not, they are copied into one buffer, once for all connections
// which get the same ones; where there is much to copy they are written corked, which is one system call, too. So are
// those that `ws` makes, because they are masked. Nothing here knows what is in a frame.

import { Buffer } from 'node:buffer'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { viewOf } from './bytes.ts'
import { areSideBySide, type Frame, reuse } from './frame.ts'
import { forgetFrame } from './framing.ts'
import { isIdle, type WritingHandle, writeAtOnce } from './node-internals.ts'

/** Frames up to this many bytes are copied into one buffer; above, they are written corked. */
const GATHER_BELOW_BYTES = 64 * 1024

/**
 * Writes whole frames, in order; the array is not kept.
 *
 * @param taken - called when the kernel has them; none of them may be in the slab then.
 */
export function writeFrames(
  socket: Duplex,
  handle: WritingHandle | undefined,
  frames: readonly Frame[],
  taken?: () => void,
): void {
  if (frames.length === 0) return
  if (!socket.writable) return reuse(frames)
  const isOnePiece = areSideBySide(frames)
  const bytes = isOnePiece ? pieceOf(frames) : gather(frames)
  if (bytes === undefined) return writeCorked(socket, frames, taken)
  if (taken !== undefined) {
    socket.write(bytes, taken)
    return
  }
  const isInSlab = isOnePiece && frames[0]?.isInSlab === true
  const mustWait = isInSlab && (handle === undefined || !isIdle(socket))
  const isTaken = writeAtOnce(socket, handle, mustWait ? Buffer.from(bytes) : bytes)
  if (isTaken || mustWait || !isInSlab) reuse(frames)
  // What the kernel has not taken yet, it will take from where it stands; so nobody else is given that frame.
  else forgetFrame()
}

function writeCorked(socket: Duplex, frames: readonly Frame[], taken?: () => void): void {
  for (let index = frames.length - 1; index >= 0; index--) frames[index]?.leaveSlab()
  socket.cork()
  for (let index = 0; index < frames.length; index++) {
    const { head, body } = frames[index] as Frame
    const last = index === frames.length - 1 ? taken : undefined
    socket.write(head, body === undefined ? last : undefined)
    if (body !== undefined) socket.write(body, last)
  }
  socket.uncork()
}

/** Has `ws` frame and write messages, in order; calls `progressed` when the kernel has one. */
export function writeByWs(
  ws: WebSocket | undefined,
  socket: Duplex,
  messages: readonly Pick<Frame, 'message' | 'byteLength'>[],
  compressFromBytes: number,
  progressed: (() => void) | undefined,
): void {
  socket.cork()
  for (const { message, byteLength } of messages) {
    // Asked for each message: the threshold of `ws` holds only without context takeover.
    const compress = byteLength >= compressFromBytes
    ws?.send(message, { binary: typeof message !== 'string', compress }, progressed)
  }
  socket.uncork()
}

/** Of frames that stand side by side: one view for all connections which get the same ones. */
function pieceOf(frames: readonly Frame[]): Uint8Array {
  const first = frames[0] as Frame
  if (frames.length === 1) return first.head
  return viewOf(first.bytes, first.start, (frames[frames.length - 1] as Frame).end)
}

// A broadcast writes the same frames to one connection after the other: they are joined once.
let lastFrames: readonly Frame[] = []
let lastGathered: Buffer | undefined

function gather(frames: readonly Frame[]): Buffer | undefined {
  if (lastGathered !== undefined && sameFrames(frames, lastFrames)) return lastGathered
  let bytes = 0
  for (const frame of frames) {
    if (frame.body !== undefined) return undefined
    bytes += frame.end - frame.start
  }
  if (bytes > GATHER_BELOW_BYTES) return undefined
  const gathered = Buffer.allocUnsafeSlow(bytes)
  let offset = 0
  for (const frame of frames) offset += frame.bytes.copy(gathered, offset, frame.start, frame.end)
  // The caller reuses its array, and frames that went to one connection only will not come again.
  if (frames[0]?.isShared) {
    lastFrames = frames.slice()
    lastGathered = gathered
  }
  return gathered
}

function sameFrames(one: readonly Frame[], other: readonly Frame[]): boolean {
  if (one.length !== other.length) return false
  for (let index = 0; index < one.length; index++) {
    if (one[index] !== other[index]) return false
  }
  return true
}
