// Cookies, plain and signed, on pages and on the 101, and beside the real Tornado.

import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import type { WebSocketError } from 'windsock'
import {
  type ApplicationSettings,
  createSignedValue,
  RequestHandler,
  WebSocketHandler,
} from 'windsock/tornado'
import { requires } from '../../support/requires.ts'
import { askPlain, startApplication } from '../support/application.ts'
import { Mailbox } from '../support/mailbox.ts'
import { RawClient } from '../support/raw-client.ts'

const PYTHON = '/usr/bin/python3'
const here = requires(
  'python3-tornado',
  () => spawnSync(PYTHON, ['-c', 'import tornado.websocket']).status === 0,
)

const SECRET = 'a secret of the house'
const text = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString()

/** What a handler's `read` gives for a request with this Cookie header. */
async function reading(
  cookie: string,
  read: (handler: RequestHandler) => unknown,
  settings: ApplicationSettings = { cookieSecret: SECRET },
) {
  class Reads extends RequestHandler {
    override get() {
      this.write({ read: read(this) })
    }
  }
  const { port } = await startApplication([['/', Reads]], settings)
  const answer = await askPlain(port, '/', { headers: { Cookie: cookie } })
  return JSON.parse(answer.body).read
}

describe('cookies', () => {
  it('of the request alone, with a fallback, and as Python quotes them (T96)', async () => {
    const cookie = 'a=1; b="x\\054y\\"z"; c=%C3%BC; __proto__=evil'
    const read = await reading(cookie, (handler) => {
      handler.setCookie('a', '2')
      return ['a', 'b', 'c', 'd', 'toString'].map((name) => handler.getCookie(name))
    })
    expect(read).toEqual(['1', 'x,y"z', 'ü', null, null])
    expect(await reading('a=1', (handler) => handler.getCookie('b', 7))).toBe(7)
  })

  type Loose = Record<string, (...args: unknown[]) => unknown>
  it.each<[string, (handler: Loose) => unknown]>([
    ['httponly', (handler) => handler['setCookie']?.('a', '1', { httponly: true })],
    ['expires_days', (handler) => handler['setSecureCookie']?.('a', '1', { expires_days: 1 })],
    ['its days alone', (handler) => handler['setSecureCookie']?.('a', '1', 7)],
    ['max_age_days', (handler) => handler['getSecureCookie']?.('a', { max_age_days: 7 })],
    ['its age alone', (handler) => handler['getSecureCookie']?.('a', 7)],
  ])(
    'with an option that there is none of is a mistake that is told: %s (T97, T98)',
    async (_, use) => {
      const read = await reading('', (handler) => {
        try {
          return use(handler as unknown as Loose)
        } catch (thrown) {
          return (thrown as WebSocketError).code
        }
      })
      expect(read).toBe('ERR_WINDSOCK_SETTING')
    },
  )

  it('several are several headers, the last of a name wins, and one may be cleared (T97)', async () => {
    class Sets extends RequestHandler {
      override get() {
        this.setCookie('a', '1')
        this.setCookie('b', 'x;y', { httpOnly: true, sameSite: 'lax', maxAge: 9 })
        this.setCookie('a', '2', { path: '/p', domain: 'example.org', secure: true })
        this.clearCookie('c', { path: '/p' })
      }
    }
    const { port } = await startApplication([['/', Sets]])
    const { headers, headerNames } = await askPlain(port, '/')
    expect(headerNames.filter((name) => name === 'set-cookie')).toHaveLength(3)
    expect(headers['set-cookie']).toMatch(
      /^a=2; Domain=example\.org; Path=\/p; Secure, b=x%3By; Max-Age=9; Path=\/; HttpOnly; SameSite=Lax, c=; Path=\/p; Expires=\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$/,
    )
  })

  it('are set on the 101, signed ones too, and not any more in open (T12, T24, T97, T98)', async () => {
    const thrown = new Mailbox<unknown>()
    class Sets extends WebSocketHandler {
      override setDefaultHeaders() {
        this.setHeader('X-Default', 'yes')
      }
      override async prepare() {
        await Promise.resolve()
        this.setCookie('plain', '1')
        this.setSignedCookie('signed', 'größer')
      }
      override open() {
        for (const late of [
          () => this.setCookie('late', '1'),
          () => this.setSecureCookie('late', '1'),
          () => this.clearCookie('plain'),
        ]) {
          try {
            late()
          } catch (error) {
            thrown.put((error as { code: string }).code)
          }
        }
      }
    }
    const { port } = await startApplication([['/', Sets]], { cookieSecret: SECRET })
    const client = await RawClient.connect(port)
    const { headers, headerNames } = await client.upgrade()
    expect(headerNames.filter((name) => name === 'set-cookie')).toHaveLength(2)
    expect(headers).toMatchObject({ 'x-default': 'yes', server: 'windsock' })
    expect(headerNames).toContain('date')
    expect(headerNames).not.toContain('content-type')
    await thrown.atLeast(3)
    expect(thrown.all).toEqual(Array(3).fill('ERR_WINDSOCK_RESPONSE'))
    const signed = /signed=([^;]+);.*Expires/.exec(headers['set-cookie'] ?? '')?.[1] ?? ''
    const read = await reading(`signed=${signed}`, (handler) =>
      text(handler.getSignedCookie('signed')),
    )
    expect(read).toBe('größer')
  })

  it('a signed one is read only as it was signed, and never throws (T100, T101)', async () => {
    const clock = { wallMs: () => Date.now() - 40 * 86_400_000 }
    const old = createSignedValue(SECRET, 'a', 'b', { clock })
    const own = createSignedValue(SECRET, 'a', 'b')
    const read = (value: string, maxAgeDays?: number) =>
      reading(`a=${value}`, (handler) =>
        text(handler.getSecureCookie('a', maxAgeDays === undefined ? {} : { maxAgeDays })),
      )
    expect(await read(own)).toBe('b')
    expect(await read(`"${own}"`)).toBe('b')
    expect(await read(old)).toBeNull()
    expect(await read(old, 41)).toBe('b')
    expect(await read(createSignedValue('other', 'a', 'b'))).toBeNull()
    expect(await read(createSignedValue(SECRET, 'b', 'b'))).toBeNull()
    for (const odd of ['', '2|', `${own}x`, 'Yg==|1300000000|beef']) {
      expect(await read(odd)).toBeNull()
    }
  })

  it('keys rotate: old ones are read, the named one signs (T102)', async () => {
    const settings = { cookieSecret: { 1: 'one', 2: 'two' }, keyVersion: 2 }
    const old = createSignedValue({ 1: 'one' }, 'a', 'b', { keyVersion: 1 })
    const read = await reading(
      `a=${old}`,
      (handler) => [
        text(handler.getSignedCookie('a')),
        handler.getSignedCookieKeyVersion('a'),
        handler.getSignedCookieKeyVersion('a', handler.createSignedValue('a', 'c')),
        text(handler.getSignedCookie('a', { value: handler.createSignedValue('a', 'c') })),
      ],
      settings,
    )
    expect(read).toEqual(['b', 1, 2, 'c'])
    const retired = { cookieSecret: { 2: 'two' }, keyVersion: 2 }
    const none = (handler: RequestHandler) => handler.getSignedCookie('a')
    expect(await reading(`a=${old}`, none, retired)).toBeNull()
  })

  it('signed ones need a secret (T98)', async () => {
    class Signs extends RequestHandler {
      override get() {
        this.setSignedCookie('a', 'b')
      }
    }
    const { port, errors } = await startApplication([['/', Signs]])
    expect((await askPlain(port, '/')).status).toBe(500)
    expect((await errors.next()).code).toBe('ERR_WINDSOCK_SETTING')
  })
})

