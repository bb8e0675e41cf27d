// Frame writer: the frames of one turn, as one write to the socket.
//
// Small frames are copied into one buffer, and that once for all connections which get the same ones; where there is
// much to copy they are written corked, which is one system call, too. So are those that `ws` makes, because they are
// masked. Nothing here knows what is in a frame.

import { Buffer } from 'node:buffer'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Frame } from './frame.ts'
import { type WritingHandle, writeAtOnce } from './node-internals.ts'

/** Frames of one turn up to this many bytes are copied into one buffer; above, they are written corked. */
const GATHER_BELOW_BYTES = 64 * 1024

/** Writes whole frames, in order; the array is not kept. Calls `taken` when the kernel has them. */
export function writeFrames(
  socket: Duplex,
  handle: WritingHandle | undefined,
  frames: readonly Frame[],
  taken?: () => void,
): void {
  const [first] = frames
  if (first === undefined || !socket.writable) return
  if (frames.length === 1 && first.body === undefined) {
    writeBytes(socket, handle, first.head, taken)
    return
  }
  const gathered = gather(frames)
  if (gathered !== undefined) {
    writeBytes(socket, handle, gathered, taken)
    return
  }
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

function writeBytes(
  socket: Duplex,
  handle: WritingHandle | undefined,
  bytes: Buffer,
  taken: (() => void) | undefined,
): void {
  if (taken === undefined) writeAtOnce(socket, handle, bytes)
  else socket.write(bytes, taken)
}

// A broadcast writes the same frames to one connection after the other: they are joined once.
let lastFrames: readonly Frame[] = []
let lastGathered: Buffer | undefined

function gather(frames: readonly Frame[]): Buffer | undefined {
  if (lastGathered !== undefined && sameFrames(frames, lastFrames)) return lastGathered
  let bytes = 0
  for (const { head, body } of frames) {
    if (body !== undefined) return undefined
    bytes += head.byteLength
  }
  if (bytes > GATHER_BELOW_BYTES) return undefined
  const gathered = Buffer.allocUnsafe(bytes)
  let offset = 0
  for (const { head } of frames) {
    gathered.set(head, offset)
    offset += head.byteLength
  }
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
