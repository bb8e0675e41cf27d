// node-internals: the one file that relies on more of Node than it documents.
//
// Four things, each looked for and done without where a future Node differs:
//  1. A socket which an HTTP server has accepted can be given a buffer to read into. `net.Socket` documents that for sockets
//     that connect (its option `onread`); it keeps the option under two symbols and tells its handle by `useUserBuffer`.
//     Without it Node allocates 64 KiB for each read, cuts them down to what came, and takes that through a `Readable`: a
//     tenth and more of what a small message costs in all (docs/adr/0023).
//  2. A socket's handle writes by `writeBuffer(request, bytes)`. The kernel nearly always takes all at once, and then a
//     `Writable`'s queue has nothing to queue, and the request nothing to tell: a tenth of what a broadcast costs in all
//     (docs/adr/0026). Up to Node 25 the binding `stream_wrap` has the requests and tells whether one is still needed;
//     from 26 on the handle makes one when it is. Without either all goes through the socket.
//  3. A socket of an HTTP server has in `_httpMessage` the response that is being written to it, of several that of the
//     first request. Without it an upgrade behind requests that are not answered yet is not told from others.
//  4. A `Buffer` has `latin1Slice`, which its `toString` comes to after having looked for it in an object that V8 has as a
//     dictionary: 2 % of an echo of 16 B with sixteen in flight. Without it `toString` is called.

import { Buffer } from 'node:buffer'
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import { getSystemErrorName } from 'node:util'
import { SMALL_BYTES } from '../protocol/message.ts'
import { copyOf } from './bytes.ts'

/** What one read brings at most, as with Node's own. */
const READ_BYTES = 64 * 1024

/** Whether an earlier request on this socket is not answered yet. */
export function owesAnswer(socket: Duplex): boolean {
  const { _httpMessage: answer } = socket as { _httpMessage?: { writableEnded?: unknown } | null }
  return answer?.writableEnded === false
}

const { latin1Slice } = Buffer.prototype as { latin1Slice?: SliceToText }

type SliceToText = (this: Buffer, start: number, end: number) => string

/** The text of bytes that are ASCII. */
export const asciiText: (bytes: Buffer, start: number, end: number) => string =
  latin1Slice === undefined
    ? (bytes, start, end) => bytes.toString('latin1', start, end)
    : (bytes, start, end) => latin1Slice.call(bytes, start, end)

// Of all sockets: nobody is given it, and nothing of it is kept when a read is over.
const buffer = Buffer.allocUnsafeSlow(READ_BYTES)

const READER = Symbol('windsock reader')

/** Is called on the socket with what was read of it, which is lent: from the next read on it is something else. */
type SocketReader = (this: Duplex, chunk: Buffer) => void

function callback(this: Keyed & Socket, bytes: number): boolean {
  const read = buffer.subarray(0, bytes)
  const reader = this[READER] as SocketReader | undefined
  if (reader !== undefined) {
    reader.call(this, read)
    return true
  }
  // As a `Readable` would, it emits `data`, and keeps what nobody hears of; with a copy, which from Node 24 on would stand in
  // a pool even where it is not small.
  const chunk = bytes < SMALL_BYTES ? Buffer.from(read) : copyOf(read)
  return this.emit('data', chunk) || this.push(chunk)
}

interface Handle {
  useUserBuffer?(buffer: Uint8Array): void
  /** 0, a failure below it, or (from Node 26 on) the request for what the kernel has not taken yet. */
  writeBuffer?(request: WriteRequest | null, bytes: Uint8Array): number | WriteRequest
  readonly writeQueueSize?: number
}

interface Handled {
  readonly _handle?: Handle | null
}

type Keyed = Record<symbol, unknown> & Handled

/** The keys under which a socket keeps its option, found on one that has it. */
const KEYS = ((): readonly [symbol, symbol] | undefined => {
  const options: SocketConstructorOpts & { onread: OnReadOpts } = { onread: { buffer, callback } }
  const socket = new Socket(options) as unknown as Keyed
  const keys = Object.getOwnPropertySymbols(socket)
  const [buffers, callbacks] = [buffer, callback].map((value) =>
    keys.find((key) => socket[key] === value),
  )
  return buffers && callbacks && [buffers, callbacks]
})()

/**
 * Has what comes to `socket` read into one buffer that all such sockets share, and lent to `reader`; or emitted as `data` as
 * before, in chunks of their own. Of these a small one is part of Node's pool for small buffers: who keeps it takes `ownBytes`.
 *
 * Paused, the socket does not read at all, where a `Readable` would read on up to its high-water mark.
 *
 * @returns whether it does: not TLS, nor any other `Duplex`, nor a socket that has a buffer of somebody else's.
 */
export function readIntoOneBuffer(socket: Duplex, reader?: SocketReader): boolean {
  if (KEYS === undefined || Object.getPrototypeOf(socket) !== Socket.prototype) return false
  const keyed = socket as unknown as Keyed
  const [bufferKey, callbackKey] = KEYS
  const handle = keyed._handle
  if (typeof handle?.useUserBuffer !== 'function') return false
  if (keyed[callbackKey] === callback) {
    keyed[READER] = reader
    return true
  }
  if (keyed[bufferKey] !== null || keyed[callbackKey] !== null) return false
  keyed[READER] = reader
  keyed[bufferKey] = buffer
  keyed[callbackKey] = callback
  handle.useUserBuffer(buffer)
  return true
}

