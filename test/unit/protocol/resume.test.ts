// The resume protocol as it is written: the vectors of docs/reference, and texts that nobody foresaw.

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type LogPosition,
  type Position,
  type Recovery,
  recover,
} from '../../../src/protocol/position.ts'
import {
  type ClientFrame,
  clientFrameJson,
  fromBase64,
  itemJson,
  judge,
  MAX_KEY_LENGTH,
  MAX_LAST,
  MAX_TOPIC_LENGTH,
  type MessageItem,
  messagesJson,
  parseClientFrame,
  RESUME_SUBPROTOCOL,
  resumeErrorOf,
  toBase64,
  type Verdict,
} from '../../../src/protocol/resume.ts'

interface Vectors {
  readonly clientFrames: readonly { text: string; frame: object }[]
  readonly problems: readonly { text: string; id: number | null }[]
  readonly items: readonly {
    offset: number
    ts: number
    kind: 'text' | 'json' | 'binary'
    message: string | number[]
    json: string
  }[]
  readonly recoveries: readonly { log: LogPosition; since: Position; recovery: Recovery }[]
  readonly verdicts: readonly { last: number; item: MessageItem; verdict: Verdict }[]
}

const vectors: Vectors = JSON.parse(
  readFileSync(new URL('../../../docs/reference/protocol-vectors.json', import.meta.url), 'utf8'),
)

/** As JSON would carry it: what is `undefined` is not there. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

it('a refusal has one word over every transport, and a status that has none has none here', () => {
  expect([404, 401, 503].map(resumeErrorOf)).toEqual([
    'topic_not_found',
    'unauthorized',
    'overloaded',
  ])
  expect(resumeErrorOf(418)).toBeUndefined()
})

describe('the vectors of the written protocol', () => {
  it.each(vectors.clientFrames)('client frame $text', ({ text, frame }) => {
    expect(plain(parseClientFrame(text))).toEqual(frame)
  })

  it.each(vectors.problems)('no client frame: $text', ({ text, id }) => {
    expect(parseClientFrame(text)).toMatchObject({ type: 'problem', id: id ?? undefined })
  })

  it.each(vectors.items)('item $json', ({ offset, ts, kind, message, json }) => {
    const value = typeof message === 'string' ? message : Uint8Array.from(message)
    expect(itemJson(offset, ts, kind, value)).toBe(json)
  })

  it.each(vectors.recoveries)('recovery $since in $log', ({ log, since, recovery }) => {
    expect(recover(log, since)).toEqual(recovery)
  })

  it.each(vectors.verdicts)('verdict on $item after $last', ({ last, item, verdict }) => {
    expect(judge(last, item)).toBe(verdict)
  })
})

describe('a frame', () => {
  it('is read from any text at all, and never throws', () => {
    const texts = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.json(),
      fc.object().map((value) => JSON.stringify(value)),
    )
    fc.assert(
      fc.property(texts, (text) => {
        expect(['problem', 'subscribe', 'unsubscribe', 'publish', 'ping']).toContain(
          parseClientFrame(text).type,
        )
      }),
      { numRuns: 2_000 },
    )
  })

  it('carries any text, object and bytes there and back', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.jsonValue(),
        fc.uint8Array(),
        (text, value, bytes) => {
          const json = JSON.stringify({ value })
          const items = [
            itemJson(1, 0, 'text', text),
            itemJson(2, 0, 'json', json),
            itemJson(3, 0, 'binary', bytes),
          ]
          const [one, two, three] = JSON.parse(messagesJson('t"t', items)).items
          expect(one.data).toBe(text)
          expect(two.data).toEqual(JSON.parse(json))
          expect(fromBase64(three.data64)).toEqual(bytes)
          expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
        },
      ),
      { numRuns: 1_000 },
    )
  })
})

const PUBLISH = {
  type: 'publish',
  topic: 't',
  key: undefined,
  expect: undefined,
  after: undefined,
} as const

describe("a client's frame", () => {
  it.each<ClientFrame>([
    { type: 'subscribe', id: 1, topic: 't', begin: { since: { epoch: 'e', offset: 7 } } },
    { type: 'subscribe', id: 2, topic: 't', begin: { last: MAX_LAST } },
    { type: 'subscribe', id: 3, topic: 't', begin: { from: 'start' } },
    { type: 'subscribe', id: 4, topic: 't', begin: { from: 'now' } },
    { type: 'unsubscribe', id: 5, topic: 'x'.repeat(MAX_TOPIC_LENGTH) },
    { ...PUBLISH, id: 6, data: { a: 1 } },
    { ...PUBLISH, id: 7, data: Uint8Array.of(0, 255), key: 'k', expect: 0, after: 6 },
    { ...PUBLISH, id: 8, data: '', key: 'k'.repeat(MAX_KEY_LENGTH), after: 0 },
    { type: 'ping', id: 0 },
  ])('is read as it was written: $type $id', (frame) => {
    expect(parseClientFrame(clientFrameJson(frame))).toEqual(frame)
  })

  it.each([
    ['a type that nobody knows', { type: 'erase', data: 1 }],
    ['a topic that is too long', { type: 'unsubscribe', topic: 'x'.repeat(MAX_TOPIC_LENGTH + 1) }],
    ['more messages than may be asked for', { type: 'subscribe', last: MAX_LAST + 1 }],
    ['a place that is none', { type: 'subscribe', from: 'here' }],
    ['a position that is none', { type: 'subscribe', since: null }],
    ['a key that is too long', { type: 'publish', data: 1, key: 'k'.repeat(MAX_KEY_LENGTH + 1) }],
    ['an expectation that is no offset', { type: 'publish', data: 1, expect: -1 }],
    ['a place that is no number', { type: 'publish', data: 1, after: '6' }],
    ['bytes that are no text', { type: 'publish', data64: 1234 }],
    ['bytes that are no base64', { type: 'publish', data64: '*' }],
    ['text and bytes at once', { type: 'publish', data: 1, data64: 'AA==' }],
  ])('is refused by its number with %s', (_why, fields) => {
    const frame = parseClientFrame(JSON.stringify({ id: 9, topic: 't', ...fields }))
    expect(frame).toMatchObject({ type: 'problem', id: 9 })
  })

  it.each(['7', 'null', '[]', '"text"', '{'])('is no %s', (text) => {
    expect(parseClientFrame(text)).toMatchObject({ type: 'problem', id: undefined })
  })

  it('is of the subprotocol that is written down', () => {
    const written = readFileSync(
      new URL('../../../docs/reference/protocol.md', import.meta.url),
      'utf8',
    )
    expect(RESUME_SUBPROTOCOL).toMatch(/^windsock\.v\d+\.json$/)
    expect(written).toContain(`\`${RESUME_SUBPROTOCOL}\``)
  })
})
