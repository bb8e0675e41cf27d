// node-internals: the one file that relies on more of Node than it documents.
//
// One thing, looked for on each socket and done without where a future Node differs: that a socket which an HTTP server has
// accepted can be given a buffer to read into. `net.Socket` documents that for sockets that connect (its option
// `onread`); it keeps the option under two symbols and tells its handle by `useUserBuffer`. Without it Node allocates
// 64 KiB for each read, cuts them down to what came, and takes that through a `Readable`: a tenth and more of what a small
// message costs in all (docs/adr/0023).

import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import { SMALL_BYTES } from '../protocol/message.ts'

/** What one read brings at most, as with Node's own. */
const READ_BYTES = 64 * 1024

// Of all sockets: nobody is given it, and nothing of it is kept when a read is over.
const buffer = Buffer.allocUnsafeSlow(READ_BYTES)

// As a `Readable` would, it emits `data`, with a copy.
function callback(this: Socket, bytes: number, from: Uint8Array): boolean {
  const read = from.subarray(0, bytes)
  this.emit('data', bytes < SMALL_BYTES ? Buffer.from(read) : ownBuffer(read))
  return true
}

function ownBuffer(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.byteLength)
  copy.set(bytes)
  return copy
}

type Keyed = Record<symbol, unknown> & {
  readonly _handle?: { useUserBuffer?(buffer: Uint8Array): void } | null
}

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
 * Has what comes to `socket` read into one buffer that all such sockets share, and emitted as `data` as before, in chunks of
 * their own. A small chunk is part of Node's pool for small buffers: who keeps it takes `ownBytes`.
 *
 * Paused, the socket does not read at all, where a `Readable` would read on up to its high-water mark.
 *
 * @returns whether it does: not TLS, nor any other `Duplex`, nor a socket that has a buffer already.
 */
export function readIntoOneBuffer(socket: Duplex): boolean {
  if (KEYS === undefined || Object.getPrototypeOf(socket) !== Socket.prototype) return false
  const keyed = socket as unknown as Keyed
  const [bufferKey, callbackKey] = KEYS
  const handle = keyed._handle
  if (typeof handle?.useUserBuffer !== 'function') return false
  if (keyed[bufferKey] !== null || keyed[callbackKey] !== null) return false
  keyed[bufferKey] = buffer
  keyed[callbackKey] = callback
  handle.useUserBuffer(buffer)
  return true
}
