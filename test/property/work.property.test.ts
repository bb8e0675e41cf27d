// Law of work: no input makes us work more than in proportion to its length (I-29).
//
// Work is counted, not timed: V8 counts how often each block of our code runs. What a built-in does inside (a regular
// expression, `split`) is not counted; the expressions that see a peer's text are linear by their form, without
// nested or overlapping repetition.

import { Session } from 'node:inspector/promises'
import { setFlagsFromString } from 'node:v8'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TrustedProxies } from '../../src/http/client-address.ts'
import { pattern } from '../../src/http/pattern.ts'
import { HandshakeRequest } from '../../src/http/request.ts'
import { decodeSignedValue } from '../../src/http/signed-value.ts'
import { fitReason } from '../../src/protocol/close-reason.ts'
import { refuseHandshake, refuseUpgrade } from '../../src/protocol/handshake.ts'
import { isOriginAllowed } from '../../src/protocol/origin.ts'
import { printable } from '../../src/protocol/printable.ts'
import { parseSubprotocols } from '../../src/protocol/subprotocol.ts'

const session = new Session()

beforeAll(async () => {
  // Compiled code of newer V8s counts calls that it has inlined no more.
  for (const flag of ['--no-opt', '--no-maglev']) setFlagsFromString(flag)
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
})

afterAll(async () => {
  await session.post('Profiler.stopPreciseCoverage')
  session.disconnect()
})

/** How many blocks of our code, and of the packages that parse for us, ran in `run`. */
async function workOf(run: () => unknown): Promise<number> {
  await session.post('Profiler.takePreciseCoverage')
  run()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  let blocks = 0
  for (const { url, functions } of result) {
    if (!/\/src\/|\/node_modules\/(cookie|path-to-regexp)\//.test(url)) continue
    for (const { ranges } of functions) for (const { count } of ranges) blocks += count
  }
  return blocks
}

const clock = { wallMs: () => 0 }
const proxies = new TrustedProxies(['10.0.0.0/8'])
const paths = [pattern('/echo/:name'), pattern('/a/:b{/:c}'), pattern(/\/game\/(\w+)/)]
const upgrade = (headers: readonly string[], url = '/') => ({
  method: 'GET',
  url,
  httpVersion: '1.1',
  rawHeaders: headers,
  remoteAddress: '10.0.0.1',
  secure: false,
})

/** Everything that sees a peer's text before user code does. */
const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  'a header of the handshake': (text) => {
    for (const name of [
      'Host',
      'Upgrade',
      'Connection',
      'Sec-WebSocket-Key',
      'Sec-WebSocket-Version',
    ]) {
      refuseUpgrade(upgrade([name, text]))
      refuseHandshake(upgrade(['Host', 'a', name, text]))
    }
  },
  'many headers': (text) => {
    const headers = [...text].flatMap((character) => ['X', character])
    refuseUpgrade(upgrade(headers))
    return new HandshakeRequest(upgrade(headers), { params: {}, args: [] }).headers
  },
  'the subprotocols offered': parseSubprotocols,
  'the origin': (text) => isOriginAllowed(text, text, ['https://a.test'], false),
  'the path': (text) => paths.map((one) => one.match(`/${text}`)),
  'the query': (text) =>
    new HandshakeRequest(upgrade([], `/?${text}`), { params: {}, args: [] }).query.get('a'),
  'the cookies': (text) =>
    new HandshakeRequest(upgrade(['Cookie', text]), { params: {}, args: [] }).cookies,
  'a signed cookie': (text) => decodeSignedValue('secret', 'name', text, { clock }),
  'the addresses of proxies': (text) =>
    proxies.clientOf('10.0.0.1', false, ['X-Forwarded-For', text]),
  'a text that is printed': printable,
  'a close reason': fitReason,
}

/** What attacks are made of: one short piece, over and over. */
const pieces = fc.oneof(
  fc.string({ minLength: 1, maxLength: 4 }),
  fc.constantFrom(
    ',',
    ', ',
    ';',
    '=',
    'a=1;',
    'a=1&',
    '%61',
    '%',
    '/',
    '//',
    ':',
    '[',
    '"',
    '\\',
    ' ',
    '\t',
    '|',
    '2|',
    '10.0.0.1,',
    'a,',
    '-',
    '.',
    '€',
    '\ud800',
  ),
)

describe('the work for an input', () => {
  for (const [name, read] of Object.entries(READERS)) {
    it(`doubles at most with its length: ${name} (I-29)`, async () => {
      await fc.assert(
        fc.asyncProperty(pieces, fc.integer({ min: 100, max: 300 }), async (piece, times) => {
          const once = await workOf(() => read(piece.repeat(times)))
          const twice = await workOf(() => read(piece.repeat(2 * times)))
          expect(twice).toBeLessThanOrEqual(2 * once + CONSTANT)
        }),
        { numRuns: 50 },
      )
    })
  }

  it('would show what grows with the square of the length', async () => {
    const square = (text: string) => {
      let found = 0
      for (const one of text)
        for (const other of text) if (one === other) found += printable(one).length
      return found
    }
    const once = await workOf(() => square('x'.repeat(40)))
    const twice = await workOf(() => square('x'.repeat(80)))
    expect(twice).toBeGreaterThan(3 * once)
  })
})

/** Blocks that run however short the input is, and those that end at a bound of ours (200 bytes printed, 123 of a reason). */
const CONSTANT = 1_000
