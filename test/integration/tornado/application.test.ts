// Application: rules, names, settings and static files, as Tornado has them.

import { once } from 'node:events'
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { attach, route, type WebSocketError } from 'windsock'
import {
  Application,
  type ApplicationSettings,
  HTTPError,
  RequestHandler,
  type Rule,
  URLSpec,
  url,
  WebSocketHandler,
} from 'windsock/tornado'
import { askPlain, startApplication } from '../support/application.ts'
import { ask } from '../support/house.ts'
import { Mailbox } from '../support/mailbox.ts'
import { RawClient, text } from '../support/raw-client.ts'
import { start } from '../support/test-server.ts'

class Told extends RequestHandler {
  override get(...args: unknown[]) {
    this.write({ args })
  }
}

class Echo extends WebSocketHandler {
  override onMessage(message: string | Uint8Array) {
    return this.writeMessage(String(message))
  }
}

const ROUTE_ERROR = expect.objectContaining({ code: 'ERR_WINDSOCK_ROUTE' })
const SETTING_ERROR = expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' })

describe('rules', () => {
  it('a pattern matches the whole path, the first rule wins, and no match is 404 (T1)', async () => {
    class First extends RequestHandler {
      override get() {
        this.write('first')
      }
    }
    const { port } = await startApplication([
      ['/a', First],
      ['/a.*$', Told],
      ['^/b', Told],
    ])
    expect((await askPlain(port, '/a')).body).toBe('first')
    expect((await askPlain(port, '/ab')).body).toBe('{"args":[]}')
    expect((await askPlain(port, '/b')).status).toBe(200)
    expect((await askPlain(port, '/x/b')).status).toBe(404)
    expect((await askPlain(port, '/bb')).status).toBe(404)
    expect((await ask(port, { path: '/nowhere' })).status).toBe(404)
  })

  it('two rules may have one pattern: the first answers, and the other is found by its name (T1)', async () => {
    const { port, application } = await startApplication([
      ['/(\\w+)', Told],
      url('/(\\w+)', Echo, {}, 'second'),
    ])
    expect((await askPlain(port, '/a')).body).toBe('{"args":["a"]}')
    expect(application.reverseUrl('second', 'b')).toBe('/b')
  })

  it('the first rule wins whichever kind it is, also for an upgrade (T1)', async () => {
    const { port } = await startApplication([
      ['/plain', Told],
      ['/.*', Echo],
      ['/late', Told],
    ])
    const answer = await ask(port, { path: '/plain' })
    expect(answer).toMatchObject({ status: 200, body: '{"args":[]}' })
    expect((await askPlain(port, '/late')).status).toBe(400)
    await RawClient.open(port, '/late')
  })

  it.each([
    ['/g/(\\w+)/(\\d+)?', '/g/chess/42', ['chess', '42']],
    ['/g/(\\w+)/(\\d+)?', '/g/chess/', ['chess', null]],
    ['/u/(?P<id>\\d+)(?:/(?P<tab>\\w+))?', '/u/7', [{ id: '7' }]],
    ['/u/(?<id>\\d+)', '/u/7', [{ id: '7' }]],
    ['/p/(.*)', '/p/a%2Fb+%C3%BC', ['a/b+ü']],
  ])('groups become arguments, decoded: %s of %s (T2, T3)', async (regex, path, args) => {
    const opened = new Mailbox<unknown[]>()
    class Opens extends WebSocketHandler {
      override open(...given: unknown[]) {
        opened.put(given)
      }
    }
    const { port } = await startApplication([
      [regex, Told],
      [`/ws${regex}`, Opens],
    ])
    expect(JSON.parse((await askPlain(port, path)).body)).toEqual({ args })
    await RawClient.open(port, `/ws${path}`)
    expect(JSON.parse(JSON.stringify(await opened.next()))).toEqual(args)
  })

  it('mixed groups are refused at construction (T2)', () => {
    for (const regex of ['/(a)/(?P<b>c)', /\/(a)\/(?<b>c)/]) {
      expect(() => new URLSpec(regex, Told)).toThrow(ROUTE_ERROR)
    }
  })

  it('a pattern that no path matches is refused at construction, and one in the words of route()', () => {
    for (const regex of ['chat', '^chat', ':room', '/user/:id']) {
      expect(() => new URLSpec(regex, Told)).toThrow(ROUTE_ERROR)
    }
    for (const regex of ['/at/12:30', '.*', '(/a)', /chat/]) {
      expect(() => new URLSpec(regex, Told)).not.toThrow()
    }
  })

  it('a path that is not UTF-8 is 400 (T3)', async () => {
    const { port } = await startApplication([
      ['/p/(.*)', Told],
      ['/w/(.*)', Echo],
    ])
    expect((await askPlain(port, '/p/%ff')).status).toBe(400)
    expect((await askPlain(port, '/p/%zz')).status).toBe(400)
    expect((await ask(port, { path: '/w/%ff' })).status).toBe(400)
  })

  it('the third item goes to initialize, once a request and before prepare (T4)', async () => {
    const log: string[] = []
    class Initialized extends WebSocketHandler {
      override initialize({ db }: { db: string }) {
        log.push(`initialize ${db}`)
      }
      override prepare() {
        log.push('prepare')
      }
      override open() {
        log.push('open')
        this.close()
      }
    }
    const { port } = await startApplication([['/', Initialized, { db: 'mine' }]])
    await (await RawClient.open(port)).nextClose()
    await (await RawClient.open(port)).nextClose()
    expect(log).toEqual([...Array(2)].flatMap(() => ['initialize mine', 'prepare', 'open']))
  })

  it.each([
    'on_close',
    'check_origin',
    'get_compression_options',
    'set_default_headers',
    'get',
    'onmessage',
    'onOpen',
    'prepare_',
    '_open',
  ])('a WebSocketHandler with %s is told at construction what to write instead (T24)', (name) => {
    class Ported extends WebSocketHandler {}
    Object.defineProperty(Ported.prototype, name, { value: () => {} })
    class Further extends Ported {}
    for (const Class of [Ported, Further]) {
      const makes = [() => new Application([['/', Class]]), () => route('/', Class)]
      for (const make of makes) {
        if (name === 'prepare_' || name === '_open') expect(make).not.toThrow()
        else expect(make).toThrow(expect.objectContaining({ code: 'ERR_WINDSOCK_ROUTE' }))
      }
    }
  })

  it('a name leads back to a path, its arguments escaped (T5)', () => {
    const application = new Application([
      url('/', Told, {}, 'home'),
      url('/u/(?P<id>\\d+)/(\\w+)$'.replace('?P<id>', ''), Told, {}, 'user'),
      url('/q/(?P<word>[^/()]+)\\.html', Told, {}, 'word'),
      url('/files/(.*)', Told, {}, 'file'),
      url('/maybe/(\\d+)?', Told, {}, 'maybe'),
      url('/nested/((a)b)', Told, {}, 'nested'),
      url('/any\\d', Told, {}, 'any'),
    ])
    expect(application.reverseUrl('home')).toBe('/')
    expect(application.reverseUrl('user', 7, 'a b')).toBe('/u/7/a%20b')
    expect(application.reverseUrl('word', "ü&'?")).toBe('/q/%C3%BC%26%27%3F.html')
    expect(application.reverseUrl('file', 'a/b')).toBe('/files/a/b')
    for (const name of ['maybe', 'nested', 'any']) {
      expect(() => application.reverseUrl(name, '1')).toThrow(ROUTE_ERROR)
    }
    expect(() => application.reverseUrl('user', 7)).toThrow(ROUTE_ERROR)
    expect(() => application.reverseUrl('file', '\ud800')).toThrow(ROUTE_ERROR)
    expect(() => application.reverseUrl('nobody')).toThrow(SETTING_ERROR)
  })

  it.each([
    [['(', Told]],
    [[1, Told]],
    [['/', class {}]],
    [['/', () => {}]],
    [['/', undefined]],
    [['/', Told, 'kwargs']],
  ])('a rule that is none is told at construction: %j (T1)', (rule) => {
    expect(() => new Application([rule as unknown as Rule])).toThrow(ROUTE_ERROR)
  })
})

