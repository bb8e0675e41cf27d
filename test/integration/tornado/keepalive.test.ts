// Pings, limits and compression of an Application: Tornado's defaults, and what a class sets for itself.

import { inflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type Route, route } from 'windsock'
import { harness, type Peer } from 'windsock/testing'
import {
  Application,
  type ApplicationSettings,
  type CompressionOptions,
  WebSocketHandler,
} from 'windsock/tornado'
import { startApplication } from '../support/application.ts'
import { ask } from '../support/house.ts'
import { Mailbox } from '../support/mailbox.ts'
import { binary, close, frame, PING, PONG, RawClient, text } from '../support/raw-client.ts'
import { start } from '../support/test-server.ts'

class Echo extends WebSocketHandler {
  override onMessage(message: string | Uint8Array) {
    return this.writeMessage(String(message))
  }
}

const SECOND = 1_000

/** The codes of this process's warnings. */
const warnings: (string | undefined)[] = []
process.on('warning', (warning: Error & { code?: string }) => warnings.push(warning.code))

/** The WebSockets of an application in virtual time. */
const inMemory = (application: Application) =>
  harness(application.routes.filter((entry): entry is Route => entry.kind === 'route'))

/** When items of a kind came over the wire, in tenths of virtual seconds since `sinceMs`; a moment is on the way. */
const seconds = (peer: Peer, kind: string, sinceMs: number) =>
  peer.wire
    .filter(({ item }) => item.kind === kind)
    .map(({ atMs }) => Math.floor((atMs - sinceMs) / 100) / 10)

describe('pings', () => {
  it('are off by default (T69)', async () => {
    for (const settings of [{}, { websocketPingInterval: 0 }, { websocketPingInterval: null }]) {
      await using server = inMemory(new Application([['/', Echo]], settings))
      const peer = await server.connect('/')
      await server.advance(24 * 3_600 * SECOND)
      expect(peer.wire).toEqual([])
      expect(server.records).toEqual([])
    }
  })

  const CASES: readonly (readonly [what: string, settings: ApplicationSettings, endS: number])[] = [
    ['the timeout is the interval', { websocketPingInterval: 10 }, 20],
    ['a timeout of its own', { websocketPingInterval: 10, websocketPingTimeout: 2.5 }, 12.5],
    ['cut down to the interval', { websocketPingInterval: 10, websocketPingTimeout: 99 }, 20],
  ]
  it.each(CASES)(
    'come after the interval, and silence ends with 1011: %s (T69–T72)',
    async (_, settings, endS) => {
      await using server = inMemory(new Application([['/', Echo]], settings))
      const sinceMs = server.clock.nowMs()
      const peer = await server.connect('/')
      peer.answersPings = false
      await server.advance(60 * SECOND)
      expect(seconds(peer, 'ping', sinceMs)[0]).toBe(10)
      expect(seconds(peer, 'close', sinceMs)[0]).toBe(endS)
      expect(peer.closeFrames).toMatchObject([{ code: 1011 }])
      expect(server.records).toMatchObject([{ cause: 'pingTimeout' }])
    },
  )

  it('a timeout above the interval is warned of, once (T70)', async () => {
    for (const interval of [1, 2]) {
      new Application([], { websocketPingInterval: interval, websocketPingTimeout: 9 })
    }
    await new Promise(setImmediate)
    expect(warnings.filter((code) => code === 'WINDSOCK_PING_TIMEOUT')).toHaveLength(1)
  })

  it('a timeout of 0 waits for ever, and a pong keeps it going (T70, T71)', async () => {
    const settings = { websocketPingInterval: 10, websocketPingTimeout: 0 }
    await using server = inMemory(new Application([['/', Echo]], settings))
    const silent = await server.connect('/')
    silent.answersPings = false
    const alive = await server.connect('/')
    await server.advance(3_600 * SECOND)
    expect(server.records).toEqual([])
    expect(seconds(alive, 'ping', 0).length).toBeGreaterThan(300)
  })

  it('a class may set its own, from what initialize gave it (T39)', async () => {
    class Own extends WebSocketHandler {
      interval: number | null = null
      override initialize({ interval }: { interval: number | null }) {
        this.interval = interval
      }
      override get pingInterval() {
        return this.interval
      }
    }
    const application = new Application(
      [
        ['/five', Own, { interval: 5 }],
        ['/off', Own, { interval: null }],
        ['/rest', Echo],
      ],
      { websocketPingInterval: 20 },
    )
    await using server = inMemory(application)
    const sinceMs = server.clock.nowMs()
    const peers = await Promise.all(['/five', '/off', '/rest'].map((path) => server.connect(path)))
    await server.advance(60 * SECOND)
    const firsts = peers.map((peer) => Math.round(seconds(peer, 'ping', sinceMs)[0] ?? 0))
    expect(firsts).toEqual([5, 0, 20])
  })

  it('go over the wire, and the answer is a pong (T69)', async () => {
    const pongs = new Mailbox<string>()
    class Counts extends Echo {
      override onPong(data: Uint8Array) {
        pongs.put(String(data))
      }
    }
    const { port } = await startApplication([['/', Counts]], { websocketPingInterval: 0.01 })
    const client = await RawClient.open(port)
    for (let count = 0; count < 3; count++) {
      const ping = await client.next()
      expect(ping?.opcode).toBe(PING)
      client.write(frame({ opcode: PONG, payload: ping?.payload ?? '' }))
    }
    await pongs.atLeast(2)
  })

  it('a class setting that cannot be is 500, and told (T39)', async () => {
    class Wrong extends WebSocketHandler {
      override get maxMessageSize() {
        return -1
      }
    }
    const { port, errors } = await startApplication([['/', Wrong]])
    expect((await ask(port, {})).status).toBe(500)
    expect((await errors.next()).code).toBe('ERR_WINDSOCK_SETTING')
  })
})

