// attach() beside others on one HTTP server, and how serve() and attach() close.

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, type Server as HttpServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type Attached,
  type AttachOptions,
  attach,
  page,
  route,
  serve,
  topic,
  topics,
  type WebSocketError,
  WebSocketHandler,
} from 'windsock'
import { Application, RequestHandler } from 'windsock/tornado'
import { WebSocketServer } from 'ws'
import { ask, expectEcho } from './support/house.ts'
import { Mailbox } from './support/mailbox.ts'
import { close, PLAIN, RawClient, requestBytes, text } from './support/raw-client.ts'
import { recordsOf, start } from './support/test-server.ts'

const echo = route('/ours', ({ messages$ }) => messages$)

/** An HTTP server of somebody else's, with windsock attached. */
async function shared(prepare: (http: HttpServer) => void = () => {}, options = {}) {
  const http = createServer((_, response) => response.end('their page'))
  prepare(http)
  const attached = attach(http, { routes: [echo], closeTimeoutMs: 300, ...options })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    await attached.close()
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
  })
  return { http, attached, port: (http.address() as AddressInfo).port }
}

/** A plain `ws` server on `/theirs`, which leaves all else alone. */
function beside(http: HttpServer): void {
  const theirs = new WebSocketServer({ noServer: true })
  theirs.on('connection', (socket) => {
    socket.on('message', (message: Buffer) => socket.send(`theirs: ${message.toString()}`))
  })
  http.on('upgrade', (request, socket, head) => {
    if (request.url !== '/theirs') return
    theirs.handleUpgrade(request, socket, head, (ws) => theirs.emit('connection', ws))
  })
}

async function expectTheirs(port: number): Promise<void> {
  const client = await RawClient.open(port, '/theirs')
  client.write(text('hello'))
  expect(await client.nextText()).toBe('theirs: hello')
}

