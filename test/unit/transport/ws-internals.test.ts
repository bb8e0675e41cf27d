// What we rely on in `ws` beyond its documentation, held against the `ws` that is installed, and what happens without.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { deliver, type Message } from '../../../src/protocol/message.ts'
import { DeflatingWriter } from '../../../src/transport/deflating-writer.ts'
import { liveClock } from '../../../src/transport/live-ports.ts'
import { handleOf } from '../../../src/transport/node-internals.ts'
import { TellingWebSocket } from '../../../src/transport/telling-web-socket.ts'
import { WebSocketTransport } from '../../../src/transport/websocket.ts'
import {
  inflatingBrake,
  mayWriteFrames,
  type OwnDeflater,
  ownDeflater,
} from '../../../src/transport/ws-internals.ts'

const DEFLATE = 'permessage-deflate'
const LINE = 'the same words again and again, '.repeat(20)

interface Extension {
  _deflate?: unknown
  params?: unknown
}
type Inner = TellingWebSocket & { _extensions: Record<string, Extension>; _isServer: unknown }

/** A real connection of `ws` with itself. */
async function pair(perMessageDeflate: object | boolean = true) {
  const server = new WebSocketServer({
    ...{ host: '127.0.0.1', port: 0, perMessageDeflate: true, WebSocket: TellingWebSocket },
  })
  onTestFinished(() => server.close())
  await once(server, 'listening')
  const connected = once(server, 'connection')
  const { port } = server.address() as AddressInfo
  const client = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate })
  onTestFinished(() => client.terminate())
  const heard: string[] = []
  client.on('message', (data: Buffer) => heard.push(data.toString()))
  await once(client, 'open')
  const [ws, { socket }] = (await connected) as [Inner, { socket: Duplex }]
  const hears = async (count: number) => {
    while (heard.length < count) await once(client, 'message')
    return heard
  }
  return { ws, socket, client, hears, extension: ws._extensions[DEFLATE] as Extension }
}

/** Own messages and such as go to many, one after the other. */
function speak(send: (message: Message) => void): string[] {
  const said = ['first', 'second', 'third'].map((word) => word + LINE)
  for (const message of said) {
    send(message)
    deliver({ value: message, message, forms: new Map() }, () => send(message))
  }
  return said.flatMap((message) => [message, message])
}

function speakBy(ws: TellingWebSocket, socket: Duplex) {
  const deflate = { level: 6, memLevel: 8, thresholdBytes: 0 }
  const transport = new WebSocketTransport(socket, ws, liveClock, deflate)
  return speak((message) => void transport.write([transport.pack(message)]))
}

describe('the ws that is installed', () => {
  it('lets frames be written beside its own, without compression', async () => {
    const { ws, socket } = await pair(false)
    expect([mayWriteFrames(ws, socket), ownDeflater(ws, socket)]).toEqual([true, undefined])
  })

  it('has a deflater that can begin anew, and says what was agreed on', async () => {
    const { ws, socket, hears, extension } = await pair({ serverMaxWindowBits: 11 })
    const deflater = ownDeflater(ws, socket) as OwnDeflater
    expect(deflater).toMatchObject({ takesContextOver: true, windowBits: 11 })
    expect([extension._deflate, deflater.beginAnew()]).toEqual([null, true])
    ws.send(LINE)
    await hears(1)
    expect(extension._deflate).toMatchObject({ reset: expect.any(Function) })
    expect(deflater.beginAnew()).toBe(true)
  })

  it('says when no message refers to an earlier one', async () => {
    const { ws, socket } = await pair({ serverNoContextTakeover: true })
    expect(ownDeflater(ws, socket)).toMatchObject({ takesContextOver: false, windowBits: 15 })
  })
})

describe('the brake of a receiver', () => {
  it('is there where messages are inflated, and a plain one needs none', async () => {
    const [inflating, plain] = [await pair(), await pair(false)]
    expect(inflatingBrake(inflating.ws)).toBeDefined()
    expect(inflatingBrake(plain.ws)).toBeUndefined()
  })

  it('is done without where a receiver has another way to go on', async () => {
    const { ws } = await pair()
    const { _receiver: receiver } = ws as unknown as { _receiver: object }
    Object.defineProperty(receiver, 'startLoop', { get: hidden })
    expect(inflatingBrake(ws)).toBeUndefined()
  })
})

describe('another ws', () => {
  it.each<[string, (inner: Inner, extension: Extension) => void]>([
    ['without _deflate', (_, extension) => delete extension._deflate],
    [
      'without params',
      (_, extension) => Object.defineProperty(extension, 'params', { get: hidden }),
    ],
    ['that is no server', (inner) => Object.defineProperty(inner, '_isServer', { get: hidden })],
  ])('%s is not written beside', async (_, change) => {
    const { ws, socket, extension } = await pair()
    change(ws, extension)
    expect(ownDeflater(ws, socket)).toBeUndefined()
  })

  it('is given all messages by its documented face, and they arrive', async () => {
    const { ws, socket, hears, extension } = await pair()
    delete extension._deflate
    const said = speakBy(ws, socket)
    expect(await hears(said.length)).toEqual(said)
  })

  it('whose deflater cannot begin anew sends its own messages uncompressed, and they arrive', async () => {
    const { ws, socket, hears } = await pair()
    const deflater = { takesContextOver: true, windowBits: 15, beginAnew: () => false }
    const deflate = { level: 6, memLevel: 8, thresholdBytes: 0 }
    const options = { ws, socket, handle: handleOf(socket), deflate, progressed: () => {} }
    const writer = new DeflatingWriter(options, deflater)
    const said = speak((message) => writer.write([writer.pack(message)]))
    expect(await hears(said.length)).toEqual(said)
  })
})

const hidden = () => undefined
