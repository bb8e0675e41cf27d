import { describe, expect, it } from 'vitest'
import {
  createSignedValue,
  decodeSignedValue,
  MAX_CLOCK_SKEW_S,
  signedKeyVersion,
} from '../../../src/http/signed-value.ts'

const SECRET = 'a secret of the house'
const NOW_MS = 1_300_000_000_000
const DAY_MS = 86_400_000
const at = (ms: number) => ({ clock: { wallMs: () => ms } })
const text = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString()

describe('signed values (T99–T103)', () => {
  // The vector of Tornado's own suite, web_test.SignedValueTest.
  const KNOWN =
    '2|1:0|10:1300000000|3:key|8:dmFsdWU=|3d4e60b996ff9c5d5788e333a0cba6f238a22c6c0f94788870e1a9ecd482e152'
  const KNOWN_SECRET = "It's a secret to everybody"

  it('are byte for byte what Tornado makes (T99)', () => {
    expect(createSignedValue(KNOWN_SECRET, 'key', 'value', at(NOW_MS))).toBe(KNOWN)
    expect(text(decodeSignedValue(KNOWN_SECRET, 'key', KNOWN, at(NOW_MS)))).toBe('value')
  })

  it('hold bytes, which are the text that they were made of when they are shown as one', () => {
    for (const value of ['', 'größer €𝄞', Uint8Array.of(0, 255, 128)]) {
      const signed = createSignedValue(SECRET, 'name', value)
      const read = decodeSignedValue(SECRET, 'name', signed)
      expect(read).toEqual(Buffer.from(value as string))
      if (typeof value === 'string') expect(String(read)).toBe(value)
    }
  })

  it('grow too old, to the second, and are refused from more than a minute ahead (T100)', () => {
    const signed = createSignedValue(SECRET, 'a', 'b', at(NOW_MS))
    const read = (ms: number, maxAgeDays?: number) =>
      decodeSignedValue(SECRET, 'a', signed, { ...at(ms), maxAgeDays })
    expect(text(read(NOW_MS + 31 * DAY_MS))).toBe('b')
    expect(read(NOW_MS + 31 * DAY_MS + 1000)).toBeNull()
    expect(text(read(NOW_MS + DAY_MS / 2, 0.5))).toBe('b')
    expect(read(NOW_MS + DAY_MS / 2 + 1000, 0.5)).toBeNull()
    expect(read(NOW_MS, Number.NaN)).toBeNull()
    expect(text(read(NOW_MS - MAX_CLOCK_SKEW_S * 1000))).toBe('b')
    expect(read(NOW_MS - MAX_CLOCK_SKEW_S * 1000 - 1000)).toBeNull()
  })

  it('of v1 are not read, whatever minVersion says (T101)', () => {
    const v1 = 'dmFsdWU=|1300000000|31c934969f53e48164c50768b40cbd7e2daaaa4f'
    for (const minVersion of [1, 2]) {
      expect(decodeSignedValue(KNOWN_SECRET, 'key', v1, { ...at(NOW_MS), minVersion })).toBeNull()
    }
    expect(
      decodeSignedValue(KNOWN_SECRET, 'key', KNOWN, { ...at(NOW_MS), minVersion: 3 }),
    ).toBeNull()
  })

  it('are read with the key that they name, as long as it is there (T102)', () => {
    const secrets = { 0: 'zero', 1: 'one' }
    const signed = createSignedValue(secrets, 'a', 'b', { keyVersion: 1 })
    expect(signedKeyVersion(signed)).toBe(1)
    expect(text(decodeSignedValue(secrets, 'a', signed))).toBe('b')
    expect(text(decodeSignedValue('one', 'a', signed))).toBe('b')
    expect(decodeSignedValue({ 0: 'zero' }, 'a', signed)).toBeNull()
    expect(decodeSignedValue({ 1: 'zero' }, 'a', signed)).toBeNull()
    expect(decodeSignedValue({ 1: '' }, 'a', signed)).toBeNull()
  })

  it('cannot be made without a secret, or of text that is none', () => {
    const code = expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' })
    expect(() => createSignedValue('', 'a', 'b')).toThrow(code)
    expect(() => createSignedValue({ 1: 'x' }, 'a', 'b')).toThrow(code)
    expect(() => createSignedValue({ 1: 'x' }, 'a', 'b', { keyVersion: 2 })).toThrow(code)
    expect(() => createSignedValue('x', 'a', 'b', { keyVersion: -1 })).toThrow(code)
    expect(() => createSignedValue('x', 'a\ud800', 'b')).toThrow(code)
    expect(() => createSignedValue('x', 'a', '\udfff')).toThrow(code)
  })

  it.each(['', undefined, null])('cannot be read without a secret: %j', (secret) => {
    expect(() => decodeSignedValue(secret as string, 'a', KNOWN)).toThrow(
      expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' }),
    )
  })

  it.each([
    undefined,
    null,
    '',
    '2',
    '2|',
    '1|1:0',
    '2||||||',
    '2|-1:0|10:1300000000|3:key|8:dmFsdWU=|x',
    '2|1:0|99999999999999999999:1|',
    '2|1:0|10:1300000000|3:key|8:dmFsdWU=|',
    `${KNOWN} `,
    KNOWN.toUpperCase(),
    KNOWN.replace('1:0', '01:0'),
    KNOWN.replace('3:key', '+3:key'),
    `${KNOWN.slice(0, -1)}\ud800`,
    'x'.repeat(100_000),
    '2|'.padEnd(100_000, '9'),
  ])('what is none is refused and not thrown: %j', (value) => {
    expect(decodeSignedValue(KNOWN_SECRET, 'key', value, at(NOW_MS))).toBeNull()
  })

  it('refuse input of other types too', () => {
    for (const odd of [1, {}, [], true, Symbol('x'), Buffer.from(KNOWN)]) {
      expect(decodeSignedValue(KNOWN_SECRET, 'key', odd as string, at(NOW_MS))).toBeNull()
      expect(decodeSignedValue(odd as string, 'key', KNOWN, at(NOW_MS))).toBeNull()
      expect(decodeSignedValue(KNOWN_SECRET, odd as string, KNOWN, at(NOW_MS))).toBeNull()
      expect(signedKeyVersion(odd as string)).toBeNull()
    }
  })
})
