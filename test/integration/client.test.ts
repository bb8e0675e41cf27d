// The client over real sockets, against our server, a plain server of `ws`, and servers that lie.

import { createServer as createSecureServer } from 'node:https'
import { createServer } from 'node:net'
import { config } from 'rxjs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  attach,
  type CloseRecord,
  type Connection,
  type DialSettings,
  dial,
  HandshakeError,
  type Message,
  ProtocolError,
  route,
  SettingError,
  WebSocketClosedError,
  WebSocketError,
  WebSocketHandler,
} from 'windsock'
import { CERTIFICATE, KEY } from './support/certificate.ts'
import { Mailbox } from './support/mailbox.ts'
import { type RawPeer, rawServer, wsServer } from './support/raw-server.ts'
import { start } from './support/test-server.ts'

const ws = (url: string) => url.replace(/^http/, 'ws')

/** Dials, and keeps what comes. */
async function call(url: string, settings: DialSettings = {}) {
  const messages = new Mailbox<Message>()
  const dialed = await dial(url, {
    closeTimeoutMs: 300,
    ...settings,
    handler: ({ messages$ }) => void messages$.subscribe((message) => messages.put(message)),
  })
  onTestFinished(() => dialed.connection.close())
  return { ...dialed, messages }
}

/** What a dial that must fail rejects with. */
async function failure(url: string | URL, settings: DialSettings = {}): Promise<WebSocketError> {
  const error: unknown = await dial(url, { ...settings, handler: () => {} }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(WebSocketError)
  return error as WebSocketError
}

describe('dial() and our server', () => {
  it('carries text and binary both ways, and both sides keep the same close record', async () => {
    const { server, records } = await start({
      routes: [route('/echo', ({ messages$ }) => messages$)],
    })
    const { connection, messages } = await call(ws(`${server.url}/echo?a=1`))
    expect(connection.state).toBe('open')
    expect(connection.request).toMatchObject({
      method: 'GET',
      url: '/echo?a=1',
      path: '/echo',
      remoteAddress: '127.0.0.1',
      secure: false,
    })
    const large = new Uint8Array(200_000).fill(7)
    for (const data of ['hello', '', 'größer €𝄞', 'x'.repeat(100_000), Uint8Array.of(), large]) {
      await connection.send(data)
      const echoed = Buffer.from((await messages.next()) as string)
      expect(echoed.equals(Buffer.from(data as string))).toBe(true)
    }
    expect(typeof messages.all[0]).toBe('string')
    expect(messages.all.at(-1)).toBeInstanceOf(Uint8Array)
    connection.close(4001, 'goodbye, größer')
    const frame = { code: 4001, reason: 'goodbye, größer' }
    expect(await connection.closed).toMatchObject({
      initiator: 'local',
      cause: 'appClosed',
      sent: frame,
      received: frame,
      wasClean: true,
      totals: { messagesReceived: 6, messagesSent: 6, bytesUnsent: 0 },
    })
    expect(await records.next()).toMatchObject({ initiator: 'peer', received: frame, sent: frame })
    expect(connection.state).toBe('closed')
    await expect(connection.send('late')).rejects.toBeInstanceOf(WebSocketClosedError)
  })

  it('has every form of handler, as a server has', async () => {
    const seen = new Mailbox<unknown>()
    class Listener extends WebSocketHandler {
      override open() {
        seen.put('open')
      }
      override onMessage(message: string | Uint8Array) {
        seen.put(message)
      }
      override onClose(record: CloseRecord) {
        seen.put(record.code)
      }
    }
    const plain = await wsServer()
    plain.server.on('connection', (socket) => {
      socket.send('one')
      socket.send('two')
      socket.close(1001)
    })
    await dial(plain.url, { handler: Listener })
    await seen.atLeast(4)
    expect(seen.all).toEqual(['open', 'one', 'two', 1001])
  })

  it('what a handler throws ends its connection with 1011 and is reported', async () => {
    const { server, records } = await start({ routes: [route('/', () => {})] })
    const errors = new Mailbox<WebSocketError>()
    const { connection } = await dial(ws(server.url), {
      handler: () => {
        throw new Error('mine')
      },
      onError: (error) => errors.put(error),
    })
    expect(await connection.closed).toMatchObject({ cause: 'handlerFailed', sent: { code: 1011 } })
    expect(await errors.next()).toMatchObject({ code: 'ERR_WINDSOCK_HANDLER' })
    expect(await records.next()).toMatchObject({ code: 1011 })
  })

  it('an onError that throws harms nobody, be it told of a subscriber outside any connection', async () => {
    const { server } = await start({ routes: [route('/', () => {})] })
    const forget = () => void Object.assign(config, { onUnhandledError: null })
    forget()
    onTestFinished(forget)
    const onError = vi.fn(() => {
      throw new Error('the listener')
    })
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => printed.mockRestore())
    await dial(ws(server.url), { handler: () => {}, onError })
    config.onUnhandledError?.(new Error('a subscriber'))
    expect(onError).toHaveBeenCalledOnce()
  })

  it('sends 10,000 messages in order, and gets them back in order', async () => {
    const { server } = await start({
      routes: [route('/', ({ messages$ }) => messages$, { slow: 'pause' })],
    })
    const { connection, messages } = await call(ws(server.url))
    for (let number = 0; number < 10_000; number++) await connection.send(String(number))
    await messages.atLeast(10_000)
    expect(messages.all).toEqual(Array.from({ length: 10_000 }, (_, number) => String(number)))
  })

  it.each([false, true])(
    'sends no faster than the server takes, compression %s',
    async (compression) => {
      const { server, url } = await wsServer({ perMessageDeflate: compression })
      const lengths = new Mailbox<number>()
      server.on('connection', (socket) => {
        socket.on('message', (data: Buffer) => lengths.put(data.byteLength))
      })
      const { connection } = await call(url, { compression })
      const chunk = new Uint8Array(256 * 1024).map((_, at) => at * at)
      for (let count = 0; count < 100; count++) await connection.send(chunk)
      await lengths.atLeast(100)
      expect(new Set(lengths.all)).toEqual(new Set([chunk.byteLength]))
      connection.close()
      expect(await connection.closed).toMatchObject({ cause: 'appClosed', wasClean: true })
    },
  )

  it('hears 1001 when the server drains', async () => {
    const { server } = await start({ routes: [route('/', () => {})] })
    const { connection } = await call(ws(server.url))
    await server.close()
    expect(await connection.closed).toMatchObject({
      initiator: 'peer',
      received: { code: 1001, reason: 'going away' },
      wasClean: true,
    })
  })
})

