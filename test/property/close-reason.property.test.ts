// Laws of close reasons. The oracles are Node's own encoder and decoder, which the code under test
// never calls.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkReason,
  fitReason,
  MAX_REASON_BYTES,
  utf8Length,
} from '../../src/protocol/close-reason.ts'

const RUNS = { numRuns: 1000 }

// Characters of every width, lone surrogates, and lengths on both sides of the bound.
const unit = fc.oneof(
  fc.constantFrom('a', 'é', '€', '😀', '\ud83d', '\ude00', '\u007f', '\u0080', '\u07ff', '\u0800'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
)
const texts = fc.oneof(
  fc.string({ unit, maxLength: 200 }),
  fc
    .tuple(fc.integer({ min: 115, max: 124 }), fc.string({ unit, maxLength: 8 }))
    .map(([ascii, end]) => 'x'.repeat(ascii) + end),
)

const encode = (text: string) => Buffer.from(text, 'utf8')
/** The text as a peer reads it: lone surrogates have become U+FFFD. */
const asRead = (text: string) => encode(text).toString('utf8')

describe('close reasons (RFC 6455 §5.5, §5.5.1)', () => {
  it('the counted length is the encoded length', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(utf8Length(text)).toBe(Buffer.byteLength(text, 'utf8'))
      }),
      RUNS,
    )
  })

  it('a fitted reason is a prefix, valid UTF-8 and at most 123 bytes', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const fitted = fitReason(text)
        const bytes = encode(fitted)
        expect(bytes.byteLength).toBeLessThanOrEqual(MAX_REASON_BYTES)
        expect(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)).toBe(
          fitted,
        )
        expect(asRead(text).startsWith(fitted)).toBe(true)
      }),
      RUNS,
    )
  })

  it('a fitted reason is the longest that fits, and fitting it again changes nothing', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const fitted = fitReason(text)
        const next = [...asRead(text).slice(fitted.length)][0]
        if (next !== undefined) {
          expect(Buffer.byteLength(fitted + next)).toBeGreaterThan(MAX_REASON_BYTES)
        }
        expect(fitReason(fitted)).toBe(fitted)
      }),
      RUNS,
    )
  })

  it('a reason is taken whole as the peer reads it, or refused', () => {
    fc.assert(
      fc.property(fc.oneof({ weight: 5, arbitrary: texts }, fc.anything()), (reason) => {
        if (typeof reason === 'string' && encode(reason).byteLength <= MAX_REASON_BYTES) {
          expect(checkReason(reason)).toBe(asRead(reason))
        } else {
          expect(() => checkReason(reason)).toThrow(
            expect.objectContaining({ code: 'ERR_WINDSOCK_CLOSE_REASON' }),
          )
        }
      }),
      RUNS,
    )
  })
})
