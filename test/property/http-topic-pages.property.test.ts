// Laws of who is let in: a page may ask over HTTP exactly where it may open a WebSocket.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { type OriginPolicy, route } from 'windsock'
import { harness } from 'windsock/testing'
import { Asking, headerOf } from './support/asking.ts'
import { lawOf } from './support/law.ts'
import { nasty } from './support/nasty.ts'

describe('a page', () => {
  const hosts = fc.constantFrom(
    'server.test',
    'SERVER.test:80',
    'server.test:443',
    '[::1]:8888',
    '',
  )
  const origins = fc.oneof(
    fc.constantFrom('http://server.test', 'https://server.test', 'https://SERVER.test:443'),
    fc.constantFrom('http://a.example', 'https://a.example:8443', 'null', '', 'http://[::1]:8888'),
    nasty,
  )
  const policy: fc.Arbitrary<OriginPolicy | 'function'> = fc.oneof(
    fc.constantFrom('same-origin' as const, 'any' as const, 'function' as const),
    fc.constant(['https://server.test', 'http://a.example']),
  )
  const named = fc.tuple(
    fc.constantFrom('Origin', 'Origin', 'Origin', 'origin', 'Sec-WebSocket-Origin'),
    origins,
  )

  lawOf(
    'may read exactly where it may open a WebSocket, and reaches no user code where it may not (I-41)',
    fc.record({
      host: hosts,
      headers: fc.uniqueArray(named, { selector: ([name]) => name.toLowerCase(), maxLength: 2 }),
      policy,
    }),
    async ({ host, headers, policy }) => {
      const checkOrigin = policy === 'function' ? (origin: string) => /a/.test(origin) : policy
      let reached = 0
      const all: [string, string][] = [['host', host], ...headers]
      const asking = new Asking({ checkOrigin, rules: { mayRead: () => void reached++ } })
      asking.add('t')
      const methods = ['GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE']
      const statuses: number[] = []
      for (const method of methods) {
        statuses.push((await asking.answered('t', '', { method, headers: all })).status)
      }
      const forbidden = statuses.map((status) => status === 403)
      // Whether it has a Host is a later question of the handshake, which plain HTTP leaves to Node.
      const socket = harness([route('/', () => undefined, { checkOrigin })])
      const peer = await socket.connect('/', { headers: Object.fromEntries(all) })
      const isRefused = peer.status === 403
      await socket.close()
      expect(forbidden[0]).toBe(isRefused)
      expect(forbidden[1]).toBe(isRefused)
      expect(forbidden[3]).toBe(isRefused)
      expect(forbidden[4]).toBe(isRefused)
      expect(reached).toBe(isRefused ? 0 : 2)
      return isRefused
    },
  )

  lawOf(
    'of the same host, whose browser names no Origin, may read exactly where it may open a WebSocket (I-41)',
    fc.record({
      host: fc.constantFrom('server.test', 'SERVER.test:80', 'server.test:8888', '[::1]:8888'),
      policy: fc.oneof(
        policy,
        fc.subarray(['http://server.test', 'http://[::1]:8888', 'http://a.example']),
      ),
      requireOrigin: fc.boolean(),
    }),
    async ({ host, policy, requireOrigin }) => {
      const checkOrigin = policy === 'function' ? (origin: string) => /8888/.test(origin) : policy
      const asking = new Asking({ checkOrigin, requireOrigin })
      asking.add('t')
      const own = [
        ['Host', host],
        ['Sec-Fetch-Site', 'same-origin'],
      ] as const
      const { status } = await asking.answered('t', '', { headers: own })
      const socket = harness([route('/', () => undefined, { checkOrigin, requireOrigin })])
      const headers = { host, origin: `http://${host}` }
      const isRefused = (await socket.connect('/', { headers })).status === 403
      await socket.close()
      const listsBothSchemes = Array.isArray(policy) && policy.includes('https://server.test')
      if (!listsBothSchemes) expect(status).toBe(isRefused ? 403 : 200)
      return isRefused
    },
  )

  lawOf(
    'and what is none: without an Origin it is let in where a WebSocket is',
    fc.record({ policy, requireOrigin: fc.boolean(), typed: fc.boolean() }),
    async ({ policy, requireOrigin, typed }) => {
      const checkOrigin = policy === 'function' ? () => true : policy
      const asking = new Asking({ checkOrigin, requireOrigin })
      asking.add('t')
      const site = typed ? ([['Sec-Fetch-Site', 'none']] as const) : []
      const { status } = await asking.answered('t', '', { headers: site })
      const socket = harness([route('/', () => undefined, { checkOrigin, requireOrigin })])
      const isRefused = (await socket.connect('/')).status === 403
      await socket.close()
      expect(status).toBe(isRefused ? 403 : 200)
    },
  )

  lawOf(
    'is told by Access-Control headers that it may read only where the policy lets other origins in',
    fc.record({ origin: origins, policy, method: fc.constantFrom('GET', 'OPTIONS') }),
    async ({ origin, policy, method }) => {
      const checkOrigin = policy === 'function' ? () => true : policy
      const asking = new Asking({ checkOrigin })
      asking.add('t')
      const headers = [['Origin', origin]] as const
      const answer = await asking.answered('t', '', { method, headers })
      const allowed = headerOf(answer, 'access-control-allow-origin')
      const credentials = headerOf(answer, 'access-control-allow-credentials')
      if (answer.status === 403 || policy === 'same-origin') expect(allowed).toBeUndefined()
      else if (policy === 'any') expect([allowed, credentials]).toEqual(['*', undefined])
      else if (allowed !== undefined) expect([allowed, credentials]).toEqual([origin, 'true'])
      expect(allowed ?? '').toMatch(/^[\x21-\x7e]*$/)
      return answer.status === 403
    },
  )
})
