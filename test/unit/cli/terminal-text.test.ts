// Words, times, numbers and columns.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { barText } from '../../../src/cli/journal-progress.ts'
import {
  aligned,
  fitted,
  harmless,
  jsonLine,
  lasted,
  quoted,
  stopwatch,
  utc,
  wrapped,
} from '../../../src/cli/terminal-text.ts'
import { CONTROL, hostileText } from './support/hostile.ts'

describe('harmless', () => {
  it('leaves no control character, and everything else as it was', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(harmless(text)).not.toMatch(CONTROL)
        expect(harmless(text).replace(/\\u\{[0-9a-f]+\}/g, '')).toBe(
          text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|\\u\{[0-9a-f]+\}/gu, ''),
        )
      }),
    )
    expect(harmless('a\u001b[31mb\u009b1m\u202e')).toBe('a\\u{1b}[31mb\\u{9b}1m\\u{202e}')
  })
})

describe('a line of JSON', () => {
  it('says the same as the value, without a control character', () => {
    fc.assert(
      fc.property(fc.dictionary(hostileText, fc.oneof(hostileText, fc.double())), (value) => {
        const line = jsonLine(value)
        expect(line).not.toMatch(CONTROL)
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
    expect(jsonLine('\u{e0041}\u009b')).toBe('"\\udb40\\udc41\\u009b"')
  })
})

describe('times', () => {
  it.each([
    [0, '0ms'],
    [999.4, '999ms'],
    [999.6, '1.0s'],
    [12_340, '12.3s'],
    [59_949, '59.9s'],
    [59_950, '1m00s'],
    [252_000, '4m12s'],
    [3_599_600, '1h00m'],
    [11_100_000, '3h05m'],
    [86_370_000, '1d00h'],
    [183_600_000, '2d03h'],
    [-5, '-5ms'],
    [Number.NaN, 'unknown'],
  ])('%d ms lasted %s', (ms, text) => {
    expect(lasted(ms)).toBe(text)
  })

  it.each([
    [0, '0.000'],
    [250, '0.250'],
    [9_999, '9.999'],
    [62_413, '1:02.413'],
    [3_600_000, '1:00:00.000'],
    [10_802_413, '3:00:02.413'],
    [-62_413, '-1:02.413'],
  ])('%d ms on the stopwatch are %s', (ms, text) => {
    expect(stopwatch(ms)).toBe(text)
  })

  it('are in UTC, and no number is too wild', () => {
    expect(utc(1_767_225_600_123)).toBe('2026-01-01 00:00:00')
    expect(utc(1_767_225_600_123, true)).toBe('2026-01-01 00:00:00.123')
    expect([utc(Number.NaN), utc(1e300)]).toEqual(['unknown', 'unknown'])
  })
})

describe('columns', () => {
  it('begin, or end, together', () => {
    expect(
      aligned(
        [
          ['a', '1', 'x'],
          ['bbb', '22', ''],
        ],
        new Set([1]),
      ),
    ).toEqual(['a     1  x', 'bbb  22'])
    expect(aligned([])).toEqual([])
  })

  it('are cut where they have to be, with a mark', () => {
    expect([
      fitted('abcdef', 4),
      fitted('abcd', 4),
      fitted('ab', Number.POSITIVE_INFINITY),
    ]).toEqual(['abc…', 'abcd', 'ab'])
  })

  it('of words break between words', () => {
    expect(wrapped(['aa', 'bb', 'cccccccc', 'd'], 5)).toEqual(['aa bb', 'cccccccc', 'd'])
    expect(wrapped([], 5)).toEqual([])
  })
})

describe('a text of others', () => {
  it('goes without quotes only where it reads well', () => {
    expect(quoted('/chat/room-1')).toBe('/chat/room-1')
    expect(quoted('')).toBe('""')
    expect(quoted('members only')).toBe('"members only"')
    expect(quoted('a\nb')).toBe('"a\\nb"')
    expect(quoted('x'.repeat(5_000)).length).toBeLessThan(210)
  })
})

describe('the bar', () => {
  it('is as full as the work is done', () => {
    expect(barText(0, 1_000, 'lives')).toBe(`${'░'.repeat(30)}   0% of 1,000 lives`)
    expect(barText(500, 1_000, 'lives')).toBe(
      `${'█'.repeat(15)}${'░'.repeat(15)}  50% of 1,000 lives`,
    )
    expect(barText(0, 0, 'lives')).toBe(`${'█'.repeat(30)} 100% of 0 lives`)
    expect(barText(12_345, undefined, 'events')).toBe('12,345 events')
  })
})
