import { describe, expect, it } from 'vitest'
import { formatOffset, parseOffset } from '../../../src/protocol/http-offset.ts'

describe('an offset on HTTP', () => {
  it('is the epoch and sixteen digits', () => {
    expect(formatOffset({ epoch: 'k3f9', offset: 1042 })).toBe('k3f9_0000000000001042')
    expect(formatOffset({ epoch: 'k', offset: Number.MAX_SAFE_INTEGER })).toBe('k_9007199254740991')
  })

  it('is read back', () => {
    expect(parseOffset('k3f9_0000000000001042')).toEqual({ epoch: 'k3f9', offset: 1042 })
    expect(parseOffset('-1')).toBe('start')
    expect(parseOffset('now')).toBe('now')
  })

  for (const [why, word] of [
    ['nothing', ''],
    ['no epoch', '_0000000000000001'],
    ['an epoch that is too long', `${'k'.repeat(33)}_0000000000000001`],
    ['too few digits', 'k_1'],
    ['too many digits', 'k_00000000000000001'],
    ['more than a number holds', 'k_9007199254740992'],
    ['a sign', 'k_-000000000000001'],
    ['a line break', 'k_0000000000000001\n'],
    ['other letters', 'é_0000000000000001'],
  ] as const) {
    it(`is none with ${why}`, () => expect(parseOffset(word)).toBeUndefined())
  }
})
