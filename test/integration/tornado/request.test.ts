// RequestHandler over HTTP: arguments, the response, users, pages and errors, as Tornado has them.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ErrorListener } from 'windsock'
import {
  type ErrorPage,
  Finish,
  HTTPError,
  MissingArgumentError,
  RequestHandler,
  url,
  WebSocketHandler,
} from 'windsock/tornado'
import { askPlain, startApplication } from '../support/application.ts'
import { ask } from '../support/house.ts'
import { Mailbox } from '../support/mailbox.ts'
import { PLAIN, RawClient, text } from '../support/raw-client.ts'

/** A server whose one handler runs `get` for GET and POST. */
const serving = (get: (handler: RequestHandler) => unknown, settings = {}) => {
  class Runs extends RequestHandler {
    override get() {
      return get(this)
    }
    override post() {
      return get(this)
    }
  }
  return startApplication([['/.*', Runs]], settings)
}

describe('arguments', () => {
  it('the last value, stripped, its control characters made spaces (T92)', async () => {
    const { port } = await serving((handler) => {
      const all = handler.getArguments('a')
      handler.write({ last: handler.getArgument('a'), all, raw: handler.getArguments('a', false) })
    })
    const { body } = await askPlain(port, '/?a=1&b=2&a=%20x%00y%09z+%0d%0a')
    expect(JSON.parse(body)).toEqual({
      last: 'x y\tz',
      all: ['1', 'x y\tz'],
      raw: ['1', ' x y\tz \r\n'],
    })
  })

  it('of the query and of a form, the form last (T92, T94)', async () => {
    const { port } = await serving((handler) =>
      handler.write({
        one: handler.getArgument('a'),
        all: handler.getArguments('a'),
        query: handler.getQueryArguments('a'),
        body: handler.getBodyArguments('a'),
        none: [handler.getArguments('x'), handler.getBodyArgument('x', null)],
        blank: handler.getArgument('b'),
        ü: handler.getBodyArgument('ü'),
      }),
    )
    const { body } = await askPlain(port, '/?a=q%26+&b', {
      method: 'POST',
      body: 'a=1&a=2&&%C3%BC=%C3%BC&=%zz',
    })
    expect(JSON.parse(body)).toEqual({
      one: '2',
      all: ['q&', '1', '2'],
      query: ['q&'],
      body: ['1', '2'],
      none: [[], null],
      blank: '',
      ü: 'ü',
    })
    const other = await askPlain(port, '/?a=q', {
      method: 'POST',
      body: 'a=1',
      headers: { 'Content-Type': 'text/plain' },
    })
    expect(other.status).toBe(400) // no form, so no "ü"
  })

  it('a missing one is 400 unless there is a fallback (T93)', async () => {
    const { port, errors } = await serving((handler) => {
      handler.write(String(handler.getArgument('b', 'else')))
      handler.getArgument('a')
    })
    expect((await askPlain(port, '/?a=1')).body).toBe('else')
    expect(await askPlain(port, '/')).toMatchObject({
      status: 400,
      body: '<html><title>400: Bad Request</title><body>400: Bad Request</body></html>',
    })
    expect(errors.all).toEqual([expect.any(MissingArgumentError)])
  })

  it('one that a multipart form would have is 400, and what to send instead is told (T93, T95)', async () => {
    const { port, errors } = await serving((handler) => handler.getArgument('a'))
    const body = new FormData()
    body.set('a', '1')
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body })
    expect(answer.status).toBe(400)
    const logMessage = expect.stringContaining('application/x-www-form-urlencoded')
    expect(errors.all).toMatchObject([{ argName: 'a', logMessage }])
  })

  it('a missing one in prepare is 400, and in open closes with 1008 (T93)', async () => {
    class Needs extends WebSocketHandler {
      override prepare() {
        if (this.request.path === '/early') this.getArgument('id')
      }
      override async open() {
        if (this.request.path === '/later') await Promise.resolve()
        this.getArgument('id')
      }
    }
    const { port, records, errors } = await startApplication([['/.*', Needs]])
    expect((await ask(port, { path: '/early' })).status).toBe(400)
    for (const path of ['/now', '/later']) {
      const client = await RawClient.open(port, path)
      expect(await client.nextClose()).toEqual({ code: 1008, reason: 'missing argument id' })
      client.destroy()
      await records.find(({ cause, sent }) => cause === 'appClosed' && sent?.code === 1008)
    }
    expect(errors.all.map(({ name }) => name)).toEqual(Array(3).fill('MissingArgumentError'))
    const client = await RawClient.open(port, '/now?id=1')
    client.destroy()
  })

  it('one that is not UTF-8 is 400, unless decodeArgument knows better (T94)', async () => {
    const { port } = await serving((handler) => handler.write(handler.getArgument('a')))
    expect((await askPlain(port, '/?a=%ff')).status).toBe(400)
    expect((await askPlain(port, '/', { method: 'POST', body: 'a=%ed%a0%80' })).status).toBe(400)
    class Latin extends RequestHandler {
      override decodeArgument(value: Uint8Array) {
        return Buffer.from(value).toString('latin1')
      }
      override get() {
        this.write(this.getArgument('a'))
      }
    }
    const latin = await startApplication([['/', Latin]])
    expect((await askPlain(latin.port, '/?a=%ff')).body).toBe('ÿ')
  })

  it('too many, and a body too large, are refused', async () => {
    const { port } = await serving((handler) => handler.write(handler.getArgument('a')), {
      maxBodySize: 30_000,
    })
    const post = (body: string, headers = {}) =>
      askPlain(port, '/', { method: 'POST', body, headers })
    expect((await post('a='.padEnd(30_000, 'x'))).body).toHaveLength(29_998)
    expect((await post('a='.padEnd(30_001, 'x'))).status).toBe(413)
    expect((await post('a&'.repeat(10_000))).status).toBe(200)
    expect((await post('a&'.repeat(10_001))).status).toBe(400)
    const chunked = `7531\r\n${'x'.repeat(30_001)}\r\n0\r\n\r\n`
    const headers = { 'Content-Length': null, 'Transfer-Encoding': 'chunked' }
    expect((await post(chunked, headers)).status).toBe(413)
  })

  it('a body that does not come is 408 after requestTimeout, and has no handler', async () => {
    let posts = 0
    const { port } = await serving(() => posts++, { requestTimeout: 0.05 })
    const form = { method: 'POST', path: '/', headers: { ...PLAIN, 'Content-Length': '5' } }
    const client = await RawClient.connect(port)
    const { status, body } = await client.request({ ...form, head: Buffer.from('a=') })
    client.destroy()
    // Node has a deadline, too, later, and says nothing.
    expect([status, body === '', posts]).toEqual([408, false, 0])
  })

  it('a handler that never answers is 503 after requestTimeout, and told of', async () => {
    const { port, errors } = await serving(() => new Promise(() => {}), { requestTimeout: 0.05 })
    expect((await askPlain(port, '/')).status).toBe(503)
    expect((await errors.next()).code).toBe('ERR_WINDSOCK_HANDLER')
  })

  it('with a requestTimeout of 0 a body and a handler may take their time', async () => {
    const answering: (() => void)[] = []
    const slow = (handler: RequestHandler) =>
      new Promise<void>((resolve) => {
        handler.write('at last')
        answering.push(resolve)
      })
    const { port } = await serving(slow, { requestTimeout: 0 })
    const answer = askPlain(port, '/', { method: 'POST', body: 'a=1' })
    await expect.poll(() => answering.length).toBe(1)
    answering[0]?.()
    expect(await answer).toMatchObject({ status: 200, body: 'at last' })
  })

  it('the request tells what Tornado’s does (T95)', async () => {
    const seen = new Mailbox<unknown>()
    const app = await serving(({ request }) => {
      const { method, uri, path, host, protocol, remoteIp, cookies, headers, body } = request
      seen.put([method, uri, path, host, protocol, remoteIp, { ...cookies }, String(body)])
      expect(headers['x-more']).toBe('1, 2')
      expect(request.query.get('b')).toBe('c')
    })
    await askPlain(app.port, '/a%20b?b=c', {
      method: 'POST',
      body: 'hello',
      headers: { Host: 'example.org', Cookie: 'x=y', 'Content-Type': 'text/plain' },
      extraHeaders: [
        ['X-More', '1'],
        ['X-More', '2'],
      ],
    })
    expect(seen.all).toEqual([
      ['POST', '/a%20b?b=c', '/a%20b', 'example.org', 'http', '127.0.0.1', { x: 'y' }, 'hello'],
    ])
  })
})

