// Laws of the 101 response: what we answer by ourselves is what `ws` answers, and what follows is heard the same.
//
// One request goes through Node's HTTP parser twice, on fake sockets: to our door, and to a bare `WebSocketServer`.

import { createServer, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { UpgradeRequest } from '../../src/protocol/handshake.ts'
import { NO_HEADERS } from '../../src/protocol/http-answer.ts'
import { DEFAULT_LIMITS } from '../../src/protocol/limits.ts'
import { liveClock } from '../../src/transport/live-ports.ts'
import type { Transport, UpgradeAnswer } from '../../src/transport/transport.ts'
import { WsServers } from '../../src/transport/ws-server.ts'
import { FakeSocket, GOOD_HEADERS, settle } from './support/fake-socket.ts'
import { anySaid, fromClient, messageFrame } from './support/frames.ts'
import { lawOf } from './support/law.ts'

type Taker = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Gives one request to `taker`, and then what comes behind it. */
async function upgrade(taker: Taker, head: Buffer, later: Buffer, key: string, offers?: string) {
  const http = createServer().on('upgrade', taker)
  const socket = new FakeSocket()
  http.emit('connection', socket)
  const lines = GOOD_HEADERS.map(([name, value]) =>
    name === 'Sec-WebSocket-Key' ? `${name}: ${key}` : `${name}: ${value}`,
  )
  if (offers !== undefined) lines.push(`Sec-WebSocket-Protocol: ${offers}`)
  const text = ['GET /chat HTTP/1.1', ...lines, '', ''].join('\r\n')
  socket.arrives(Buffer.concat([Buffer.from(text), head]))
  await settle()
  socket.arrives(later)
  await settle()
  const { written } = socket
  socket.destroy()
  return written.toString('latin1')
}

const nothing = () => {}

/** Our own answer. */
function ours(answer: UpgradeAnswer, heard: string[]): Taker {
  const servers = new WsServers(liveClock)
  return (request, socket, head) => {
    const transport = servers
      .door(request as UpgradeRequest, socket, head)
      .upgrade(answer) as Transport
    transport.start({
      messageReceived: (message) => heard.push(Buffer.from(message as string).toString('hex')),
      pingReceived: nothing,
      pongReceived: nothing,
      readDone: nothing,
      answering: nothing,
      drained: nothing,
      closeReceived: nothing,
      violated: ({ cause }) => heard.push(cause),
      ended: nothing,
    })
    transport.writeOne(transport.pack('welcome'))
  }
}

/** That of `ws`. */
function theirs({ subprotocol, headers }: UpgradeAnswer, heard: string[]): Taker {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: () => subprotocol ?? false,
  })
  server.on('headers', (lines: string[]) => {
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${String(value)}`)
  })
  return (request, socket, head) =>
    server.handleUpgrade(request, socket, head, (ws) => {
      ws.on('message', (data: Buffer) => heard.push(data.toString('hex')))
      ws.send('welcome')
    })
}

const words = fc.stringMatching(/^[a-z][a-z0-9.-]{0,11}$/)
const subjects = fc.record({
  key: fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map((bytes) => Buffer.from(bytes).toString('base64')),
  offered: fc.uniqueArray(words, { maxLength: 3 }),
  chooses: fc.boolean(),
  headers: fc.dictionary(
    words.map((word) => `x-${word}`),
    words,
    { maxKeys: 3, noNullPrototype: true },
  ),
  behind: fc.array(anySaid, { maxLength: 3 }),
  later: fc.array(anySaid, { maxLength: 3 }),
})

describe('the answer to a handshake that was let in', () => {
  lawOf(
    'is the one of ws to the byte, and what comes behind it is heard as ws hears it',
    subjects,
    async ({ key, offered, chooses, headers, behind, later }) => {
      const answer: UpgradeAnswer = {
        subprotocol: chooses ? offered[0] : undefined,
        headers: Object.keys(headers).length === 0 ? NO_HEADERS : headers,
        limits: DEFAULT_LIMITS,
        compression: false,
      }
      const frames = [behind, later].map((said) => fromClient(said.map(messageFrame)))
      const [head, rest] = frames as [Buffer, Buffer]
      const offers = offered.length > 0 ? offered.join(', ') : undefined
      const [heard, heardByWs]: [string[], string[]] = [[], []]
      const written = await upgrade(ours(answer, heard), Buffer.from(head), rest, key, offers)
      const byWs = await upgrade(theirs(answer, heardByWs), Buffer.from(head), rest, key, offers)
      expect(written).toBe(byWs)
      expect(written).toContain('HTTP/1.1 101')
      expect(heard).toEqual(heardByWs)
      expect(heard).toHaveLength(behind.length + later.length)
    },
    300,
  )

  it('is not written to a socket that another server has taken', async () => {
    const answer = { subprotocol: undefined, headers: NO_HEADERS, limits: DEFAULT_LIMITS }
    const both: Taker = (request, socket, head) => {
      theirs({ ...answer, compression: false }, [])(request, socket, head)
      expect(() => ours({ ...answer, compression: false }, [])(request, socket, head)).toThrow()
    }
    const none = Buffer.alloc(0)
    const written = await upgrade(both, none, none, 'dGhlIHNhbXBsZSBub25jZQ==')
    expect(written.match(/HTTP\/1\.1/g)).toHaveLength(1)
  })

  it('is left to a ws that would not take the socket', async () => {
    const prototype = WebSocket.prototype as unknown as { setSocket: (...given: unknown[]) => void }
    const { setSocket } = prototype
    onTestFinished(() => {
      prototype.setSocket = setSocket
    })
    // A `ws` that wants to be told more than it is today.
    prototype.setSocket = function (this: WebSocket, ...given) {
      const [, , options] = given as [unknown, unknown, Record<string, unknown>]
      if ('noServer' in options) throw new Error('other options are wanted')
      setSocket.call(this, ...given)
    }
    const heard: string[] = []
    const answer = { subprotocol: undefined, headers: NO_HEADERS, limits: DEFAULT_LIMITS }
    const taker = ours({ ...answer, compression: false }, heard)
    const said = fromClient([messageFrame('in')])
    const written = await upgrade(taker, Buffer.alloc(0), said, 'dGhlIHNhbXBsZSBub25jZQ==')
    expect(written).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
    expect(heard).toEqual([Buffer.from('in').toString('hex')])
  })
})