describe('the request', () => {
  it('carries headers, Origin, subprotocols and the offer of compression', async () => {
    const { url, peers } = await rawServer((peer) => peer.upgrade())
    await call(`${url}path?query=1`, {
      headers: { Authorization: 'Bearer x', 'X-Twice': 'a, b', Host: 'other.test' },
      origin: 'http://example.test',
      subprotocols: ['first', 'second'],
      compression: true,
    })
    const peer = await peers.next()
    expect(peer.request[0]).toBe('GET /path?query=1 HTTP/1.1')
    expect(peer.header('Authorization')).toBe('Bearer x')
    expect(peer.header('X-Twice')).toBe('a, b')
    expect(peer.header('Host')).toBe('other.test')
    expect(peer.header('Origin')).toBe('http://example.test')
    expect(peer.header('Sec-WebSocket-Protocol')).toBe('first, second')
    expect(peer.header('Sec-WebSocket-Extensions')).toBe(
      'permessage-deflate; client_max_window_bits',
    )
    expect(peer.header('Sec-WebSocket-Version')).toBe('13')
  })

  it('offers nothing that was not asked for, and credentials of the url go as Basic', async () => {
    const { port, peers } = await rawServer((peer) => peer.upgrade())
    await call(`ws://me:secret@127.0.0.1:${port}/`)
    const peer = await peers.next()
    expect(peer.header('Authorization')).toBe(`Basic ${btoa('me:secret')}`)
    for (const name of ['Origin', 'Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions', 'Cookie']) {
      expect(peer.header(name), name).toBeUndefined()
    }
  })

  it('the answer’s headers are told, joined and as they came', async () => {
    const { url } = await rawServer((peer) =>
      peer.upgrade('X-Served-By: me', 'Set-Cookie: a=1', 'Set-Cookie: b=2'),
    )
    const { headers, rawHeaders } = await call(url)
    expect(headers).toMatchObject({ 'x-served-by': 'me', 'set-cookie': 'a=1, b=2' })
    expect(rawHeaders.filter((_, at) => rawHeaders[at - 1] === 'Set-Cookie')).toEqual([
      'a=1',
      'b=2',
    ])
  })

  it.each([
    ['one that was offered is taken', ['a', 'b'], 'b', 'b'],
    ['none may be chosen though some were offered (RFC 6455 §4.1)', ['a', 'b'], null, undefined],
    ['none was offered', [], null, undefined],
  ])('subprotocol: %s', async (_title, subprotocols, chosen, expected) => {
    const { url } = await rawServer((peer) =>
      peer.upgrade(...(chosen === null ? [] : [`Sec-WebSocket-Protocol: ${chosen}`])),
    )
    const { connection } = await call(url, { subprotocols })
    expect(connection.subprotocol).toBe(expected)
  })
})

