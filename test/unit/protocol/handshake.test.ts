import { describe, expect, it } from 'vitest'
import { HandlerError, HandshakeError } from '../../../src/protocol/errors.ts'
import {
  bugOfRefusal,
  headerValues,
  hostOf,
  originOf,
  refuseHandshake,
  refuseUpgrade,
  type UpgradeRequest,
} from '../../../src/protocol/handshake.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

/** Header name to its value, or to several values, or to `null` for none. */
type Headers = Record<string, string | readonly string[] | null>

const GOOD: Headers = {
  Host: 'server.example.com',
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Key': KEY,
  'Sec-WebSocket-Version': '13',
}

function request(changes: Headers = {}, line: Partial<UpgradeRequest> = {}): UpgradeRequest {
  const rawHeaders = Object.entries({ ...GOOD, ...changes }).flatMap(([name, value]) =>
    (value === null ? [] : [value].flat()).flatMap((one) => [name, one]),
  )
  return { method: 'GET', url: '/chat', httpVersion: '1.1', rawHeaders, ...line }
}

const upgradeStatus = (...args: Parameters<typeof request>) =>
  refuseUpgrade(request(...args))?.status
const handshakeStatus = (changes?: Headers) => refuseHandshake(request(changes))?.status

describe('the request line (RFC 6455 §4.2.1 item 1)', () => {
  it('is accepted with GET and HTTP/1.1 or higher', () => {
    expect(refuseUpgrade(request())).toBeUndefined()
    expect(upgradeStatus({}, { httpVersion: '2.0' })).toBeUndefined()
  })

  it.each(['POST', 'HEAD', 'get', '', 'CONNECT'])('is refused with the method %j', (method) => {
    expect(refuseUpgrade(request({}, { method }))).toMatchObject({
      status: 405,
      headers: { Allow: 'GET' },
    })
  })

  it.each(['1.0', '0.9', '', '1', '1.', '1.10', '11.1', 'x.y', ' 1.1', '1.1\n'])(
    'is refused with HTTP %j',
    (httpVersion) => {
      expect(upgradeStatus({}, { httpVersion })).toBe(400)
    },
  )
})

describe('the Upgrade header (RFC 6455 §4.2.1 item 3)', () => {
  it.each(['websocket', 'WebSocket', 'h2c, websocket', ' websocket '])('may be %j', (value) => {
    expect(upgradeStatus({ Upgrade: value })).toBeUndefined()
  })

  it('may come several times', () => {
    expect(upgradeStatus({ Upgrade: ['h2c', 'websocket'] })).toBeUndefined()
  })

  it.each([
    null,
    '',
    'h2c',
    'websocket2',
    'nowebsocket',
    'web socket',
    'websocket/13',
    'websoc\u212aet',
  ])('is refused when it is %j', (value) => {
    expect(upgradeStatus({ Upgrade: value })).toBe(400)
  })
})

describe('the Connection header (RFC 6455 §4.2.1 item 4)', () => {
  it.each(['Upgrade', 'upgrade', 'keep-alive, Upgrade', 'a,UPGRADE,b'])('may be %j', (value) => {
    expect(upgradeStatus({ Connection: value })).toBeUndefined()
  })

  it.each([null, '', 'keep-alive', 'upgraded', 'noupgrade', 'up grade', 'close'])(
    'is refused when it is %j',
    (value) => {
      expect(upgradeStatus({ Connection: value })).toBe(400)
    },
  )
})

describe('the version (RFC 6455 §4.2.1 item 6, §4.4)', () => {
  it.each(['13', '8'])('may be %s', (version) => {
    expect(handshakeStatus({ 'Sec-WebSocket-Version': version })).toBeUndefined()
  })

  it.each([null, '', '7', '12', '0xd', '13.0', '013', '13, 8', ' 13', '1e1', ['13', '13']])(
    'is refused when it is %j, with the versions that are spoken',
    (version) => {
      expect(refuseHandshake(request({ 'Sec-WebSocket-Version': version }))).toMatchObject({
        status: 426,
        headers: { 'Sec-WebSocket-Version': '13, 8' },
      })
    },
  )
})

describe('the Host header (RFC 6455 §4.2.1 item 2)', () => {
  it.each(['a.example', 'a.example:8888', '127.0.0.1', '[::1]:80'])('may be %s', (host) => {
    expect(handshakeStatus({ Host: host })).toBeUndefined()
  })

  it.each([null, '', 'a b', 'a:99999', '[::g]', 'http://a', ['a.example', 'a.example']])(
    'is refused when it is %j',
    (host) => {
      expect(handshakeStatus({ Host: host })).toBe(400)
    },
  )

  it('is told only when there is one', () => {
    expect(hostOf(request())).toBe('server.example.com')
    expect(hostOf(request({ Host: null }))).toBe('')
    expect(hostOf(request({ Host: ['a', 'b'] }))).toBe('')
  })
})

describe('the key (RFC 6455 §4.2.1 item 5)', () => {
  it.each([KEY, 'AAAAAAAAAAAAAAAAAAAAAA==', '+/+/+/+/+/+/+/+/+/+/+w=='])('may be %s', (key) => {
    expect(handshakeStatus({ 'Sec-WebSocket-Key': key })).toBeUndefined()
  })

  it.each([
    null,
    '',
    'abc',
    KEY.slice(0, -1),
    `${KEY}=`,
    `A${KEY}`,
    `${KEY}\n`,
    KEY.replace('d', '-'),
    [KEY, KEY],
  ])('is refused when it is %j', (key) => {
    expect(handshakeStatus({ 'Sec-WebSocket-Key': key })).toBe(400)
  })
})

