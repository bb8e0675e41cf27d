// Signed values: only what the holder of a secret made, for this name, in this time, is read (I-42).

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createSignedValue,
  decodeSignedValue,
  MAX_CLOCK_SKEW_S,
  signedKeyVersion,
} from '../../src/http/signed-value.ts'
import { RUNS } from './support/law.ts'

const DAY_MS = 86_400_000

const signing = fc.record({
  keys: fc.uniqueArray(fc.string({ minLength: 1, unit: 'binary' }), { minLength: 1, maxLength: 4 }),
  pick: fc.nat(),
  name: fc.string({ unit: 'binary' }),
  value: fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array()),
  nowMs: fc.integer({ min: 0, max: 8e12 }),
})

interface Case {
  readonly keys: readonly string[]
  readonly pick: number
  readonly name: string
  readonly value: string | Uint8Array
  readonly nowMs: number
}

/** The case's secrets as a map, what was signed with one of them, and how to read it. */
function made({ keys, pick, name, value, nowMs }: Case) {
  const secrets: Readonly<Record<number, string>> = { ...keys }
  const keyVersion = pick % keys.length
  const clock = { wallMs: () => nowMs }
  const signed = createSignedValue(secrets, name, value, { keyVersion, clock })
  const read = (changes: {
    name?: string
    signed?: string
    nowMs?: number
    secrets?: Readonly<Record<number, string>>
  }) =>
    decodeSignedValue(changes.secrets ?? secrets, changes.name ?? name, changes.signed ?? signed, {
      clock: { wallMs: () => changes.nowMs ?? nowMs },
    })
  return { secrets, keyVersion, signed, read }
}

const holds = <T>(arbitrary: fc.Arbitrary<T>, check: (one: T) => void) =>
  fc.assert(fc.property(arbitrary, check), { numRuns: RUNS })

describe('signed values (I-42)', () => {
  it('what was signed is read', () => {
    holds(signing, (one) => {
      const { keyVersion, signed, read } = made(one)
      expect(read({})).toEqual(Buffer.from(one.value as string))
      expect(signedKeyVersion(signed)).toBe(keyVersion)
    })
  })

  it('one changed bit anywhere is refused', () => {
    holds(fc.tuple(signing, fc.nat(), fc.nat({ max: 15 })), ([one, where, bit]) => {
      const { signed, read } = made(one)
      const index = where % signed.length
      const changed = String.fromCharCode(signed.charCodeAt(index) ^ (1 << bit))
      expect(
        read({ signed: signed.slice(0, index) + changed + signed.slice(index + 1) }),
      ).toBeNull()
    })
  })

  it('a cut or longer one is refused', () => {
    holds(
      fc.tuple(signing, fc.nat(), fc.string({ minLength: 1, unit: 'binary' })),
      ([one, where, more]) => {
        const { signed, read } = made(one)
        expect(read({ signed: signed.slice(0, where % signed.length) })).toBeNull()
        expect(read({ signed: signed + more })).toBeNull()
      },
    )
  })

  it('another name is refused', () => {
    holds(fc.tuple(signing, fc.string({ unit: 'binary' })), ([one, name]) => {
      fc.pre(name !== one.name)
      expect(made(one).read({ name })).toBeNull()
    })
  })

  it('one that is too old, or from the future, is refused', () => {
    const beyond = fc.integer({ min: 1_000, max: 100 * DAY_MS })
    holds(fc.tuple(signing, beyond), ([one, byMs]) => {
      const { read } = made(one)
      expect(read({ nowMs: one.nowMs + 31 * DAY_MS + byMs })).toBeNull()
      expect(read({ nowMs: one.nowMs - MAX_CLOCK_SKEW_S * 1_000 - byMs })).toBeNull()
    })
  })

  it('a key that is retired, or another by its number, is refused', () => {
    holds(fc.tuple(signing, fc.string({ minLength: 1, unit: 'binary' })), ([one, other]) => {
      const { secrets, keyVersion, read } = made(one)
      fc.pre(other !== secrets[keyVersion])
      const { [keyVersion]: _retired, ...rest } = secrets
      expect(read({ secrets: rest })).toBeNull()
      expect(read({ secrets: { ...secrets, [keyVersion]: other } })).toBeNull()
    })
  })

  it('nothing else is read, and nothing throws', () => {
    const parts = fc.array(
      fc.oneof(
        fc.constantFrom('2', '|', ':', '0', '10:', '1:0|', '=', 'a'.repeat(64)),
        fc.string({ unit: 'binary' }),
        fc.string({ unit: fc.constantFrom('\ud800', '\udfff', '|', '2') }),
      ),
    )
    holds(
      fc.oneof(
        parts.map((all) => all.join('')),
        parts.map((all) => `2|${all.join('')}`),
        fc.anything() as fc.Arbitrary<string>,
      ),
      (odd) => {
        expect(decodeSignedValue('secret', 'name', odd)).toBeNull()
        expect(decodeSignedValue('secret', odd, '2|1:0|')).toBeNull()
        signedKeyVersion(odd)
      },
    )
  })
})