describe('settings (T108)', () => {
  const WRONG: readonly Record<string, unknown>[] = [
    { websocketPingInterval: -1 },
    { websocketPingInterval: '5' },
    { websocketPingTimeout: Number.NaN },
    { websocketMaxMessageSize: 0 },
    { cookieSecret: '' },
    { cookieSecret: {} },
    { cookieSecret: { 1: 'a' } },
    { cookieSecret: { 1: 'a' }, keyVersion: 2 },
    { cookieSecret: { one: 'a' }, keyVersion: 1 },
    { maxBodySize: -1 },
    { requestTimeout: -1 },
    { staticUrlPrefix: 'static' },
    { defaultHandlerClass: class {} },
    { db: 'mine' },
    { constructor: 1 },
  ]
  it.each(WRONG)('one that cannot be is told at construction: %j', (settings) => {
    const make = () => new Application([['/', Echo]], settings as ApplicationSettings)
    expect(make).toThrow(SETTING_ERROR)
  })

  const FAILING: readonly (readonly [string, () => unknown])[] = [
    ['throws', () => JSON.parse('')],
    ['rejects', () => Promise.reject(new Error('the listener'))],
  ]
  it.each(FAILING)(
    'an onError that %s harms nobody: the request is answered',
    async (_, onError) => {
      const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
      onTestFinished(() => printed.mockRestore())
      class Broken extends RequestHandler {
        override get() {
          throw new Error('the handler')
        }
      }
      const { port } = await startApplication([['/', Broken]], { onError })
      expect(await askPlain(port, '/')).toMatchObject({ status: 500 })
    },
  )

  it('a handler for what no rule matches may be set', async () => {
    class Nowhere extends RequestHandler {
      override prepare() {
        throw new HTTPError(404)
      }
      override writeError(status: number) {
        this.finish(`nothing here: ${status}`)
      }
    }
    const { port } = await startApplication([], { defaultHandlerClass: Nowhere })
    const answer = { status: 404, body: 'nothing here: 404' }
    expect(await askPlain(port, '/x')).toMatchObject(answer)
    expect(await ask(port, { path: '/x' })).toMatchObject(answer)
  })

  it('a handler for what no rule matches may be a WebSocketHandler', async () => {
    const { port } = await startApplication([['/plain', Told]], { defaultHandlerClass: Echo })
    const client = await RawClient.open(port, '/x')
    client.write(text('hello'))
    expect(await client.nextText()).toBe('hello')
    expect(await askPlain(port, '/x')).toMatchObject({ status: 400 })
    expect(await askPlain(port, '/plain')).toMatchObject({ status: 200 })
  })

  it('logFunction is told of each answer, the 101 too (T37, T108)', async () => {
    const told = new Mailbox<string>()
    class Refuses extends WebSocketHandler {
      override prepare() {
        throw new HTTPError(401)
      }
    }
    const { port } = await startApplication(
      [
        ['/plain', Told],
        ['/echo', Echo],
        ['/refuses', Refuses],
      ],
      {
        logFunction: (handler) => told.put(`${handler.request.path} ${handler.getStatus()}`),
      },
    )
    await askPlain(port, '/plain')
    await RawClient.open(port, '/echo')
    await ask(port, { path: '/refuses' })
    await askPlain(port, '/other')
    expect(told.all).toEqual(['/plain 200', '/echo 101', '/refuses 401', '/other 404'])
  })

  it('debug shows the stack, and nothing does without it', async () => {
    class Breaks extends RequestHandler {
      override get() {
        throw new Error('secret of the house')
      }
    }
    const open = await startApplication([['/', Breaks]], { debug: true })
    const shown = await askPlain(open.port, '/')
    expect(shown).toMatchObject({ status: 500, body: expect.stringContaining('secret') })
    const shut = await startApplication([['/', Breaks]])
    expect((await askPlain(shut.port, '/')).body).not.toContain('secret')
    expect(shut.errors.all.map(({ code }) => code)).toEqual(['ERR_WINDSOCK_HANDLER'])
  })

  it('its routes may stand among others in serve(), and in attach() be handed plain requests', async () => {
    const { routes } = new Application([
      ['/plain', Told],
      ['/echo', Echo],
    ])
    const { port } = await start({ routes: [route('/own', () => {}), ...routes] })
    expect((await askPlain(port, '/plain')).body).toBe('{"args":[]}')
    await RawClient.open(port, '/echo')
    await RawClient.open(port, '/own')
    const http = createServer((request, response) => void attached.answer(request, response))
    const attached = attach(http, { routes })
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    const { port: bound } = http.address() as AddressInfo
    expect((await askPlain(bound, '/plain')).body).toBe('{"args":[]}')
    ;(await RawClient.open(bound, '/echo')).destroy()
    await attached.close()
    http.close()
    http.closeAllConnections()
  })

  it('in attach(), a request whose body was read before is answered 500, and told', async () => {
    const errors = new Mailbox<WebSocketError>()
    class Form extends RequestHandler {
      override post() {
        this.finish(this.getBodyArgument('a'))
      }
    }
    const { routes } = new Application([['/', Form]], { onError: (error) => errors.put(error) })
    const http = createServer((request, response) => {
      request.resume().once('end', () => attached.answer(request, response))
    })
    const attached = attach(http, { routes })
    onTestFinished(() => void http.close())
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    const { port } = http.address() as AddressInfo
    expect(await askPlain(port, '/', { method: 'POST', body: 'a=b' })).toMatchObject({
      status: 500,
    })
    expect(await errors.next()).toMatchObject({ code: 'ERR_WINDSOCK_HTTP' })
    http.closeAllConnections()
  })

  it('a client that leaves before its request is complete gets no handler, and harms nobody', async () => {
    let made = 0
    class Counts extends Told {
      override initialize() {
        made++
      }
      override post() {
        this.write('done')
      }
    }
    const { port, errors } = await startApplication([['/', Counts]])
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n'
    for (const leave of ['end', 'reset'] as const) {
      const client = await RawClient.connect(port)
      client.write(Buffer.from(`${head}12345`))
      client[leave]()
      await client.ended
    }
    expect((await askPlain(port, '/', { method: 'POST', body: '1' })).body).toBe('done')
    expect([made, errors.all]).toEqual([1, []])
  })

  it('several servers of one application stop together', async () => {
    const { application, server } = await startApplication([['/', Echo]])
    const other = await application.listen(0)
    const clients = [await RawClient.open(server.port), await RawClient.open(other.port)]
    const stopped = application.stop()
    for (const client of clients) {
      expect((await client.nextClose())?.code).toBe(1001)
      client.destroy()
    }
    await stopped
    await expect(application.listen(other.port)).resolves.toBeDefined()
  })
})

