// Fuzzing of the bytes: event streams as they are written and read, records of the journal, and bytes in pieces.

import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { JournalError } from 'windsock'
import { checked, checksum, storable } from '../../src/journal/checksum.ts'
import { decodeLifeEvent, encodeLifeEvent } from '../../src/journal/events.ts'
import { Gathered } from '../../src/protocol/gathered.ts'
import { dataLines, event } from '../../src/transport/server-sent-events.ts'
import { EventSourceParser } from './support/event-source.ts'
import { bytesOf } from './support/frames.ts'
import { fuzz, nearly, nearlyText } from './support/fuzz.ts'

/** Where something is cut, as shares of its length. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 })

function piecesOf<T extends { slice(from: number, to: number): T; readonly length: number }>(
  whole: T,
  places: readonly number[],
): T[] {
  const inner = places.map((place) => Math.floor(place * whole.length)).toSorted((a, b) => a - b)
  const edges = [0, ...inner, whole.length]
  return edges.slice(1).map((end, index) => whole.slice(edges[index] as number, end))
}

describe('an event', () => {
  const seeds = [
    'hello',
    'two\nlines',
    ' blank first\r\nlast ',
    'data: x\nid: 1\n\nevent: y',
    '{"a":"\\n"}',
  ]
  const words = [
    '\r',
    '\n',
    '\r\n',
    '\n\n',
    ':',
    ' ',
    'data:',
    'id: 0\n',
    'event: control\n',
    'retry: 1\n',
    '\0',
    '\ufeff',
    '\u2028',
  ]

  fuzz(
    'holds what it was given and nothing else, for two readers, in whatever pieces it comes',
    fc.tuple(nearlyText(seeds, words), cuts),
    ([data, places]) => {
      const written =
        event('data', dataLines(data), 'place') + event('control', dataLines('{}'), 'place')
      const expected = [
        { type: 'data', data: data.replaceAll(/\r\n|\r/g, '\n') },
        { type: 'control', data: '{}' },
      ]
      const own = new EventSourceParser()
      const theirs: { type: string | undefined; data: string }[] = []
      const parser = createParser({
        onEvent: ({ event: type, data: text }) => theirs.push({ type, data: text }),
      })
      for (const piece of piecesOf(written, places)) {
        own.push(piece)
        parser.feed(piece)
      }
      expect(own.events.map(({ type, data: text }) => ({ type, data: text }))).toEqual(expected)
      expect(theirs).toEqual(expected)
    },
  )
})

describe('a record of the journal', () => {
  const lives = [
    encodeLifeEvent({ type: 'HandshakeRefused', data: { status: 403, reason: 'no' } }, 7),
    encodeLifeEvent(
      { type: 'CloseRequested', data: { frame: { code: 1000, reason: 'bye ü' } } },
      8,
    ),
    encodeLifeEvent({ type: 'HeartbeatsPassed', data: { pings: 3 } }, 9),
  ]
  const words = ['"', '{', '}', ',', ':', 'null', '-1.5', '\\u0000', '"__proto__":{}', '\0']

  fuzz(
    'that was changed is told of: its checksum finds every change of one',
    fc.tuple(
      fc.constantFrom(...lives),
      nearly(
        lives.map(({ data }) => data as string),
        words,
      ),
      fc.boolean(),
    ),
    ([event, bytes, isText]) => {
      const kept = storable({ type: event.type, data: isText ? bytes.toString() : bytes })
      const crc = checksum(1, kept.type, event.schema, event.atMs, kept.data, 0)
      const row = {
        version: 1,
        at: event.atMs,
        // Texts are read as their bytes.
        type: Buffer.from(kept.type),
        form: typeof kept.data === 'string' ? 'text' : 'blob',
        data: Buffer.from(kept.data as string),
        schema: event.schema,
        prev: 0,
        crc,
      }
      const read = checked('stream', row as never, undefined, 0)
      const data = typeof read.data === 'string' ? read.data : Buffer.from(read.data)
      expect([read.type, data]).toEqual([event.type, isText ? bytes.toString() : bytes])
      // One bit of anything.
      const other = Buffer.from(row.data)
      if (other.length > 0) other[other.length >> 1] = (other[other.length >> 1] as number) ^ 4
      const wrong = [
        { ...row, at: row.at + 1 },
        { ...row, crc: crc ^ 1 },
        { ...row, version: 2 },
        ...(other.length > 0 ? [{ ...row, data: other }] : []),
      ]
      for (const one of wrong) {
        expect(() => checked('stream', one as never, undefined, 0)).toThrow(JournalError)
      }
    },
  )

  fuzz(
    'is an event that is kept again as it was, or damaged, and nothing else is thrown',
    fc.tuple(
      fc.constantFrom(...lives),
      nearlyText(
        lives.map(({ data }) => data as string),
        words,
      ),
    ),
    ([{ type, schema, atMs }, data]) => {
      const recorded = { stream: 'connection/a', version: 1, type, schema, atMs, data }
      try {
        const event = decodeLifeEvent(recorded)
        expect(event).toMatchObject({ type, version: 1, atMs })
        expect(JSON.parse(encodeLifeEvent(event as never, atMs).data as string)).toEqual(
          JSON.parse(data),
        )
      } catch (thrown) {
        if (!(thrown instanceof JournalError)) throw thrown
        expect(thrown.code).toBe('ERR_WINDSOCK_JOURNAL_CORRUPT')
      }
    },
  )
})

describe('bytes that were gathered', () => {
  fuzz(
    'are those that came, in whatever pieces',
    fc.tuple(bytesOf(5_000), cuts),
    ([bytes, places]) => {
      const gathered = new Gathered()
      for (const piece of piecesOf(bytes, places)) gathered.push(piece)
      expect(gathered.length).toBe(bytes.length)
      expect(Buffer.compare(gathered.bytes, bytes)).toBe(0)
      expect(gathered.bytes.buffer.byteLength).toBeLessThanOrEqual(
        Math.max(1_024, 2 * bytes.length),
      )
    },
  )
})
