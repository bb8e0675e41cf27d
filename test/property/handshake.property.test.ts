// Laws of the opening handshake. A request is put together from parts, each of which knows by
// construction whether it keeps its rule, so the expected answer is the status of the first part
// that does not.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  headerValues,
  hostOf,
  originOf,
  type Refusal,
  refuseHandshake,
  refuseUpgrade,
  type UpgradeRequest,
} from '../../src/protocol/handshake.ts'

const RUNS = { numRuns: 1000 }

/** A part of a request, and the status that refuses it, if any. */
interface Part {
  readonly headers: readonly string[]
  readonly status: number | undefined
}

function part(name: string, status: number, good: fc.Arbitrary<string>, bad: fc.Arbitrary<string>) {
  const one = (value: string, refused?: number): Part => ({
    headers: [name, value],
    status: refused,
  })
  return fc.oneof(
    { weight: 12, arbitrary: good.map((value) => one(value)) },
    { weight: 1, arbitrary: bad.map((value) => one(value, status)) },
    { weight: 1, arbitrary: fc.constant<Part>({ headers: [], status }) },
  )
}

/** As `part`, for a header that may come only once. */
function single(...[name, status, good, bad]: Parameters<typeof part>) {
  const twice = fc
    .tuple(good, good)
    .map(([a, b]): Part => ({ headers: [name, a, name, b], status }))
  return fc.oneof(
    { weight: 14, arbitrary: part(name, status, good, bad) },
    { weight: 1, arbitrary: twice },
  )
}

const anyCase = (word: string) =>
  fc
    .array(fc.boolean(), { minLength: word.length, maxLength: word.length })
    .map((upper) => [...word].map((c, i) => (upper[i] ? c.toUpperCase() : c)).join(''))
const inList = (word: fc.Arbitrary<string>) =>
  fc
    .tuple(fc.constantFrom('', 'a,', 'keep-alive , '), word, fc.constantFrom('', ' ', '\t,b'))
    .map((pieces) => pieces.join(''))
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const base64 = (data: Uint8Array) => Buffer.from(data).toString('base64')
const token = fc.string({
  unit: fc.constantFrom(...'abcXYZ019!#$%&*+-.^_`|~'),
  minLength: 1,
  maxLength: 8,
})