describe('static files (T108)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'windsock-static-'))
  mkdirSync(join(folder, 'in/deeper'), { recursive: true })
  writeFileSync(join(folder, 'secret.txt'), 'outside')
  writeFileSync(join(folder, 'in/a.txt'), 'größer')
  writeFileSync(join(folder, 'in/empty.css'), '')
  writeFileSync(join(folder, 'in/deeper/b c.js'), 'x'.repeat(200_000))
  mkdirSync(join(folder, 'inside'))
  writeFileSync(join(folder, 'inside/c.txt'), 'neighbour')
  symlinkSync(join(folder, 'in/a.txt'), join(folder, 'in/link.txt'))
  const staticPath = join(folder, 'in')

  it('are served with their type, and may be asked for again', async () => {
    const { port } = await startApplication([], { staticPath })
    const got = await askPlain(port, '/static/a.txt')
    expect(got).toMatchObject({ status: 200, body: 'größer' })
    expect(got.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
    })
    expect((await askPlain(port, '/static/link.txt')).body).toBe('größer')
    expect((await askPlain(port, '/static/empty.css')).body).toBe('')
    expect((await askPlain(port, '/static/deeper/b%20c.js')).body).toHaveLength(200_000)
    const again = { 'If-Modified-Since': got.headers['last-modified'] ?? '' }
    expect((await askPlain(port, '/static/a.txt', { headers: again })).status).toBe(304)
    expect((await askPlain(port, '/static/a.txt', { method: 'POST' })).status).toBe(405)
  })

  it.each([
    ['/static/../secret.txt', 403],
    ['/static/%2e%2e/secret.txt', 403],
    ['/static/..%2fsecret.txt', 403],
    ['/static/../inside/c.txt', 403],
    ['/static/deeper/../../secret.txt', 403],
    ['/static//etc/passwd', 404],
    ['/static/%2fetc%2fpasswd', 404],
    ['/static/..\\secret.txt', 404],
    ['/static/', 403],
    ['/static/deeper', 404],
    ['/static/nothing', 404],
    ['/static/a.txt%00.js', 404],
    ['/static/%ff', 400],
  ])('nothing outside of the folder: %s is %d', async (path, status) => {
    const { port } = await startApplication([['.*', Told]], { staticPath })
    const answer = await askPlain(port, path)
    expect(answer.status).toBe(status)
    expect(answer.body).not.toMatch(/outside|neighbour|root:/)
  })

  it('have URLs that carry their version', async () => {
    const { port, application } = await startApplication([], { staticPath, staticUrlPrefix: '/s/' })
    const path = application.staticUrl('deeper/b c.js')
    expect(path).toMatch(/^\/s\/deeper\/b%20c\.js\?v=[0-9a-f]{32}$/)
    const got = await askPlain(port, path)
    expect(got).toMatchObject({ status: 200 })
    expect(got.headers['cache-control']).toContain('max-age=')
    expect(application.staticUrl('nothing.js')).toBe('/s/nothing.js')
    expect(() => new Application().staticUrl('a')).toThrow(SETTING_ERROR)
  })
})
