import { describe, expect, it } from 'vitest'
import {
  CLOSE_CODES,
  type CloseCode,
  checkCloseCode,
  describeCloseCode,
  isSendable,
} from '../../../src/protocol/close-codes.ts'
import { isResumable } from '../../../src/protocol/resumable.ts'

const entries: [number, CloseCode][] = Object.entries(CLOSE_CODES).map(([code, entry]) => [
  Number(code),
  entry,
])

describe('the table of close codes (RFC 6455 §7.4.1)', () => {
  it('names the codes of the RFC, of IANA, and the four of windsock', () => {
    const standard = Array.from({ length: 16 }, (_, index) => 1000 + index)
    expect(entries.map(([code]) => code)).toEqual([...standard, 4001, 4002, 4003, 4008])
  })

  it('gives every code a name of its own and one sentence', () => {
    expect(new Set(entries.map(([, entry]) => entry.name)).size).toBe(entries.length)
    for (const [, entry] of entries) expect(entry.meaning).toMatch(/^[A-Z].*[^.]\.$/)
  })

  it('agrees with the functions', () => {
    for (const [code, entry] of entries) {
      expect([code, isSendable(code), isResumable(code)]).toEqual([
        code,
        entry.sendable,
        entry.resumable,
      ])
    }
  })
})

describe('codes that may travel (RFC 6455 §7.4)', () => {
  it.each([1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
    'lets %d into a Close frame',
    (code) => {
      expect(isSendable(code)).toBe(true)
    },
  )

  it.each([1004, 1005, 1006, 1015])('keeps the reserved code %d off the wire', (code) => {
    expect(isSendable(code)).toBe(false)
  })

  it.each([-1, 0, 999, 1016, 1100, 2000, 2999, 5000, 65_535, 1000.5, Number.NaN, Infinity])(
    'refuses %d, which belongs to nobody who sends it',
    (code) => {
      expect(isSendable(code)).toBe(false)
    },
  )
})

describe('codes that invite a client back (RFC 6455 §7.2.3)', () => {
  it.each([1001, 1006, 1011, 1012, 1013, 1014, 3000, 3499, 4003, 4008, 4500, 4599])(
    'lets a client come back after %d',
    (code) => {
      expect(isResumable(code)).toBe(true)
    },
  )

  it.each([1000, 1002, 1003, 1005, 1007, 1008, 1009, 1010, 1015, 3500, 3999, 4001, 4002])(
    'keeps a client away after %d',
    (code) => {
      expect(isResumable(code)).toBe(false)
    },
  )

  it.each([-1, 0, 999, 1016, 2999, 4000, 4499, 4600, 4999, 5000, 3000.5, Number.NaN])(
    'holds %d for final, as nothing is known of it',
    (code) => {
      expect(isResumable(code)).toBe(false)
    },
  )
})

describe('a line about a close code (RFC 6455 §7.4.2)', () => {
  it.each([
    [1001, '1001 going away: '],
    [4001, '4001 auth expired: '],
    [1016, '1016: reserved'],
    [3001, '3001: registered'],
    [4000, '4000: private'],
    [999, '999: not a close code'],
    [1000.5, '1000.5: not a close code'],
    [Number.NaN, 'NaN: not a close code'],
  ])('describes %d', (code, beginning) => {
    expect(describeCloseCode(code).startsWith(beginning)).toBe(true)
  })
})

describe('a code that an application passes (RFC 6455 §7.4)', () => {
  it('comes back when it may be sent', () => {
    expect(checkCloseCode(1000)).toBe(1000)
    expect(checkCloseCode(4999)).toBe(4999)
  })

  it.each([
    1005,
    1006,
    1004,
    999,
    5000,
    Number.NaN,
    '1000',
    null,
    undefined,
    {},
    Symbol('x'),
    1000n,
  ])('is refused with its own error when it is %s', (code) => {
    expect(() => checkCloseCode(code)).toThrow(
      expect.objectContaining({ code: 'ERR_WINDSOCK_CLOSE_CODE', fault: 'local' }),
    )
  })

  it('is named in the error', () => {
    expect(() => checkCloseCode(1006)).toThrow(/1006/)
  })

  it('is seen to be a text where it is one, and a number is asked for', () => {
    expect(() => checkCloseCode('1000')).toThrow(/code "1000" cannot be sent: use 1000 /)
  })
})
