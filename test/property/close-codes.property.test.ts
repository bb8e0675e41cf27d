// Laws of close codes. The oracle is a pattern over the decimal digits, written from RFC 6455 §7.4
// and IANA's registry, not from our table.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CLOSE_CODES,
  checkCloseCode,
  describeCloseCode,
  isSendable,
} from '../../src/protocol/close-codes.ts'
import { isResumable } from '../../src/protocol/resumable.ts'

const RUNS = { numRuns: 1000 }

const MAY_TRAVEL = /^(?:100[0-37-9]|101[0-4]|[34][0-9]{3})$/

const codes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 990, max: 1020 }) },
  { weight: 6, arbitrary: fc.integer({ min: 2990, max: 5010 }) },
  fc.constantFrom(2999, 3000, 3499, 3500, 3999, 4000, 4499, 4500, 4599, 4600, 4999, 5000),
  fc.constantFrom(...Object.keys(CLOSE_CODES).map(Number)),
  fc.integer(),
  fc.double(),
  fc.double({ min: 990, max: 5010, noInteger: true }),
)

describe('close codes (RFC 6455 §7.4)', () => {
  it('a code is sendable or it never leaves', () => {
    fc.assert(
      fc.property(fc.oneof(codes, fc.anything()), (code) => {
        const mayTravel = typeof code === 'number' && MAY_TRAVEL.test(String(code))
        if (typeof code === 'number') expect(isSendable(code)).toBe(mayTravel)
        if (mayTravel) {
          expect(checkCloseCode(code)).toBe(code)
        } else {
          expect(() => checkCloseCode(code)).toThrow(
            expect.objectContaining({ code: 'ERR_WINDSOCK_CLOSE_CODE' }),
          )
        }
      }),
      RUNS,
    )
  })

  it('a code is resumable or final, and an unnamed one follows its range', () => {
    const named = new Map(Object.entries(CLOSE_CODES).map(([code, entry]) => [code, entry]))
    fc.assert(
      fc.property(codes, (code) => {
        const digits = String(code)
        const expected =
          named.get(digits)?.resumable ?? /^(?:3[0-4][0-9]{2}|45[0-9]{2})$/.test(digits)
        expect(isResumable(code)).toBe(expected)
      }),
      RUNS,
    )
  })

  it('every number has one line that begins with it', () => {
    fc.assert(
      fc.property(codes, (code) => {
        const line = describeCloseCode(code)
        expect(line.startsWith(String(code))).toBe(true)
        expect(line).toMatch(/^[\x20-\x7e]+\.$/)
        expect(line.includes('not a close code')).toBe(!/^[1-4][0-9]{3}$/.test(String(code)))
      }),
      RUNS,
    )
  })
})
