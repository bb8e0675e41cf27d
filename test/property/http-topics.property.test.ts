// Laws of topics over HTTP: the same messages by every way.
//
// What is compared is what `TopicReader` gives, which all ways share; what arrives is read as a client reads it, from
// the bodies and from the events.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { DurableTopic, type Sendable } from 'windsock'
import { seededRandom } from 'windsock/testing'
import { MemoryStore } from '../../src/journal/memory-store.ts'
import { formatOffset, parseOffset } from '../../src/protocol/http-offset.ts'
import { TopicReader } from '../../src/streams/topic-reader.ts'
import { Asking, CountedTopic, placeIn, textOf } from './support/asking.ts'
import { EventSourceParser } from './support/event-source.ts'
import { lawOf } from './support/law.ts'
import { nasty } from './support/nasty.ts'

const message: fc.Arbitrary<Sendable> = fc.oneof(
  nasty,
  fc.record({ a: nasty, b: fc.array(fc.oneof(fc.integer(), nasty, fc.constant(null))) }),
  fc.uint8Array({ maxLength: 20 }),
)

interface Item {
  readonly offset: number
  readonly ts: number
  readonly data?: unknown
  readonly data64?: string
}

/** All that a topic keeps and will publish, read by one way, until `head` has been seen. */
type Way = (asking: Asking, head: () => number, isOver: () => boolean) => Promise<unknown[]>

const polling =
  (live: '' | '&live=long-poll'): Way =>
  async (asking, head, isOver) => {
    const items: unknown[] = []
    let place = '-1'
    for (;;) {
      const asked = asking.ask('t', `?envelope=1&offset=${place}${live}`)
      while (asked.answer === undefined) await new Promise(setImmediate)
      if (asked.answer.status === 200) items.push(...JSON.parse(textOf(asked.answer)))
      else expect(asked.answer.status).toBe(204)
      place = placeIn(asked.answer)
      if (isOver() && reached(place) >= head()) return items
      if (live === '') await new Promise(setImmediate)
    }
  }

const streaming: Way = async (asking, head, isOver) => {
  const parser = new EventSourceParser()
  let place = '-1'
  const items = () =>
    parser.events.filter(({ type }) => type === 'data').flatMap(({ data }) => JSON.parse(data))
  for (;;) {
    // The address stays the one it began with; how far it got stands in the header.
    const came = place === '-1' ? [] : ([['Last-Event-ID', place]] as const)
    const asked = asking.ask('t', '?envelope=1&offset=-1&live=sse', { headers: came })
    while (asked.answer === undefined) await new Promise(setImmediate)
    const { events } = asked.answer
    for (let piece = await events?.next(); piece !== undefined; piece = await events?.next()) {
      parser.push(piece)
      place = parser.lastEventId
      if (isOver() && reached(place) >= head()) {
        asked.lifeline.end('gone')
        return items()
      }
    }
    asked.lifeline.end('gone')
  }
}

const reading: Way = async (asking, head, isOver) => {
  const reader = new TopicReader(asking.topics.get('t') as CountedTopic)
  await reader.begin('start')
  const items: unknown[] = []
  for (;;) {
    const { items: page } = await reader.next({ maxItems: 3, maxBytes: 1_000 })
    for (const { offset, atMs: ts, kind, message } of page) {
      const data = kind === 'json' ? JSON.parse(message as string) : message
      const bytes = typeof message === 'string' ? '' : Buffer.from(message).toString('base64')
      items.push(kind === 'binary' ? { offset, ts, data64: bytes } : { offset, ts, data })
    }
    if (isOver() && reader.offset >= head()) return items
    await new Promise(setImmediate)
  }
}

function reached(place: string): number {
  const parsed = parseOffset(place)
  return typeof parsed === 'object' ? parsed.offset : 0
}

describe('a topic over HTTP', () => {
  lawOf(
    'gives the same messages, with the same offsets and times, by poll, long poll and event stream as to a reader (I-53)',
    fc.record({
      batches: fc.array(
        fc.record({ messages: fc.array(message, { maxLength: 4 }), afterMs: fc.nat(3_000) }),
        { minLength: 1, maxLength: 6 },
      ),
      pageMessages: fc.integer({ min: 1, max: 4 }),
      pageBytes: fc.constantFrom(1, 40, 100_000),
      durable: fc.boolean(),
    }),
    async ({ batches, pageMessages, pageBytes, durable }) => {
      const limits = {
        pageMessages,
        pageBytes,
        longPollMs: 1_000,
        eventStreamMs: 2_000,
        eventStreamHeartbeatMs: 700,
      }
      const asking = new Asking({ limits })
      const ports = { clock: asking.clock, random: seededRandom(1) }
      const topic = durable
        ? new DurableTopic<Sendable>('t', new MemoryStore(ports.random), {}, ports)
        : asking.add('t')
      asking.topics.set('t', new CountedTopic(topic))
      let over = false
      const ways = [reading, polling(''), polling('&live=long-poll'), streaming]
      const results = Promise.all(
        ways.map((way) =>
          way(
            asking,
            () => topic.offset,
            () => over,
          ),
        ),
      )
      for (const { messages, afterMs } of batches) {
        for (const one of messages) void topic.publish(one)
        await asking.clock.advance(afterMs)
      }
      over = true
      // A message at the end wakes those that wait; then everyone has everything.
      void topic.publish('the end')
      await asking.clock.settle()
      const [expected, ...others] = await results
      for (const other of others) expect(other).toEqual(expected)
      expect(expected).toHaveLength(topic.offset)
      expect((expected as Item[]).map(({ offset }) => offset)).toEqual(
        Array.from({ length: topic.offset }, (_, index) => index + 1),
      )
      expect(asking.watchers).toBe(0)
      expect(asking.clock.timerCount).toBe(0)
      expect(asking.errors).toEqual([])
      return topic.offset > 3
    },
  )

  lawOf(
    'what a JSON topic says is what was published, whatever the messages hold (I-40)',
    fc.array(message, { maxLength: 6 }),
    async (messages) => {
      const asking = new Asking()
      const topic = asking.add('t')
      for (const one of messages) topic.publish(one)
      const expected = messages.map((one) =>
        one instanceof Uint8Array ? { data64: Buffer.from(one).toString('base64') } : one,
      )
      const same = JSON.parse(JSON.stringify(expected))
      const answer = await asking.answered('t')
      expect(JSON.parse(textOf(answer))).toEqual(same)
      expect(placeIn(answer)).toBe(formatOffset({ epoch: topic.epoch, offset: messages.length }))
      return messages.length > 0
    },
  )
})
