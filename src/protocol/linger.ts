// Linger: what a peer still sends behind its answer is read and thrown away, within bounds (RFC 9112 §9.6).
//
// A socket that is closed over input that nobody has read is reset, and a reset may overtake the answer. So the answer goes
// out at once, and the socket goes when the peer is done, or has had its time or its bytes.

import type { Clock } from './ports.ts'

/** How long a peer is read on, unless said otherwise. */
export const LINGER_MS = 5_000

/** The most that is read on: what a client sends before it looks for an answer, and no upload. */
export const LINGER_BYTES = 16 * 1024 * 1024

/** What still comes: the rest of a request, or whatever a socket brings. */
export interface Remainder {
  readonly readableEnded: boolean
  readonly destroyed: boolean
  on(event: string, listener: (chunk: Uint8Array) => void): unknown
  off(event: string, listener: (chunk: Uint8Array) => void): unknown
  resume(): unknown
}

/** Sockets whose clients were told that this answer is the last: what comes behind it is no request (RFC 9112 §9.6). */
export const lastAnswered = new WeakSet<object>()

/**
 * Reads and throws away what comes; the answer has been written before. Resolves with whether that was all: `false` when
 * the peer is gone, or has to be cut off now.
 */
export function linger(rest: Remainder, clock: Clock, forMs = LINGER_MS): Promise<boolean> {
  if (rest.readableEnded || rest.destroyed) return Promise.resolve(rest.readableEnded)
  return new Promise((resolve) => {
    let bytes = 0
    const settle = (isWhole: boolean) => {
      clock.clearTimeout(timer)
      rest.off('data', onData)
      rest.off('end', onEnd)
      rest.off('close', onClose)
      resolve(isWhole)
    }
    const onData = (chunk: Uint8Array) => {
      bytes += chunk.byteLength
      if (bytes > LINGER_BYTES) settle(false)
    }
    const onEnd = () => settle(true)
    const onClose = () => settle(false)
    const timer = clock.setTimeout(onClose, forMs)
    rest.on('data', onData)
    rest.on('end', onEnd)
    rest.on('close', onClose)
    rest.resume()
  })
}