describe('a body (RFC 6455 §4.1, RFC 9110 §7.8)', () => {
  it('may be said to be empty', () => {
    expect(handshakeStatus({ 'Content-Length': '0' })).toBeUndefined()
  })

  it.each<[Headers]>([
    [{ 'Content-Length': '5' }],
    [{ 'Content-Length': '' }],
    [{ 'Content-Length': '00' }],
    [{ 'Content-Length': ['0', '0'] }],
    [{ 'Transfer-Encoding': 'chunked' }],
    [{ 'Transfer-Encoding': '' }],
    [{ 'Content-Length': '0', 'Transfer-Encoding': 'chunked' }],
  ])('is refused when the request says %j', (headers) => {
    expect(handshakeStatus(headers)).toBe(400)
  })
})

describe('the subprotocols on offer (RFC 6455 §4.2.1 item 8, §11.3.4)', () => {
  it.each([null, 'chat', 'chat, superchat', ['chat', 'superchat']])('may be %j', (offer) => {
    expect(handshakeStatus({ 'Sec-WebSocket-Protocol': offer })).toBeUndefined()
  })

  it.each(['', 'a b', 'a,,b', 'a, a', ['a', 'a'], ['a', '']])('are refused when %j', (offer) => {
    expect(handshakeStatus({ 'Sec-WebSocket-Protocol': offer })).toBe(400)
  })
})

describe('the origin of a request (RFC 6455 §4.2.1 item 7)', () => {
  it('is the Origin, or else the Sec-WebSocket-Origin of version 8 (T18)', () => {
    expect(originOf(request())).toBeUndefined()
    expect(originOf(request({ Origin: 'http://a' }))).toBe('http://a')
    expect(originOf(request({ 'Sec-WebSocket-Origin': 'http://b' }))).toBe('http://b')
    expect(originOf(request({ 'Sec-WebSocket-Origin': 'http://b', Origin: '' }))).toBe('')
  })

  it('is empty, so that it is refused, when it comes twice', () => {
    expect(originOf(request({ Origin: ['http://a', 'http://a'] }))).toBe('')
    expect(originOf(request({ 'Sec-WebSocket-Origin': ['http://a', 'http://a'] }))).toBe('')
  })
})

describe('the values of a header (RFC 9110 §5.1)', () => {
  it('come in order, whatever the case of the name', () => {
    const rawHeaders = ['X-A', '1', 'x-b', '2', 'x-a', '3', 'X-AA', '4']
    expect(headerValues(request({}, { rawHeaders }), 'x-a')).toEqual(['1', '3'])
    expect(headerValues(request({}, { rawHeaders }), 'x-c')).toEqual([])
    expect(headerValues(request({}, { rawHeaders: ['A-Z', '1'] }), 'a-z')).toEqual(['1'])
  })

  it('are not taken for names', () => {
    expect(headerValues(request({}, { rawHeaders: ['a', 'b', 'b', 'c'] }), 'b')).toEqual(['c'])
  })

  it('are those of the whole name, not of its beginning', () => {
    expect(headerValues(request({}, { rawHeaders: ['Host', 'a'] }), 'hostile')).toEqual([])
  })

  it('leave out a name that has lost its value', () => {
    expect(headerValues(request({}, { rawHeaders: ['a', '1', 'a'] }), 'a')).toEqual(['1'])
  })

  it('do not mistake the Kelvin sign for a k', () => {
    const rawHeaders = ['sec-websoc\u212aet-key', KEY]
    expect(headerValues(request({}, { rawHeaders }), 'sec-websocket-key')).toEqual([])
  })
})

describe('the order of the rules (RFC 6455 §4.2.1)', () => {
  it('asks for the method before anything else', () => {
    const nothing = { method: 'POST', url: '', httpVersion: '', rawHeaders: [] }
    expect(refuseUpgrade(nothing)?.status).toBe(405)
  })

  it('asks for the version before the rest of the handshake (T9)', () => {
    const nothing = { method: 'GET', url: '', httpVersion: '1.1', rawHeaders: [] }
    expect(refuseHandshake(nothing)?.status).toBe(426)
  })

  it('is decided in one pass, however long and however hostile the headers', () => {
    const long = `${'a, '.repeat(300_000)}${' '.repeat(1_000_000)}"`
    expect(upgradeStatus({ Upgrade: long })).toBe(400)
    expect(upgradeStatus({ Connection: long })).toBe(400)
    expect(handshakeStatus({ Host: 'a%'.repeat(1_000_000) })).toBe(400)
    expect(handshakeStatus({ Host: `a:${'0'.repeat(1_000_000)}x` })).toBe(400)
    expect(handshakeStatus({ 'Sec-WebSocket-Key': long })).toBe(400)
    expect(handshakeStatus({ 'Sec-WebSocket-Protocol': long })).toBe(400)
  })
})

describe('a refusal by a program', () => {
  it.each([300, 303, 403, 599])('may have the status %d', (status) => {
    expect(bugOfRefusal(new HandshakeError(status, 'no'))).toBeUndefined()
  })

  it.each([101, 200, 299, 304, 404.5, 600, Number.NaN])('refuses nothing with %d', (status) => {
    const refusal = new HandshakeError(status, 'no')
    const bug = bugOfRefusal(refusal)
    expect(bug).toBeInstanceOf(HandlerError)
    expect(bug?.cause).toBe(refusal)
    expect(bug?.message).toContain(`has the status ${status}`)
  })
})
