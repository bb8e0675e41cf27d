import { describe, expect, it } from 'vitest'
import { isOffset, newEpoch, recover } from '../../../src/protocol/position.ts'

describe('an offset', () => {
  it.each([0, 1, Number.MAX_SAFE_INTEGER])('may be %d', (value) => {
    expect(isOffset(value)).toBe(true)
  })

  it.each([-1, 0.5, 2 ** 53, Number.NaN, Infinity, '1', null, undefined, 1n])(
    'is not %s',
    (value) => {
      expect(isOffset(value)).toBe(false)
    },
  )
})

describe('a reader that comes back', () => {
  const log = { epoch: 'e', head: 10, floor: 4 }

  it('goes on where the log keeps all that comes after its offset', () => {
    for (const offset of [4, 7, 10]) {
      expect(recover(log, { epoch: 'e', offset })).toEqual({ recovered: true, start: offset })
    }
  })

  it.each([
    ['epoch', { epoch: 'other', offset: 7 }],
    ['ahead', { epoch: 'e', offset: 11 }],
    ['trimmed', { epoch: 'e', offset: 3 }],
  ])('begins with the oldest that is kept, and is told why: %s', (reason, since) => {
    expect(recover(log, since)).toEqual({ recovered: false, reason, start: 4 })
  })
})

describe('the name of a new log', () => {
  it('has a character of 0-9 and a-v for each of twelve random bytes', () => {
    const bytes = (count: number) => Uint8Array.from({ length: count }, (_, index) => 29 + index)
    expect(newEpoch({ next: () => 0, bytes })).toBe('tuv012345678')
  })
})
