// Laws of the client's address: only trusted proxies are believed, however the header is written.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SettingError } from 'windsock'
import { TrustedProxies } from '../../src/http/client-address.ts'
import { lawOf } from './support/law.ts'

const trusted = fc.constantFrom('10.1.2.3', '10.255.0.1', '127.0.0.1', 'fd00::7')
const peers = fc.oneof(trusted, fc.constant('unix:'))
const strangers = fc.oneof(
  fc.ipV4().filter((address) => !/^(10|127)\./.test(address)),
  fc.ipV6().filter((address) => !/^f[cd]/i.test(address) && !/^::ffff:/i.test(address)),
)
const garbage = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.constantFrom(
    '',
    'unknown',
    '_hidden',
    '1.2.3',
    '1.2.3.4:99999999',
    '[::1',
    '::1]',
    '10.1.2.3/8',
    'unix:',
  ),
)
const TRUSTED = ['10.0.0.0/8', '127.0.0.1', 'fd00::/8', 'unix:']
const proxies = new TrustedProxies(TRUSTED)
const written = (hop: string, withPort: boolean) =>
  withPort ? (hop.includes(':') ? `[${hop}]:443` : `${hop}:443`) : hop

describe('the address of a client', () => {
  lawOf(
    "differs from the socket's peer only if the peer is a trusted proxy (I-43)",
    fc.tuple(
      fc.oneof(peers, strangers),
      fc.array(fc.oneof(trusted, strangers, garbage), { maxLength: 6 }),
    ),
    ([peer, hops]) => {
      const isTrusted = /^(10\.|127\.0\.0\.1$|fd00:|unix:)/.test(peer)
      const rawHeaders = hops.flatMap((hop) => ['X-Forwarded-For', hop])
      const { address } = proxies.clientOf(peer, false, rawHeaders)
      if (!isTrusted) expect(address).toBe(peer)
      expect(new TrustedProxies().clientOf(peer, false, rawHeaders)).toEqual({
        address: peer,
        secure: false,
      })
    },
  )

  lawOf(
    'is the first from the right that is no trusted proxy, whatever stands left of it (I-43)',
    fc.tuple(
      peers,
      fc.array(
        fc.oneof(
          trusted,
          strangers,
          garbage.filter((text) => !text.includes(',')),
        ),
        { maxLength: 5 },
      ),
      strangers,
      fc.array(trusted, { maxLength: 4 }),
      fc.boolean(),
      fc.boolean(),
    ),
    ([peer, left, client, right, withPorts, inOneHeader]) => {
      const hops = [
        ...left,
        written(client, withPorts),
        ...right.map((hop) => written(hop, withPorts)),
      ]
      const rawHeaders = inOneHeader
        ? ['x-forwarded-for', hops.join(' , ')]
        : hops.flatMap((hop) => ['X-FORWARDED-FOR', hop])
      expect(proxies.clientOf(peer, false, rawHeaders).address).toBe(client)
    },
  )

  lawOf(
    'stops at what cannot be read, and at the last trusted proxy when nothing is left (I-43)',
    fc.tuple(
      peers,
      strangers,
      fc.constantFrom('unknown', '', '1.2.3', '10.1.2.3/8', 'unix:'),
      fc.array(trusted, { maxLength: 3 }),
    ),
    ([peer, liar, unreadable, right]) => {
      const rawHeaders = ['X-Forwarded-For', [liar, unreadable, ...right].join(',')]
      expect(proxies.clientOf(peer, false, rawHeaders).address).toBe(right[0] ?? peer)
    },
  )

  it('takes TLS from a trusted proxy alone', () => {
    const rawHeaders = ['X-Forwarded-Proto', 'https']
    expect(proxies.clientOf('10.0.0.1', false, rawHeaders).secure).toBe(true)
    expect(proxies.clientOf('192.0.2.1', false, rawHeaders).secure).toBe(false)
    expect(proxies.clientOf('10.0.0.1', true, ['X-Forwarded-Proto', 'http']).secure).toBe(false)
  })

  it('is not believed of a Unix socket unless it is named, whatever else is', () => {
    const tcpAlone = new TrustedProxies(['0.0.0.0/0', '::/0'])
    const rawHeaders = ['X-Forwarded-For', '192.0.2.1']
    expect(tcpAlone.clientOf('unix:', false, rawHeaders).address).toBe('unix:')
  })

  it.each([
    'unix',
    'unix:/run/app.sock',
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/8/8',
    '10.0.0.0/x',
    '',
    7,
  ])('refuses the proxy %j', (entry) => {
    expect(() => new TrustedProxies([entry as string])).toThrow(SettingError)
  })
})
