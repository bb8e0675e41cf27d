// Laws of the opening request: what is read here, Node's HTTP reads in the same way.
//
// Each text goes through both. Node's side is an HTTP server of its own, on a socket that is fake.

import { createServer } from 'node:http'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { openingRequest } from '../../src/protocol/opening-request.ts'
import { FakeSocket, GOOD_HEADERS, settle } from './support/fake-socket.ts'
import { lawOf } from './support/law.ts'

interface Told {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly httpVersion: string
  readonly rawHeaders: readonly string[]
  /** Bytes behind the head. */
  readonly behind: number
}

/** What Node tells of an upgrade in these bytes; `undefined` when it tells of something else, or refuses. */
async function byNode(bytes: Buffer): Promise<Told | undefined> {
  let told: Told | undefined
  const http = createServer((_, response) => response.end())
  http.on('upgrade', ({ method, url, httpVersion, rawHeaders }, upgraded, { length: behind }) => {
    told = { method, url, httpVersion, rawHeaders, behind }
    upgraded.destroy()
  })
  const socket = new FakeSocket()
  http.emit('connection', socket)
  socket.arrives(bytes)
  await settle()
  socket.destroy()
  return told
}

const TOKEN = [..."abcXYZ019!#$%&*+-.^_`|~'"]
const ODD = [...' \t\r\n\0:;"(),/<=>?@[\\]{}é\x7f']
const oneOf = (characters: readonly string[]) => fc.constantFrom(...characters)
const word = (unit: fc.Arbitrary<string>, maxLength = 8) => fc.string({ unit, maxLength })
const name = fc.oneof(
  { weight: 25, arbitrary: word(oneOf(TOKEN)).filter((text) => text !== '') },
  { weight: 1, arbitrary: word(oneOf([...TOKEN, ...ODD])) },
  {
    weight: 1,
    arbitrary: oneOf(['Content-Length', 'Transfer-Encoding', 'Expect', 'Proxy-Connection', 'Host']),
  },
)
const value = fc.oneof(
  { weight: 25, arbitrary: word(oneOf([...TOKEN, ' ', ',', '"'])) },
  { weight: 1, arbitrary: word(oneOf([...TOKEN, ...ODD])) },
  { weight: 1, arbitrary: oneOf(['0', '5', 'chunked', 'close', '100-continue']) },
)
const field = fc
  .tuple(
    name,
    oneOf([':', ...Array(20).fill(': '), ':\t', ':  ', ' :']),
    value,
    oneOf([...Array(20).fill(''), ' ']),
  )
  .map((parts) => parts.join(''))
const connection = oneOf([
  'Upgrade',
  'upgrade',
  'keep-alive, Upgrade',
  'Keep-Alive,upgrade',
  'UPGRADE',
  'Upgrade, keep-alive',
  'close, upgrade',
  'keep-alive',
  'up grade',
])
const path = fc.oneof(
  { weight: 25, arbitrary: word(oneOf([..."abcAZ09-._~!$&'()*+,;=:@%/?"])) },
  { weight: 1, arbitrary: word(oneOf([...TOKEN, ...ODD])) },
)
const target = fc.oneof(
  { weight: 30, arbitrary: path.map((rest) => `/${rest}`) },
  { weight: 1, arbitrary: path },
)
const usual = (value: string, ...others: string[]) =>
  fc.oneof({ weight: 30, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: oneOf(others) })

const texts = fc
  .record({
    method: usual('GET', 'get', 'POST', 'OPTIONS', ''),
    target,
    version: usual('HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'http/1.1', ''),
    upgrade: usual('Upgrade: websocket', 'upgrade:WebSocket', 'Upgrade: h2c', 'X: y'),
    connection,
    fields: fc.array(field, { maxLength: 4 }),
    order: fc.nat(),
    lineEnd: usual('\r\n', '\n', '\r\n '),
    behind: usual('', 'x', 'GET / HTTP/1.1\r\n\r\n', '\r\n'),
  })
  .map(({ method, target, version, upgrade, connection, fields, order, lineEnd, behind }) => {
    const good = GOOD_HEADERS.filter(([name]) => name !== 'Upgrade' && name !== 'Connection')
    const lines = [...good.map((pair) => pair.join(': ')), upgrade, `Connection: ${connection}`]
    lines.splice(order % (lines.length + 1), 0, ...fields)
    const head = [`${method} ${target} ${version}`, ...lines, '', ''].join(lineEnd)
    return Buffer.from(head + behind, 'latin1')
  })

describe('an opening request', () => {
  lawOf('that is read here Node would have told of in the same words', texts, async (bytes) => {
    const request = openingRequest(bytes)
    if (request === undefined) return false
    const { method, url, httpVersion, rawHeaders } = request
    expect(await byNode(bytes)).toEqual({ method, url, httpVersion, rawHeaders, behind: 0 })
    return true
  })

  lawOf(
    'is read here whole or not at all',
    fc.record({ bytes: texts, cut: fc.nat() }),
    ({ bytes, cut }) => {
      if (openingRequest(bytes) === undefined) return false
      expect(openingRequest(bytes.subarray(0, cut % bytes.length))).toBeUndefined()
      expect(openingRequest(Buffer.concat([bytes, bytes]))).toBeUndefined()
      return true
    },
  )
})
