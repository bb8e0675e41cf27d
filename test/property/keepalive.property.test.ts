// Laws of the keepalive: what is no answer to it, and when it may not ask.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { route, WebSocketHandler } from 'windsock'
import { harness } from 'windsock/testing'
import { lawOf } from './support/law.ts'

const RUNS = 100
const text = (data: Uint8Array) => new TextDecoder().decode(data)

describe('the keepalive', () => {
  lawOf(
    'is not answered by the pong of a ping that the application sent',
    fc.record({
      pingIntervalMs: fc.integer({ min: 50, max: 400 }),
      pingTimeoutMs: fc.integer({ min: 20, max: 400 }),
      everyMs: fc.integer({ min: 5, max: 60 }),
    }),
    async ({ everyMs, ...settings }) => {
      const pinging = route('/', (connection, { clock }) => {
        const ping = () => {
          if (connection.state === 'open' || connection.state === 'connecting') {
            connection.ping('of the application')
            clock.setTimeout(ping, everyMs)
          }
        }
        ping()
      })
      const server = harness([pinging], settings)
      const peer = await server.connect('/')
      peer.answersPings = false
      peer.onItem = (item) => {
        if (item.kind === 'ping' && text(item.data) === 'of the application') peer.pong(item.data)
      }
      await server.advance(10_000)
      expect(server.records.map(({ cause }) => cause)).toEqual(['pingTimeout'])
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
