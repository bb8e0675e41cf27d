import { describe, expect, it } from 'vitest'
import {
  checkReason,
  fitReason,
  MAX_REASON_BYTES,
  utf8Length,
} from '../../../src/protocol/close-reason.ts'

const TWO = 'é'
const THREE = '€'
const FOUR = '😀'
const HIGH = '\ud83d'
const LOW = '\ude00'

const refusal = expect.objectContaining({ code: 'ERR_WINDSOCK_CLOSE_REASON', fault: 'local' })

describe('the length of a text in UTF-8 (RFC 6455 §5.6)', () => {
  it.each([
    ['', 0],
    ['a\u007f', 2],
    ['\u0080\u07ff', 4],
    ['\u0800\uffff', 6],
    ['\uffffa', 4],
    ['\u{10000}', 4],
    [FOUR, 4],
    ['\u{10ffff}', 4],
    [`a${TWO}${THREE}${FOUR}`, 10],
  ])('counts %j', (text, bytes) => {
    expect(utf8Length(text)).toBe(bytes)
  })

  it('counts a lone surrogate as the three bytes of U+FFFD', () => {
    expect(utf8Length(HIGH)).toBe(3)
    expect(utf8Length(LOW)).toBe(3)
    expect(utf8Length(LOW + HIGH)).toBe(6)
    expect(utf8Length(`${HIGH}a`)).toBe(4)
  })
})

describe('a reason that an application passes (RFC 6455 §5.5.1)', () => {
  it('may be empty, and may have 123 bytes', () => {
    expect(checkReason('')).toBe('')
    expect(checkReason('x'.repeat(123))).toBe('x'.repeat(123))
    expect(checkReason(THREE.repeat(41))).toBe(THREE.repeat(41))
  })

  it('is refused above 123 bytes, which is fewer characters for some texts', () => {
    expect(() => checkReason('x'.repeat(124))).toThrow(refusal)
    expect(() => checkReason(`${THREE.repeat(41)}x`)).toThrow(refusal)
  })

  it('names its length in the error', () => {
    expect(() => checkReason('x'.repeat(200))).toThrow(/200/)
  })

  it.each([undefined, null, 7, {}, new Uint8Array(3)])('is refused when it is %s', (reason) => {
    expect(() => checkReason(reason)).toThrow(refusal)
  })

  it('comes back as the peer will read it', () => {
    expect(checkReason(`a${HIGH}b`)).toBe('a\ufffdb')
  })
})

describe('a reason made to fit (RFC 6455 §5.5, §5.5.1)', () => {
  it('leaves room for the code in a control frame of 125 bytes', () => {
    expect(MAX_REASON_BYTES).toBe(125 - 2)
  })

  it('stays as it is when it fits', () => {
    expect(fitReason('')).toBe('')
    expect(fitReason('going away')).toBe('going away')
  })

  it('is cut at 123 bytes', () => {
    expect(fitReason('x'.repeat(1_000_000))).toBe('x'.repeat(123))
  })

  it('is never cut within a code point', () => {
    expect(fitReason(TWO.repeat(100))).toBe(TWO.repeat(61))
    expect(fitReason(`x${THREE.repeat(100)}`)).toBe(`x${THREE.repeat(40)}`)
    expect(fitReason(FOUR.repeat(100))).toBe(FOUR.repeat(30))
  })

  it('ends where the first character does not fit, and takes no later one instead', () => {
    expect(fitReason(`${'x'.repeat(120)}${FOUR}yy`)).toBe('x'.repeat(120))
  })

  it('writes U+FFFD for lone surrogates, from the first to the last, and for nothing else', () => {
    expect(fitReason('\ud800 \udfff')).toBe('\ufffd \ufffd')
    expect(fitReason('\ud7ff\ue000')).toBe('\ud7ff\ue000')
    expect(fitReason(`${LOW}a${HIGH}`)).toBe('\ufffda\ufffd')
    expect(fitReason(HIGH.repeat(100))).toBe('\ufffd'.repeat(41))
  })
})
