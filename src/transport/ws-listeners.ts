// ws-listeners: what `ws` tells of a socket, by functions that all connections share.
//
// A closure per event and connection would be kept for as long as the connection is; these find whom to tell on the
// object that they listen to.

import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

/** Who is told. */
export interface WsListener {
  messageReceived(data: Buffer, isBinary: boolean): void
  pingReceived(data: Buffer): void
  pongReceived(data: Buffer): void
  /** `ws` has met a breach, or the socket an error; `closed` follows. */
  failed(error: Error & { code?: string }): void
  /** It is over; 1006 when no Close frame came. */
  closed(code: number, reason: Buffer): void
  /** What was written to the socket has left it. */
  drained(): void
}

const LISTENER = Symbol('windsock listener')

type Told<Emitter> = Emitter & { [LISTENER]?: WsListener }

/** Tells of errors; a socket without a listener for them would end the process. */
export function listenForErrors(ws: Told<WebSocket>, listener: WsListener): void {
  ws[LISTENER] = listener
  ws.on('error', onError)
}

/** Tells of all that comes; after `listenForErrors`. */
export function listenForFrames(ws: WebSocket): void {
  ws.on('message', onMessage)
  ws.on('ping', onPing)
  ws.on('pong', onPong)
  ws.on('close', onClose)
}

/** Tells when the socket has drained. */
export function listenForDrain(socket: Told<Duplex>, listener: WsListener): void {
  socket[LISTENER] = listener
  socket.on('drain', onDrain)
}

function onMessage(this: Told<WebSocket>, data: Buffer, isBinary: boolean): void {
  this[LISTENER]?.messageReceived(data, isBinary)
}

function onPing(this: Told<WebSocket>, data: Buffer): void {
  this[LISTENER]?.pingReceived(data)
}

function onPong(this: Told<WebSocket>, data: Buffer): void {
  this[LISTENER]?.pongReceived(data)
}

function onError(this: Told<WebSocket>, error: Error & { code?: string }): void {
  this[LISTENER]?.failed(error)
}

function onClose(this: Told<WebSocket>, code: number, reason: Buffer): void {
  this[LISTENER]?.closed(code, reason)
}

function onDrain(this: Told<Duplex>): void {
  this[LISTENER]?.drained()
}