it('every frame of a client is masked: text, binary, ping, pong and close (T91)', async () => {
  const { url, peers } = await rawServer((peer) => peer.upgrade())
  const { connection } = await call(url)
  const peer = await peers.next()
  await connection.send('text')
  await connection.send(Uint8Array.of(1, 2))
  // A ping may overtake what still waits.
  await peer.frames.atLeast(2)
  connection.ping('ping')
  await peer.frames.atLeast(3)
  peer.socket.write(Uint8Array.of(0x89, 1, 0x21))
  await peer.frames.atLeast(4)
  connection.close(4000, 'bye')
  await peer.frames.atLeast(5)
  expect(peer.frames.all.map(({ opcode }) => opcode)).toEqual([1, 2, 9, 10, 8])
  expect(peer.frames.all.every(({ masked }) => masked)).toBe(true)
  expect(peer.frames.all.map(({ payload }) => payload.toString('latin1'))).toEqual([
    'text',
    '\u0001\u0002',
    'ping',
    '!',
    '\u000f\u00a0bye',
  ])
})

describe('what the server sends', () => {
  it('is put together from fragments, with a ping between them', async () => {
    const { server, url } = await wsServer()
    server.on('connection', (socket) => {
      socket.send('one ', { fin: false })
      socket.ping('between')
      socket.send('two ', { fin: false })
      socket.send('three', { fin: true })
    })
    const { messages } = await call(url)
    expect(await messages.next()).toBe('one two three')
  })

  it('may come in one packet with the answer, and is not lost', async () => {
    const { url } = await rawServer((peer) => {
      peer.socket.cork()
      peer.upgrade()
      peer.socket.write(Buffer.concat([Uint8Array.of(0x81, 5), Buffer.from('early')]))
      peer.socket.write(Uint8Array.of(0x88, 2, 0x03, 0xe9))
      peer.socket.uncork()
    })
    const { connection, messages } = await call(url)
    expect(await messages.next()).toBe('early')
    expect(await connection.closed).toMatchObject({ cause: 'peerClosed', code: 1001 })
  })

  it('is refused with 1009 above maxMessageBytes, and taken at it', async () => {
    const { server, url } = await wsServer()
    server.on('connection', (socket) => {
      socket.send('x'.repeat(1024))
      socket.send('x'.repeat(1025))
    })
    const { connection, messages } = await call(url, { maxMessageBytes: 1024 })
    expect(await messages.next()).toHaveLength(1024)
    expect(await connection.closed).toMatchObject({ cause: 'messageTooBig', sent: { code: 1009 } })
    expect(messages.all).toHaveLength(1)
  })

  it('is refused with 1002 when it is masked (RFC 6455 §5.1)', async () => {
    const { url } = await rawServer((peer) => {
      peer.upgrade()
      peer.socket.write(Uint8Array.of(0x81, 0x81, 0, 0, 0, 0, 0x61))
    })
    const { connection } = await call(url)
    expect(await connection.closed).toMatchObject({ cause: 'protocolError', sent: { code: 1002 } })
  })

  it.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])('is the same whether the client (%s) and the server (%s) compress', async (mine, theirs) => {
    const { server } = await start({
      routes: [route('/', ({ messages$ }) => messages$)],
      compression: theirs,
    })
    const { connection, messages, headers } = await call(ws(server.url), { compression: mine })
    expect(headers['sec-websocket-extensions']?.startsWith('permessage-deflate') ?? false).toBe(
      mine && theirs,
    )
    const texts = ['short', 'ab'.repeat(50_000), '', 'größer €𝄞'.repeat(1000)]
    for (const text of texts) await connection.send(text)
    await messages.atLeast(texts.length)
    expect(messages.all).toEqual(texts)
    connection.close()
    expect(await connection.closed).toMatchObject({ wasClean: true })
  })
})

