// Laws of requests for topics: one answer to each, in time, whatever is asked and whatever user code does.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { DurableTopic, HandshakeError, type Sendable } from 'windsock'
import { seededRandom } from 'windsock/testing'
import { MemoryStore } from '../../src/journal/memory-store.ts'
import { formatOffset } from '../../src/protocol/http-offset.ts'
import type { Answer } from '../../src/transport/topic-answer.ts'
import { type Asked, Asking, CountedTopic, headerOf, textOf } from './support/asking.ts'
import { lawOf } from './support/law.ts'
import { nasty } from './support/nasty.ts'

const word = fc.oneof(
  fc.constantFrom('-1', 'now', '0', '', '-2', 'x_1', 'é', '../x', 'a,b', 'a b', '\r\n\0'),
  fc.record({ epoch: fc.constant('?'), offset: fc.nat(20) }).map(({ offset }) => `?${offset}`),
  nasty,
)
const parameter = fc.oneof(
  fc.tuple(fc.constant('offset'), word),
  fc.tuple(fc.constant('live'), fc.constantFrom('long-poll', 'sse', 'sse', 'long-poll', 'maybe')),
  fc.tuple(fc.constant('cursor'), fc.oneof(fc.constantFrom('1', '9'.repeat(15)), nasty)),
  fc.tuple(fc.constant('envelope'), fc.constantFrom('0', '1', 'yes')),
  fc.tuple(nasty, nasty),
)
const header = fc.oneof(
  fc.tuple(
    fc.constantFrom('Origin', 'Last-Event-ID', 'If-None-Match', 'Idempotency-Key', 'Stream-Seq'),
    nasty,
  ),
  fc.constant(['Origin', 'https://foreign.example'] as const),
  fc.constant(['Origin', 'http://server.test'] as const),
  fc.constant(['Content-Type', 'application/json'] as const),
  fc.constant(['Content-Type', 'text/plain'] as const),
  fc.tuple(fc.constant('Content-Type'), nasty),
  fc.constant(['Idempotency-Key', 'a-key'] as const),
  fc.constant(['Sec-Fetch-Site', 'cross-site'] as const),
)
const body = fc.oneof(
  fc.json(),
  nasty,
  fc.constantFrom('[]', '', '['.repeat(70), '["a","b"]', '{"a":1}', '"text"'),
)
interface Request {
  readonly method: string
  readonly name: string
  readonly parameters: readonly (readonly [string, string])[]
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}
const anyRequest: fc.Arbitrary<Request> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'POST', 'POST', 'HEAD', 'OPTIONS', 'DELETE'),
  name: fc.constantFrom('t', 't', 't', 't', 'none', '__proto__'),
  parameters: fc.array(parameter, { maxLength: 4 }),
  headers: fc.array(header, { maxLength: 3 }),
  body,
})
/** What a program would send, which has more to wait for. */
const goodRequest: fc.Arbitrary<Request> = fc
  .tuple(fc.constantFrom('now', '-1', '?0', '?1'), fc.constantFrom('long-poll', 'sse', ''))
  .map(([offset, live]) => ({
    method: 'GET',
    name: 't',
    parameters: [['offset', offset], ...(live === '' ? [] : [['live', live] as const])],
    headers: [],
    body: '',
  }))
const request = fc.oneof(anyRequest, goodRequest)
type Happening =
  | { readonly do: 'ask'; readonly request: Request }
  | { readonly do: 'publish' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'leave' | 'drain'; readonly who: number }
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 5, arbitrary: request.map((one) => ({ do: 'ask' as const, request: one })) },
  { weight: 2, arbitrary: fc.constant({ do: 'publish' as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(20_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('leave', 'drain'), who: fc.nat(20) }) },
)

/** What user code may do to a request: let it, refuse it, throw, or never answer. */
const manner = fc.constantFrom('fine', 'fine', 'fine', 'refuse', 'throw', 'reject', 'hang')
type Manner = 'fine' | 'refuse' | 'throw' | 'reject' | 'hang'

