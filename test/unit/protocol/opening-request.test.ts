import { describe, expect, it } from 'vitest'
import { openingRequest } from '../../../src/protocol/opening-request.ts'

const UPGRADE = ['Upgrade: websocket', 'Connection: Upgrade']

function read(fields: readonly string[], start = 'GET /chat?room=1 HTTP/1.1') {
  return openingRequest(Buffer.from([start, ...fields, '', ''].join('\r\n'), 'latin1'))
}

describe('an opening request', () => {
  it('is read with its target and its fields, as they came', () => {
    expect(
      read(['hOst: a.test:80', ...UPGRADE, 'X-Empty:', 'Cookie: a=1; b="2"\t3']),
    ).toMatchObject({
      method: 'GET',
      url: '/chat?room=1',
      httpVersion: '1.1',
      rawHeaders: [
        ...['hOst', 'a.test:80', 'Upgrade', 'websocket', 'Connection', 'Upgrade'],
        ...['X-Empty', '', 'Cookie', 'a=1; b="2"\t3'],
      ],
    })
  })

  it.each(['Upgrade', 'upgrade', 'keep-alive, Upgrade', 'keep-alive,Upgrade'])(
    'may say Connection: %s',
    (value) => {
      expect(read(['Upgrade: WebSocket', `Connection: ${value}`])).toBeDefined()
    },
  )

  it('has a hundred fields at most', () => {
    const fields = (count: number) => Array.from({ length: count }, (_, index) => `X-${index}: y`)
    expect(read([...UPGRADE, ...fields(98)])?.rawHeaders).toHaveLength(200)
    expect(read([...UPGRADE, ...fields(99)])).toBeUndefined()
  })

  it.each([
    ['another method', UPGRADE, 'POST / HTTP/1.1'],
    ['another version', UPGRADE, 'GET / HTTP/1.0'],
    ['an absolute target', UPGRADE, 'GET http://a.test/ HTTP/1.1'],
    ['a target with a fragment', UPGRADE, 'GET /#a HTTP/1.1'],
    ['a target that is not ASCII', UPGRADE, 'GET /é HTTP/1.1'],
    ['no fields', []],
    ['a field that is not ASCII', [...UPGRADE, 'X: é']],
    ['a field with a blank before the colon', [...UPGRADE, 'X : y']],
    ['a field with blanks around its value', [...UPGRADE, 'X:  y']],
    ['a field with a blank behind its value', [...UPGRADE, 'X: y ']],
    ['a field over two lines', [...UPGRADE, 'X: y', ' z']],
    ['a line feed alone', [...UPGRADE, 'X: y\nY: z']],
    ['no Upgrade', ['Connection: Upgrade']],
    ['two Upgrades', [...UPGRADE, 'Upgrade: websocket']],
    ['another Upgrade', ['Upgrade: h2c', 'Connection: Upgrade']],
    ['no Connection', ['Upgrade: websocket']],
    ['two Connections', [...UPGRADE, 'Connection: keep-alive']],
    ['a Connection with more', ['Upgrade: websocket', 'Connection: Upgrade, X']],
    ['a length', [...UPGRADE, 'Content-Length: 0']],
    ['a coding', [...UPGRADE, 'Transfer-Encoding: chunked']],
  ])('with %s is left to Node', (_, fields, start?: string) => {
    expect(read(fields, start)).toBeUndefined()
  })
})
