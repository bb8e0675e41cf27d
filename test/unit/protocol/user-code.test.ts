// User code: a listener of the user's that fails hurts nobody.

import { describe, expect, it } from 'vitest'
import { isPromiseLike, letsIn, unfailing } from '../../../src/protocol/user-code.ts'

describe('unfailing()', () => {
  it('hands on what is told', () => {
    const told: unknown[] = []
    unfailing((...what: [number, string]) => told.push(what))(1, 'a')
    expect(told).toEqual([[1, 'a']])
  })

  it('keeps what is thrown', () => {
    const fails = unfailing(() => {
      throw new Error('mine')
    })
    expect(fails).not.toThrow()
  })

  it('looks at what is rejected, so that the process does not end of it', () => {
    const looked: unknown[] = []
    const rejected = { then: (_: unknown, failed: unknown) => looked.push(failed) }
    unfailing(() => rejected)()
    expect(looked).toEqual([expect.any(Function)])
    expect((looked[0] as () => unknown)()).toBeUndefined()
  })
})

describe('isPromiseLike()', () => {
  const then = () => {}
  it.each([[Promise.resolve()], [{ then }], [Object.assign(() => {}, { then })]])(
    'knows what can be waited for: %j',
    (value) => expect(isPromiseLike(value)).toBe(true),
  )

  it.each([[undefined], [null], ['then'], [{}], [{ then: true }], [new Set()]])(
    'and what cannot: %j',
    (value) => expect(isPromiseLike(value)).toBe(false),
  )
})

describe('a hook that may refuse', () => {
  it('lets in by nothing or true, and refuses by false', () => {
    expect([undefined, true, false].map((answer) => letsIn('prepare', answer))).toEqual([
      true,
      true,
      false,
    ])
  })

  it.each([null, 0, '', 'bob', {}])('says nothing by %j, which is a mistake', (answer) => {
    expect(() => letsIn('prepare', answer)).toThrow(/^prepare returned .*: return nothing or true/)
  })
})