function behave(how: Manner): void | Promise<void> {
  if (how === 'refuse') throw new HandshakeError(401, 'who are you?\r\nX: y', { headers: {} })
  if (how === 'throw') throw new Error('a bug')
  if (how === 'reject') return Promise.reject(new TypeError('another'))
  return how === 'hang' ? new Promise(() => {}) : undefined
}

async function playRequests(script: {
  readonly happenings: readonly Happening[]
  readonly mayRead: Manner
  readonly accept: Manner
  readonly count: number
}) {
  const limits = { longPollMs: 10_000, answerTimeoutMs: 2_000, eventStreamMs: 30_000 }
  const joined: string[] = []
  const rules = {
    mayRead: () => behave(script.mayRead),
    accept: async (input: unknown) => {
      await behave(script.accept)
      return input as Sendable
    },
    joined: ({ topic }: { topic: string }) => void joined.push(topic),
    left: () => void joined.pop(),
  }
  const asking = new Asking({ rules, limits })
  const topic = asking.add('t', script.count)
  const all: { asked: Asked; atMs: number; request: Request }[] = []
  const streams: Promise<void>[] = []
  for (const one of script.happenings) {
    if (one.do === 'ask') {
      const search = one.request.parameters.map(([name, value]) => {
        const place = /^\?(\d+)$/.exec(value)
        const text =
          place === null ? value : formatOffset({ epoch: topic.epoch, offset: Number(place[1]) })
        return `${encode(name)}=${encode(text)}`
      })
      const asked = asking.ask(one.request.name, `?${search.join('&')}`, one.request)
      all.push({ asked, atMs: asking.clock.nowMs(), request: one.request })
      streams.push(consume(asked))
    } else if (one.do === 'publish') topic.publish(`${topic.offset + 1}`)
    else if (one.do === 'wait') await asking.clock.advance(one.ms)
    else all[one.who]?.asked.lifeline.end(one.do === 'leave' ? 'gone' : 'draining')
  }
  return { asking, all, streams, joined }
}

function encode(text: string): string {
  // Half a surrogate pair cannot stand in an address.
  return encodeURIComponent(Buffer.from(text).toString())
}

/** Takes what an event stream gives, as fast as it comes, until it ends. */
async function consume(asked: Asked): Promise<void> {
  while (asked.answer === undefined) {
    if (asked.lifeline.ended === 'gone') return
    await new Promise(setImmediate)
  }
  const { events } = asked.answer
  for (let piece = await events?.next(); piece !== undefined; ) piece = await events?.next()
  asked.lifeline.end('gone')
}

const scripts = fc.record({
  happenings: fc.array(happening, { minLength: 1, maxLength: 12 }),
  mayRead: manner as fc.Arbitrary<Manner>,
  accept: manner as fc.Arbitrary<Manner>,
  count: fc.constantFrom(1, 3, 100),
})

