// ws-internals: the one file that relies on more of `ws` than it documents.
//
// Three things, each looked for on each socket and done without where a future `ws` differs:
//  1. `_receiver` emits `conclude(code, reason)` when the peer's Close frame has come, after the listener with
//     which `ws` answers it. Without it the frame is reported when the link ends, which is later but no loss.
//  2. A server's `WebSocket` without extensions writes whole frames straight to the socket that `handleUpgrade`
//     was given, so frames written there between its own keep their order. Where an extension is negotiated
//     `ws` has a queue of its own, and a client's frames have to be masked (RFC 6455 §5.3): there messages go
//     through its documented `send`.

import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

//  3. The socket's data goes through `_receiver.write`, which reports every whole message before it returns. So
//     we know when a read is over, and what the handlers answered to it leaves in one write, without a tick.
//     Without it answers leave at the end of the turn, as all else does.

interface Receiver {
  write(chunk: Uint8Array): boolean
  prependListener(event: 'conclude' | 'error', listener: () => void): unknown
  on(event: 'conclude', listener: (code: number, reason: Buffer) => void): unknown
}

/**
 * Calls `listener` when the peer's Close frame has come and has been answered.
 *
 * @returns whether this `ws` tells at all.
 */
export function onCloseFrame(
  ws: WebSocket,
  listener: (code: number, reason: Buffer) => void,
): boolean {
  const { _receiver: receiver } = ws as WebSocket & { _receiver?: Receiver | null }
  if (typeof receiver?.on !== 'function') return false
  receiver.on('conclude', listener)
  return true
}

/** Calls `listener` before `ws` answers the peer's Close frame or breach: the last moment to write anything else. */
export function beforeAnswer(ws: WebSocket, listener: () => void): void {
  const { _receiver: receiver } = ws as WebSocket & { _receiver?: Receiver | null }
  if (typeof receiver?.prependListener !== 'function') return
  receiver.prependListener('conclude', listener)
  receiver.prependListener('error', listener)
}

/**
 * Calls `begin` before and `end` after each read of the socket is taken apart.
 *
 * @returns whether this `ws` lets us know.
 */
export function aroundReads(ws: WebSocket, begin: () => void, end: () => void): boolean {
  const { _receiver: receiver } = ws as WebSocket & { _receiver?: Receiver | null }
  if (typeof receiver?.write !== 'function') return false
  const write = receiver.write.bind(receiver)
  receiver.write = (chunk) => {
    begin()
    try {
      return write(chunk)
    } finally {
      end()
    }
  }
  return true
}

/** Whether frames may be written to `socket` beside those that `ws` writes itself. */
export function mayWriteFrames(ws: WebSocket, socket: Duplex): boolean {
  const { _socket: used, _isServer: isServer } = ws as WebSocket & {
    _socket?: unknown
    _isServer?: unknown
  }
  return used === socket && isServer === true && ws.extensions === ''
}