describe('keepalive of the client', () => {
  it('pings, and a server that answers stays', async () => {
    const { server, url } = await wsServer()
    const pings = new Mailbox<string>()
    server.on('connection', (socket) => {
      socket.on('ping', (data: Buffer) => pings.put(data.toString()))
    })
    const { connection } = await call(url, { pingIntervalMs: 1, pingTimeoutMs: 10_000 })
    await pings.atLeast(3)
    expect(pings.all.slice(0, 3)).toEqual(['1', '2', '3'])
    expect(connection.state).toBe('open')
  })

  it.each<[number, DialSettings]>([
    [1011, {}],
    [4408, { pingTimeoutCode: 4408 }],
  ])('closes with %i when no pong comes, as %j says', async (code, settings) => {
    const { url } = await wsServer({ autoPong: false } as never)
    const { connection } = await call(url, { pingIntervalMs: 5, pingTimeoutMs: 5, ...settings })
    expect(await connection.closed).toMatchObject({
      initiator: 'local',
      cause: 'pingTimeout',
      sent: { code, reason: 'ping timed out' },
    })
  })

  it('measures the round trip of the app’s own pings', async () => {
    const { server } = await start({ routes: [route('/', () => {})] })
    const { connection } = await call(ws(server.url))
    const pong = new Promise((resolve) => {
      connection.pongs$.subscribe(resolve)
    })
    connection.ping('mine')
    expect(await pong).toEqual({
      data: Buffer.from('mine'),
      roundTripMs: expect.any(Number),
    })
  })
})

