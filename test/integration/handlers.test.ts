// Handlers over real sockets: three forms and one behaviour, order, early messages, arguments, pages, settings.

import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { of } from 'rxjs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type CloseRecord,
  page,
  type RouteSettings,
  route,
  type ServeOptions,
  serve,
  WebSocketHandler,
} from 'windsock'
import { routes as echoRoutes } from '../../examples/echo.ts'
import { ask } from './support/house.ts'
import { Mailbox } from './support/mailbox.ts'
import { binary, close, frame, PING, PLAIN, PONG, RawClient, text } from './support/raw-client.ts'
import { start } from './support/test-server.ts'

describe('the three forms do the same', () => {
  it.each(['/stream', '/class', '/actor'])('%s', async (path) => {
    const { port, records, errors } = await start({ routes: echoRoutes })
    const client = await RawClient.open(port, path)
    for (const word of ['hello', '', 'größer €𝄞', 'x'.repeat(100_000)]) {
      client.write(text(word))
      expect(await client.nextText()).toBe(`You said: ${word}`)
    }
    client.write(binary(Uint8Array.of(1)), text('one'), frame({ payload: 'tw', fin: false }))
    client.write(frame({ opcode: PING }), frame({ opcode: 0, payload: 'o' }), text('three'))
    const said: string[] = []
    while (said.at(-1) !== 'You said: three') {
      const next = await client.next()
      if (next?.opcode !== PONG) said.push(String(next?.payload))
    }
    expect(said).toEqual(['You said: one', 'You said: two', 'You said: three'])
    client.write(close(1001, 'goodbye'))
    expect(await client.nextClose()).toEqual({ code: 1001, reason: 'goodbye' })
    expect(await records.next()).toMatchObject({ cause: 'peerClosed', code: 1001, wasClean: true })
    expect(errors.all).toEqual([])
  })
})

it('an async subscriber of messages$ that rejects ends its own connection, and no other', async () => {
  const listen = route('/', ({ messages$ }) => {
    // oxlint-disable-next-line typescript/no-misused-promises -- users do it, and it is what is tried here
    messages$.subscribe(async (message) => {
      await Promise.resolve()
      if (message === 'fail') throw new Error('late')
    })
    return messages$
  })
  const { port, errors } = await start({ routes: [listen] })
  const [one, other] = [await RawClient.open(port), await RawClient.open(port)]
  one.write(text('fail'))
  expect(await one.nextText()).toBe('fail')
  expect(await one.nextClose()).toEqual({ code: 1011, reason: 'internal error' })
  expect(await errors.next()).toMatchObject({ code: 'ERR_WINDSOCK_HANDLER' })
  other.write(text('still here'))
  expect(await other.nextText()).toBe('still here')
})

it('cookies that come in several headers are the cookies of one', async () => {
  const tell = route('/', ({ request }) => of(JSON.stringify(request.cookies)))
  const { port } = await start({ routes: [tell] })
  const client = await RawClient.connect(port)
  const lines = ['GET / HTTP/1.1', 'Host: a', 'Upgrade: websocket', 'Connection: Upgrade']
  lines.push('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==')
  lines.push('Cookie: a=1', 'Cookie: b=2; c=3', '', '')
  client.write(Buffer.from(lines.join('\r\n')))
  expect((await client.response()).status).toBe(101)
  expect(await client.nextText()).toBe('{"a":"1","b":"2","c":"3"}')
})

it('what is answered at once goes out before the answer to a Close frame or a breach', async () => {
  const { port } = await start({ routes: [route('/', ({ messages$ }) => messages$)] })
  for (const [ending, code] of [
    [close(1001), 1001],
    [frame({ rsv: 7 }), 1002],
  ] as const) {
    const client = await RawClient.open(port)
    client.write(text('one'), text('two'), ending)
    expect([await client.nextText(), await client.nextText()]).toEqual(['one', 'two'])
    expect((await client.nextClose())?.code).toBe(code)
  }
})

it.each(['one', 'two'])(
  'what a handler has answered goes out while it waits, at %s',
  async (at) => {
    let goOn = () => {}
    const waits = new Promise<void>((resolve) => {
      goOn = resolve
    })
    class Waits extends WebSocketHandler {
      override async onMessage(message: string) {
        await this.writeMessage(message)
        if (message === at) await waits
      }
    }
    const { port } = await start({ routes: [route('/', Waits)] })
    const client = await RawClient.open(port)
    const words = ['one', 'two', 'three']
    client.write(...words.map((word) => text(word)))
    for (const word of words) {
      expect(await client.nextText()).toBe(word)
      if (word === at) goOn()
    }
  },
)