describe('the largest message', () => {
  it.each([
    ['of the application', { websocketMaxMessageSize: 10 }, undefined, 10],
    ['of the class', { websocketMaxMessageSize: 10 }, 20, 20],
    ['10 MiB by default', {}, undefined, 10 * 1024 * 1024],
  ])('%s (T39, T57)', async (_, settings, own, limit) => {
    class Sized extends WebSocketHandler {
      override get maxMessageSize() {
        return own ?? super.maxMessageSize
      }
      override onMessage(message: string | Uint8Array) {
        return this.writeMessage(String(message.length))
      }
    }
    const { port } = await startApplication([['/', Sized]], settings)
    const client = await RawClient.open(port)
    client.write(binary(Buffer.alloc(limit)))
    expect(await client.nextText()).toBe(String(limit))
    client.write(binary(Buffer.alloc(limit + 1)).subarray(0, 100))
    expect((await client.nextClose())?.code).toBe(1009)
  })

  it('is the route’s when the class is silent, also beside others (T39)', async () => {
    const { port } = await start({ routes: [route('/', Echo, { maxMessageBytes: 5 })] })
    const client = await RawClient.open(port)
    client.write(text('12345'), text('123456'))
    expect(await client.nextText()).toBe('12345')
    expect((await client.nextClose())?.code).toBe(1009)
  })
})

describe('compression', () => {
  const OFFER = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }
  const compressing = (options: CompressionOptions | null) =>
    class extends Echo {
      override getCompressionOptions() {
        return options
      }
    }

  it.each([
    ['off by default', Echo, false],
    ['null is off', compressing(null), false],
    ['{} is on', compressing({}), true],
    ['with a level', compressing({ compressionLevel: 9, memLevel: 9 }), true],
  ])('%s (T77, T78)', async (_, Class, on) => {
    const { port } = await startApplication([['/', Class]])
    const client = await RawClient.connect(port)
    const { headers } = await client.upgrade({ headers: OFFER })
    const agreed = headers['sec-websocket-extensions']
    if (on) expect(agreed).toMatch(/^permessage-deflate/)
    else expect(agreed).toBeUndefined()
    const message = 'hello '.repeat(1_000)
    client.write(text(message))
    const { rsv, payload } = (await client.next()) as { rsv: number; payload: Buffer }
    expect(rsv).toBe(on ? 4 : 0)
    const tail = Buffer.from([0, 0, 0xff, 0xff])
    const plain = on ? inflateRawSync(Buffer.concat([payload, tail]), { finishFlush: 2 }) : payload
    expect(plain.toString()).toBe(message)
    client.write(close(1000))
  })

  it('an option that is none is told, as it is to clients', async () => {
    const stray = { level: 9 } as CompressionOptions
    const { port, errors } = await startApplication([['/', compressing(stray)]])
    const client = await RawClient.connect(port)
    await expect(client.upgrade()).rejects.toThrow('500')
    expect(await errors.next()).toMatchObject({ code: 'ERR_WINDSOCK_SETTING' })
  })

  it('what no client offers is not used (T78)', async () => {
    const { port } = await startApplication([['/', compressing({})]])
    const client = await RawClient.connect(port)
    const { headerNames } = await client.upgrade()
    expect(headerNames).not.toContain('sec-websocket-extensions')
  })

  it('a bad parameter in the offer is declined or 400, never 500 (T79)', async () => {
    const { port, errors } = await startApplication([['/', compressing({})]])
    for (const offer of [
      'permessage-deflate; x=1',
      'permessage-deflate; server_max_window_bits=99',
    ]) {
      const client = await RawClient.connect(port)
      const headers = { 'Sec-WebSocket-Extensions': offer }
      expect([101, 400]).toContain((await client.request({ headers })).status)
    }
    expect(errors.all).toEqual([])
  })

  it('options that cannot be are 500, and told (T77)', async () => {
    const { port, errors } = await startApplication([['/', compressing({ compressionLevel: 10 })]])
    expect((await ask(port, {})).status).toBe(500)
    expect((await errors.next()).code).toBe('ERR_WINDSOCK_SETTING')
  })

  it('is the route’s when the class is silent, and the class’s when it speaks (T77)', async () => {
    const routes = [
      route('/silent', Echo, { compression: true }),
      route('/off', compressing(null), { compression: true }),
    ]
    const { port } = await start({ routes })
    for (const [path, on] of [
      ['/silent', true],
      ['/off', false],
    ] as const) {
      const client = await RawClient.connect(port)
      const { headers } = await client.upgrade({ path, headers: OFFER })
      expect(headers['sec-websocket-extensions'] !== undefined).toBe(on)
    }
  })

  it('as many sets of limits as connections are served all the same (T39)', async () => {
    class Random extends Echo {
      override get maxMessageSize() {
        return Number(this.getArgument('size'))
      }
    }
    const { port } = await startApplication([['/', Random]])
    for (let size = 1; size <= 100; size++) {
      const client = await RawClient.open(port, `/?size=${size}`)
      client.write(text('x'.repeat(size)), text('x'.repeat(size + 1)))
      expect(await client.nextText()).toHaveLength(size)
      expect((await client.nextClose())?.code).toBe(1009)
      client.destroy()
    }
  })
})
