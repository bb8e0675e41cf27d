// ws-internals: the one file that relies on more of `ws` than it documents.
//
// Four things, each looked for on each socket and done without where a future `ws` differs:
//  1. `_receiver` emits `conclude(code, reason)` when the peer's Close frame has come, after the listener with
//     which `ws` answers it. Without it the frame is reported when the link ends, which is later but no loss.
//  2. A server's `WebSocket` without extensions writes whole frames straight to the socket that `handleUpgrade`
//     was given, so frames written there between its own keep their order. A client's frames have to be masked
//     (RFC 6455 §5.3): there messages go through its documented `send`.
//  3. The socket's data goes through `_receiver.write`, which reports every whole message before it returns. So
//     we know when a read is over, and what the handlers answered to it leaves in one write, without a tick.
//     Without it answers leave at the end of the turn, as all else does.
//  4. With permessage-deflate a server's `WebSocket` does the same, as long as no message that it was given is still
//     on its way to the socket. Its extension has `_deflate`, `null` until the first message that it compresses and a
//     stream of `node:zlib` from then on, and `params`, what was agreed on. Without them all goes through `send`; and
//     should `_deflate` turn out to be something else later, that connection's own messages go uncompressed from then on.

import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

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
  return ws.extensions === '' && writesTo(ws, socket)
}

/** What `ws` deflates the messages of one connection with. */
export interface OwnDeflater {
  /** Whether a message may refer to those before it (RFC 7692 §7.1.1.1). */
  readonly takesContextOver: boolean
  /** The largest window that the client has, 8 … 15. */
  readonly windowBits: number
  /**
   * Forgets all messages so far; only while none is being deflated.
   *
   * @returns whether it did: if not, it must not deflate again.
   */
  beginAnew(): boolean
}

/** The deflater of a connection with permessage-deflate, if frames may be written to `socket` beside its own. */
export function ownDeflater(ws: WebSocket, socket: Duplex): OwnDeflater | undefined {
  if (ws.extensions !== DEFLATE || !writesTo(ws, socket)) return undefined
  const { _extensions: extensions } = ws as WebSocket & {
    _extensions?: Readonly<Record<string, DeflateExtension | undefined>>
  }
  const extension = extensions?.[DEFLATE]
  const params = extension?.params
  if (extension?._deflate !== null || typeof params !== 'object' || params === null) {
    return undefined
  }
  const { server_max_window_bits: windowBits = 15 } = params
  if (typeof windowBits !== 'number') return undefined
  return {
    takesContextOver: params.server_no_context_takeover !== true,
    windowBits,
    beginAnew: () => {
      const deflate = extension._deflate
      if (deflate === null) return true
      if (typeof deflate?.reset !== 'function') return false
      deflate.reset()
      return true
    },
  }
}

const DEFLATE = 'permessage-deflate'

interface DeflateExtension {
  readonly params?: {
    readonly server_no_context_takeover?: unknown
    readonly server_max_window_bits?: unknown
  } | null
  readonly _deflate?: { reset?(): void } | null
}

function writesTo(ws: WebSocket, socket: Duplex): boolean {
  const { _socket: used, _isServer: isServer } = ws as WebSocket & {
    _socket?: unknown
    _isServer?: unknown
  }
  return used === socket && isServer === true
}