describe('a dial that fails', () => {
  const refusal = (status: string, ...lines: string[]) =>
    rawServer((peer) => peer.answer(status, 'Content-Length: 2', ...lines))

  it.each([
    ['401 Unauthorized', 401],
    ['403 Forbidden', 403],
    ['404 Not Found', 404],
    ['302 Found', 302],
    ['503 Service Unavailable', 503],
  ])('answered %s: a HandshakeError with the status', async (line, status) => {
    const { url, peers } = await refusal(line, 'Location: /elsewhere')
    const error = await failure(url)
    expect(error).toBeInstanceOf(HandshakeError)
    expect(error).toMatchObject({ code: 'ERR_WINDSOCK_HANDSHAKE', httpStatus: status })
    await (await peers.next()).gone
    expect(peers.all).toHaveLength(1)
  })

  it('answered 200: a WebSocketError that is no HandshakeError', async () => {
    const { url, peers } = await refusal('200 OK')
    const error = await failure(url)
    expect(error).not.toBeInstanceOf(HandshakeError)
    expect(error).toMatchObject({ code: 'ERR_WINDSOCK_HANDSHAKE', httpStatus: 200, fault: 'peer' })
    await (await peers.next()).gone
  })

  it('says why the server refused, in its own words', async () => {
    const prepare = () => {
      throw new HandshakeError(401, 'log in\u{1b}[2J first')
    }
    const { server } = await start({ routes: [route('/', () => {}, { prepare })] })
    const error = await failure(ws(server.url))
    expect(error).toMatchObject({ httpStatus: 401, body: 'log in\\u{1b}[2J first' })
    expect(error.message).toContain('401 Unauthorized: log in\\u{1b}[2J first')
  })

  it('tells the first KiB of a text without an end', async () => {
    const { url, peers } = await rawServer((peer) => {
      peer.answer('403 Forbidden', 'Content-Type: text/plain', 'Content-Length: 9000')
      peer.socket.write('é'.repeat(2_000))
    })
    const error = await failure(url)
    expect(error).toMatchObject({ httpStatus: 403, body: `${'é'.repeat(510)}…` })
    await (await peers.next()).gone
  })

  it.each([
    ['has not come by handshakeTimeoutMs', () => {}],
    ['is broken off', ({ socket }: RawPeer) => void socket.end()],
  ])('tells of a text the part that came when the rest %s', async (_what, then) => {
    const { url, peers } = await rawServer((peer) => {
      const chunked = 'Transfer-Encoding: chunked'
      peer.answer('503 Service Unavailable', 'Content-Type: text/plain; charset=utf-8', chunked)
      peer.socket.write('4\r\nfull', () => then(peer))
    })
    const error = await failure(url, { handshakeTimeoutMs: 1_000 })
    expect(error).toBeInstanceOf(HandshakeError)
    expect(error).toMatchObject({ httpStatus: 503, body: 'full' })
    await (await peers.next()).gone
  })

  it('is refused, also when the text breaks HTTP', async () => {
    const { url } = await rawServer((peer) => {
      peer.answer('503 Full', 'Content-Type: text/plain', 'Transfer-Encoding: chunked')
      peer.socket.write('no size\r\n')
    })
    const error = await failure(url)
    expect(error).toBeInstanceOf(HandshakeError)
    expect(error.httpStatus).toBe(503)
  })

  it('tells nothing of a page', async () => {
    const { url } = await refusal('502 Bad Gateway', 'Content-Type: text/html')
    expect(await failure(url)).toMatchObject({ httpStatus: 502, body: undefined })
  })

  it('does not read a body without an end', async () => {
    const { url, peers } = await rawServer((peer) => {
      peer.answer('404 Not Found', 'Transfer-Encoding: chunked')
      const more = () => {
        while (peer.socket.writable && peer.socket.write(`10000\r\n${'x'.repeat(65_536)}\r\n`));
      }
      peer.socket.on('drain', more)
      more()
    })
    expect((await failure(url)).httpStatus).toBe(404)
    await (await peers.next()).gone
  })

  it('nobody listens: the system’s error is the cause', async () => {
    const free = createServer()
    await new Promise<void>((resolve) => {
      free.listen(0, '127.0.0.1', resolve)
    })
    const { port } = free.address() as { port: number }
    await new Promise((resolve) => {
      free.close(resolve)
    })
    const error = await failure(`ws://127.0.0.1:${port}/`)
    expect(error).toMatchObject({
      code: 'ERR_WINDSOCK_DIAL',
      fault: 'network',
      cause: { code: 'ECONNREFUSED' },
    })
  })

  it('hung up on before an answer: the system’s error is the cause', async () => {
    const { url } = await rawServer((peer) => peer.socket.destroy())
    expect(await failure(url)).toMatchObject({
      code: 'ERR_WINDSOCK_DIAL',
      cause: { code: 'ECONNRESET' },
    })
  })

  it.each([
    ['a wrong key', (accept: string) => [`Sec-WebSocket-Accept: ${accept.toLowerCase()}x`]],
    [
      'a subprotocol not offered',
      (accept: string) => [`Sec-WebSocket-Accept: ${accept}`, 'Sec-WebSocket-Protocol: c'],
    ],
    [
      'an extension not offered (T90)',
      (accept: string) => [
        `Sec-WebSocket-Accept: ${accept}`,
        'Sec-WebSocket-Extensions: permessage-deflate',
      ],
    ],
  ])('answered with %s: a ProtocolError', async (_title, lines) => {
    const { url, peers } = await rawServer((peer) =>
      peer.answer('101 Yes', 'Upgrade: websocket', 'Connection: Upgrade', ...lines(peer.accept)),
    )
    const error = await failure(url, { subprotocols: ['a', 'b'] })
    expect(error).toBeInstanceOf(ProtocolError)
    await (await peers.next()).gone
  })

  it('answered with something that is no HTTP: a ProtocolError', async () => {
    const { url } = await rawServer((peer) => peer.socket.end('SSH-2.0-OpenSSH\r\n'))
    expect(await failure(url)).toBeInstanceOf(ProtocolError)
  })

  it('not answered within handshakeTimeoutMs: no fault of the handler, and not told as one', async () => {
    const { url, peers } = await rawServer(() => {})
    const told: WebSocketError[] = []
    const onError = (error: WebSocketError) => told.push(error)
    const error = await failure(url, { handshakeTimeoutMs: 20, onError })
    expect(error).toMatchObject({ code: 'ERR_WINDSOCK_DIAL', fault: 'network' })
    expect(told).toEqual([])
    await (await peers.next()).gone
  })

  it('given up by its signal, before or during', async () => {
    const { url, peers } = await rawServer(() => {})
    const reason = new Error('enough')
    expect(await failure(url, { signal: AbortSignal.abort(reason) })).toMatchObject({
      code: 'ERR_WINDSOCK_DIAL',
      cause: reason,
    })
    expect(peers.all).toHaveLength(0)
    const controller = new AbortController()
    const failed = failure(url, { signal: controller.signal })
    const peer = await peers.next()
    controller.abort(reason)
    expect(await failed).toMatchObject({ code: 'ERR_WINDSOCK_DIAL', cause: reason })
    await peer.gone
  })

  it('leaves no timer behind, whatever the reason', async () => {
    const set = vi.spyOn(globalThis, 'setTimeout')
    const clear = vi.spyOn(globalThis, 'clearTimeout')
    onTestFinished(() => {
      set.mockRestore()
      clear.mockRestore()
    })
    const { url } = await refusal('404 Not Found')
    const { url: rude } = await rawServer((peer) => peer.socket.destroy())
    for (const address of [url, rude, 'ws://127.0.0.1:1/']) {
      await failure(address, { handshakeTimeoutMs: 54_321 })
    }
    const armed = set.mock.results.filter((_, at) => set.mock.calls[at]?.[1] === 54_321)
    expect(armed).toHaveLength(3)
    const cleared = clear.mock.calls.map(([handle]) => handle)
    for (const { value } of armed) expect(cleared).toContain(value)
  })

  it('what a server says beside its refusal comes with the error', async () => {
    const { server } = await start({
      routes: [
        route('/', () => {}, {
          prepare: () => {
            throw new HandshakeError(503, 'full', { headers: { 'Retry-After': '7' } })
          },
        }),
      ],
    })
    const error = await failure(ws(server.url))
    expect(error).toMatchObject({ httpStatus: 503, headers: { 'retry-after': '7' } })
  })

  it('a signal that aborts later does nothing to an open connection', async () => {
    const { server } = await start({ routes: [route('/', ({ messages$ }) => messages$)] })
    const controller = new AbortController()
    const { connection, messages } = await call(ws(server.url), { signal: controller.signal })
    controller.abort()
    await connection.send('still here')
    expect(await messages.next()).toBe('still here')
  })
})

