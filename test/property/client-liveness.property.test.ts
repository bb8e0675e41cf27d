// Laws of the watch over a server: one that answers in time is kept, one that does not is given up in time, whatever
// happens around the client meanwhile and however long it may wait.
//
// Client and server are the real ones, in virtual time; the network between them is in memory.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { VirtualClock } from 'windsock/testing'
import { Client, type ClientOptions } from '../../src/client/client.ts'
import type { EnvironmentEvent } from '../../src/client/environment.ts'
import { Liveness } from '../../src/client/liveness.ts'
import { CLIENT_BOUNDS, TRANSPORTS } from '../../src/client/settings.ts'
import type { Wire } from './support/client-network.ts'
import { ClientWorld, HEARTBEAT_MS, type ReadingRule, TOPIC } from './support/client-world.ts'
import { lawOf } from './support/law.ts'

const RUNS = 300
const TIMEOUT_MS = 1_000

function connect(seed: number, options: ClientOptions) {
  const world = new ClientWorld(10_000, seed)
  const { network } = world
  const client = new Client('http://server.test/topics', options, network)
  client.topic<string>(TOPIC).events$.subscribe()
  return { ...{ world, network, client }, clock: world.clock }
}

const OPTIONS = { transports: ['websocket' as const], heartbeatTimeoutMs: TIMEOUT_MS }

