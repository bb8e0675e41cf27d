import { describe, expect, it } from 'vitest'
import { checkBound } from '../../../src/protocol/bound.ts'
import { SettingError } from '../../../src/protocol/errors.ts'

const BOUND = { default: 5, unit: 'ms', min: 2, max: 9 }

describe('a number that a program sets', () => {
  it.each([2, 5, 9])('may be %s, from the least to the most', (value) => {
    expect(checkBound('waitMs', value, BOUND)).toBe(value)
  })

  it.each([1, 10, 2.5, Number.NaN, '5', null, undefined])('may not be %s', (value) => {
    expect(() => checkBound('waitMs', value, BOUND)).toThrow(SettingError)
  })

  it('that it may not be is told with its name, its value, and all that is known of its bound', () => {
    const told = (bound: Parameters<typeof checkBound>[2]) => {
      try {
        return checkBound('wait', 1, bound)
      } catch (thrown) {
        return (thrown as SettingError).message.match(/wait|\d+|ms|default/g)
      }
    }
    expect(told(BOUND)).toEqual(['wait', '1', 'ms', '2', '9', 'default', '5'])
    expect(told({ min: 2, max: 9 })).toEqual(['wait', '1', '2', '9'])
  })
})
