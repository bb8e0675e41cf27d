// Socket listener: what a socket tells to the one transport that has it.
//
// One function for each event and all sockets, which finds on the socket whom to tell: four closures for each connection
// would be a part of what an idle one holds.

import type { Duplex } from 'node:stream'
import { readIntoOneBuffer } from './node-internals.ts'

/** Who is told. */
export interface SocketListener {
  /** What came; it is lent, and something else when the next comes. */
  socketRead(chunk: Buffer): void
  /** The peer has ended its side; ours is ended next. */
  inputEnded(): void
  /** Nothing more comes, however it ended. */
  socketClosed(): void
}

/** Who is told that what was written has left the socket. */
export interface DrainListener {
  drained(): void
}

const LISTENER = Symbol('windsock listener')
const DRAIN_LISTENER = Symbol('windsock drain listener')

/** A socket as we use it: TCP, TLS, or any Duplex that an HTTP server hands out. */
export type LinkSocket = Duplex & {
  setTimeout?: (ms: number) => unknown
  setNoDelay?: (on?: boolean) => unknown
}

type Told = LinkSocket & {
  [LISTENER]?: SocketListener | undefined
  [DRAIN_LISTENER]?: DrainListener
}

/**
 * Has a socket tell `listener`, in the place of the one before, if there was one.
 *
 * @returns whether it reads into the one buffer: then a paused socket has nothing that was read already.
 */
export function listenToSocket(socket: Told, listener: SocketListener): boolean {
  const isHeard = socket[LISTENER] !== undefined
  socket[LISTENER] = listener
  const isDirect = readIntoOneBuffer(socket, onData)
  if (isHeard) return isDirect
  // What an HTTP server set for its requests; a small message is not to wait for another.
  socket.setTimeout?.(0)
  socket.setNoDelay?.()
  socket.on('close', onClose).on('end', onEnd).on('error', onError)
  // What was read before comes by way of the stream.
  if (!isDirect || socket.readableLength > 0) socket.on('data', onData)
  return isDirect
}

/** Leaves it to others, if it still is `listener` that is told; of `drain` who listens for it is told as before. */
export function leaveSocket(socket: Told, listener: SocketListener): void {
  if (socket[LISTENER] !== listener) return
  socket[LISTENER] = undefined
  socket.off('close', onClose).off('data', onData).off('end', onEnd).off('error', onError)
  readIntoOneBuffer(socket)
}

/** Tells when the socket has drained. */
export function listenForDrain(socket: Told, listener: DrainListener): void {
  socket[DRAIN_LISTENER] = listener
  socket.on('drain', onDrain)
}

function onData(this: Told, chunk: Buffer): void {
  this[LISTENER]?.socketRead(chunk)
}

function onEnd(this: Told): void {
  this[LISTENER]?.inputEnded()
  // To end twice costs an error that nobody gets.
  if (this.writable) this.end()
}

// Without a listener that would end the process. What it was, the close record says: no Close frame came.
function onError(this: Told): void {
  this.destroy()
}

function onClose(this: Told): void {
  this[LISTENER]?.socketClosed()
}

function onDrain(this: Told): void {
  this[DRAIN_LISTENER]?.drained()
}
