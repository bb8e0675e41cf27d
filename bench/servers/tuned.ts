// `ws` tuned by hand: what one can get out of it with forty lines of one's own.
//
// A message to many is framed once, and the same buffer goes to every socket; what one turn of the event loop produces
// for a socket leaves in one write, and small frames in one buffer. It has no queue, no bound and no order with what
// `ws` itself writes, so it is a measure and no advice.

import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import * as wsModule from 'ws'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Listen } from './main.ts'
import { versionOf } from './version.ts'

/** Above this many bytes a copy costs more than a second chunk. */
const COPY_BELOW_BYTES = 4096

interface Framing {
  readonly frame: (data: Buffer, options: object) => Buffer[]
}
// Exported, and not among the types.
const { Sender } = wsModule as unknown as { readonly Sender: Framing }

export const listen: Listen = async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  const everyone = new Set<Outgoing>()
  server.on('connection', (socket, request) => {
    socket.on('error', console.error)
    const outgoing = new Outgoing(socket)
    everyone.add(outgoing)
    socket.on('close', () => everyone.delete(outgoing))
    if (request.url === '/broadcast') {
      socket.on('message', (data: Buffer, isBinary) => {
        const chunks = framed(data, isBinary)
        for (const one of everyone) one.push(chunks)
      })
    } else {
      socket.on('message', (data: Buffer, isBinary) => outgoing.push(framed(data, isBinary)))
    }
  })
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, version: versionOf('ws') }
}

function framed(data: Buffer, isBinary: boolean): readonly Buffer[] {
  const options = { fin: true, opcode: isBinary ? 2 : 1, mask: false, rsv1: false, readOnly: true }
  const chunks = Sender.frame(data, options)
  return data.length < COPY_BELOW_BYTES ? [Buffer.concat(chunks)] : chunks
}

/** What waits for the end of the turn. */
class Outgoing {
  readonly #socket: Socket
  #chunks: Buffer[] = []

  constructor(socket: WebSocket) {
    this.#socket = (socket as unknown as { readonly _socket: Socket })._socket
  }

  push(chunks: readonly Buffer[]): void {
    if (this.#chunks.length === 0) process.nextTick(flush, this)
    this.#chunks.push(...chunks)
  }

  flush(): void {
    const chunks = this.#chunks
    this.#chunks = []
    if (!this.#socket.writable) return
    const [first] = chunks
    if (chunks.length === 1 && first !== undefined) {
      this.#socket.write(first)
    } else if (chunks.every((chunk) => chunk.length < COPY_BELOW_BYTES)) {
      this.#socket.write(Buffer.concat(chunks))
    } else {
      this.#socket.cork()
      for (const chunk of chunks) this.#socket.write(chunk)
      this.#socket.uncork()
    }
  }
}

function flush(outgoing: Outgoing): void {
  outgoing.flush()
}
