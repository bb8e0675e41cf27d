// ws server: the door of a real socket, and `ws` with every option set on purpose.
//
// The HTTP server and the policy are ours, and so is the 101 response: policy has looked at all that `ws` would look at
// again. Where the client offers compression `ws` answers, in `noServer` mode, because what is agreed on is its matter; any
// other socket has no `ws` before it needs one. One `WebSocketServer` per set of limits, since its options belong to the
// server and not to a socket; which set that is the answer says, so that a handler may have its own.

import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ServerOptions, WebSocketServer } from 'ws'
import type { Compression } from '../protocol/compression.ts'
import { describe, WebSocketError } from '../protocol/errors.ts'
import { hasHeader, headerValues, onlyHeader, type UpgradeRequest } from '../protocol/handshake.ts'
import { NO_HEADERS, type ResponseBody, type ResponseHeaders } from '../protocol/http-answer.ts'
import type { RouteLimits } from '../protocol/limits.ts'
import { linger } from '../protocol/linger.ts'
import type { Clock } from '../protocol/ports.ts'
import { liveClock } from './live-ports.ts'
import { handleOf, writeAtOnce } from './node-internals.ts'
import { TellingWebSocket } from './telling-web-socket.ts'
import type { Door, Transport, UpgradeAnswer, UpgradeRefusal } from './transport.ts'
import { WebSocketTransport } from './websocket.ts'
import {
  belongsToWs,
  markTaken,
  mayTakeSockets,
  type ServersOptions,
  takeSocket,
} from './ws-internals.ts'
import {
  type DeflateChoice,
  deflateChoice,
  deflateOptions,
  maxBufferedChunks,
} from './ws-options.ts'

/** How long a refused peer may take to read the answer and go. */
const REFUSAL_LINGER_MS = 1_000

/** Options of `ws` 8.23 that its published types do not list yet. */
interface NewerOptions {
  readonly closeTimeout: number
  readonly maxFragments: number
  readonly maxBufferedChunks: number
}

const TAKEN =
  'another upgrade listener of the HTTP server has answered this request already: it has to leave the paths of your routes alone, as a WebSocketServer with noServer: true does that you give its own paths'

/** Sets of limits that are kept; a handler that makes up new ones for each connection gets a server for each. */
const MAX_KEPT_SETS = 64

/** Sockets' upgrade requests become doors here. */
export class WsServers {
  readonly #clock: Clock
  readonly #kept = new Map<string, WsServer>()
  // Most upgrades are of the same route as the one before.
  #last:
    | { readonly limits: RouteLimits; readonly compression: Compression; readonly server: WsServer }
    | undefined
  #takesSockets: boolean | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether `ws` takes a socket whose handshake it has not answered; tried with the first options that there are. */
  takesSockets(options: ServersOptions): boolean {
    return (this.#takesSockets ??= mayTakeSockets(options))
  }

  door(request: UpgradeRequest, socket: Duplex, head: Buffer): Door {
    return new SocketDoor(this, this.#clock, request, socket, head)
  }

  serverFor({ limits, compression }: UpgradeAnswer): WsServer {
    if (this.#last?.limits === limits && this.#last.compression === compression) {
      return this.#last.server
    }
    const server = this.#find(limits, compression)
    this.#last = { limits, compression, server }
    return server
  }

  #find(limits: RouteLimits, compression: Compression): WsServer {
    const { maxMessageBytes, maxFragments, closeTimeoutMs } = limits
    const deflate = typeof compression === 'object' ? JSON.stringify(compression) : compression
    const key = `${maxMessageBytes} ${maxFragments} ${closeTimeoutMs} ${deflate}`
    const known = this.#kept.get(key)
    if (known !== undefined) return known
    const made = new WsServer(limits, compression, this.#clock, this)
    if (this.#kept.size < MAX_KEPT_SETS) this.#kept.set(key, made)
    return made
  }
}

/** The door of one upgrade request; a class, because each connection has one (docs/adr/0022). */
class SocketDoor implements Door {
  readonly #servers: WsServers
  readonly #clock: Clock
  readonly #request: UpgradeRequest
  readonly #socket: Duplex
  readonly #head: Buffer

  constructor(
    servers: WsServers,
    clock: Clock,
    request: UpgradeRequest,
    socket: Duplex,
    head: Buffer,
  ) {
    this.#servers = servers
    this.#clock = clock
    this.#request = request
    this.#socket = socket
    this.#head = head
  }

  refuse(status: number, reason: string, headers?: ResponseHeaders, body?: ResponseBody): void {
    refuse(this.#socket, status, reason, headers, body, this.#clock)
  }

  upgrade(answer: UpgradeAnswer): Transport | UpgradeRefusal | undefined {
    const server = this.#servers.serverFor(answer)
    return server.upgrade(this.#request, this.#socket, this.#head, answer)
  }
}

/** `ws` with one set of limits. */
class WsServer {
  readonly #options: ServerOptions & NewerOptions & ServersOptions
  readonly #server: WebSocketServer
  readonly #clock: Clock
  readonly #takesSockets: boolean
  readonly #deflate: DeflateChoice
  // Set while `handleUpgrade` runs, which asks for them, answers and calls back before it returns.
  #answer: UpgradeAnswer | undefined
  #refused: UpgradeRefusal | undefined

  constructor(limits: RouteLimits, compression: Compression, clock: Clock, servers: WsServers) {
    this.#clock = clock
    this.#deflate = deflateChoice(compression)
    this.#options = {
      WebSocket: TellingWebSocket,
      noServer: true,
      clientTracking: false, // the server keeps its own list
      maxPayload: limits.maxMessageBytes,
      maxFragments: limits.maxFragments,
      maxBufferedChunks: maxBufferedChunks(limits),
      closeTimeout: limits.closeTimeoutMs,
      skipUTF8Validation: false, // RFC 6455 §8.1
      allowSynchronousEvents: true, // messages of one read are one turn, and leave in one write
      autoPong: false, // pongs go by our control lane
      perMessageDeflate: deflateOptions(compression),
      // Policy has chosen already; `ws` would take the first offered.
      handleProtocols: () => this.#answer?.subprotocol ?? false,
    }
    this.#takesSockets = servers.takesSockets(this.#options)
    this.#server = new WebSocketServer(this.#options)
    // Policy has looked at all else: what is left for `ws` to refuse is an offer of compression (RFC 7692 §7).
    this.#server.on('wsClientError', ({ message: reason }, socket) => {
      this.#refused = { status: 400, reason }
      refuse(socket, 400, reason, {}, undefined, clock)
    })
    this.#server.on('headers', (headers: string[]) => {
      const own = this.#answer?.headers ?? NO_HEADERS
      if (own !== NO_HEADERS) headers.push(...headerLines(own))
    })
  }

