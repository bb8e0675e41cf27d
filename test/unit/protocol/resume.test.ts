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
  fromBase64,
  itemJson,
  judge,
  type MessageItem,
  messagesJson,
  parseClientFrame,
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
