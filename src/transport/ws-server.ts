// ws server: the door of a real socket, and `ws` with every option set on purpose.
//
// `ws` runs in `noServer` mode: the HTTP server and the policy are ours, the 101 response and the frames are
// its. One `WebSocketServer` per set of limits, since its options belong to the server and not to a socket.

import type { IncomingMessage } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ServerOptions, WebSocketServer } from 'ws'
import type { RouteLimits } from '../protocol/limits.ts'
import type { Clock } from '../protocol/ports.ts'
import type { Door, Transport, UpgradeAnswer } from './transport.ts'
import { WebSocketTransport } from './websocket.ts'

/** permessage-deflate (RFC 7692) for one route; `true` takes the defaults. */
export type Compression =
  | boolean
  | {
      /** zlib level 0 … 9; default 6. */
      readonly level?: number
      /** zlib memory level 1 … 9; default 8. */
      readonly memLevel?: number
      /** Messages below this many bytes are not compressed; default 1,024. */
      readonly thresholdBytes?: number
    }

/** Chunks of the socket that one fragment may span, on average, before the message counts as an attack. */
const CHUNKS_PER_FRAGMENT = 16

/** How long a refused peer may take to read the answer and go. */
const REFUSAL_LINGER_MS = 1_000

/** Options of `ws` 8.23 that its published types do not list yet. */
interface NewerOptions {
  readonly closeTimeout: number
  readonly maxFragments: number
  readonly maxBufferedChunks: number
}

/** Sockets' upgrade requests become doors here. */
export class WsServer {
  readonly #server: WebSocketServer
  readonly #clock: Clock

  constructor(limits: RouteLimits, compression: Compression, clock: Clock) {
    this.#clock = clock
    const deflate = compression === true ? {} : compression
    const options: ServerOptions & NewerOptions = {
      noServer: true,
      clientTracking: false, // the server keeps its own list
      maxPayload: limits.maxMessageBytes,
      maxFragments: limits.maxFragments,
      maxBufferedChunks: limits.maxFragments * CHUNKS_PER_FRAGMENT,
      closeTimeout: limits.closeTimeoutMs,
      skipUTF8Validation: false, // RFC 6455 §8.1
      allowSynchronousEvents: true, // messages of one read are one turn, and leave in one write
      autoPong: false, // pongs go by our control lane
      perMessageDeflate: deflate && {
        threshold: deflate.thresholdBytes ?? 1024,
        zlibDeflateOptions: { level: deflate.level ?? 6, memLevel: deflate.memLevel ?? 8 },
      },
      // Policy has chosen already; `ws` would take the first offered.
      handleProtocols: (_offered, request) => chosen.get(request) ?? false,
    }
    this.#server = new WebSocketServer(options)
    this.#server.on('headers', (headers: string[], request: IncomingMessage) => {
      for (const [name, value] of Object.entries(added.get(request) ?? {})) {
        headers.push(headerLine(name, value))
      }
    })
  }

  door(request: IncomingMessage, socket: Duplex, head: Buffer): Door {
    return {
      refuse: (status, reason, headers) => refuse(socket, status, reason, headers),
      upgrade: (answer) => this.#upgrade(request, socket, head, answer),
    }
  }

  #upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    answer: UpgradeAnswer,
  ): Transport | undefined {
    if (!socket.readable || !socket.writable) {
      socket.destroy()
      return undefined
    }
    if (answer.subprotocol !== undefined) chosen.set(request, answer.subprotocol)
    added.set(request, answer.headers)
    // `ws` looks again, and takes for one word what policy has read as a list (RFC 9110 §7.8).
    request.headers.upgrade = 'websocket'
    let transport: WebSocketTransport | undefined
    // `handleUpgrade` answers, and calls back, before it returns.
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      transport = new WebSocketTransport(ws, socket, this.#clock)
    })
    return transport
  }
}

const chosen = new WeakMap<IncomingMessage, string>()
const added = new WeakMap<IncomingMessage, Readonly<Record<string, string>>>()

/** Answers an upgrade request with an HTTP status and one line of text, and ends the socket. */
export function refuse(
  socket: Duplex,
  status: number,
  reason: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  // The peer may be gone already, and an error on a socket without a listener ends the process.
  socket.on('error', () => socket.destroy())
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const body = `${reason}\n`
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => headerLine(name, value)),
  ]
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
  // What the peer still sends is read and dropped: destroying over unread input would lose the answer.
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), REFUSAL_LINGER_MS)
  socket.once('end', () => socket.destroy())
  socket.once('close', () => clearTimeout(timer))
}

// A value that user code got from a request must not end the line that it stands in.
function headerLine(name: string, value: string): string {
  return `${name}: ${value}`.replace(/[\r\n\0]+/g, ' ')
}