describe('a mistake is told before anything is sent', () => {
  it.each<[string, string, DialSettings]>([
    ['http:', 'http://127.0.0.1/', {}],
    ['no scheme', '127.0.0.1:80', {}],
    ['a relative url', '/socket', {}],
    ['a fragment', 'ws://127.0.0.1/#a', {}],
    ['a header of the handshake', 'ws://127.0.0.1/', { headers: { 'sec-websocket-key': 'x' } }],
    ['a header of two lines', 'ws://127.0.0.1/', { headers: { a: 'b\r\nc: d' } }],
    ['a limit below its range', 'ws://127.0.0.1/', { maxMessageBytes: 0 }],
    ['a subprotocol that is no token', 'ws://127.0.0.1/', { subprotocols: ['a b'] }],
    ['a setting of servers', 'ws://127.0.0.1/', { checkOrigin: 'any' } as DialSettings],
    ['another of them', 'ws://127.0.0.1/', { requireOrigin: true } as DialSettings],
    ['a journal it has not', 'ws://127.0.0.1/', { journalLevel: 'sizes' } as DialSettings],
    ['an unknown setting', 'ws://127.0.0.1/', { pingInterval: 1 } as DialSettings],
  ])('%s', async (_title, url, settings) => {
    expect(await failure(url, settings)).toBeInstanceOf(SettingError)
  })
})