describe('attach()', () => {
  it.each(['before', 'after'])('leaves foreign paths to who came %s it', async (when) => {
    const { http, attached, port } = await shared(when === 'before' ? beside : undefined)
    if (when === 'after') beside(http)
    await expectTheirs(port)
    await expectEcho(port, { path: '/ours' })
    expect(attached.counts).toMatchObject({ accepted: 1, turnedAway: 0 })
  })

  it('reports a request that another server has answered before it, and is done with it', async () => {
    const errors: string[] = []
    const { port, attached } = await shared(
      (http) => {
        const greedy = new WebSocketServer({ server: http })
        greedy.on('connection', (socket) => {
          socket.on('message', (message: Buffer) => socket.send(`theirs: ${message.toString()}`))
        })
      },
      { onError: ({ code }: WebSocketError) => errors.push(code) },
    )
    const client = await RawClient.open(port, '/ours')
    client.write(text('hello'))
    expect(await client.nextText()).toBe('theirs: hello')
    expect(errors).toEqual(['ERR_WINDSOCK_HANDSHAKE'])
    expect(attached.connections.size).toBe(0)
    await attached.close()
  })

  it('knows what another copy of ws has taken', async () => {
    const require = createRequire(import.meta.url)
    for (const file of Object.keys(require.cache)) {
      if (file.includes('/node_modules/ws/')) delete require.cache[file]
    }
    const { WebSocketServer: Another } = require('ws') as {
      WebSocketServer: typeof WebSocketServer
    }
    expect(Another).not.toBe(WebSocketServer)
    const errors: string[] = []
    const { port } = await shared((http) => void new Another({ server: http }), {
      onError: ({ code }: WebSocketError) => errors.push(code),
    })
    const client = await RawClient.open(port, '/ours')
    client.write(close(1000))
    expect(await client.nextClose()).toEqual({ code: 1000, reason: '' })
    await client.ended
    expect(errors).toEqual(['ERR_WINDSOCK_HANDSHAKE'])
  })

  it.each([
    ['plain', {}],
    ['compressed', { 'Sec-WebSocket-Extensions': 'permessage-deflate' }],
  ])('tells what it was that kept a %s connection from being upgraded', async (_, headers) => {
    const errors: WebSocketError[] = []
    const broken = new Error('this socket is broken')
    const breaks = (http: HttpServer) =>
      http.on('upgrade', (_request, socket) => {
        const write = () => {
          throw broken
        }
        Object.assign(socket, { write })
        Object.assign(Reflect.get(socket, '_handle') as object, { writeBuffer: write })
      })
    const onError = (error: WebSocketError) => void errors.push(error)
    const { port, attached } = await shared(breaks, { onError, compression: true })
    const records = recordsOf(attached)
    const client = await RawClient.connect(port)
    client.write(requestBytes({ path: '/ours', headers }))
    await client.ended
    expect(errors).toMatchObject([{ code: 'ERR_WINDSOCK_HANDSHAKE', fault: 'bug', cause: broken }])
    expect(await records.next()).toMatchObject({ cause: 'handlerFailed' })
    expect(attached.connections.size).toBe(0)
  })

  it('refuses with 404 what is on nobody’s path, when nobody else listens', async () => {
    const { port } = await shared()
    expect((await ask(port, { path: '/theirs' })).status).toBe(404)
  })

  it('leaves even that alone when somebody else listens', async () => {
    const { http, port } = await shared(beside)
    const stray = await RawClient.connect(port)
    stray.write(requestBytes({ path: '/nobodys' }))
    const socket = await new Promise<Duplex>((seen) => {
      http.once('upgrade', (_, socket) => seen(socket))
    })
    await expectTheirs(port)
    expect(stray.socket.bytesRead).toBe(0)
    expect(stray.socket.readyState).toBe('open')
    socket.destroy()
  })

  it('leaves plain requests to the server', async () => {
    const { port } = await shared()
    expect(await ask(port, { headers: PLAIN })).toMatchObject({ status: 200, body: 'their page' })
  })

  it('two of them share a server', async () => {
    const { http, port } = await shared()
    const second = attach(http, { routes: [route('/second', ({ messages$ }) => messages$)] })
    await expectEcho(port, { path: '/ours' })
    await expectEcho(port, { path: '/second' })
    for (const path of ['/nobodys', '/']) expect((await ask(port, { path })).status).toBe(404)
    await second.close()
    expect((await ask(port, { path: '/second' })).status).toBe(404)
    await expectEcho(port, { path: '/ours' })
  })

  it('two of them leave alone what neither serves when somebody else listens', async () => {
    const { http, attached, port } = await shared(beside)
    const second = attach(http, { routes: [route('/second', ({ messages$ }) => messages$)] })
    await expectTheirs(port)
    await attached.close()
    await expectTheirs(port)
    await expectEcho(port, { path: '/second' })
    await second.close()
    await expectTheirs(port)
  })

  it('of two with one path the first answers, and the second when that has closed', async () => {
    const errors: unknown[] = []
    const onError = (error: unknown) => void errors.push(error)
    const { http, attached, port } = await shared(undefined, { onError })
    const second = attach(http, { routes: [echo], onError })
    await expectEcho(port, { path: '/ours' })
    await attached.close()
    await expectEcho(port, { path: '/ours' })
    expect([attached.counts.accepted, second.counts.accepted]).toEqual([1, 1])
    expect(errors).toEqual([])
    await second.close()
    expect(http.listenerCount('upgrade')).toBe(0)
  })

  it('listens again after its owner has removed all listeners', async () => {
    const { http, port } = await shared()
    http.removeAllListeners('upgrade')
    attach(http, { routes: [route('/second', ({ messages$ }) => messages$)] })
    await expectEcho(port, { path: '/second' })
  })

  it('answers the plain requests that it is handed, and leaves all others', async () => {
    const news = topic<string>('news', { history: { count: 10 } })
    const options = { accept: (input: unknown) => input as string, longPollMs: 600_000 }
    const routes = [echo, topics('/topics', [news], options)]
    const { http, attached, port } = await shared(undefined, { routes })
    const theirs = http.listeners('request')[0] as RequestListener
    http.removeAllListeners('request')
    http.on('request', (request, response) => {
      if (!attached.answer(request, response)) theirs(request, response)
    })
    const url = `http://127.0.0.1:${port}`
    const headers = { 'Content-Type': 'text/plain' }
    const posted = await fetch(`${url}/topics/news`, { method: 'POST', headers, body: 'hello' })
    expect([posted.status, news.offset]).toEqual([204, 1])
    expect(await (await fetch(`${url}/topics/news?offset=-1`)).json()).toEqual(['hello'])
    for (const path of ['/', '/ours', '/topics', '/topics/news/other']) {
      expect(await (await fetch(url + path)).text()).toBe('their page')
    }
    const foreign = await fetch(`${url}/topics/news`, { headers: { Origin: 'https://evil.test' } })
    expect(foreign.status).toBe(403)

    const arrived = once(http, 'request')
    const held = fetch(`${url}/topics/news?offset=now&live=long-poll`)
    await arrived
    await attached.close()
    expect((await held).status).toBe(204)
    expect(await (await fetch(`${url}/topics/news`)).text()).toBe('their page')
  })

  it('keeps to what the server says of origins in what it is handed', async () => {
    const news = topic<string>('news', { history: { count: 10 } })
    const settings = { routes: [topics('/topics', [news])], checkOrigin: ['https://page.test'] }
    const { http, attached, port } = await shared(undefined, settings)
    http.removeAllListeners('request')
    http.on('request', (request, response) => void attached.answer(request, response))
    const headers = { Origin: 'https://page.test' }
    const answer = await fetch(`http://127.0.0.1:${port}/topics/news`, { headers })
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://page.test')
  })

  it('says so when a body has been read before it was handed the request', async () => {
    const errors: unknown[] = []
    const news = topic<string>('news', { history: { count: 10 } })
    const accept = (input: unknown) => input as string
    const onError = (error: unknown) => void errors.push(error)
    const routes = [topics('/topics', [news], { accept, onError })]
    const { http, attached, port } = await shared(undefined, { routes })
    http.removeAllListeners('request')
    http.on('request', (request, response) => {
      request.resume().on('end', () => setImmediate(() => attached.answer(request, response)))
    })
    const headers = { 'Content-Type': 'text/plain' }
    const url = `http://127.0.0.1:${port}/topics/news`
    const answer = await fetch(url, { method: 'POST', headers, body: 'hello' })
    expect(answer.status).toBe(500)
    expect(errors).toMatchObject([{ code: 'ERR_WINDSOCK_HTTP' }])
  })

  it('outlives that somebody else has begun to answer what it answers, and tells of it', async () => {
    const errors = new Mailbox<WebSocketError>()
    const news = topic('news', { history: { count: 1 } })
    let attached: Attached
    const http = createServer((request, response) => {
      attached.answer(request, response)
      // Whoever wrote this has forgotten to ask whether that was for us.
      response.writeHead(404).flushHeaders()
    })
    attached = attach(http, {
      routes: [topics('/topics', [news])],
      onError: (error) => errors.put(error),
    })
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      http.close()
    })
    const { port } = http.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}/topics/news?offset=-1`)
    expect(response.status).toBe(404)
    await expect(response.text()).rejects.toBeInstanceOf(TypeError)
    expect(await errors.next()).toMatchObject({ code: 'ERR_WINDSOCK_RESPONSE' })
    await attached.close()
  })

  it('takes no pages', () => {
    const options = { routes: [page('/', 'demo/index.html')] } as unknown as AttachOptions
    const error = { code: 'ERR_WINDSOCK_ROUTE' }
    expect(() => attach(createServer(), options)).toThrow(expect.objectContaining(error))
  })

  it('close() ends its connections with 1001 and leaves the server alone', async () => {
    const { attached, port } = await shared(beside)
    const records = recordsOf(attached)
    const theirs = await RawClient.open(port, '/theirs')
    const ours = await RawClient.open(port, '/ours')
    const closed = attached.close()
    expect(await ours.nextClose()).toEqual({ code: 1001, reason: 'going away' })
    expect((await ask(port, { path: '/ours' })).status).toBe(503)
    ours.write(close(1001))
    await closed
    expect(await records.next()).toMatchObject({ cause: 'draining', wasClean: true })
    expect(await ask(port, { headers: PLAIN })).toMatchObject({ body: 'their page' })
    theirs.write(text('still here'))
    expect(await theirs.nextText()).toBe('theirs: still here')
  })
})

describe('serve()', () => {
  it.each(['/ours', '/nobodys'])(
    'cuts off an upgrade to %s behind a request that is not answered yet',
    async (path) => {
      const asked = new Mailbox<() => void>()
      class Slow extends RequestHandler {
        override get(): Promise<void> {
          return new Promise((resolve) => asked.put(resolve))
        }
      }
      const { routes } = new Application([['/slow', Slow]])
      const { server, port, errors } = await start({ routes: [...routes, echo] })
      const slow = requestBytes({ path: '/slow', headers: { ...PLAIN, Connection: null } })
      const client = await RawClient.connect(port)
      client.write(Buffer.concat([slow, requestBytes({ path })]))
      await client.ended
      const goOn = await asked.next()
      goOn()
      expect(client.socket.bytesRead).toBe(0)
      expect([server.counts.accepted, errors.all]).toEqual([0, []])
      // One that was answered is no hindrance.
      const next = await RawClient.connect(port)
      next.write(requestBytes({ path: '/nowhere', headers: { ...PLAIN, Connection: null } }))
      expect((await next.response()).status).toBe(404)
      expect((await next.upgrade({ path: '/ours' })).status).toBe(101)
    },
  )

  it('tells of a connection that the system refuses, and goes on', async () => {
    let http: HttpServer | undefined
    const seen = (message: unknown) => {
      http = (message as { server: HttpServer }).server
    }
    subscribe('http.server.request.start', seen)
    onTestFinished(() => void unsubscribe('http.server.request.start', seen))
    const { port, errors } = await start({ routes: [echo] })
    expect((await ask(port, { path: '/', headers: PLAIN })).status).toBe(404)
    const cause = Object.assign(new Error('accept ENFILE'), { code: 'ENFILE' })
    http?.emit('error', cause)
    expect(await errors.next()).toMatchObject({ code: 'ERR_WINDSOCK_LISTEN', cause })
    await expectEcho(port, { path: '/ours' })
  })
})

describe('close() of serve()', () => {
  it('sends 1001 to everyone, completes closed$, and frees the port', async () => {
    const server = await serve({ routes: [echo] })
    const records = recordsOf(server)
    const completed = new Promise<void>((complete) => server.closed$.subscribe({ complete }))
    const clients = []
    for (let count = 0; count < 20; count++)
      clients.push(await RawClient.open(server.port, '/ours'))
    expect(server.connections.size).toBe(20)
    const closed = server.close()
    for (const client of clients) {
      expect(await client.nextClose()).toEqual({ code: 1001, reason: 'going away' })
      client.write(close(1001))
    }
    await closed
    await completed
    expect(records.all).toHaveLength(20)
    expect(new Set(records.all.map(({ connectionId }) => connectionId)).size).toBe(20)
    for (const record of records.all) {
      expect(record).toMatchObject({ cause: 'draining', initiator: 'local', code: 1001 })
    }
    expect(server.counts).toEqual({ accepted: 20, closed: 20, turnedAway: 0 })
    await expect(RawClient.connect(server.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    const again = await start({ routes: [echo], port: server.port })
    await expectEcho(again.port, { path: '/ours' })
  })

  it('a second close waits for the first', async () => {
    const { server, port } = await start({ routes: [echo] })
    const client = await RawClient.open(port, '/ours')
    const order: string[] = []
    const first = server.close().then(() => order.push('first'))
    const second = server.close().then(() => order.push('second'))
    expect((await client.nextClose())?.code).toBe(1001)
    expect(order).toEqual([])
    client.write(close(1001))
    await Promise.all([first, second])
    expect(order).toEqual(['first', 'second'])
    await server.close()
  })

  it('a peer that does not answer delays it by closeTimeoutMs and no more', async () => {
    const { server, port, records } = await start({ routes: [echo], closeTimeoutMs: 100 })
    const client = await RawClient.connect(port, true)
    await client.upgrade({ path: '/ours' })
    await server.close()
    expect(await records.next()).toMatchObject({ cause: 'draining', received: null, code: 1006 })
  })

  it('sockets that never became connections do not delay it', async () => {
    const { server, port } = await start({ routes: [echo] })
    const silent = await RawClient.connect(port, true)
    const half = await RawClient.connect(port, true)
    half.write(requestBytes({ path: '/ours' }).subarray(0, 30))
    const idle = await RawClient.connect(port, true)
    idle.write(Buffer.from('GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n'))
    expect((await idle.response()).status).toBe(404)
    await expectEcho(port, { path: '/ours' })
    await server.close()
    await Promise.all([silent.ended, half.ended, idle.ended])
  })

  it('waits for a plain request that is being answered', async () => {
    const asked = new Mailbox<() => void>()
    class Slow extends RequestHandler {
      override async get(): Promise<void> {
        await new Promise<void>((resolve) => asked.put(resolve))
        this.write('here it is')
      }
    }
    const { routes } = new Application([['/slow', Slow]])
    const { server, port } = await start({ routes, closeTimeoutMs: 600_000 })
    const answer = ask(port, { path: '/slow', headers: PLAIN })
    const goOn = await asked.next()
    const closed = server.close()
    await expect(RawClient.connect(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    goOn()
    expect(await answer).toMatchObject({ status: 200, body: 'here it is' })
    await closed
  })

  it('waits for what a handler does in onClose, also of a connection that was over before', async () => {
    const begun = new Mailbox<() => void>()
    const told: string[] = []
    class Saving extends WebSocketHandler {
      override async onClose() {
        await new Promise<void>((done) => begun.put(done))
        told.push('saved')
      }
    }
    const { server, port } = await start({ routes: [route('/', Saving)], closeTimeoutMs: 60_000 })
    const before = await RawClient.open(port)
    before.destroy()
    const dones = [await begun.next()]
    const client = await RawClient.open(port)
    const closing = server.close().then(() => told.push('closed'))
    client.write(close(1001))
    dones.push(await begun.next())
    for (const done of dones) {
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
      expect(told).not.toContain('closed')
      done()
    }
    await closing
    expect(told).toEqual(['saved', 'saved', 'closed'])
  })

  it('an onClose that never ends delays it by closeTimeoutMs and no more', async () => {
    const begun = new Mailbox<string>()
    class Hanging extends WebSocketHandler {
      override onClose() {
        begun.put('begun')
        return new Promise<void>(() => {})
      }
    }
    const { server, port } = await start({ routes: [route('/', Hanging)], closeTimeoutMs: 50 })
    const client = await RawClient.open(port)
    client.destroy()
    await begun.next()
    expect(await server.close()).toBeUndefined()
  })

  it('a plain request that is never answered delays it by closeTimeoutMs and no more', async () => {
    const asked = new Mailbox<string>()
    class Stuck extends RequestHandler {
      override get(): Promise<void> {
        asked.put(this.request.path)
        return new Promise(() => {})
      }
    }
    const { routes } = new Application([['/stuck', Stuck]])
    const { server, port } = await start({ routes, closeTimeoutMs: 100 })
    const client = await RawClient.connect(port)
    client.write(requestBytes({ path: '/stuck', headers: PLAIN }))
    await asked.next()
    await server.close()
    await client.ended
  })

  it('a body that does not come delays it by closeTimeoutMs and no more', async () => {
    const news = topic<string>('news', { history: { count: 10 } })
    const accept = (input: unknown) => input as string
    const routes = topics('/topics', [news], { accept, bodyTimeoutMs: 2_000 })
    const { server, port } = await start({ routes, closeTimeoutMs: 100 })
    const client = await RawClient.connect(port)
    const head = { 'Content-Type': 'text/plain', 'Content-Length': '10', Expect: '100-continue' }
    const headers = { ...PLAIN, ...head }
    client.write(requestBytes({ method: 'POST', path: '/topics/news', headers }))
    // It says so when it has come to the request.
    await once(client.socket, 'data')
    const { bytesRead } = client.socket
    await server.close()
    await client.ended
    expect(client.socket.bytesRead).toBe(bytesRead)
  })

  it('a handshake that is being decided is refused with 503', async () => {
    let entered = () => {}
    const deciding = new Promise<void>((resolve) => {
      entered = resolve
    })
    const hanging = route('/', ({ messages$ }) => messages$, {
      prepare: () => {
        entered()
        return new Promise(() => {})
      },
    })
    const { server, port, records } = await start({ routes: [hanging] })
    const client = await RawClient.connect(port)
    client.write(requestBytes())
    await deciding
    const closed = server.close()
    expect((await client.response()).status).toBe(503)
    await closed
    expect(await records.next()).toMatchObject({ cause: 'draining', status: 503, sent: null })
  })

  it('`await using` closes too', async () => {
    let attached: Attached | undefined
    {
      await using server = await serve({ routes: [echo] })
      attached = server
      await expectEcho(server.port, { path: '/ours' })
    }
    expect(attached.connections.size).toBe(0)
  })
})