describe('the response', () => {
  it('has Tornado’s defaults, what setDefaultHeaders adds, and a length (T25)', async () => {
    class Page extends RequestHandler {
      override setDefaultHeaders() {
        this.setHeader('X-Default', this.request.path)
        this.setHeader('Server', 'mine')
      }
      override get() {
        this.addHeader('X-Two', 1)
        this.addHeader('x-two', new Date(0))
        this.setHeader('X-Gone', 'x')
        this.clearHeader('x-gone')
        this.setStatus(203, 'My Words')
        this.write('größer ')
        this.write(Buffer.from('€'))
      }
    }
    const { port } = await startApplication([['/p', Page]])
    const got = await askPlain(port, '/p')
    expect(got).toMatchObject({ status: 203, body: 'größer €' })
    expect(got.headers).toMatchObject({
      'content-type': 'text/html; charset=UTF-8',
      'content-length': '12',
      server: 'mine',
      'x-default': '/p',
      'x-two': '1, Thu, 01 Jan 1970 00:00:00 GMT',
    })
    expect(got.headerNames.filter((name) => name === 'date')).toHaveLength(1)
    expect(got.headerNames).not.toContain('x-gone')
    const bad = await askPlain(port, '/p', { method: 'POST' })
    expect(bad.headers).toMatchObject({ 'x-default': '/p', server: 'mine', allow: 'GET' })
  })

  it('an object is JSON that may stand in a page, an array is refused', async () => {
    const { port } = await serving((handler) => handler.write({ a: '</script>' }))
    const got = await askPlain(port, '/')
    expect(got.headers['content-type']).toBe('application/json; charset=UTF-8')
    expect(got.body).toBe('{"a":"<\\/script>"}')
    const list = await serving((handler) => handler.write([1]))
    expect((await askPlain(list.port, '/')).status).toBe(500)
  })

  const WRONG: readonly (readonly [what: string, run: (handler: RequestHandler) => void])[] = [
    ['an object that JSON cannot express', (handler) => handler.write({ a: 1n })],
    ['a header of a number', (handler) => handler.setHeader(1n as never, 'a')],
    [
      'a header that is taken away and has no name',
      (handler) => handler.clearHeader(undefined as never),
    ],
    ['a redirect to nowhere', (handler) => handler.redirect(undefined as never)],
    ['a line in a header', (handler) => handler.setHeader('X', 'a\r\nSet-Cookie: b=c')],
    ['a name that is none', (handler) => handler.addHeader('X Y', 'a')],
    ['a header that is not ASCII', (handler) => handler.setHeader('X', 'ü')],
    ['a status that is none', (handler) => handler.setStatus(99)],
    ['a line in the reason', (handler) => handler.setStatus(200, 'a\nb')],
    ['a line in a redirect', (handler) => handler.redirect('/a\r\nb: c')],
    ['a redirect that is none', (handler) => handler.redirect('/', false, 200)],
    ['an attribute in a cookie', (handler) => handler.setCookie('a', 'b', { path: '/;x' })],
    [
      'writing after the end',
      (handler) => {
        handler.finish()
        handler.write('more')
      },
    ],
  ]
  it.each(WRONG)('what cannot be is an error, and nothing of it leaves: %s', async (_, run) => {
    const { port, errors } = await serving(run)
    const got = await askPlain(port, '/')
    expect(got.headerNames).not.toContain('x')
    expect(got.headerNames).not.toContain('set-cookie')
    expect((await errors.next()).code).toMatch(/^ERR_WINDSOCK_(RESPONSE|COOKIE)$/)
  })

  it('redirects, 302 or 301', async () => {
    const { port } = await serving((handler) =>
      handler.redirect('/größer?x=%20', handler.request.path === '/for-ever'),
    )
    const got = await askPlain(port, '/')
    expect([got.status, got.headers['location']]).toEqual([302, '/gr%C3%B6%C3%9Fer?x=%20'])
    expect((await askPlain(port, '/for-ever')).status).toBe(301)
  })

  it.each(['get', 'post', 'put', 'patch', 'delete', 'options'])(
    '%s is the method of its name, and 405 without it (T115)',
    async (name) => {
      class Answers extends RequestHandler {}
      Object.assign(Answers.prototype, {
        [name](this: RequestHandler) {
          this.write(`by ${name}`)
        },
      })
      const { port } = await startApplication([
        ['/', Answers],
        ['/none', class extends RequestHandler {}],
      ])
      const method = name.toUpperCase()
      expect(await askPlain(port, '/', { method })).toMatchObject({
        status: 200,
        body: `by ${name}`,
      })
      expect((await askPlain(port, '/none', { method })).status).toBe(405)
      expect((await askPlain(port, '/', { method: 'PROPFIND' })).headers['allow']).toBe(method)
    },
  )

  it('a status without a body has none, and HEAD has the length alone', async () => {
    class Empty extends RequestHandler {
      override head() {
        this.write('12345')
      }
      override delete() {
        this.write('not sent')
        this.setStatus(204)
      }
    }
    const { port } = await startApplication([['/', Empty]])
    const gone = await askPlain(port, '/', { method: 'DELETE' })
    expect(gone).toMatchObject({ status: 204, body: '' })
    expect(gone.headerNames).not.toContain('content-type')
    const client = await RawClient.connect(port)
    client.write(Buffer.from('HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'))
    await client.ended
    const head = await client.response()
    expect([head.status, head.headers['content-length'], head.body]).toEqual([200, '5', ''])
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'OPTIONS']) {
      const refused = await askPlain(port, '/', { method })
      expect([refused.status, refused.headers['allow']]).toEqual([405, 'HEAD, DELETE'])
    }
  })
})

