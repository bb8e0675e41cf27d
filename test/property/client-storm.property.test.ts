// A law of many clients: those that one server lets go of at once come back spread over the window that it names.
//
// 5,000 real clients and the real server, in virtual time; the network between them is in memory. One storm takes seven
// seconds; `STORMS=20 npx vitest run test/property/client-storm` looks at as many as you like.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { DurableTopic, topics } from 'windsock'
import { type Harness, harness, seededRandom, VirtualClock } from 'windsock/testing'
import { Client } from '../../src/client/client.ts'
import { MemoryStore } from '../../src/journal/memory-store.ts'
import { Asking } from './support/asking.ts'
import { ClientNetwork } from './support/client-network.ts'

const CLIENTS = 5_000
const WINDOW_MS = 30_000
/** Of the clients, within any second. Spread evenly it is 3.3 %, and chance alone makes it no more than 4.5 %. */
const MOST_A_SECOND = 0.05
const STORMS = Number(process.env['STORMS'] ?? 1)

it('5,000 clients dropped at once come back over the window, none in step, and nothing is lost', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(1_000_000), async (seed) => {
      const clock = new VirtualClock()
      const store = new MemoryStore(seededRandom(seed))
      let server: { harness: Harness; asking: Asking; topic: DurableTopic<string> } | undefined
      const start = () => {
        const topic = new DurableTopic<string>(
          't',
          store,
          {},
          { clock, random: seededRandom(seed) },
        )
        const routes = topics('/topics', [topic as never], { heartbeatMs: 1_000_000 })
        const options = { clock, pingIntervalMs: 0, maxConnections: 2 * CLIENTS }
        server = { harness: harness(routes, options), asking: new Asking({}, clock), topic }
        return server
      }
      const before = start()
      const clients = Array.from({ length: CLIENTS }, (_, index) => {
        const network = new ClientNetwork(clock, seededRandom(seed + index), () => server)
        const options = { transports: ['websocket' as const] }
        const client = new Client('http://server.test/topics', options, network)
        const got: string[] = []
        client.topic<string>('t', { from: 'start' }).events$.subscribe((event) => {
          got.push(event.type === 'gap' ? 'gap' : event.data)
        })
        return { client, network, got }
      })
      await clock.advance(100)
      void before.topic.publish('before')
      await clock.advance(100)
      expect(clients.every(({ client }) => client.state.state === 'open')).toBe(true)
      server = undefined
      const reason = `restarting; retry=${WINDOW_MS}ms`
      void before.harness.runtime.drain({ code: 1012, reason })
      const after = start()
      const droppedMs = clock.nowMs()
      void after.topic.publish('while they were away')
      await clock.advance(WINDOW_MS + 1_000)
      void after.topic.publish('after')
      await clock.advance(1_000)
      const waitedMs = clients.map(({ network }) => {
        expect(network.dials).toHaveLength(2)
        return (network.dials[1] as number) - droppedMs
      })
      expect(mostInASecond(waitedMs)).toBeLessThanOrEqual(CLIENTS * MOST_A_SECOND)
      expect(Math.max(...waitedMs)).toBeLessThanOrEqual(WINDOW_MS + 1_000)
      const all = ['before', 'while they were away', 'after']
      for (const { got } of clients) expect(got).toEqual(all)
    }),
    { numRuns: STORMS },
  )
}, 300_000)

function mostInASecond(timesMs: readonly number[]): number {
  const sorted = timesMs.toSorted((a, b) => a - b)
  let first = 0
  return Math.max(
    ...sorted.map((ms, last) => {
      while ((sorted[first] as number) <= ms - 1_000) first++
      return last - first + 1
    }),
  )
}
