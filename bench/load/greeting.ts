// Greeting: the words of Socket.IO before its first event, when it begins on a WebSocket at once.
//
// Engine.IO says "0" and its settings as JSON; the client joins the main namespace with "40", and the server's "40" and
// a session id let it in (protocol 5, Engine.IO protocol 4).

import { CLOSE, frameAt, maskedFrame, TEXT } from './wire.ts'

const JOIN = maskedFrame(TEXT, Buffer.from('40'))

export interface Greeted {
  /** Where reading goes on. */
  readonly at: number
  readonly say?: Buffer
  readonly done?: boolean
  readonly fault?: string
}

export class Greeting {
  #joining = false

  /** Takes one frame of `chunk`, which begins at `start`. */
  read(chunk: Buffer, start: number): Greeted {
    const frame = frameAt(chunk, start)
    if (frame === undefined) return { at: start }
    const text = chunk.toString('utf8', frame.payloadAt, frame.end)
    if ((frame.firstByte & 0x0f) >= CLOSE) return { at: frame.end, fault: 'closed while greeting' }
    if (this.#joining) {
      if (text.startsWith('40')) return { at: frame.end, done: true }
    } else if (text.startsWith('0')) {
      this.#joining = true
      return { at: frame.end, say: JOIN }
    }
    return { at: frame.end, fault: `an unknown greeting: "${text.slice(0, 40)}"` }
  }
}