describe('the watch over a server', () => {
  lawOf(
    'keeps one that answers in time, however often it is asked, and also where it forgets its heartbeats',
    fc.record({
      seed: fc.nat(1_000_000),
      // There and back is within the half of the timeout that is for an answer.
      latencyMs: fc.integer({ min: 1, max: TIMEOUT_MS / 4 - 1 }),
      forgets: fc.boolean(),
      happenings: fc.array(
        fc.record({
          event: fc.constantFrom<EnvironmentEvent | 'news'>('woke', 'online', 'offline', 'news'),
          thenMs: fc.oneof(fc.nat(20), fc.nat(TIMEOUT_MS), fc.nat(2 * HEARTBEAT_MS)),
        }),
        { minLength: 1, maxLength: 12 },
      ),
    }),
    async ({ seed, latencyMs, forgets, happenings }) => {
      const { world, network, client, clock } = connect(seed, OPTIONS)
      network.latencyMs = latencyMs
      if (forgets) network.meddle = (text) => (text.includes('heartbeat"') ? [] : [text])
      await clock.advance(10 * latencyMs)
      for (const { event, thenMs } of happenings) {
        if (event === 'news') world.publish(1)
        else network.tell(event)
        await clock.advance(thenMs)
      }
      await clock.advance(2 * (HEARTBEAT_MS + TIMEOUT_MS))
      expect(client.state).toMatchObject({ state: 'open', lastClose: null })
      expect(network.dials).toHaveLength(1)
      // It is asked when something has happened, and where it was silent for too long.
      const { sent } = network.wires[0] as Wire
      const asked = sent.filter((text) => JSON.parse(text).type === 'ping').length
      const silences = forgets ? clock.nowMs() / (HEARTBEAT_MS + TIMEOUT_MS / 2) : 0
      expect(asked).toBeLessThanOrEqual(happenings.length + silences)
    },
    RUNS,
  )

  lawOf(
    'gives up one that has fallen silent within its heartbeat and the timeout, whatever wakes the client meanwhile',
    fc.record({
      seed: fc.nat(1_000_000),
      afterMs: fc.nat(5_000),
      /** Whether it was asked before, and answered. */
      answered: fc.boolean(),
      event: fc.constantFrom<EnvironmentEvent>('woke', 'online', 'offline'),
      everyMs: fc.integer({ min: 10, max: HEARTBEAT_MS }),
    }),
    async ({ seed, afterMs, answered, event, everyMs }) => {
      const { network, client, clock } = connect(seed, OPTIONS)
      await clock.advance(100)
      if (answered) network.tell(event)
      await clock.advance(100 + afterMs)
      expect(client.state).toMatchObject({ state: 'open', lastClose: null })
      network.freeze()
      for (let leftMs = HEARTBEAT_MS + TIMEOUT_MS; leftMs > 0; leftMs -= everyMs) {
        await clock.advance(Math.min(everyMs, leftMs))
        network.tell(event)
      }
      expect(client.state.lastClose).toMatchObject({ code: 1006 })
    },
    RUNS,
  )

  lawOf(
    'gives up one that says it is there and does not do what it is asked, and keeps one that takes its time',
    fc.record({
      seed: fc.nat(1_000_000),
      afterMs: fc.nat(5_000),
      asks: fc.array(fc.constantFrom('publish' as const, 'read' as const), {
        minLength: 1,
        maxLength: 4,
      }),
      heartbeatMs: fc.integer({ min: 0, max: 3 * HEARTBEAT_MS }),
      /** How much of the time for an answer it takes; all of it: there is none. */
      part: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 0.9, noNaN: true })),
    }),
    async ({ seed, afterMs, asks, heartbeatMs, part }) => {
      const { world, network, client, clock } = connect(seed, { ...OPTIONS, heartbeatMs })
      await clock.advance(100 + afterMs)
      const held: string[] = []
      let isHolding = true
      network.meddle = (text) => {
        if (!isHolding) return [...held.splice(0), text]
        if (!/"type":"(ack|error|subscribed)"/.test(text)) return [text]
        held.push(text)
        return []
      }
      let stored = 0
      for (const [index, what] of asks.entries()) {
        const topic = client.topic<string>(what === 'publish' ? TOPIC : `other ${index}`)
        if (what === 'publish') void topic.publish('at some time').then(() => stored++)
        else topic.events$.subscribe({ error: () => {} })
      }
      await clock.advance((heartbeatMs + TIMEOUT_MS) * part)
      if (part < 1) isHolding = false
      await clock.advance(HEARTBEAT_MS + 10)
      expect(client.state.lastClose?.code).toBe(part < 1 ? undefined : 1006)
      isHolding = false
      held.splice(0)
      await clock.advance(20_000)
      const published = asks.filter((what) => what === 'publish').length
      expect(stored).toBe(published)
      expect(world.topic.offset).toBe(published)
    },
    RUNS,
  )

  lawOf(
    'keeps one that has answered in time where the program stood still, and gives up one that has not',
    fc.record({
      timeoutMs: fc.integer({ min: 2, max: 10_000 }),
      /** Of the time for the answer, when the stall begins; it lasts beyond the end of it. */
      part: fc.double({ min: 0, max: 0.99, noNaN: true }),
      beyondMs: fc.integer({ min: 0, max: 60_000 }),
      answers: fc.boolean(),
    }),
    async ({ timeoutMs, part, beyondMs, answers }) => {
      const clock = new VirtualClock()
      const told = { asked: 0, gone: 0 }
      const liveness = new Liveness({
        ...{ clock, timeoutMs, heartbeatMs: 0 },
        ask: () => told.asked++,
        gone: () => told.gone++,
      })
      liveness.probe()
      const answerMs = timeoutMs / 2
      await clock.advance(part * answerMs)
      clock.stall((1 - part) * answerMs + beyondMs)
      // Then as Node does: the timers that are due, and what has arrived after them.
      await clock.advance(0)
      if (answers) liveness.heard()
      await clock.advance(timeoutMs + 50)
      expect(told).toEqual({ asked: 1, gone: answers ? 0 : 1 })
      expect(clock.timerCount).toBe(0)
    },
    RUNS,
  )

  const { max } = CLIENT_BOUNDS.heartbeatMs
  const wait = fc.constantFrom(2 * HEARTBEAT_MS, max - 1, max)
  lawOf(
    'waits no longer than a timer can, also where more than that is allowed or asked for',
    fc.record({
      seed: fc.nat(1_000_000),
      transport: fc.constantFrom(...TRANSPORTS),
      heartbeatMs: wait,
      heartbeatTimeoutMs: wait,
      retryAfterMs: fc.constantFrom(1_000, max, 1e15),
      reading: fc.constantFrom<ReadingRule>('allowed', 'failing'),
    }),
    async ({ seed, transport, heartbeatMs, heartbeatTimeoutMs, retryAfterMs, reading }) => {
      const options = { transports: [transport], heartbeatMs, heartbeatTimeoutMs }
      const { world, network, client, clock } = connect(seed, options)
      world.reading = reading
      network.meddle = (text) => {
        const frame = JSON.parse(text)
        if (frame.type === 'welcome') return [JSON.stringify({ ...frame, heartbeatMs })]
        const { type, id } = frame
        if (type !== 'error' && type !== 'ack') return [text]
        const [code, message] = ['overloaded', 'not now']
        return [JSON.stringify({ type: 'error', id, code, message, retryAfterMs })]
      }
      void client.topic(TOPIC).publish('at some time')
      await clock.advance(100)
      network.tell('woke')
      await clock.advance(2 * HEARTBEAT_MS)
      expect(client.state).toMatchObject({ state: 'open', lastClose: null })
      expect(network.clock.rulesKept).toBe(true)
    },
    RUNS,
  )
})
