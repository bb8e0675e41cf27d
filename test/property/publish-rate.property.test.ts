// Law of the rate: by whatever way somebody publishes, what goes out to all readers is bounded by the second.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { type Sendable, Topic, topics } from 'windsock'
import { harness, seededRandom, VirtualClock } from 'windsock/testing'
import { RESUME_SUBPROTOCOL } from '../../src/protocol/resume.ts'
import { oneTopic } from './support/asking.ts'
import { lawOf } from './support/law.ts'

/** After how many milliseconds the next ones come, and how many. */
const bursts = fc.array(
  fc.tuple(fc.integer({ max: 1_500, min: 0 }), fc.integer({ min: 1, max: 12 })),
  {
    minLength: 1,
    maxLength: 12,
  },
)
const plans = fc.tuple(bursts, fc.integer({ min: 1, max: 10 }))

/** When each message of a topic was published, in ms. */
function timesOf(topic: Topic<Sendable>, clock: VirtualClock): number[] {
  const times: number[] = []
  topic.subscribe(() => times.push(clock.nowMs()))
  return times
}

/** So many in every stretch of time: two seconds may meet in it, and one more may begin for each second. */
function expectBounded(times: readonly number[], perSecond: number): void {
  for (const [index, from] of times.entries()) {
    const within = times.slice(index).filter((at) => at < from + 1_000).length
    expect(within).toBeLessThanOrEqual(2 * perSecond)
  }
}

/** A client of `topics()` that says each of `plan` as `frameOf` makes it. */
async function overWebSocket(
  [plan, maxPublishesPerSecond]: readonly [readonly (readonly [number, number])[], number],
  headers: Readonly<Record<string, string>>,
  frameOf: (id: number) => string,
) {
  const clock = new VirtualClock()
  const ports = { clock, random: seededRandom(1) }
  const topic = new Topic<Sendable>('t', { history: { count: 1_000, bytes: 1_000_000 } }, ports)
  const times = timesOf(topic, clock)
  const accept = (input: unknown) => input as Sendable
  const server = harness(topics('/topics', [topic], { accept, maxPublishesPerSecond }), { clock })
  const peer = await server.connect('/topics/t', { headers })
  let sent = 0
  for (const [waitMs, count] of plan) {
    await server.advance(waitMs)
    for (let index = 0; index < count; index++) peer.send(frameOf(++sent))
  }
  // What waits its turn comes one second after the other.
  await server.advance(1_000 * (sent + 2))
  const said = peer.messages.map(String)
  peer.close()
  await server.close()
  expectBounded(times, maxPublishesPerSecond)
  return { times, sent, said }
}

describe('by the second', () => {
  lawOf(
    'a session publishes so many, and each other request is told when to come again',
    plans,
    async (plan) => {
      const headers = { 'Sec-WebSocket-Protocol': RESUME_SUBPROTOCOL }
      const { times, sent, said } = await overWebSocket(plan, headers, (id) => {
        return JSON.stringify({ type: 'publish', id, topic: 't', data: String(id) })
      })
      const refused = said.filter((text) => text.includes('"rate_limited"'))
      for (const text of refused) expect(text).toMatch(/"retryAfterMs":[1-9]/)
      expect(times.length + refused.length).toBe(sent)
      return refused.length > 0
    },
    200,
  )

  lawOf(
    'a plain client publishes so many, and the others wait their turn',
    plans,
    async (plan) => {
      const { times, sent } = await overWebSocket(plan, {}, String)
      expect(times).toHaveLength(sent)
      return times.length > plan[1]
    },
    200,
  )

  lawOf(
    'an address POSTs so many, and each other request is told when to come again',
    plans,
    async ([plan, most]) => {
      const { asking, topic } = oneTopic({
        rules: { accept: (input) => input as Sendable },
        limits: { maxPublishesPerSecondPerAddress: most },
      })
      const times = timesOf(topic, asking.clock)
      const headers = [['Content-Type', 'application/json']] as const
      let published = 0
      let refused = 0
      for (const [waitMs, count] of plan) {
        await asking.clock.advance(waitMs)
        const body = JSON.stringify(Array.from({ length: count }, (_, index) => `${index}`))
        const { status, headers: told } = await asking.answered('t', '', {
          method: 'POST',
          headers,
          body,
        })
        expect([204, 429]).toContain(status)
        if (status === 204) published += count
        else refused++
        if (status === 429) expect(told['Retry-After']).toBe('1')
      }
      expect(times).toHaveLength(published)
      // The first of a second may exceed it.
      expectBounded(times, Math.max(most, 12))
      return refused > 0
    },
    200,
  )
})
