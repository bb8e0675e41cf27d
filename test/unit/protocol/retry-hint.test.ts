import { describe, expect, it } from 'vitest'
import {
  hintedMs,
  hintInHeader,
  hintInReason,
  MAX_RETRY_MS,
} from '../../../src/protocol/retry-hint.ts'

const NOW_MS = Date.UTC(2026, 0, 1)

describe('a hint in a close reason', () => {
  it.each([
    ['retry=30s', 30_000],
    ['retry=1500ms', 1_500],
    ['restarting; retry=12s', 12_000],
    ['restarting;retry=0s.', 0],
    ['a,retry=1s,b', 1_000],
    ['bye\tretry=1s;', 1_000],
  ])('is read from %j as a window from now', (reason, windowMs) => {
    expect(hintInReason(reason)).toEqual({ afterMs: 0, windowMs })
  })

  it.each(['', 'bye', 'retry=', 'retry=s', 'retry=5', 'retry=5m', 'retry=5sec', 'xretry=5s'])(
    'is none in %j',
    (reason) => {
      expect(hintInReason(reason)).toBeUndefined()
    },
  )

  it.each(['retry=-5s', 'retry=1.5s', 'retry=5 s', `retry=${'9'.repeat(10)}s`])(
    'is none in %j, which is no whole number of up to nine digits',
    (reason) => {
      expect(hintInReason(reason)).toBeUndefined()
    },
  )

  it('counts as an hour above an hour', () => {
    expect(hintInReason('retry=3600s')?.windowMs).toBe(MAX_RETRY_MS)
    expect(hintInReason('retry=999999999s')?.windowMs).toBe(MAX_RETRY_MS)
    expect(MAX_RETRY_MS).toBe(60 * 60 * 1_000)
  })
})

describe('a hint in a Retry-After header (RFC 9110 §10.2.3)', () => {
  it('names the earliest moment in seconds, and the same time again is the window', () => {
    expect(hintInHeader('120', NOW_MS)).toEqual({ afterMs: 120_000, windowMs: 120_000 })
    expect(hintInHeader(' 5\t', NOW_MS)).toEqual({ afterMs: 5_000, windowMs: 5_000 })
  })

  it('names the earliest moment by its date', () => {
    const date = new Date(NOW_MS + 7_000)
    // The last two are no dates of HTTP, and clear all the same.
    for (const text of [date.toUTCString(), date.toISOString(), '1 Jan 2026 00:00:07 +0000']) {
      expect(hintInHeader(text, NOW_MS)).toEqual({ afterMs: 7_000, windowMs: 7_000 })
    }
  })

  it('is no wait where the date has passed, and an hour above an hour', () => {
    const past = new Date(NOW_MS - 7_000).toUTCString()
    expect(hintInHeader(past, NOW_MS)).toEqual({ afterMs: 0, windowMs: 0 })
    const far = { afterMs: MAX_RETRY_MS, windowMs: MAX_RETRY_MS }
    expect(hintInHeader('999999999', NOW_MS)).toEqual(far)
    expect(hintInHeader(new Date(NOW_MS * 2).toUTCString(), NOW_MS)).toEqual(far)
  })

  it.each([null, '', ' ', 'soon', '5s'])('is none in %j', (value) => {
    expect(hintInHeader(value, NOW_MS)).toBeUndefined()
  })
})

describe('the delay that obeys a hint', () => {
  it('is the earliest moment and a share of the window, as chance says', () => {
    const hint = { afterMs: 1_000, windowMs: 400 }
    expect([0, 0.5].map((chance) => hintedMs(hint, chance))).toEqual([1_000, 1_200])
  })
})
