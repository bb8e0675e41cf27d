// A law of many clients: those that one server lets go of at once come back spread over the window that it names.
//
// 5,000 real clients and the real server, in virtual time; the network between them is in memory.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { DurableTopic, topics } from 'windsock'
import { type Harness, harness, seededRandom, VirtualClock } from 'windsock/testing'
import { Client } from '../../src/client/client.ts'
import { MemoryStore } from '../../src/journal/memory-store.ts'
import { retryWords } from '../../src/protocol/retry-hint.ts'
import { Asking } from './support/asking.ts'
import { ClientNetwork } from './support/client-network.ts'

const CLIENTS = 5_000
const WINDOW_MS = 30_000
/** Of the clients, in any one second; spread evenly it would be 3.3 %. */
const MOST_A_SECOND = 0.05

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
      const reason = `restarting; ${retryWords(WINDOW_MS)}`
      void before.harness.runtime.drain({ code: 1012, reason })
      const after = start()
      const droppedMs = clock.nowMs()
      void after.topic.publish('while they were away')
      await clock.advance(WINDOW_MS + 1_000)
      void after.topic.publish('after')
      await clock.advance(1_000)
      const bySecond = new Map<number, number>()
      for (const { network } of clients) {
        expect(network.dials).toHaveLength(2)
        const second = Math.floor(((network.dials[1] as number) - droppedMs) / 1_000)
        bySecond.set(second, (bySecond.get(second) ?? 0) + 1)
      }
      expect(Math.max(...bySecond.values())).toBeLessThanOrEqual(CLIENTS * MOST_A_SECOND)
      expect(Math.max(...bySecond.keys())).toBeLessThanOrEqual(WINDOW_MS / 1_000)
      const all = ['before', 'while they were away', 'after']
      for (const { got } of clients) expect(got).toEqual(all)
    }),
    { numRuns: 2 },
  )
}, 300_000)
