// The handshake of a WebSocketHandler: what it asks, what it adds, and how it refuses, as in Tornado or better.

import { describe, expect, it } from 'vitest'
import { HandshakeError, route } from 'windsock'
import { Finish, HTTPError, RequestHandler, WebSocketHandler } from 'windsock/tornado'
import { askPlain, startApplication } from '../support/application.ts'
import { ask } from '../support/house.ts'
import { Mailbox } from '../support/mailbox.ts'
import { RawClient, text } from '../support/raw-client.ts'
import { start } from '../support/test-server.ts'

class Echo extends WebSocketHandler {
  override onMessage(message: string | Uint8Array) {
    return this.writeMessage(String(message))
  }
}

/** An application whose handler does `run` in `prepare`, and how often it was opened. */
async function preparing(run: (handler: WebSocketHandler) => unknown) {
  const calls: string[] = []
  class Prepares extends WebSocketHandler {
    override async prepare() {
      await run(this)
    }
    override open() {
      calls.push('open')
    }
    override onClose() {
      calls.push('close')
    }
    override onFinish() {
      calls.push('finish')
    }
  }
  return { ...(await startApplication([['/', Prepares]])), calls }
}

describe('the request', () => {
  it('only GET upgrades: any other method is 405 (T6)', async () => {
    const { port } = await startApplication([['/', Echo]])
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      expect((await ask(port, { method })).status).toBe(405)
      expect((await askPlain(port, '/', { method })).status).toBe(405)
    }
  })

  it('needs Upgrade and Connection, in any case and among others (T7, T8)', async () => {
    const { port } = await startApplication([['/', Echo]])
    const plain = await askPlain(port, '/')
    expect(plain.status).toBe(400)
    expect(plain.body).toMatch(/^[^\n]+\n$/)
    expect((await ask(port, { headers: { Upgrade: 'h2c' } })).status).toBe(400)
    expect((await ask(port, { headers: { Connection: 'close' } })).status).toBe(400)
    const headers = { Upgrade: 'WebSocket', Connection: 'keep-alive, UPGRADE' }
    await RawClient.open(port, { headers })
  })

  it('another version is 426 and tells those that are (T10)', async () => {
    const { port } = await startApplication([['/', Echo]])
    for (const version of ['7', '14', null]) {
      const { status, headers } = await ask(port, { headers: { 'Sec-WebSocket-Version': version } })
      expect([status, headers['sec-websocket-version']]).toEqual([426, '13, 8'])
    }
    await RawClient.open(port, { headers: { 'Sec-WebSocket-Version': '8' } })
  })

  it('a key that is none is 400 (T11)', async () => {
    const { port } = await startApplication([['/', Echo]])
    for (const key of ['abc', '', null]) {
      expect((await ask(port, { headers: { 'Sec-WebSocket-Key': key } })).status).toBe(400)
    }
  })

  it('is looked at in order: Upgrade, Connection, Origin, Version, Key (T9)', async () => {
    const { port } = await startApplication([['/', Echo]])
    const bad = {
      'Sec-WebSocket-Version': '1',
      'Sec-WebSocket-Key': 'x',
      Origin: 'http://evil.test',
    }
    expect((await ask(port, { headers: { ...bad, Upgrade: 'x' } })).status).toBe(400)
    expect((await ask(port, { headers: bad })).status).toBe(403)
    expect((await ask(port, { headers: { ...bad, Origin: null } })).status).toBe(426)
  })
})

describe('the origin', () => {
  const CASES: readonly (readonly [
    what: string,
    headers: Record<string, string>,
    status: number,
  ])[] = [
    ['own host and port', { Host: 'a.test:81', Origin: 'http://a.test:81' }, 101],
    ['another host', { Host: 'a.test', Origin: 'http://b.test' }, 403],
    ['another port', { Host: 'a.test:81', Origin: 'http://a.test:82' }, 403],
    ['none', {}, 101],
    ['the header of version 8', { 'Sec-WebSocket-Origin': 'http://b.test' }, 403],
    ['null', { Origin: 'null' }, 403],
    ['empty', { Origin: '' }, 403],
    ['a Host in capitals', { Host: 'A.TEST', Origin: 'http://a.test' }, 101],
    ['the default port written out', { Host: 'a.test:80', Origin: 'http://a.test' }, 101],
  ]
  it.each(CASES)('%s (T16–T22)', async (_, headers, status) => {
    const { port } = await startApplication([['/', Echo]])
    const client = await RawClient.connect(port)
    expect((await client.request({ headers })).status).toBe(status)
  })

  it('an async checkOrigin is awaited, and only true allows (T23)', async () => {
    for (const [answer, status] of [
      [true, 101],
      [false, 403],
      ['yes', 403],
    ] as const) {
      class Asks extends WebSocketHandler {
        override async checkOrigin(origin: string) {
          await Promise.resolve()
          return (origin === 'http://b.test' && answer) as boolean
        }
      }
      const { port } = await startApplication([['/', Asks]])
      const client = await RawClient.connect(port)
      const headers = { Origin: 'http://b.test' }
      expect((await client.request({ headers })).status).toBe(status)
    }
  })

  it('checkOrigin is not asked without an Origin, and may ask for the default (T17, T20)', async () => {
    const asked: string[] = []
    class Asks extends WebSocketHandler {
      override checkOrigin(origin: string) {
        asked.push(origin)
        return super.checkOrigin(origin)
      }
    }
    const { port } = await startApplication([['/', Asks]])
    await RawClient.open(port)
    await RawClient.open(port, { headers: { Origin: 'http://windsock.test' } })
    expect((await ask(port, { headers: { Origin: 'null' } })).status).toBe(403)
    expect(asked).toEqual(['http://windsock.test', 'null'])
  })
})

