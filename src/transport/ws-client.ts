// ws client: dials, and is the door of the connection that comes of it; `ws` with every option set on purpose.
//
// Rules that live here: what a dial fails with, and that one that fails leaves nothing behind: no socket, no timer, no
// response half read. The deadline is the connection machine's.
//
// `ws` would fail a server that chooses none of the subprotocols offered, which §4.1 allows: the offer and the
// choice are made here. Refuses to know handlers, settings and URLs that users wrote.

import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { ClientOptions } from 'ws'
import type { Compression } from '../protocol/compression.ts'
import { describe, ProtocolError, SettingError, WebSocketError } from '../protocol/errors.ts'
import { DEFAULT_LIMITS, type RouteLimits } from '../protocol/limits.ts'
import type { Clock } from '../protocol/ports.ts'
import { DialRefusal } from './dial-refusal.ts'
import { TellingWebSocket } from './telling-web-socket.ts'
import type { Door, Transport } from './transport.ts'
import { WebSocketTransport } from './websocket.ts'
import {
  type DeflateChoice,
  deflateChoice,
  deflateOptions,
  maxBufferedChunks,
} from './ws-options.ts'

/** What a `wss:` connection may set of TLS; the names are those of `node:tls`. */
export type TlsOptions = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'servername' | 'rejectUnauthorized'
>

/** Where to, and with what request. */
export interface DialTarget {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly origin: string | undefined
  /** In the order of preference; offered as they are. */
  readonly subprotocols: readonly string[]
  readonly tls: TlsOptions
}

/** The 101 response. */
export interface DialAnswer {
  /** Name, value, name, value …, as they came. */
  readonly rawHeaders: readonly string[]
  readonly subprotocol: string | undefined
  readonly remoteAddress: string
}

/** What comes of a dial: one of the two, once; neither after `refuse`. */
export interface DialEvents {
  /** The server has upgraded; call `upgrade` before this returns. */
  opened(answer: DialAnswer): void
  /** It did not come to an upgrade; everything is released. */
  failed(error: WebSocketError): void
}

/** Options of `ws` 8.23 that its published types do not list yet, and of `node:http` below it. */
interface NewerOptions {
  readonly closeTimeout: number
  readonly maxHeaderSize: number
  readonly servername?: string | undefined
}

export class WsDialer implements Door {
  readonly #ws: TellingWebSocket
  readonly #events: DialEvents
  readonly #clock: Clock
  readonly #deflate: DeflateChoice
  #socket: Socket | undefined
  #refusal: DialRefusal | undefined
  #settled = false

  /** @throws SettingError for headers that HTTP cannot carry. */
  constructor(
    target: DialTarget,
    limits: RouteLimits,
    compression: Compression,
    clock: Clock,
    events: DialEvents,
  ) {
    this.#clock = clock
    this.#events = events
    this.#deflate = deflateChoice(compression)
    const ws = newWebSocket(target, limits, compression)
    this.#ws = ws
    let answer: DialAnswer | undefined
    ws.on('upgrade', (response: IncomingMessage) => {
      this.#socket = response.socket
      const chosen = takeSubprotocol(response)
      if (chosen !== undefined && !target.subprotocols.includes(chosen)) {
        this.#fail(new ProtocolError(1002, `the server chose ${quoted(chosen)}, not offered`))
        return
      }
      const remoteAddress = response.socket.remoteAddress ?? ''
      answer = { rawHeaders: response.rawHeaders, subprotocol: chosen, remoteAddress }
    })
    ws.on('open', () => {
      if (this.#settled || answer === undefined) return
      this.#settled = true
      events.opened(answer)
    })
    ws.on('unexpected-response', (_request, response) => {
      const refusal = new DialRefusal(response)
      this.#refusal = refusal
      refusal.read(() => this.#fail(refusal.error))
    })
    ws.on('error', (error: Error & { code?: unknown }) => this.#fail(failureOf(error, target.url)))
  }

  /** What the server has refused with, told in part at least; of nobody's concern once `failed` was called. */
  get refusal(): WebSocketError | undefined {
    return this.#refusal?.error
  }

  /** Gives up. */
  refuse(): void {
    this.#settled = true
    this.#release()
  }

  upgrade(): Transport | undefined {
    if (this.#socket === undefined || this.#ws.readyState !== TellingWebSocket.OPEN) {
      this.#release()
      return undefined
    }
    return new WebSocketTransport(this.#socket, this.#ws, this.#clock, this.#deflate)
  }

  #fail(error: WebSocketError): void {
    if (this.#settled) return
    this.#settled = true
    this.#release()
    // Once there is an answer it says more than how the reading of it ended.
    this.#events.failed(this.refusal ?? error)
  }

  // Before the upgrade `ws` aborts the request, and with it the socket and a body that was being read.
  #release(): void {
    this.#ws.terminate()
    this.#socket?.destroy()
  }
}

function newWebSocket(
  { url, headers, origin, subprotocols, tls }: DialTarget,
  limits: RouteLimits,
  compression: Compression,
): TellingWebSocket {
  const offer =
    subprotocols.length === 0 ? {} : { 'Sec-WebSocket-Protocol': subprotocols.join(', ') }
  const options: ClientOptions & NewerOptions = {
    ...tls,
    headers: { ...headers, ...offer },
    ...(origin !== undefined && { origin }),
    protocolVersion: 13,
    followRedirects: false, // cookies and credentials would go where the caller never sent them
    maxHeaderSize: DEFAULT_LIMITS.maxHeaderBytes,
    maxPayload: limits.maxMessageBytes,
    maxFragments: limits.maxFragments,
    maxBufferedChunks: maxBufferedChunks(limits),
    closeTimeout: limits.closeTimeoutMs,
    skipUTF8Validation: false, // RFC 6455 §8.1
    allowSynchronousEvents: true, // messages of one read are one turn
    autoPong: false, // pongs go by our control lane
    perMessageDeflate: deflateOptions(compression),
  }
  try {
    return new TellingWebSocket(url, [], options)
  } catch (thrown) {
    throw new SettingError(`the request cannot be made: ${describe(thrown)}`)
  }
}

/** Takes the server's choice out of the response, so that `ws`, which made no offer, finds none. */
function takeSubprotocol({ headers }: IncomingMessage): string | undefined {
  const chosen = headers['sec-websocket-protocol']
  delete headers['sec-websocket-protocol']
  return chosen
}

// What the system and TLS report has a code. What `ws` finds wrong in a 101 response has none, and what Node's
// parser finds wrong in any response has one of its own.
function failureOf(error: Error & { code?: unknown }, url: URL): WebSocketError {
  const { code } = error
  if (typeof code !== 'string' || code.startsWith('HPE_')) {
    return new ProtocolError(1002, `the answer is no upgrade: ${describe(error)}`, error)
  }
  if (url.protocol === 'wss:' && NO_TLS.test(`${code} ${error.message}`)) {
    const message = `cannot connect to ${url.host}: the server does not speak TLS (wss:) at this port; try ws:`
    return new WebSocketError('ERR_WINDSOCK_DIAL', message, { fault: 'network', cause: error })
  }
  // Several addresses that all failed come as one error without a message.
  const why = error.message.includes(code) ? error.message : `${code} ${error.message}`.trim()
  const message = `cannot connect to ${url.host}: ${why}`
  return new WebSocketError('ERR_WINDSOCK_DIAL', message, { fault: 'network', cause: error })
}

/** How OpenSSL, by its version, calls an answer that is no TLS. */
const NO_TLS = /wrong.version.number|packet.length.too.long/i

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}