it('what a handler throws is printed where onError throws, too', async () => {
  const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => printed.mockRestore())
  const throws = (what: string) => () => {
    throw new Error(what)
  }
  const { port, records } = await start({
    routes: [route('/', throws('the handler'))],
    onError: throws('the listener'),
  })
  const client = await RawClient.open(port)
  expect((await client.nextClose())?.code).toBe(1011)
  client.destroy()
  await records.next()
  const text = printed.mock.calls.map(([line]) => String(line)).join('\n')
  expect(text).toMatch(/ERR_WINDSOCK_HANDLER.*the handler[^]*ERR_WINDSOCK_UNHANDLED.*the listener/)
})

it('what hangs in open is told to onError, with the limit and what to do', async () => {
  class Waits extends WebSocketHandler {
    override open() {
      return new Promise<void>(() => {})
    }
  }
  const settings = { openTimeoutMs: 50 }
  const awaitsTheEnd = route('/stream', async ({ closed }) => void (await closed), settings)
  const { port, records, errors } = await start({
    routes: [awaitsTheEnd, route('/class', Waits, settings)],
  })
  for (const path of ['/stream', '/class']) {
    const client = await RawClient.open(port, path)
    expect(await client.nextClose()).toEqual({ code: 1011, reason: 'open timed out' })
    const error = await errors.next()
    expect(error).toMatchObject({ code: 'ERR_WINDSOCK_HANDLER', fault: 'bug' })
    expect(error.message).toMatch(/open.*openTimeoutMs, 50 ms.*return/)
    client.destroy()
    expect(await records.next()).toMatchObject({ cause: 'openTimeout', detail: '' })
  }
  expect(errors.all).toHaveLength(2)
})

describe('the class form', () => {
  it('takes one message at a time, so replies keep their order (T28)', async () => {
    let running = 0
    let most = 0
    class Slow extends WebSocketHandler {
      override async onMessage(message: string | Uint8Array) {
        most = Math.max(most, ++running)
        // The later the message, the fewer turns it takes.
        for (let turn = 50 - Number(message); turn > 0; turn--) await new Promise(setImmediate)
        running--
        await this.writeMessage(String(message))
      }
    }
    const { port } = await start({ routes: [route('/', Slow)] })
    const client = await RawClient.open(port)
    const numbers = Array.from({ length: 50 }, (_, index) => String(index))
    client.write(...numbers.map(text))
    const replies: string[] = []
    for (const _ of numbers) replies.push(await client.nextText())
    expect(replies).toEqual(numbers)
    expect(most).toBe(1)
  })

  it('gets early messages when open has finished; pings do not wait for that (T26)', async () => {
    const log: string[] = []
    let finish = () => {}
    class Early extends WebSocketHandler {
      override async open() {
        log.push('open')
        await new Promise<void>((resolve) => {
          finish = resolve
        })
        log.push('opened')
      }
      override onMessage(message: string | Uint8Array) {
        log.push(String(message))
        return this.writeMessage(String(message))
      }
    }
    const { port } = await start({ routes: [route('/', Early)] })
    const client = await RawClient.connect(port)
    const head = Buffer.concat([text('first'), text('second'), frame({ opcode: PING })])
    await client.upgrade({ head })
    expect((await client.next())?.opcode).toBe(PONG)
    expect(log).toEqual(['open'])
    client.write(text('third'))
    finish()
    const replies = [await client.nextText(), await client.nextText(), await client.nextText()]
    expect(replies).toEqual(['first', 'second', 'third'])
    expect(log).toEqual(['open', 'opened', 'first', 'second', 'third'])
  })

  it.each(['close', 'reset', 'breach', 'throw'])('calls onClose once: %s (T32)', async (way) => {
    const closed = new Mailbox<[CloseRecord, number | null, string | null]>()
    class Once extends WebSocketHandler {
      override onMessage() {
        throw new Error('on purpose')
      }
      override onClose(record: CloseRecord) {
        closed.put([record, this.closeCode, this.closeReason])
      }
    }
    const { port, records } = await start({ routes: [route('/', Once)] })
    const client = await RawClient.open(port)
    if (way === 'close') client.write(close(4000, 'bye'), close(4001))
    else if (way === 'breach') client.write(frame({ rsv: 7 }), close(1000))
    else if (way === 'throw') client.write(text('x'), text('y'), close(1000))
    else client.reset()
    const record = await records.next()
    client.destroy()
    await RawClient.open(port) // a turn or two later
    expect(closed.all).toEqual([
      [record, record.received?.code ?? null, record.received?.reason || null],
    ])
    if (way === 'close') expect(closed.all[0]?.slice(1)).toEqual([4000, 'bye'])
  })

  it.each([
    ['/echo/:name', '/echo/a%2Fb%20%C3%BC', [{ name: 'a/b ü' }]],
    ['/files/*rest', '/files/a/b%20c', [{ rest: 'a/b c' }]],
    ['/:a/:b', '/1/2', [{ a: '1', b: '2' }]],
    ['/plain', '/plain?x=1', []],
    [/\/game\/(\w+)\/(\d+)?/, '/game/chess/42', ['chess', '42']],
    [/\/game\/(\w+)\/(\d+)?/, '/game/chess/', ['chess', undefined]],
    [/\/user\/(?<id>\d+)/, '/user/7', [{ id: '7' }]],
  ] as const)('%s: %s gives its arguments to open (T2, T3)', async (pattern, path, expected) => {
    const opened = new Mailbox<unknown[]>()
    class Arguments extends WebSocketHandler {
      override open(...args: unknown[]) {
        opened.put(args)
      }
    }
    const { port } = await start({ routes: [route(pattern as string | RegExp, Arguments)] })
    await RawClient.open(port, path)
    expect(
      (await opened.next()).map((arg) => (typeof arg === 'object' ? { ...arg } : arg)),
    ).toEqual(expected)
  })
})

