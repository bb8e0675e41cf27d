// Caller: a client that talks to a program of the documentation, as its reader would.

import WebSocket from 'ws'
import { Mailbox } from './mailbox.ts'

export interface Caller {
  say(text: string): void
  /** The next message as text. */
  next(): Promise<string>
  /** Ends the connection, and waits for the end. */
  hangUp(code?: number): Promise<void>
  /** The close code that came, when the connection is over. */
  readonly ended: Promise<number>
}

/**
 * Connects.
 *
 * @param url - with `http:` or `ws:`.
 * @throws Error with the HTTP status in its message when the handshake is refused.
 */
export async function call(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Caller> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers })
  const messages = new Mailbox<string>()
  socket.on('message', (data: Buffer) => messages.put(data.toString('utf8')))
  const ended = new Promise<number>((resolve) => {
    socket.on('close', resolve)
  })
  await new Promise((resolve, reject) => {
    socket.on('open', resolve)
    socket.on('error', reject)
  })
  return {
    say: (text) => socket.send(text),
    next: () => messages.next(),
    ended,
    hangUp: async (code) => {
      socket.close(code)
      await ended
    },
  }
}