describe('prepare', () => {
  it('refuses with 403 by a plain false, at once or later, before an upgrade and before a method', async () => {
    class No extends WebSocketHandler {
      override prepare() {
        return false as unknown as undefined
      }
    }
    class NoLater extends RequestHandler {
      override async prepare() {
        return false as unknown as undefined
      }
      override get() {
        this.write('a secret')
      }
    }
    const { port } = await startApplication([
      ['/', No],
      ['/page', NoLater],
    ])
    expect((await ask(port, {})).status).toBe(403)
    expect((await askPlain(port, '/page')).status).toBe(403)
  })

  it('puts headers on the 101, repeated ones too, and none that the 101 has itself (T12, T24, T25)', async () => {
    const { port } = await preparing((handler) => {
      handler.addHeader('X-One', 'a')
      handler.addHeader('X-One', 'b')
      handler.setHeader('Sec-WebSocket-Accept', 'mine')
      handler.setHeader('Content-Length', 5)
      handler.setHeader('Connection', 'close')
      handler.write('nobody reads this')
    })
    const client = await RawClient.connect(port)
    const { headers, headerNames } = await client.upgrade()
    expect(headers).toMatchObject({ 'x-one': 'a, b', connection: 'Upgrade', upgrade: 'websocket' })
    expect(headerNames.filter((name) => name === 'x-one')).toHaveLength(2)
    for (const name of ['content-type', 'content-length']) expect(headerNames).not.toContain(name)
  })

  const ENDINGS: readonly (readonly [
    what: string,
    run: (handler: WebSocketHandler) => void,
    status: number,
    body: string,
  ])[] = [
    [
      'HTTPError',
      () => {
        throw new HTTPError(401)
      },
      401,
      '<html><title>401: Unauthorized</title><body>401: Unauthorized</body></html>',
    ],
    ['finish()', (handler) => handler.finish('not today'), 200, 'not today'],
    [
      'Finish',
      (handler) => {
        handler.setStatus(409)
        handler.write({ why: 'taken' })
        throw new Finish()
      },
      409,
      '{"why":"taken"}',
    ],
    ['redirect()', (handler) => handler.redirect('/login'), 302, ''],
    [
      'sendError()',
      (handler) => handler.sendError(403),
      403,
      expect.stringContaining('403') as never,
    ],
    [
      'HandshakeError',
      () => {
        throw new HandshakeError(402, 'pay first')
      },
      402,
      'pay first\n',
    ],
  ]
  it.each(ENDINGS)(
    '%s ends as plain HTTP, without an upgrade (T13)',
    async (what, run, status, body) => {
      const { port, calls, records, errors } = await preparing((handler) => {
        handler.setCookie('a', 'b')
        handler.setCookie('c', 'd')
        run(handler)
      })
      const got = await ask(port, {})
      expect(got).toMatchObject({ status, body })
      expect(await records.next()).toMatchObject({ cause: 'refused', status })
      const cookies = got.headerNames.filter((name) => name === 'set-cookie')
      expect(cookies).toHaveLength(what === 'HandshakeError' ? 0 : 2)
      if (what === 'redirect()') expect(got.headers['location']).toBe('/login')
      expect(got.headerNames.filter((name) => name === 'content-type')).toHaveLength(1)
      expect(calls).toEqual(what === 'HandshakeError' ? [] : ['finish'])
      expect(errors.all).toEqual([])
    },
  )

  it('close() refuses, and the reason is told (T14)', async () => {
    const { port, calls } = await preparing((handler) => handler.close(4000, 'full up'))
    expect(await ask(port, {})).toMatchObject({ status: 403, body: 'full up\n' })
    const plain = await preparing((handler) => handler.close())
    expect((await ask(plain.port, {})).status).toBe(403)
    expect(calls).toEqual([])
    const wrong = await preparing((handler) => handler.close(1006))
    expect((await ask(wrong.port, {})).status).toBe(500)
    expect((await wrong.errors.next()).code).toBe('ERR_WINDSOCK_CLOSE_CODE')
  })

  it('what else it throws is 500, and told', async () => {
    const { port, errors } = await preparing(() => {
      throw new Error('broken')
    })
    expect((await ask(port, {})).status).toBe(500)
    expect((await errors.next()).cause).toEqual(new Error('broken'))
  })

  it('an HTTPError in the other hooks before the upgrade refuses as well (T13)', async () => {
    class Refuses extends WebSocketHandler {
      override checkOrigin(): boolean {
        throw new HTTPError(451)
      }
      override async selectSubprotocol(): Promise<string> {
        await Promise.resolve()
        throw new HTTPError(406)
      }
    }
    const { port } = await startApplication([['/', Refuses]])
    expect((await ask(port, { headers: { Origin: 'http://a.test' } })).status).toBe(451)
    expect((await ask(port, {})).status).toBe(406)
  })

  it('works the same in a route of serve() (T12, T13)', async () => {
    class Both extends WebSocketHandler {
      override prepare() {
        this.setCookie('a', 'b')
        if (this.getArgument('key', '') !== 'right') throw new HTTPError(401)
      }
    }
    const { port } = await start({ routes: [route('/', Both)] })
    expect((await ask(port, {})).status).toBe(401)
    const client = await RawClient.connect(port)
    const { headers } = await client.upgrade({ path: '/?key=right' })
    expect(headers['set-cookie']).toBe('a=b; Path=/')
  })
})

