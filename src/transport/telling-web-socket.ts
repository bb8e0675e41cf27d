// Telling WebSocket: the WebSocket of `ws` that tells one listener of all that comes, once there is one.
//
// An emitter keeps a dictionary of its listeners. To fill it with five that are always the same one was a tenth of what an
// opening costs beside its system calls.

import { WebSocket } from 'ws'

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

export class TellingWebSocket extends WebSocket {
  listener: WsListener | undefined

  override emit(event: string | symbol, ...given: unknown[]): boolean {
    const { listener } = this
    if (listener === undefined) return super.emit(event, ...given)
    const [first, second] = given as [never, never]
    switch (event) {
      case 'message':
        listener.messageReceived(first, second)
        return true
      case 'ping':
        listener.pingReceived(first)
        return true
      case 'pong':
        listener.pongReceived(first)
        return true
      // Without a listener that would end the process.
      case 'error':
        listener.failed(first)
        return true
      case 'close':
        listener.closed(first, second)
        return true
      default:
        return super.emit(event, ...given)
    }
  }
}