describe('wss:', () => {
  async function secureServer() {
    const http = createSecureServer({ key: KEY, cert: CERTIFICATE })
    const attached = attach(http, { routes: [route('/', ({ messages$ }) => messages$)] })
    await new Promise<void>((resolve) => {
      http.listen(0, '127.0.0.1', resolve)
    })
    onTestFinished(async () => {
      await attached.close()
      http.close()
    })
    return `wss://127.0.0.1:${(http.address() as { port: number }).port}/`
  }

  it('carries messages over TLS, with an authority of one’s own', async () => {
    const { connection, messages } = await call(await secureServer(), { tls: { ca: CERTIFICATE } })
    expect(connection.request.secure).toBe(true)
    await connection.send('hello')
    expect(await messages.next()).toBe('hello')
    connection.close()
    expect(await connection.closed).toMatchObject({ wasClean: true })
  })

  it('does not talk to a server whose certificate nobody vouches for', async () => {
    expect(await failure(await secureServer())).toMatchObject({
      code: 'ERR_WINDSOCK_DIAL',
      cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    })
  })

  it('does not speak TLS to a server without it', async () => {
    const { url, peers } = await rawTcp()
    const error = await failure(url.replace('ws:', 'wss:'))
    expect(error).toMatchObject({ code: 'ERR_WINDSOCK_DIAL', fault: 'network' })
    expect(error.cause).toBeInstanceOf(Error)
    expect(error.message).toMatch(/does not speak TLS \(wss:\) at this port; try ws:$/)
    expect(peers()).toBe(1)
  })
})

/** A server that answers everything with a line of HTTP. */
async function rawTcp() {
  let peers = 0
  const server = createServer((socket) => {
    peers++
    socket.on('error', () => {})
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    server.close()
  })
  return {
    url: `ws://127.0.0.1:${(server.address() as { port: number }).port}/`,
    peers: () => peers,
  }
}

it('a connection that is lost says so', async () => {
  const { url, peers } = await rawServer((peer) => peer.upgrade())
  const { connection } = await call(url)
  const lost: Promise<CloseRecord> = (connection satisfies Connection).closed
  ;(await peers.next()).socket.destroy()
  expect(await lost).toMatchObject({
    initiator: 'network',
    cause: 'transportLost',
    code: 1006,
    received: null,
    wasClean: false,
  })
})