describe('the subprotocol', () => {
  it('is asked for once, with [] when none is offered, and none is chosen by default (T75)', async () => {
    const asked: (readonly string[])[] = []
    const chosen = new Mailbox<string | null>()
    class Chooses extends WebSocketHandler {
      override selectSubprotocol(offered: readonly string[]) {
        asked.push(offered)
        return Promise.resolve(offered[1] ?? null)
      }
      override open() {
        chosen.put(this.selectedSubprotocol)
      }
    }
    const { port } = await startApplication([
      ['/', Chooses],
      ['/default', Echo],
    ])
    const headers = { 'Sec-WebSocket-Protocol': 'a, b' }
    const client = await RawClient.connect(port)
    expect((await client.upgrade({ headers })).headers['sec-websocket-protocol']).toBe('b')
    await RawClient.open(port)
    expect(asked).toEqual([['a', 'b'], []])
    await chosen.atLeast(2)
    expect(chosen.all).toEqual(['b', null])
    const other = await RawClient.connect(port)
    const { headerNames } = await other.upgrade({ path: '/default', headers })
    expect(headerNames).not.toContain('sec-websocket-protocol')
  })

  it('one that was not offered is 500, and told (T76)', async () => {
    class Chooses extends WebSocketHandler {
      override selectSubprotocol() {
        return 'c'
      }
    }
    const { port, errors } = await startApplication([['/', Chooses]])
    const headers = { 'Sec-WebSocket-Protocol': 'a, b' }
    expect((await ask(port, { headers })).status).toBe(500)
    expect((await errors.next()).code).toBe('ERR_WINDSOCK_SUBPROTOCOL')
  })
})

it('after the upgrade HTTP-only methods throw, and sendError does nothing (T40)', async () => {
  const codes = new Mailbox<unknown>()
  class Late extends WebSocketHandler {
    override onMessage() {
      const calls = [
        () => this.write('x'),
        () => this.finish(),
        () => this.redirect('/'),
        () => this.render('x'),
        () => this.setStatus(200),
        () => this.setHeader('a', 'b'),
        () => this.addHeader('a', 'b'),
        () => this.clearHeader('a'),
        () => this.clear(),
        () => this.setCookie('a', 'b'),
        () => this.sendError(500),
      ]
      for (const call of calls) {
        try {
          call()
          codes.put('no error')
        } catch (error) {
          codes.put((error as { code: string }).code)
        }
      }
      return this.writeMessage(`still ${this.getStatus()}`)
    }
  }
  const { port } = await startApplication([['/', Late]])
  const client = await RawClient.open(port)
  client.write(text('go'))
  expect(await client.nextText()).toBe('still 101')
  expect(codes.all).toEqual([...Array(10).fill('ERR_WINDSOCK_RESPONSE'), 'no error'])
})