const upgrade = part(
  'Upgrade',
  400,
  inList(anyCase('websocket')),
  fc.constantFrom('', 'h2c', 'websockets', 'web socket', 'x-websocket'),
)
const connection = part(
  'Connection',
  400,
  inList(anyCase('upgrade')),
  fc.constantFrom('', 'keep-alive', 'close, upgraded', '"upgrade"'),
)
const version = single(
  'Sec-WebSocket-Version',
  426,
  fc.constantFrom('13', '8'),
  fc.oneof(
    fc
      .nat()
      .filter((n) => n !== 13 && n !== 8)
      .map(String),
    fc.constantFrom('', '0xd', '13.0', '013', '13,8', ' 13', '+13', '1.3e1', '0b1101', '08'),
  ),
)
const host = single(
  'Host',
  400,
  fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`),
    fc.tuple(fc.domain(), fc.nat(65_535)).map(([name, port]) => `${name}:${port}`),
  ),
  fc.oneof(
    fc
      .tuple(fc.domain(), fc.constantFrom(' ', '/', '@', '"', '<', '\\', '\u0000', 'é', '%g1'))
      .map(([name, wrong]) => name + wrong),
    fc.tuple(fc.domain(), fc.integer({ min: 65_536 })).map(([name, port]) => `${name}:${port}`),
    fc.constantFrom('', ':80', '[::1', '::1', '[1:2]', 'a:b', 'a:-1', 'a:0x50'),
  ),
)
const key = single(
  'Sec-WebSocket-Key',
  400,
  bytes(16).map(base64),
  fc.oneof(
    fc
      .nat(40)
      .filter((n) => n !== 16)
      .chain(bytes)
      .map(base64),
    bytes(16).map((data) => base64(data).slice(0, -2)),
    bytes(16).map((data) => `${base64(data)}\n`),
    bytes(16).map((data) => `-${base64(data).slice(1)}`),
  ),
)
const none: Part = { headers: [], status: undefined }
const body = fc.constantFrom<Part>(
  none,
  none,
  none,
  none,
  none,
  none,
  { headers: ['Content-Length', '0'], status: undefined },
  { headers: ['content-length', '1'], status: 400 },
  { headers: ['Content-Length', '0', 'Content-Length', '0'], status: 400 },
  { headers: ['TRANSFER-ENCODING', 'chunked'], status: 400 },
)
const subprotocols = fc.oneof(
  { weight: 6, arbitrary: fc.constant(none) },
  {
    weight: 6,
    arbitrary: fc.uniqueArray(token, { minLength: 1, maxLength: 5 }).map(
      (names): Part => ({
        headers: names.flatMap((name) => ['Sec-WebSocket-Protocol', name]),
        status: undefined,
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: token.map(
      (name): Part => ({ headers: ['Sec-WebSocket-Protocol', `${name}, ${name}`], status: 400 }),
    ),
  },
  {
    weight: 1,
    arbitrary: token.map(
      (name): Part => ({ headers: ['Sec-WebSocket-Protocol', `${name};q`], status: 400 }),
    ),
  },
)
const line = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ method: 'GET', httpVersion: '1.1', status: undefined }) },
  fc
    .constantFrom('POST', 'get', 'PUT')
    .map((method) => ({ method, httpVersion: '1.1', status: 405 })),
  fc
    .constantFrom('1.0', '0.9', 'x')
    .map((old) => ({ method: 'GET', httpVersion: old, status: 400 })),
)
const unrelated = fc.array(fc.tuple(fc.constantFrom('X-A', 'Cookie', 'Accept'), fc.string()), {
  maxLength: 4,
})

const NAMES = [
  'Upgrade',
  'Connection',
  'Sec-WebSocket-Version',
  'Host',
  'Sec-WebSocket-Key',
  'Content-Length',
  'Transfer-Encoding',
  'Sec-WebSocket-Protocol',
  'Origin',
  'Sec-WebSocket-Origin',
]
/** What each of them says in a good request, if anything. */
const GOOD = ['websocket', 'Upgrade', '13', 'a.example', base64(new Uint8Array(16))]
const LIKELY = ['GET', '1.1', 'websocket', 'upgrade', '13', 'a.example', base64(new Uint8Array(16))]
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(...'0aF:.%]') }).map((address) => `[${address}]`),
  fc.constantFrom(...LIKELY),
)
const pairs = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...NAMES), anyText), anyText), {
  maxLength: 20,
})
// Mostly in order, so that the rules at the end of the order are reached too.
const nearly = fc
  .record(
    Object.fromEntries(
      NAMES.map((name, index) => [
        name,
        fc.oneof({ weight: 8, arbitrary: fc.constant(GOOD[index]) }, anyText),
      ]),
    ),
  )
  .map((headers) =>
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as [string, string]],
    ),
  )
const mostly = (value: string) => fc.oneof({ weight: 8, arbitrary: fc.constant(value) }, anyText)
const hostile: fc.Arbitrary<UpgradeRequest> = fc.record({
  method: mostly('GET'),
  url: anyText,
  httpVersion: mostly('1.1'),
  rawHeaders: fc
    .oneof({ weight: 3, arbitrary: nearly }, pairs)
    .map((list) => list.flat())
    .chain((list) =>
      fc.oneof({ weight: 8, arbitrary: fc.constant(list) }, fc.constant(list.slice(1))),
    ),
})

const decide = (request: UpgradeRequest): Refusal | undefined =>
  refuseUpgrade(request) ?? refuseHandshake(request)

describe('the opening handshake (RFC 6455 §4.2.1)', () => {
  it('the handshake decision is total', () => {
    fc.assert(
      fc.property(hostile, (request) => {
        for (const refusal of [refuseUpgrade(request), refuseHandshake(request)]) {
          if (refusal === undefined) continue
          expect([400, 405, 426]).toContain(refusal.status)
          expect(refusal.reason).toMatch(/^[A-Z][\x20-\x7e]{1,99}\.$/)
        }
        expect(typeof originOf(request)).toMatch(/^(?:string|undefined)$/)
        expect(typeof hostOf(request)).toBe('string')
      }),
      RUNS,
    )
  })

  it('a request is refused with the first rule that it breaks, and else accepted', () => {
    fc.assert(
      fc.property(
        line,
        fc.tuple(upgrade, connection, version, host, key, body, subprotocols),
        ({ status, ...head }, parts) => {
          const request = { ...head, url: '/', rawHeaders: parts.flatMap((p) => p.headers) }
          const expected = [status, ...parts.map((p) => p.status)].find((s) => s !== undefined)
          expect(decide(request)?.status).toBe(expected)
        },
      ),
      RUNS,
    )
  })

  it('the decision ignores the case of names, the order of headers, and other headers', () => {
    const parts = fc.tuple(upgrade, connection, version, host, key, body, subprotocols)
    fc.assert(
      fc.property(parts, unrelated, fc.boolean(), (given, others, upper) => {
        const head = { method: 'GET', url: '/', httpVersion: '1.1' }
        const plain = given.flatMap((p) => p.headers)
        const changed = [...given.toReversed().map((p) => p.headers), ...others].flatMap(
          (headers) =>
            headers.map((text, index) => {
              if (index % 2 === 1) return text
              return upper ? text.toUpperCase() : text.toLowerCase()
            }),
        )
        expect(decide({ ...head, rawHeaders: changed })).toEqual(
          decide({ ...head, rawHeaders: plain }),
        )
      }),
      RUNS,
    )
  })

  it('a refusal never repeats what the client sent', () => {
    const marker = 'Zq9'
    const marked = anyText.map((text) => marker + text)
    const request = fc.record({
      method: fc.oneof({ weight: 3, arbitrary: fc.constant('GET') }, marked),
      url: marked,
      httpVersion: fc.oneof({ weight: 3, arbitrary: fc.constant('1.1') }, marked),
      rawHeaders: fc
        .tuple(upgrade, connection, version, fc.array(fc.tuple(fc.constantFrom(...NAMES), marked)))
        .map(([a, b, c, rest]) => [...a.headers, ...b.headers, ...c.headers, ...rest.flat()]),
    })
    fc.assert(
      fc.property(request, (given) => {
        expect(JSON.stringify(decide(given) ?? {})).not.toContain(marker)
        expect(JSON.stringify(refuseHandshake(given) ?? {})).not.toContain(marker)
      }),
      RUNS,
    )
  })

  it('every header is found by its name, in its order, and nothing else is', () => {
    const name = fc.constantFrom('a', 'A', 'b', 'B', 'aa', '')
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.string())), (pairs) => {
        const request = { method: 'GET', url: '/', httpVersion: '1.1', rawHeaders: pairs.flat() }
        const expected = pairs.filter(([n]) => /^a$/i.test(n)).map(([, value]) => value)
        expect(headerValues(request, 'a')).toEqual(expected)
      }),
      RUNS,
    )
  })
})