  upgrade(
    request: UpgradeRequest,
    socket: Duplex,
    head: Buffer,
    answer: UpgradeAnswer,
  ): Transport | UpgradeRefusal | undefined {
    if (!socket.readable || !socket.writable) {
      // What has ended it may be told yet, and an error on a socket without a listener ends the process.
      socket.on('error', () => {}).destroy()
      return undefined
    }
    // A socket that somebody listens to may be another server's.
    const isHeard = socket.listenerCount('data') > 0
    if (isHeard && belongsToWs(socket)) throw new WebSocketError('ERR_WINDSOCK_HANDSHAKE', TAKEN)
    try {
      if (!this.#takesSockets || isHeard || this.#mayCompress(request)) {
        return this.#negotiate(request, socket, head, answer)
      }
      writeAtOnce(socket, handleOf(socket), Buffer.from(switchingProtocols(request, answer)))
      // What came with the request is still to be read, in its place.
      if (head.length > 0) return this.#transport(socket, takeSocket(socket, head, this.#options))
      markTaken(socket)
      return this.#transport(socket, this.#options)
    } catch (cause) {
      socket.on('error', () => {}).destroy()
      const message = `the handshake could not be answered: ${describe(cause)}`
      throw new WebSocketError('ERR_WINDSOCK_HANDSHAKE', message, { fault: 'bug', cause })
    }
  }

  #mayCompress(request: UpgradeRequest): boolean {
    if (this.#options.perMessageDeflate === false) return false
    return hasHeader(request, 'sec-websocket-extensions')
  }

  #negotiate(
    request: UpgradeRequest,
    socket: Duplex,
    head: Buffer,
    answer: UpgradeAnswer,
  ): Transport | UpgradeRefusal | undefined {
    let transport: WebSocketTransport | undefined
    this.#answer = answer
    this.#refused = undefined
    try {
      this.#server.handleUpgrade(requestForWs(request), socket, head, (ws) => {
        transport = this.#transport(socket, ws as TellingWebSocket)
      })
    } finally {
      this.#answer = undefined
    }
    return transport ?? this.#refused
  }

  #transport(socket: Duplex, ws: TellingWebSocket | ServersOptions): WebSocketTransport {
    return new WebSocketTransport(socket, ws, this.#clock, this.#deflate)
  }
}

/** As `ws` looks at it: once more at what policy has let in, by names in lower case, each as one text. */
function requestForWs(request: UpgradeRequest): IncomingMessage {
  const headers: Record<string, string> = {}
  for (const name of ASKED_BY_WS) {
    const values = headerValues(request, name)
    if (values.length > 0) headers[name] = values.join(', ')
  }
  // Policy has read it as the list that it is (RFC 9110 §7.8).
  headers['upgrade'] = 'websocket'
  return { method: request.method, url: request.url, headers } as IncomingMessage
}

const ASKED_BY_WS = [
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
]

/** What the key of a request is answered with is the hash of it and of this (RFC 6455 §1.3). */
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** The answer to a request that policy has let in: it has one key (RFC 6455 §4.2.2). */
function switchingProtocols(
  request: UpgradeRequest,
  { subprotocol, headers }: UpgradeAnswer,
): string {
  const key = onlyHeader(request, 'sec-websocket-key')
  const accept = hash('sha1', `${key}${ACCEPT_GUID}`, 'base64')
  const chosen = subprotocol === undefined ? '' : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`
  const own =
    headers === NO_HEADERS
      ? ''
      : headerLines(headers)
          .map((line) => `${line}\r\n`)
          .join('')
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${chosen}${own}\r\n`
}

/** Answers an upgrade request with an HTTP status and a body, by default the reason, and ends the socket. */
export function refuse(
  socket: Duplex,
  status: number,
  reason: string,
  headers: ResponseHeaders = {},
  body?: ResponseBody,
  clock: Clock = liveClock,
): void {
  // The peer may be gone already, and an error on a socket without a listener ends the process.
  socket.on('error', () => socket.destroy())
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const bytes = Buffer.from((body ?? `${reason}\n`) as string)
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
    'Connection: close',
    ...(body === undefined ? ['Content-Type: text/plain; charset=utf-8'] : []),
    `Content-Length: ${bytes.byteLength}`,
    ...headerLines(headers),
  ]
  socket.end(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes]))
  void linger(socket, clock, REFUSAL_LINGER_MS).then(() => socket.destroy())
}

// A value that user code got from a request must not end the line that it stands in.
function headerLines(headers: ResponseHeaders): string[] {
  return Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value) => `${name}: ${value}`.replace(/[\r\n\0]+/g, ' ')),
  )
}