describe('a request for a topic', () => {
  lawOf(
    'is answered once, in time, whatever it asks, whatever user code does, and nothing of it is left (I-54, I-18)',
    scripts,
    async (script) => {
      const { asking, all, streams, joined } = await playRequests(script)
      await asking.clock.advance(60_000)
      await Promise.all(streams)
      for (const { asked, atMs } of all) {
        expect(asked.answers).toBe(1)
        // A long poll that is let in at the last moment waits from its arrival.
        expect(asked.answeredAtMs - atMs).toBeLessThanOrEqual(12_000)
      }
      expect(asking.watchers).toBe(0)
      expect(asking.clock.timerCount).toBe(0)
      expect(joined).toEqual([])
      return all.length > 1
    },
  )

  lawOf(
    'lets go of everything in the turn in which its client leaves (I-18)',
    scripts,
    async (script) => {
      const { asking, all } = await playRequests(script)
      const held = asking.watchers + asking.clock.timerCount
      for (const { asked } of all) asked.lifeline.end('gone')
      // A reader that is waited for has no request any more.
      asking.service.presence.end()
      expect(asking.watchers).toBe(0)
      expect(asking.clock.timerCount).toBe(0)
      await asking.clock.settle()
      expect(asking.watchers).toBe(0)
      expect(asking.clock.timerCount).toBe(0)
      return held > 0
    },
  )

  lawOf(
    'is answered at once when the server drains, if it waits (I-54)',
    scripts,
    async (script) => {
      const { asking, all, streams } = await playRequests({ ...script, mayRead: 'fine' })
      const waiting = all.filter(({ asked }) => asked.answer === undefined)
      await asking.clock.settle()
      const atMs = asking.clock.nowMs()
      for (const { asked } of all) asked.lifeline.end('draining')
      await asking.clock.settle()
      const held = waiting.filter(({ request }) => request.method !== 'POST')
      for (const { asked } of held) {
        expect(asked.answer).toBeDefined()
        expect(asked.answeredAtMs).toBeLessThanOrEqual(atMs)
      }
      if (script.accept !== 'hang') await Promise.all(streams)
      return held.length > 0
    },
  )

  lawOf(
    'has no CR, LF or NUL in a header of its answer, and a status that HTTP knows (I-40)',
    scripts,
    async (script) => {
      const { asking, all } = await playRequests(script)
      await asking.clock.advance(60_000)
      for (const { asked } of all) {
        const { status, headers } = asked.answer as Answer
        expect(status).toBeGreaterThanOrEqual(200)
        expect(status).toBeLessThan(600)
        for (const value of Object.values(headers).flat()) expect(value).not.toMatch(/[\r\n\0]/)
        expect(headers['X-Content-Type-Options']).toBe('nosniff')
      }
      return all.length > 0
    },
  )

  lawOf(
    'that waits is answered in the turn of the message that it waits for, or at its deadline, never between',
    fc.record({ publishAtMs: fc.nat(30_000), longPollMs: fc.integer({ min: 1, max: 30_000 }) }),
    async ({ publishAtMs, longPollMs }) => {
      const asking = new Asking({ limits: { longPollMs } })
      const topic = asking.add('t')
      const asked = asking.ask('t', '?offset=now&live=long-poll')
      await asking.clock.advance(publishAtMs)
      topic.publish('news')
      await asking.clock.advance(60_000)
      const isNews = publishAtMs < longPollMs
      expect(asked.answer?.status).toBe(isNews ? 200 : 204)
      expect(asked.answeredAtMs).toBe(isNews ? publishAtMs : longPollMs)
      expect(headerOf(asked.answer as Answer, 'stream-cursor')).toMatch(/^\d+$/)
      return isNews
    },
  )
})

describe('a message', () => {
  lawOf(
    'that comes at any moment of the way of a request that waits for it is answered at once',
    fc.record({
      hops: fc.nat(30),
      durable: fc.boolean(),
      live: fc.constantFrom('long-poll', 'sse'),
    }),
    async ({ hops, durable, live }) => {
      const asking = new Asking()
      const ports = { clock: asking.clock, random: seededRandom(1) }
      const topic = durable
        ? new DurableTopic<string>('t', new MemoryStore(ports.random), {}, ports)
        : asking.add('t')
      asking.topics.set('t', new CountedTopic(topic))
      await asking.clock.settle()
      const place = formatOffset({ epoch: topic.epoch, offset: 0 })
      const asked = asking.ask('t', `?offset=${place}&live=${live}`)
      let told = ''
      // One promise continuation after the other, which is all the time that there is within a turn.
      const follow = async () => {
        while (asked.answer === undefined) await new Promise(setImmediate)
        const { events } = asked.answer
        if (events === undefined) told = textOf(asked.answer)
        for (let piece = await events?.next(); piece !== undefined; piece = await events?.next()) {
          told += piece
        }
      }
      const following = follow()
      if (live === 'sse') await asking.clock.settle()
      for (let hop = 0; hop < hops; hop++) await Promise.resolve()
      void topic.publish('the news')
      await asking.clock.settle()
      expect(told).toContain('["the news"]')
      expect(asking.clock.nowMs()).toBe(0)
      asked.lifeline.end('gone')
      await following
    },
  )
})