describe('page()', () => {
  const file = join(tmpdir(), `windsock-page-${process.pid}.html`)
  writeFileSync(file, '<p>größer')

  it('answers GET and HEAD on its exact path, and nothing else', async () => {
    const { port } = await start({
      routes: [page('/', file), route('/ws', ({ messages$ }) => messages$)],
    })
    const got = await ask(port, { headers: PLAIN })
    expect(got).toMatchObject({ status: 200, body: '<p>größer' })
    expect(got.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'self'"),
    })
    expect((await ask(port, { path: '/?x', headers: PLAIN })).status).toBe(200)
    expect((await ask(port, { method: 'POST', headers: PLAIN })).status).toBe(405)
    expect((await ask(port, { path: '/other', headers: PLAIN })).status).toBe(404)
    expect((await ask(port, {})).status).toBe(404)
    const client = await RawClient.connect(port)
    client.write(Buffer.from('HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'))
    await client.ended
    const head = client.response()
    await expect(head).resolves.toMatchObject({ status: 200, body: '' })
  })

  const script = join(tmpdir(), `windsock-page-${process.pid}.js`)
  const source = 'export const said = "over and over again"\n'.repeat(100)
  writeFileSync(script, source)

  it('compresses text for whoever takes gzip, and for nobody else', async () => {
    const { port } = await start({ routes: [page('/', script)] })
    const url = `http://127.0.0.1:${port}/`
    // `fetch` inflates by itself, and says what came.
    const get = (accepted: string) => fetch(url, { headers: { 'accept-encoding': accepted } })
    for (const accepted of ['gzip', 'br, GZIP;q=0.5', 'deflate,gzip ; q=1.0']) {
      const got = await get(accepted)
      expect(got.headers.get('content-encoding')).toBe('gzip')
      expect(got.headers.get('vary')).toBe('Accept-Encoding')
      expect(Number(got.headers.get('content-length'))).toBeLessThan(source.length / 10)
      expect(await got.text()).toBe(source)
    }
    for (const accepted of ['identity', 'gzip;q=0', 'gzip; q=0.000, br', 'xgzip']) {
      const got = await get(accepted)
      expect(got.headers.get('content-encoding')).toBe(null)
      expect(Number(got.headers.get('content-length'))).toBe(source.length)
      expect(await got.text()).toBe(source)
    }
  })

  it('answers 304 to whoever has the file as it is, in the same coding', async () => {
    const { port } = await start({ routes: [page('/', script)] })
    const url = `http://127.0.0.1:${port}/`
    const tags: string[] = []
    for (const accepted of ['gzip', 'identity']) {
      const tag = (await fetch(url, { headers: { 'accept-encoding': accepted } })).headers.get(
        'etag',
      )
      const headers = { 'accept-encoding': accepted, 'if-none-match': tag ?? '' }
      const again = await fetch(url, { headers })
      expect([again.status, again.headers.get('etag')]).toEqual([304, tag])
      tags.push(tag ?? '')
    }
    expect(tags[0]).not.toBe(tags[1])
    // As a proxy that compresses on the way gives it back, beside those of before.
    const several = { 'accept-encoding': 'identity', 'if-none-match': `"old", W/${tags[1]}` }
    expect((await fetch(url, { headers: several })).status).toBe(304)
    const other = await fetch(url, { headers: { 'if-none-match': '"another"' } })
    expect(other.status).toBe(200)
  })

  it('tells at once when the file is not there, or of no known kind', () => {
    const code = 'ERR_WINDSOCK_ROUTE'
    expect(() => page('/', '/nowhere/at/all.html')).toThrow(expect.objectContaining({ code }))
    expect(() => page('/', '/etc/passwd')).toThrow(expect.objectContaining({ code }))
  })
})