describe('errors (T107)', () => {
  it('HTTPError has its status and words, Finish what was written', async () => {
    const { port, errors } = await serving((handler) => {
      handler.setCookie('a', 'b')
      handler.setHeader('X', 'y')
      handler.write('so far')
      if (handler.request.path === '/finish') throw new Finish()
      throw new HTTPError(418, undefined, { reason: 'Short & stout' })
    })
    expect(await askPlain(port, '/finish')).toMatchObject({ status: 200, body: 'so far' })
    const got = await askPlain(port, '/')
    expect(got.body).toContain('<body>418: Short &#38; stout</body>')
    expect(got.headers['set-cookie']).toBe('a=b; Path=/')
    expect(got.headerNames).not.toContain('x')
    expect(errors.all).toEqual([])
  })

  it('writeError makes the page, and one that throws itself is told', async () => {
    class Own extends RequestHandler {
      override get() {
        throw new HTTPError(404, 'for the log')
      }
      override post() {
        this.sendError(403, { reason: 'No' })
      }
      override writeError(status: number, page: ErrorPage) {
        if (this.request.path === '/breaks') throw new Error('no page')
        this.finish(`mine: ${status} ${page.reason ?? ''}`)
      }
    }
    const { port, errors } = await startApplication([['/.*', Own]])
    expect(await askPlain(port, '/')).toMatchObject({ status: 404, body: 'mine: 404 Not Found' })
    expect((await errors.next()).message).toContain('for the log')
    const sent = await askPlain(port, '/', { method: 'POST' })
    expect(sent).toMatchObject({ status: 403, body: 'mine: 403 No' })
    expect(await askPlain(port, '/breaks')).toMatchObject({ status: 500 })
    expect(errors.all).toHaveLength(3)
  })

  it('what breaks before there is a handler is 500, and told', async () => {
    class Breaks extends RequestHandler {
      override initialize() {
        throw new Error('no')
      }
    }
    const { port, errors } = await startApplication([['/', Breaks]])
    expect(await askPlain(port, '/')).toMatchObject({ status: 500, body: 'internal error\n' })
    expect((await ask(port, {})).status).toBe(500)
    expect(errors.all).toHaveLength(2)
  })

  it.each([
    ['a plain request', '/plain?b=1', 'GET /plain'],
    ['an upgrade', '/socket', 'GET /socket'],
    ['one whose class cannot be made', '/broken', 'GET /broken'],
    ['an upgrade whose class cannot be made', '/broken-socket', 'GET /broken-socket'],
  ])('are told with the request that they happened on: %s', async (_what, path, where) => {
    class Plain extends RequestHandler {
      override get() {
        this.getArgument('a')
      }
    }
    class Socket extends WebSocketHandler {
      override prepare() {
        this.getArgument('a')
      }
    }
    class Broken extends RequestHandler {
      override initialize() {
        throw new Error('broken')
      }
    }
    class BrokenSocket extends WebSocketHandler {
      override initialize() {
        throw new Error('broken')
      }
    }
    const told = new Mailbox<string>()
    const onError: ErrorListener = (_error, connection, request) =>
      told.put(connection === undefined ? `${request?.method} ${request?.path}` : 'a connection')
    const rules = [
      url('/plain', Plain),
      url('/socket', Socket),
      url('/broken', Broken),
      url('/broken-socket', BrokenSocket),
    ]
    const { port } = await startApplication(rules, { onError })
    if (path.endsWith('socket')) await ask(port, { path })
    else await askPlain(port, path)
    expect(await told.next()).toBe(where)
    expect(told.all).toHaveLength(1)
  })

  it('logException may be redirected (T38)', async () => {
    const logged = new Mailbox<unknown>()
    class Logs extends RequestHandler {
      override get() {
        throw new Error('broken')
      }
      override logException(thrown: unknown) {
        logged.put(thrown)
      }
    }
    const { port, errors } = await startApplication([['/', Logs]])
    expect((await askPlain(port, '/')).status).toBe(500)
    expect(logged.all).toEqual([new Error('broken')])
    expect(errors.all).toEqual([])
  })
})