describe.runIf(here)('cookies and the real Tornado', () => {
  it('a Set-Cookie of either is read by the other (T96–T99)', async () => {
    const program = `
import sys, json
from http.cookies import SimpleCookie
from tornado.httputil import parse_cookie
from tornado.web import create_signed_value, decode_signed_value
secret, theirs = json.load(sys.stdin)
jar = SimpleCookie()
jar["a"] = create_signed_value(secret, "a", "größer").decode()
jar["b"] = "x,y z;"
read = parse_cookie(theirs)
print(json.dumps({
  "cookie": "; ".join(m.OutputString() for m in jar.values()),
  "read": decode_signed_value(secret, "a", read["a"]).decode(),
}))`
    class Sets extends RequestHandler {
      override get() {
        this.setSignedCookie('a', 'größer')
      }
    }
    const { port } = await startApplication([['/', Sets]], { cookieSecret: SECRET })
    const { headers } = await askPlain(port, '/')
    const ours = headers['set-cookie']?.split(';')[0]
    const run = spawnSync(PYTHON, ['-c', program], {
      input: JSON.stringify([SECRET, ours]),
      encoding: 'utf8',
    })
    expect(run.stderr).toBe('')
    const { cookie, read } = JSON.parse(run.stdout)
    expect(read).toBe('größer')
    const both = (handler: RequestHandler) => [
      text(handler.getSignedCookie('a')),
      handler.getCookie('b'),
    ]
    expect(await reading(cookie, both)).toEqual(['größer', 'x,y z;'])
  })
})