describe('a wrong setting is told at the start', () => {
  const WRONG: readonly [settings: Record<string, unknown>, says: RegExp][] = [
    [{ pingIntervalMs: -1 }, /pingIntervalMs is -1: .* from 0 to 2147483647 .*default 30000/],
    [{ pingIntervalMs: Number.NaN }, /pingIntervalMs is NaN/],
    [{ closeTimeoutMs: 2 ** 31 }, /closeTimeoutMs is 2147483648: .* from 1 to 2147483647/],
    [{ maxMessageBytes: 2 ** 32 }, /maxMessageBytes is 4294967296/],
    [{ maxMessageBytes: 1.5 }, /maxMessageBytes is 1.5/],
    [{ maxConnections: 0 }, /maxConnections is 0: .* from 1/],
    [{ pingInterval: 5 }, /"pingInterval".*did you mean "pingIntervalMs"/],
    [{ outboundHighWaterBytes: 2 ** 21 }, /outboundHighWaterBytes is 2097152.*maxOutboundBytes/],
    [{ slow: 'fast' }, /slow .*fast.*drop-oldest.*pause/],
    [{ checkOrigin: 'anyone' }, /checkOrigin is "anyone"/],
    [{ checkOrigin: ['*.example.org'] }, /checkOrigin\[0\] is "\*\.example\.org"/],
    [{ subprotocols: ['a b'] }, /subprotocols\[0\] is "a b"/],
    [{ compression: { level: 10 } }, /compression\.level is 10: .* from 0 to 9/],
    [{ compression: { lvl: 1 } }, /"compression\.lvl".*level/],
    [{ compression: 'yes' }, /compression is "yes"/],
    [{ prepare: 'me' }, /prepare is "me"/],
    [{ machine: {} }, /machine is an object.*connectionMachine\.provide/],
    [{ journalLevel: 'all' }, /journalLevel is "all": .*lifecycle/],
    [{ requireOrigin: 'yes' }, /requireOrigin is "yes"/],
    [{ proofOfLife: 'ping' }, /proofOfLife is "ping": .*pong.*anything/],
    [{ pingTimeoutCode: 1006 }, /pingTimeoutCode is 1006/],
    [{ pingTimeoutCode: '1011' }, /pingTimeoutCode is "1011"/],
    [{ slow: null }, /slow is null/],
    [{ compression: null }, /compression is null/],
    [{ machine: null }, /machine is null/],
  ]
  it.each(WRONG)('%j', async (settings, says) => {
    const error = { code: 'ERR_WINDSOCK_SETTING', message: expect.stringMatching(says) }
    await expect(serve({ routes: [], ...settings } as ServeOptions)).rejects.toMatchObject(error)
    if ('maxConnections' in settings) return
    const onRoute = () => route('/', () => {}, settings as RouteSettings)
    expect(onRoute).toThrow(expect.objectContaining(error))
  })

  // Not every machine has IPv6.
  const own = Object.values(networkInterfaces()).flatMap((one = []) => one)
  const hosts = [
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '[::1]'],
  ].filter(([host]) => own.some(({ address }) => address === host)) as [string, string][]
  it.each(hosts)('a port of %s in use: ERR_WINDSOCK_LISTEN', async (host, shown) => {
    const squatter = createServer()
    await new Promise<void>((resolve) => squatter.listen(0, host, resolve))
    const { port } = squatter.address() as { port: number }
    await expect(serve({ routes: [], host, port })).rejects.toMatchObject({
      code: 'ERR_WINDSOCK_LISTEN',
      message: expect.stringContaining(` ${shown}:${port}: `),
    })
    await new Promise((resolve) => squatter.close(resolve))
    const server = await serve({ routes: [], host, port })
    expect([server.url, server.host]).toEqual([`http://${shown}:${port}`, host])
    await server.close()
  })

  it.each([
    [{ port: 65_536 }, 'SETTING'],
    [{ port: -1 }, 'SETTING'],
    [{ host: '203.0.113.1' }, 'LISTEN'],
  ])('an address %j that cannot be', async (address, code) => {
    const error = { code: `ERR_WINDSOCK_${code}` }
    await expect(serve({ routes: [], ...address })).rejects.toMatchObject(error)
  })
})

it('binary goes through as it is', async () => {
  const { port } = await start({ routes: [route('/', ({ messages$ }) => messages$)] })
  const client = await RawClient.open(port)
  for (const size of [0, 1, 125, 126, 4_095, 4_096, 65_535, 65_536, 200_000]) {
    const payload = Buffer.alloc(size, Uint8Array.of(0, 1, 254, 255, 10, 13))
    client.write(binary(payload))
    expect((await client.next())?.payload.equals(payload)).toBe(true)
  }
})
