// Laws of event streams: whatever a message holds, it arrives as it is, and no line of it is taken for one of ours.
//
// Read by a parser of its own (support/event-source.ts), from pieces of any size.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { formatOffset } from '../../src/protocol/http-offset.ts'
import type { Answer } from '../../src/transport/topic-answer.ts'
import { Asking } from './support/asking.ts'
import { EventSourceParser } from './support/event-source.ts'
import { lawOf } from './support/law.ts'
import { nasty } from './support/nasty.ts'

/** Reads an event stream until it has nothing more at once, as a client that gets it in pieces of any size. */
async function readEvents(asking: Asking, search: string, cuts: readonly number[]) {
  const asked = asking.ask('t', search)
  await asking.clock.settle()
  const parser = new EventSourceParser()
  const { events } = asked.answer as Answer
  let waits = false
  const pieces: string[] = []
  while (!waits) {
    let piece: string | undefined
    void events?.next().then((next) => {
      piece = next
    })
    await asking.clock.settle()
    waits = piece === undefined
    if (piece !== undefined) pieces.push(piece)
  }
  asked.lifeline.end('gone')
  let text = pieces.join('')
  for (const cut of cuts) {
    parser.push(text.slice(0, cut))
    text = text.slice(cut)
  }
  parser.push(text)
  return parser
}

describe('an event stream', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 20 })

  lawOf(
    'any text goes through it: as it is in JSON, with its line ends as LF where the topic is text, and nothing of it becomes a line of ours',
    fc.record({
      texts: fc.array(nasty, { minLength: 1, maxLength: 5 }),
      pageMessages: fc.integer({ min: 1, max: 3 }),
      contentType: fc.constantFrom('application/json', 'text/plain'),
      cuts,
    }),
    async ({ texts, pageMessages, contentType, cuts }) => {
      const asking = new Asking({ contentType, limits: { pageMessages } })
      const topic = asking.add('t')
      for (const text of texts) topic.publish(text)
      const { events, comments, retryMs } = await readEvents(asking, '?offset=-1&live=sse', cuts)
      const data = events.filter(({ type }) => type === 'data')
      const control = events.filter(({ type }) => type === 'control')
      // In pairs, and nothing else.
      expect(events.map(({ type }) => type)).toEqual(data.flatMap(() => ['data', 'control']))
      expect(data).toHaveLength(Math.ceil(texts.length / pageMessages))
      expect(comments).toEqual([])
      expect(retryMs).toBe(1_000)
      if (contentType === 'application/json') {
        expect(data.flatMap((event) => JSON.parse(event.data))).toEqual(texts)
      } else {
        const pages = data.map((_, index) =>
          texts.slice(index * pageMessages, (index + 1) * pageMessages),
        )
        expect(data.map((event) => event.data)).toEqual(
          pages.map((page) => page.join('').replace(/\r\n|\r/g, '\n')),
        )
      }
      for (const [index, { data: place, lastEventId }] of control.entries()) {
        const told = JSON.parse(place)
        expect(told.streamNextOffset).toBe(lastEventId)
        expect(data[index]?.lastEventId).toBe(lastEventId)
        expect(told.upToDate).toBe(index === control.length - 1 ? true : undefined)
      }
      const { epoch } = topic
      expect(control.at(-1)?.lastEventId).toBe(formatOffset({ epoch, offset: texts.length }))
      return texts.some((text) => /[\r\n]/.test(text))
    },
  )

  lawOf(
    'bytes go through it unchanged, as base64',
    fc.record({ all: fc.array(fc.uint8Array({ minLength: 1, maxLength: 30 })), cuts }),
    async ({ all, cuts }) => {
      const asking = new Asking({ contentType: 'application/octet-stream' })
      const topic = asking.add('t')
      for (const bytes of all) topic.publish(bytes)
      const { events } = await readEvents(asking, '?offset=-1&live=sse', cuts)
      const data = events.filter(({ type }) => type === 'data')
      const got = Buffer.concat(data.map((event) => Buffer.from(event.data, 'base64')))
      expect(got).toEqual(Buffer.concat(all))
    },
  )
})
