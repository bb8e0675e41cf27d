import { describe, expect, it } from 'vitest'
import { nextCursor } from '../../../src/protocol/poll-cursor.ts'

const START_MS = Date.UTC(2024, 9, 9)
const random = { next: () => 0, bytes: () => new Uint8Array() }

describe('a cursor', () => {
  it('counts intervals of 20 s since 2024-10-09', () => {
    expect(nextCursor(undefined, START_MS, random)).toBe('0')
    expect(nextCursor(undefined, START_MS + 59_999, random)).toBe('2')
  })

  it('is 0 where the wall clock shows an earlier time', () => {
    expect(nextCursor(undefined, 0, random)).toBe('0')
  })

  it('is the present one for a client that has an older one', () => {
    expect(nextCursor('1', START_MS + 60_000, random)).toBe('3')
  })

  it('goes on from one that is not older, by as much as chance says', () => {
    expect(nextCursor('3', START_MS + 60_000, random)).toBe('4')
    expect(nextCursor('12', START_MS + 60_000, random)).toBe('13')
    expect(nextCursor('9', START_MS + 60_000, { ...random, next: () => 0.5 })).toBe('100')
  })

  it('does not look at what is no cursor', () => {
    for (const word of ['', '-1', '1e9', '0x5', '9'.repeat(16), '7x', 'x7']) {
      expect(nextCursor(word, START_MS, random)).toBe('0')
    }
  })
})
