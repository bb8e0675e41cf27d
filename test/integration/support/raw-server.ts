// Raw server: a TCP server that reads one request and lets the test write the answer, well or badly.
//
// It checks nothing and sends nothing by itself. Every wait here is for an event of the socket.

import { createHash } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { WebSocketServer } from 'ws'
import { Mailbox } from './mailbox.ts'

const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11' // RFC 6455 §1.3

/** A frame of a client, as it came. */
export interface ClientFrame {
  readonly opcode: number
  readonly masked: boolean
  readonly payload: Buffer
}

export class RawPeer {
  /** The request's lines, without the empty one. */
  readonly request: readonly string[]
  readonly socket: Socket
  /** Resolves when the socket is gone. */
  readonly gone: Promise<void>
  readonly frames = new Mailbox<ClientFrame>()
  #unread = Buffer.alloc(0)

  constructor(socket: Socket, head: string, gone: Promise<void>) {
    this.socket = socket
    this.request = head.split('\r\n')
    this.gone = gone
    socket.on('data', (chunk) => this.#read(chunk))
  }

  /** The value of a header of the request. */
  header(name: string): string | undefined {
    const start = `${name.toLowerCase()}: `
    return this.request.find((line) => line.toLowerCase().startsWith(start))?.slice(start.length)
  }

  /** What the request's key has to be answered with. */
  get accept(): string {
    const key = this.header('Sec-WebSocket-Key') ?? ''
    return createHash('sha1').update(`${key}${ACCEPT_GUID}`).digest('base64')
  }

  /** Answers 101, with further header lines. */
  upgrade(...lines: readonly string[]): void {
    this.answer(
      '101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${this.accept}`,
      ...lines,
    )
  }

  answer(status: string, ...lines: readonly string[]): void {
    this.socket.write(`${[`HTTP/1.1 ${status}`, ...lines].join('\r\n')}\r\n\r\n`)
  }

  // Frames of less than 126 bytes, which is what the tests send.
  #read(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk])
    for (;;) {
      const [first, second] = this.#unread
      if (first === undefined || second === undefined) return
      const masked = (second & 0x80) !== 0
      const start = masked ? 6 : 2
      const end = start + (second & 0x7f)
      if (this.#unread.byteLength < end) return
      const mask = this.#unread.subarray(2, 6)
      const payload = Buffer.from(
        this.#unread
          .subarray(start, end)
          .map((byte, at) => (masked ? byte ^ (mask[at % 4] ?? 0) : byte)),
      )
      this.frames.put({ opcode: first & 0x0f, masked, payload })
      this.#unread = this.#unread.subarray(end)
    }
  }
}

/** Starts one on a free port; `serve` gets each peer whose request has come. */
export async function rawServer(serve: (peer: RawPeer) => void) {
  const peers = new Mailbox<RawPeer>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    const gone = new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
    })
    let head = ''
    const onData = (chunk: Buffer) => {
      head += chunk.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      socket.off('data', onData)
      const peer = new RawPeer(socket, head.slice(0, end), gone)
      peers.put(peer)
      serve(peer)
    }
    socket.on('data', onData)
  })
  const port = await listening(server)
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `ws://127.0.0.1:${port}/`, port, peers }
}

/** A plain server of `ws` on a free port. */
export async function wsServer(options: ConstructorParameters<typeof WebSocketServer>[0] = {}) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options })
  await new Promise((resolve) => {
    server.once('listening', resolve)
  })
  onTestFinished(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  return { server, url: `ws://127.0.0.1:${(server.address() as { port: number }).port}/` }
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
}
