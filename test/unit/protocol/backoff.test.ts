import { describe, expect, it } from 'vitest'
import { backoffMs } from '../../../src/protocol/backoff.ts'

const BACKOFF = { firstMs: 500, capMs: 30_000 }

describe('the delay before the next attempt', () => {
  it('has a bound that doubles with each attempt, up to the cap', () => {
    const bounds = [0, 1, 2, 5, 6, 7, 5_000].map((attempt) => backoffMs(BACKOFF, attempt, 1))
    expect(bounds).toEqual([500, 1_000, 2_000, 16_000, 30_000, 30_000, 30_000])
  })

  it('is anywhere below its bound, as chance says', () => {
    expect(backoffMs(BACKOFF, 1, 0)).toBe(0)
    expect(backoffMs(BACKOFF, 1, 0.25)).toBe(250)
  })
})
