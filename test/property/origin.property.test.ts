// Laws of the origin policy. The oracle is WHATWG's URL parser, which is what a browser makes
// Origin and Host from.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SettingError } from '../../src/protocol/errors.ts'
import { checkOriginPolicy, isOriginAllowed, type OriginPolicy } from '../../src/protocol/origin.ts'

const RUNS = { numRuns: 1000 }

// Few values, so that two draws are often equal or equal but for their spelling.
const schemes = fc.constantFrom('http', 'https', 'ws', 'wss')
const hosts = fc.oneof(
  fc.constantFrom('a.example', 'b.example', 'sub.a.example', 'localhost', '127.0.0.1'),
  fc.constantFrom('[::1]', '[0:0::1]', '[::2]'),
  fc.domain(),
)
const ports = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('', ':80', ':443', ':8888', ':080') },
  fc.integer({ min: 0, max: 65_535 }).map((port) => `:${port}`),
)
const hostHeaders = fc
  .tuple(hosts, ports, fc.boolean())
  .map(([host, port, upper]) => (upper ? host.toUpperCase() : host) + port)
const origins = fc.tuple(schemes, hostHeaders).map(([scheme, host]) => `${scheme}://${host}`)

const junk = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('h', 't', ':', '/', '[', ']', '@', '%', '#', '?', '.', '8') }),
  fc.tuple(origins, fc.string()).map(([origin, end]) => origin + end),
  origins,
  fc.string({ unit: fc.constantFrom(...'0aF:.%]') }).map((address) => `http://[${address}]`),
  fc.webUrl({ withFragments: true, withQueryParameters: true }),
)

describe('the origin policy (RFC 6455 §4.2.2, §10.2)', () => {
  it('an origin is allowed or not, whatever the arguments are', () => {
    const anything = fc.oneof(junk, fc.array(junk, { maxLength: 3 }), fc.anything())
    fc.assert(
      fc.property(anything, anything, anything, fc.boolean(), (origin, host, policy, secure) => {
        const verdict = isOriginAllowed(
          origin as string,
          host as string,
          policy as OriginPolicy,
          secure,
        )
        expect(typeof verdict).toBe('boolean')
        expect(isOriginAllowed(undefined, host as string, policy as OriginPolicy)).toBe(true)
        expect(isOriginAllowed(origin as string, host as string, 'any')).toBe(true)
      }),
      RUNS,
    )
  })

  it('same-origin allows exactly the pages whose host and port are those served', () => {
    fc.assert(
      fc.property(origins, hostHeaders, (origin, host) => {
        const page = new URL(origin)
        // Read with the page's scheme, so that default ports vanish on both sides alike.
        const served = new URL(`${page.protocol}//${host}`)
        expect(isOriginAllowed(origin, host, 'same-origin')).toBe(page.host === served.host)
      }),
      RUNS,
    )
  })

  it('what is no origin at all is never of the same origin', () => {
    fc.assert(
      fc.property(junk, hostHeaders, (origin, host) => {
        const page = URL.canParse(origin) ? new URL(origin) : undefined
        const isForeign = page?.hostname !== new URL(`http://${host}`).hostname
        if (isForeign) expect(isOriginAllowed(origin, host, 'same-origin')).toBe(false)
      }),
      RUNS,
    )
  })

  it('a list allows exactly the origins that it holds', () => {
    const lists = fc.array(origins, { maxLength: 4 })
    const key = (origin: string) => {
      const { protocol, host } = new URL(origin)
      return `${protocol}//${host}`
    }
    fc.assert(
      fc.property(lists, origins, fc.boolean(), hostHeaders, (list, other, isListed, host) => {
        const origin = isListed ? (list[0] ?? other) : other
        const expected = list.map(key).includes(key(origin))
        expect(isOriginAllowed(origin, host, list)).toBe(expected)
        expect(isOriginAllowed(origin, host, checkOriginPolicy(list))).toBe(expected)
      }),
      RUNS,
    )
  })

  it('an origin with more or less than scheme, host and port is in no list, and cannot be', () => {
    const bent = fc
      .tuple(
        schemes,
        fc.constantFrom('', 'user@', 'b.example\\@', ' '),
        hostHeaders,
        fc.constantFrom('', '/', '/path', '?', '#x', ' ', '\\', '@b.example', ':1:2'),
      )
      .filter(([, before, , after]) => before + after !== '')
    fc.assert(
      fc.property(bent, ([scheme, before, host, after]) => {
        const origin = `${scheme}://${before}${host}${after}`
        expect(isOriginAllowed(origin, host, [`${scheme}://${host}`, origin])).toBe(false)
        expect(() => checkOriginPolicy([origin])).toThrow(SettingError)
        // Tornado's rule stops reading at the path; anything else that is bent is refused there
        // too.
        const isPath = before === '' && /^[/?#]/.test(after)
        expect(isOriginAllowed(origin, host, 'same-origin')).toBe(isPath)
      }),
      RUNS,
    )
  })

  it('an origin setting is taken, or refused with a SettingError', () => {
    const entries = fc.array(fc.oneof(junk, fc.anything()), { maxLength: 3 })
    fc.assert(
      fc.property(fc.oneof(entries, fc.anything()), (policy) => {
        let checked: OriginPolicy
        try {
          checked = checkOriginPolicy(policy)
        } catch (error) {
          expect(error).toBeInstanceOf(SettingError)
          return
        }
        // What is taken is stable, and each listed origin is one that it lets in.
        expect(checkOriginPolicy(checked)).toEqual(checked)
        if (typeof checked === 'string') return
        for (const origin of checked) expect(isOriginAllowed(origin, '', checked)).toBe(true)
      }),
      RUNS,
    )
  })
})