describe('a client that leaves while it waits', () => {
  it('is told of by onConnectionClose, once, and its answer goes nowhere (T114)', async () => {
    const told = new Mailbox<string>()
    class Waits extends RequestHandler {
      #give: (() => void) | undefined
      override async get() {
        told.put('asked')
        await new Promise<void>((resolve) => {
          this.#give = resolve
        })
        this.write('too late')
      }
      override onConnectionClose() {
        told.put('left')
        this.#give?.()
      }
      override onFinish() {
        told.put('finished')
      }
    }
    const { port, errors } = await startApplication([['/', Waits]])
    for (const leave of ['end', 'reset'] as const) {
      const client = await RawClient.connect(port)
      client.write(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
      expect(await told.next()).toBe('asked')
      client[leave]()
      expect([await told.next(), await told.next()]).toEqual(['left', 'finished'])
    }
    expect(told.all).toHaveLength(6)
    expect(errors.all).toEqual([])
  })

  it('is not told of when it was answered (T114)', async () => {
    let left = 0
    class Answers extends RequestHandler {
      override get() {
        this.write('done')
      }
      override onConnectionClose() {
        left++
      }
    }
    const { application, port } = await startApplication([['/', Answers]])
    expect((await askPlain(port, '/')).body).toBe('done')
    await application.stop()
    expect(left).toBe(0)
  })

  it('makes no error of a handler that hangs, and one of a hook that fails (T114)', async () => {
    const asked = new Mailbox<string>()
    class Hangs extends RequestHandler {
      override get() {
        asked.put(this.request.path)
        return new Promise(() => {})
      }
      override async onConnectionClose() {
        throw new Error('left')
      }
    }
    const { port, errors } = await startApplication([['/.*', Hangs]], { requestTimeout: 0.2 })
    const client = await RawClient.connect(port)
    client.write(Buffer.from('GET /leaves HTTP/1.1\r\nHost: a\r\n\r\n'))
    await asked.next()
    client.reset()
    expect((await errors.next()).cause).toEqual(new Error('left'))
    expect((await askPlain(port, '/stays')).status).toBe(503)
    expect(errors.all.map(({ message }) => /Hangs did not answer/.test(message))).toEqual([
      false,
      true,
    ])
  })
})

describe('hooks that nobody waits for', () => {
  // A type checker would tell; a program in JavaScript has none.
  const rejects = (what: string) => () => Promise.reject(new Error(what)) as never

  it('onFinish and logFunction may reject: each is told, and the answer is what it was', async () => {
    class Rejects extends RequestHandler {
      override get() {
        this.write('done')
      }
      override onFinish = rejects('onFinish')
    }
    const settings = { logFunction: rejects('logFunction') }
    const { port, errors } = await startApplication([['/', Rejects]], settings)
    expect(await askPlain(port, '/')).toMatchObject({ status: 200, body: 'done' })
    const told = [await errors.next(), await errors.next()]
    expect(told.map(({ cause }) => cause)).toEqual([
      new Error('onFinish'),
      new Error('logFunction'),
    ])
  })

  it.each(['/plain', '/socket'])(
    'logException may reject: onError hears of both errors, for %s',
    async (path) => {
      class Plain extends RequestHandler {
        override get = rejects('first')
        override logException = rejects('logException')
      }
      class Socket extends WebSocketHandler {
        override open = rejects('first')
        override logException = rejects('logException')
      }
      const { port, errors } = await startApplication([
        ['/plain', Plain],
        ['/socket', Socket],
      ])
      if (path === '/plain') expect((await askPlain(port, path)).status).toBe(500)
      else await (await RawClient.open(port, path)).nextClose()
      const told = [await errors.next(), await errors.next()]
      expect(told.map(({ cause }) => cause)).toEqual([
        new Error('first'),
        new Error('logException'),
      ])
    },
  )

  it.each(['initialize', 'setDefaultHeaders', 'getCurrentUser', 'getCompressionOptions'])(
    '%s has to answer at once: a promise is 500, and told',
    async (hook) => {
      class Asks extends RequestHandler {
        override get() {
          this.requireUser()
        }
      }
      class Socket extends WebSocketHandler {
        override prepare() {
          this.requireUser()
        }
      }
      for (const Class of [Asks, Socket]) {
        Object.assign(Class.prototype, { [hook]: rejects('nobody waits for this') })
      }
      const { port, errors } = await startApplication([
        ['/plain', Asks],
        ['/socket', Socket],
      ])
      if (hook !== 'getCompressionOptions')
        expect((await askPlain(port, '/plain')).status).toBe(500)
      expect((await ask(port, { path: '/socket' })).status).toBe(500)
      expect(errors.all.every(({ code }) => code === 'ERR_WINDSOCK_HANDLER')).toBe(true)
      expect(errors.all.length).toBeGreaterThan(0)
    },
  )
})

describe('users and pages', () => {
  class User extends RequestHandler {
    asked = 0
    override getCurrentUser() {
      this.asked++
      return this.getCookie('user')
    }
  }

  it('currentUser is asked for once, may be set, and requireUser sends to the login (T104)', async () => {
    class Private extends User {
      override prepare() {
        if (this.getCookie('user') === 'set') this.currentUser = 'given'
      }
      override get() {
        if (!this.requireUser()) return
        this.write(`${String(this.currentUser)}${String(this.currentUser)}${this.asked}`)
      }
      override post() {
        this.requireUser()
      }
    }
    const { port } = await startApplication([['/.*', Private]], { loginUrl: '/login?a=b' })
    const asUser = (user: string) => askPlain(port, '/', { headers: { Cookie: `user=${user}` } })
    expect((await asUser('me')).body).toBe('meme1')
    expect((await asUser('set')).body).toBe('givengiven0')
    const sent = await askPlain(port, '/x?y=z')
    expect(sent.headers['location']).toBe('/login?a=b&next=%2Fx%3Fy%3Dz')
    expect((await askPlain(port, '/', { method: 'POST' })).status).toBe(403)
  })

  const templatePath = mkdtempSync(join(tmpdir(), 'windsock-templates-'))
  writeFileSync(
    join(templatePath, 'page.html'),
    '<p><%= it.word %>|<%= it.currentUser %>|<%= it.request.path %>|<%= it.reverseUrl("home") %>|<%= it.handler.getArgument("a") %>',
  )
  writeFileSync(join(templatePath, '..', 'outside.html'), 'outside')

  it('render escapes, and has Tornado’s names (T106)', async () => {
    class Page extends User {
      override get() {
        this.render('page.html', { word: `<b a="b">'&` })
      }
    }
    const rules = [url('/', Page, {}, 'home')]
    const { port } = await startApplication(rules, { templatePath })
    const got = await askPlain(port, '/?a=1', { headers: { Cookie: 'user=%3Cme%3E' } })
    expect(got.body).toBe('<p>&lt;b a=&quot;b&quot;&gt;&#39;&amp;|&lt;me&gt;|/|/|1')
    expect((await askPlain(port, '/')).status).toBe(400) // the template asks for "a"
  })

  it('renderString works on an open connection (T104, T106)', async () => {
    class Live extends WebSocketHandler {
      override getCurrentUser() {
        return this.getCookie('user')
      }
      override onMessage(message: string | Uint8Array) {
        return this.writeMessage(this.renderString('page.html', { word: message }))
      }
    }
    const { port } = await startApplication([url('/', Live, {}, 'home')], { templatePath })
    const client = await RawClient.open(port, { path: '/?a=1', headers: { Cookie: 'user=me' } })
    client.write(text('<x>'))
    expect(await client.nextText()).toBe('<p>&lt;x&gt;|me|/|/|1')
  })

  it('a template that is not there is told with the folder it is looked for in', async () => {
    for (const folder of [templatePath, relative(process.cwd(), templatePath)]) {
      const settings = { templatePath: folder }
      const { port, errors } = await serving((handler) => handler.render('nothing.html'), settings)
      expect((await askPlain(port, '/')).status).toBe(500)
      const { message } = await errors.next()
      expect(message.split(` ${templatePath}`)).toHaveLength(2)
    }
  })

  it('a template stays in its folder, and without a folder there is none', async () => {
    for (const name of ['../outside.html', '/../outside.html', 'nothing.html', '@x']) {
      const { port, errors } = await serving((handler) => handler.render(name), { templatePath })
      const got = await askPlain(port, '/')
      expect([got.status, got.body.includes('outside')]).toEqual([500, false])
      expect((await errors.next()).code).toBe('ERR_WINDSOCK_HANDLER')
    }
    const { port, errors } = await serving((handler) => handler.render('page.html'))
    expect((await askPlain(port, '/')).status).toBe(500)
    expect((await errors.next()).code).toBe('ERR_WINDSOCK_SETTING')
  })
})