/** Told when the kernel has what it did not take at once. */
interface WriteRequest {
  oncomplete?: (status: number) => void
  /** What the kernel reads from until then. */
  buffer?: Uint8Array
  /** From Node 26 on: how it ended, if that is known already. */
  readonly writeStatus?: number | null
}

interface StreamWrap {
  readonly WriteWrap: new () => WriteRequest
  readonly kLastWriteWasAsync?: number
  readonly kLastWriteErr?: number
  readonly streamBaseState: Int32Array
}

/** A socket's handle that writes past the socket's queue. */
export type WritingHandle = Required<Handle>

/** Gives `bytes` to the kernel; returns 0 when it has them all, a failure, or the request for the rest. */
type Dispatch = (handle: WritingHandle, bytes: Uint8Array) => number | WriteRequest

const dispatch = ((): Dispatch | undefined => {
  try {
    // Throws where Node runs with `--permission`.
    const { binding } = process as unknown as {
      binding(this: void, name: 'stream_wrap'): StreamWrap
    }
    const { WriteWrap, kLastWriteWasAsync, kLastWriteErr, streamBaseState } = binding('stream_wrap')
    if (kLastWriteErr !== undefined) {
      return (handle, bytes) => {
        const request = handle.writeBuffer(null, bytes)
        return typeof request === 'number' ? request : streamBaseState[kLastWriteErr] || request
      }
    }
    if (kLastWriteWasAsync === undefined) return undefined
    let spare = new WriteWrap()
    return (handle, bytes) => {
      const failure = handle.writeBuffer(spare, bytes)
      if (failure !== 0 || streamBaseState[kLastWriteWasAsync] === 0) return failure
      const needed = spare
      spare = new WriteWrap()
      return needed
    }
  } catch {
    return undefined
  }
})()

/** What writes the bytes of a plain TCP connection; `undefined` where there is none, or one of another kind. */
export function handleOf(socket: Duplex): WritingHandle | undefined {
  if (dispatch === undefined || Object.getPrototypeOf(socket) !== Socket.prototype) return undefined
  const { _handle: handle } = socket as unknown as Handled
  return typeof handle?.writeBuffer === 'function' ? (handle as WritingHandle) : undefined
}

/** What the kernel has not taken of what a socket was given; Node's own timeouts look at it. `undefined`: it does not say. */
export function writeQueueSize(socket: Duplex): number | undefined {
  const size = (socket as unknown as Handled)._handle?.writeQueueSize
  return typeof size === 'number' ? size : undefined
}

/** Whether nothing waits in a socket's queue, nor is meant to. */
export function isIdle(socket: Duplex): boolean {
  return socket.writableLength === 0 && socket.writableCorked === 0
}

/**
 * As `socket.write(bytes)`, and past its queue when nothing is in it: plain TCP gives them to the kernel at once. What the
 * kernel does not take the socket has in its queue as if it had written it itself. A socket that is not writable any more
 * takes nothing, and no error comes of it.
 *
 * @param handle - the socket's, as `handleOf` gave it once; to ask the socket each time costs more than the queue.
 * @param isNext - whether the socket is idle, where its owner knows: to ask it, a broadcast would have to fetch it first.
 * @returns whether the kernel has everything.
 */
export function writeAtOnce(
  socket: Duplex,
  handle: WritingHandle | undefined,
  bytes: Uint8Array,
  isNext = isIdle(socket),
): boolean {
  if (isNext && handle !== undefined && dispatch !== undefined) {
    const outcome = dispatch(handle, bytes)
    if (outcome === 0) return true
    // A handle that has been closed for good gives neither, which is a failure, too.
    if (typeof outcome === 'object') {
      handOver(socket, outcome, bytes)
      return false
    }
    // What has failed fails again below, and is told in Node's own way.
  }
  if (socket.writable) socket.write(bytes)
  return false
}

/** Has the socket write `bytes` by the request that writes them already: from here on it counts them, and tells of them. */
function handOver(socket: Duplex, request: WriteRequest, bytes: Uint8Array): void {
  let status = request.writeStatus ?? undefined
  let done: ((failure?: Error | null) => void) | undefined
  const settle = () => {
    if (done === undefined || status === undefined) return
    done(status < 0 && !socket.destroyed ? failureOf(status) : null)
  }
  request.buffer = bytes
  request.oncomplete = (ended) => {
    status = ended
    settle()
  }
  socket._write = (_chunk, _encoding, callback) => {
    Reflect.deleteProperty(socket, '_write')
    done = callback
    settle()
  }
  socket.write(bytes)
  // With an empty queue it has begun by now. If ever not, rather no connection than one that gets its bytes twice.
  if (done === undefined) socket.destroy(new Error('a socket with an empty queue did not write'))
}

function failureOf(status: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(status)
  return Object.assign(new Error(`write ${code}`), { errno: status, code, syscall: 'write' })
}
