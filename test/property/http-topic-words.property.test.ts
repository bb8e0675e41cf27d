// Laws of the words on HTTP: offsets and cursors.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { seededRandom } from 'windsock/testing'
import { formatOffset, parseOffset } from '../../src/protocol/http-offset.ts'
import { nextCursor } from '../../src/protocol/poll-cursor.ts'
import { lawOf } from './support/law.ts'
import { nasty } from './support/nasty.ts'

describe('an offset on HTTP', () => {
  const position = fc.record({
    epoch: fc.string({
      unit: fc.constantFrom(...'0123456789abcdefghijklmnopqrstuv'),
      minLength: 1,
      maxLength: 32,
    }),
    offset: fc.maxSafeNat(),
  })

  lawOf('names the position that it was made of', position, (one) => {
    expect(parseOffset(formatOffset(one))).toEqual(one)
  })

  lawOf(
    'sorts within its epoch as the offsets do',
    fc.tuple(position, fc.maxSafeNat()),
    ([one, offset]) => {
      const [a, b] = [formatOffset(one), formatOffset({ ...one, offset })]
      expect(Math.sign(one.offset - offset)).toBe(a < b ? -1 : a > b ? 1 : 0)
    },
  )

  const nearly = fc
    .tuple(position, fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 20 }))
    .map(([{ epoch }, digits]) => `${epoch}_${digits}`)

  lawOf(
    'is one of ours, or refused',
    fc.oneof(nasty, fc.string(), position.map(formatOffset), nearly),
    (text) => {
      const parsed = parseOffset(text)
      if (typeof parsed === 'object') expect(formatOffset(parsed)).toBe(text)
      else expect(parsed === undefined || text === '-1' || text === 'now').toBe(true)
    },
  )
})

describe('a cursor', () => {
  lawOf(
    'is a number above the one that was given, and the same for all who gave none at that time',
    fc.record({
      given: fc.oneof(
        nasty,
        fc.nat().map(String),
        fc.constantFrom('0', '9'.repeat(15), '9'.repeat(16)),
      ),
      wallMs: fc.maxSafeNat(),
      chance: fc.constantFrom(0, 0.5, 1 - 2 ** -53),
    }),
    ({ given, wallMs, chance }) => {
      const random = { next: () => chance, bytes: () => new Uint8Array() }
      const cursor = nextCursor(given, wallMs, random)
      expect(cursor).toMatch(/^\d{1,16}$/)
      expect(Number.isSafeInteger(Number(cursor))).toBe(true)
      if (/^\d{1,15}$/.test(given)) expect(Number(cursor)).toBeGreaterThan(Number(given))
      expect(nextCursor(undefined, wallMs, random)).toBe(nextCursor('x', wallMs, seededRandom(2)))
    },
  )
})
