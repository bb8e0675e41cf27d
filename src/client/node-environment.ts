// Node environment: `ws` and Node's own fetch.
//
// Node does not say whether there is a network, so a client there never waits for one; it learns what a page cannot:
// pings, and how an upgrade was refused. Of `ws` the bounds of fragments and chunks are its own.

import { WebSocket } from 'ws'
import { MAX_REASON_BYTES } from '../protocol/close-reason.ts'
import { DEFAULT_LIMITS } from '../protocol/limits.ts'
import { RESUME_SUBPROTOCOL } from '../protocol/resume.ts'
import { hintInHeader } from '../protocol/retry-hint.ts'
import type { ClientSocket, Environment, SocketEvents } from './environment.ts'
import { clientClock, clientRandom } from './live-ports.ts'

const OPTIONS = {
  perMessageDeflate: false,
  followRedirects: false,
  skipUTF8Validation: false,
  // The deadlines are those of the client.
  handshakeTimeout: 0,
}

/**
 * The most bytes of a frame with messages of a topic: what is stored comes again over each connection, so a client that
 * did not take it would come no further. A journal takes 64 MiB, which are 86 in base64.
 */
const MAX_TOPIC_FRAME_BYTES = 128 * 2 ** 20

export const nodeEnvironment: Environment = {
  clock: clientClock,
  random: clientRandom,
  baseUrl: undefined,
  fetch: (url, init) => fetch(url, init),
  openSocket,
  isOnline: () => true,
  watch: () => () => {},
}

function openSocket(url: string, protocols: readonly string[], events: SocketEvents): ClientSocket {
  const maxPayload = protocols.includes(RESUME_SUBPROTOCOL)
    ? MAX_TOPIC_FRAME_BYTES
    : DEFAULT_LIMITS.maxMessageBytes
  const socket = new WebSocket(url, [...protocols], { ...OPTIONS, maxPayload })
  let why = ''
  let over = false
  const closed: SocketEvents['closed'] = (...told) => {
    if (!over) events.closed(...told)
    over = true
  }
  socket.on('open', () => over || events.opened())
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (!over) events.received(isBinary ? new Uint8Array(data) : data.toString('utf8'))
  })
  socket.on('ping', () => over || events.heard())
  socket.on('pong', () => over || events.heard())
  socket.on('unexpected-response', (request, response) => {
    const status = response.statusCode ?? 0
    const after = response.headers['retry-after'] ?? null
    closed(1006, `HTTP ${status}`, hintInHeader(after, clientClock.wallMs()))
    response.resume()
    request.destroy()
  })
  socket.on('error', (error) => {
    why = error.message
  })
  socket.on('close', (code, reason) => {
    closed(code, code === 1006 ? why.slice(0, MAX_REASON_BYTES) : reason.toString('utf8'))
  })
  return {
    get bufferedBytes() {
      return socket.bufferedAmount
    },
    send: (message) => socket.send(message, { binary: typeof message !== 'string' }, () => {}),
    close: (code, reason) => socket.close(code, reason),
    destroy() {
      over = true
      socket.terminate()
    },
  }
}
