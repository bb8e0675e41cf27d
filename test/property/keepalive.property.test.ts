// Laws of the keepalive: what is no answer to it, and when it may not ask.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { route, WebSocketHandler } from 'windsock'
import { harness } from 'windsock/testing'
import { lawOf } from './support/law.ts'

const RUNS = 100
const text = (data: Uint8Array) => new TextDecoder().decode(data)

describe('the keepalive', () => {
  const pingings = fc.record({
    pingIntervalMs: fc.integer({ min: 50, max: 400 }),
    pingTimeoutMs: fc.integer({ min: 20, max: 400 }),
    everyMs: fc.integer({ min: 5, max: 60 }),
  })
  /** Pings for as long as it may, numbered. */
  const pinging = (everyMs: number) =>
    route('/', (connection, { clock }) => {
      let count = 0
      const ping = () => {
        if (connection.state !== 'open' && connection.state !== 'connecting') return
        connection.ping(`app ${++count}`)
        clock.setTimeout(ping, everyMs)
      }
      ping()
    })

  lawOf(
    'is not answered by pongs to pings that are older than its own',
    pingings,
    async ({ everyMs, ...settings }) => {
      const server = harness([pinging(everyMs)], settings)
      const peer = await server.connect('/')
      peer.answersPings = false
      // It answers what came before the keepalive's first ping, one pong for each ping that comes later, and no more.
      const old: Uint8Array[] = []
      let asked = 0
      peer.onItem = (item) => {
        if (item.kind !== 'ping') return
        if (!text(item.data).startsWith('app')) asked++
        else if (asked === 0) old.push(item.data)
        const next = asked > 0 ? old.shift() : undefined
        if (next !== undefined) peer.pong(next)
      }
      await server.advance(10_000)
      expect(server.records.map(({ cause }) => cause)).toEqual(['pingTimeout'])
      // Had it taken one of them for the answer, it would have asked again.
      expect(asked).toBe(1)
      await server.close()
    },
    RUNS,
  )

  lawOf(
    'is answered by the pong to a newer ping of the application: a peer may answer the newest alone (§5.5.3)',
    pingings,
    async ({ everyMs, ...settings }) => {
      const late = { ...settings, pingTimeoutMs: settings.pingTimeoutMs + 2 * everyMs }
      const server = harness([pinging(everyMs)], late)
      const peer = await server.connect('/')
      peer.answersPings = false
      // Whatever the keepalive says, it has the application's next ping before it comes to an answer.
      peer.onItem = (item) => {
        if (item.kind === 'ping' && text(item.data).startsWith('app')) peer.pong(item.data)
      }
      await server.advance(10_000)
      expect(server.records).toEqual([])
      await server.close()
    },
    RUNS,
  )

  lawOf(
    'does not ask a peer that is not read, also when that was so before it was open',
    fc.record({
      opensMs: fc.integer({ min: 5, max: 200 }),
      takesMs: fc.integer({ min: 100, max: 900 }),
      pingIntervalMs: fc.integer({ min: 50, max: 300 }),
      pingTimeoutMs: fc.integer({ min: 20, max: 300 }),
      maxHeldMessages: fc.integer({ min: 1, max: 4 }),
    }),
    async ({ opensMs, takesMs, ...settings }) => {
      const server = harness(({ clock }) => {
        const wait = (ms: number) =>
          new Promise<void>((resolve) => {
            clock.setTimeout(resolve, ms)
          })
        class Slow extends WebSocketHandler {
          override open = () => wait(opensMs)
          override onMessage = () => wait(takesMs)
        }
        return [route('/', Slow)]
      }, settings)
      const peer = await server.connect('/')
      for (let count = 0; count <= settings.maxHeldMessages; count++) peer.send('hello')
      await server.advance(10_000)
      expect(server.records.map(({ cause, detail }) => `${cause} ${detail}`)).toEqual([])
      await server.close()
    },
    RUNS,
  )
})
