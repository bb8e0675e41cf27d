// The door: what an upgrade request has to be, and what else is answered with, over a real socket.
//
// A refusal is one HTTP response and the end of the socket; nothing is upgraded, `open` never runs, and the
// record says so. Each case breaks one rule of an otherwise right handshake.

import { describe, expect, it } from 'vitest'
import { ask, expectEcho, house } from './support/house.ts'
import { PLAIN, type RequestOptions } from './support/raw-client.ts'

interface Case extends RequestOptions {
  readonly what: string
  readonly status: number
}

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

const REFUSED: readonly Case[] = [
  { what: 'HTTP/1.0', httpVersion: '1.0', status: 400 },
  { what: 'no Host', headers: { Host: null }, status: 400 },
  { what: 'two Host headers', extraHeaders: [['Host', 'other.test']], status: 400 },
  { what: 'two equal Host headers', extraHeaders: [['Host', 'windsock.test:80']], status: 400 },
  { what: 'a Host with a blank', headers: { Host: 'wind sock' }, status: 400 },
  { what: 'a Host with a user', headers: { Host: 'me@windsock.test' }, status: 400 },
  { what: 'a Host with a path', headers: { Host: 'windsock.test/x' }, status: 400 },
  { what: 'a Host with no such port', headers: { Host: 'windsock.test:65536' }, status: 400 },
  { what: 'a Host that is no IPv6 address', headers: { Host: '[::1' }, status: 400 },
  { what: 'an empty Host', headers: { Host: '' }, status: 400 },
  { what: 'version 0xd', headers: { 'Sec-WebSocket-Version': '0xd' }, status: 426 },
  { what: 'version 13.0', headers: { 'Sec-WebSocket-Version': '13.0' }, status: 426 },
  { what: 'version 12', headers: { 'Sec-WebSocket-Version': '12' }, status: 426 },
  { what: 'version +13', headers: { 'Sec-WebSocket-Version': '+13' }, status: 426 },
  { what: 'no version', headers: { 'Sec-WebSocket-Version': null }, status: 426 },
  { what: 'two versions', extraHeaders: [['Sec-WebSocket-Version', '13']], status: 426 },
  { what: 'POST', method: 'POST', status: 405 },
  { what: 'HEAD', method: 'HEAD', status: 405 },
  { what: 'Upgrade to something else', headers: { Upgrade: 'h2c' }, status: 400 },
  { what: 'no key', headers: { 'Sec-WebSocket-Key': null }, status: 400 },
  { what: 'two keys', extraHeaders: [['Sec-WebSocket-Key', KEY]], status: 400 },
  {
    what: 'a key of 15 bytes',
    headers: { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25j' },
    status: 400,
  },
  {
    what: 'a key with a blank',
    headers: { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZ ==' },
    status: 400,
  },
  {
    what: 'a key without padding',
    headers: { 'Sec-WebSocket-Key': KEY.slice(0, -2) },
    status: 400,
  },
  { what: 'a body', headers: { 'Content-Length': '5' }, head: Buffer.from('hello'), status: 400 },
  {
    what: 'a chunked body',
    headers: { 'Transfer-Encoding': 'chunked' },
    head: Buffer.from('0\r\n\r\n'),
    status: 400,
  },
  {
    what: 'a subprotocol that is no token',
    headers: { 'Sec-WebSocket-Protocol': 'a b' },
    status: 400,
  },
  { what: 'a subprotocol twice', headers: { 'Sec-WebSocket-Protocol': 'a, a' }, status: 400 },
  { what: 'a foreign Origin', headers: { Origin: 'http://evil.test' }, status: 403 },
  { what: 'Origin "null"', headers: { Origin: 'null' }, status: 403 },
  { what: 'a subdomain as Origin', headers: { Origin: 'http://www.windsock.test' }, status: 403 },
  { what: 'another port as Origin', headers: { Origin: 'http://windsock.test:8080' }, status: 403 },
  {
    what: 'two Origins',
    headers: { Origin: 'http://windsock.test' },
    extraHeaders: [['Origin', 'http://windsock.test']],
    status: 403,
  },
  {
    what: 'a foreign Sec-WebSocket-Origin of version 8',
    headers: { 'Sec-WebSocket-Version': '8', 'Sec-WebSocket-Origin': 'http://evil.test' },
    status: 403,
  },
]

describe('a request that breaks a rule is refused', () => {
  // Node 20 drops what exceeds 2,000 headers, so that ours are missing; newer ones refuse by themselves.
  it('3,000 headers: 400 or 431, and nothing is upgraded', async () => {
    const { port, opened } = await house()
    const extraHeaders = Array.from({ length: 3_000 }, () => ['a', ''] as const)
    expect([400, 431]).toContain((await ask(port, { extraHeaders })).status)
    expect(opened()).toBe(0)
  })

  it.each(REFUSED)('$what: $status (T6, T10, T11, T18–T20)', async ({ status, ...options }) => {
    const { port, records, opened, server } = await house()
    const response = await ask(port, options)
    expect(response.status).toBe(status)
    expect(response.headers['connection']).toBe('close')
    if (status === 426) expect(response.headers['sec-websocket-version']).toBe('13, 8')
    if (status === 405) expect(response.headers['allow']).toBe('GET')
    expect(response.body).toMatch(/^[^\r\n]+\n$/)
    expect(await records.next()).toMatchObject({
      cause: 'refused',
      initiator: 'local',
      status,
      sent: null,
      received: null,
      code: 1006,
      wasClean: false,
    })
    expect(opened()).toBe(0)
    expect(server.connections.size).toBe(0)
  })

  it('unknown path: 404, no record, for an upgrade and for a plain request (T1)', async () => {
    const { port, records, server } = await house()
    expect((await ask(port, { path: '/nowhere' })).status).toBe(404)
    expect((await ask(port, { path: '/nowhere', headers: PLAIN })).status).toBe(404)
    expect(records.all).toEqual([])
    expect(server.counts).toEqual({ accepted: 0, closed: 0, turnedAway: 0 })
  })

  it('a plain GET on a WebSocket path: 400; a plain POST: 405 (T6–T8)', async () => {
    const { port, opened } = await house()
    expect((await ask(port, { headers: PLAIN })).status).toBe(400)
    expect((await ask(port, { method: 'POST', headers: PLAIN })).status).toBe(405)
    expect(opened()).toBe(0)
  })

  it('more than 16 KiB of headers: 431 (T15)', async () => {
    const { port, opened } = await house()
    const flood = { headers: { 'X-Flood': 'x'.repeat(20_000) } }
    expect((await ask(port, flood)).status).toBe(431)
    expect(opened()).toBe(0)
  })

  it('a path parameter that does not decode to UTF-8: 400 (T3)', async () => {
    const { port, opened, server } = await house({}, '/echo/:name')
    for (const name of ['%', '%zz', '%ff', '%c3%28']) {
      expect((await ask(port, { path: `/echo/${name}` })).status).toBe(400)
    }
    expect(opened()).toBe(0)
    expect(server.counts).toEqual({ accepted: 0, closed: 0, turnedAway: 4 })
  })
})

describe('a request that only looks odd is accepted', () => {
  const ACCEPTED: readonly (RequestOptions & { what: string })[] = [
    { what: 'Connection: keep-alive, Upgrade', headers: { Connection: 'keep-alive, Upgrade' } },
    { what: 'Upgrade: WebSocket', headers: { Upgrade: 'WebSocket' } },
    { what: 'Upgrade as a list', headers: { Upgrade: 'foo, websocket' } },
    { what: 'version 8', headers: { 'Sec-WebSocket-Version': '8' } },
    { what: 'an absolute target', path: 'http://windsock.test/' },
    { what: 'a query', path: '/?a=%ff&b' },
    { what: 'an IPv6 Host', headers: { Host: '[::1]:8888' } },
    { what: 'a body of length 0', headers: { 'Content-Length': '0' } },
    { what: 'unknown extensions', headers: { 'Sec-WebSocket-Extensions': 'x-foo; bar=1' } },
  ]
  it.each(ACCEPTED)('$what', async (options) => {
    await expectEcho((await house()).port, options)
  })
})

describe('Origin', () => {
  const from = (Origin: string): RequestOptions => ({ headers: { Origin } })
  const HERE = 'http://windsock.test'

  it('same origin and none at all pass by default (T16, T17, T21, T22)', async () => {
    const { port } = await house()
    await expectEcho(port, from(HERE))
    await expectEcho(port, from('https://WINDSOCK.test:80'))
    await expectEcho(port)
  })

  it('a list allows its entries and nothing else, not even the served host', async () => {
    const { port } = await house({ checkOrigin: ['https://app.test', 'http://localhost:5173'] })
    await expectEcho(port, from('https://app.test'))
    await expectEcho(port, from('http://localhost:5173'))
    for (const origin of [HERE, 'http://app.test', 'https://app.test.evil.test', 'null']) {
      expect((await ask(port, from(origin))).status).toBe(403)
    }
  })

  it('"any" lets every page in', async () => {
    const { port } = await house({ checkOrigin: 'any' })
    await expectEcho(port, from('http://evil.test'))
    await expectEcho(port, from('null'))
  })

  it('a function is awaited, sees origin and request, and only `true` allows (T17, T23)', async () => {
    const asked: string[] = []
    const { port } = await house({
      checkOrigin: async (origin, { path }) => {
        asked.push(`${origin} ${path}`)
        await Promise.resolve()
        return origin === HERE ? true : ('yes' as never)
      },
    })
    await expectEcho(port, from(HERE))
    expect((await ask(port, from('http://evil.test'))).status).toBe(403)
    await expectEcho(port)
    expect(asked).toEqual([`${HERE} /`, 'http://evil.test /'])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
  ])('a checkOrigin that %s: 500, and the error is reported', async (_, checkOrigin) => {
    const { port, records, errors, opened } = await house({ checkOrigin })
    const response = await ask(port, from(HERE))
    expect(response.status).toBe(500)
    expect(response.body).toBe('internal error\n')
    expect(await records.next()).toMatchObject({ cause: 'handlerFailed', status: 500, sent: null })
    expect((await errors.next()).code).toBe('ERR_WINDSOCK_HANDLER')
    expect(opened()).toBe(0)
  })
})
