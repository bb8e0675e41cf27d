// Socket listener: what a socket tells to the one transport that has it.
//
// One function for each event and all sockets, which finds on the socket whom to tell: four closures for each connection
// would be a part of what an idle one holds.

import type { Duplex } from 'node:stream'

/** Who is told. */
export interface SocketListener {
  socketRead(chunk: Buffer): void
  /** The peer has ended its side; ours is ended next. */
  inputEnded(): void
  /** Nothing more comes, however it ended. */
  socketClosed(): void
  /** What was written has left it. */
  drained(): void
}

const LISTENER = Symbol('windsock listener')

type Told = Duplex & {
  [LISTENER]?: SocketListener
  setTimeout?: (ms: number) => unknown
  setNoDelay?: (on?: boolean) => unknown
}

/** Takes a socket whose upgrade request has been answered, as `ws` does. */
export function listenToSocket(socket: Told, listener: SocketListener): void {
  // What an HTTP server set for its requests; a small message is not to wait for another.
  socket.setTimeout?.(0)
  socket.setNoDelay?.()
  socket[LISTENER] = listener
  socket.on('close', onClose).on('data', onData).on('end', onEnd).on('error', onError)
}

/** Leaves it to `ws`; of `drain` its listener is told as before. */
export function leaveSocket(socket: Told): void {
  socket.off('close', onClose).off('data', onData).off('end', onEnd).off('error', onError)
}

/** Tells when the socket has drained. */
export function listenForDrain(socket: Told, listener: SocketListener): void {
  socket[LISTENER] = listener
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
  this[LISTENER]?.drained()
}
