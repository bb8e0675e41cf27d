import { describe, expect, it } from 'vitest'
import { SettingError } from '../../../src/protocol/errors.ts'
import {
  checkSubprotocolSetting,
  chooseSubprotocol,
  parseSubprotocols,
} from '../../../src/protocol/subprotocol.ts'

describe('what a client offers (RFC 6455 §4.1, §11.3.4)', () => {
  it('is nothing without a header', () => {
    expect(parseSubprotocols(undefined)).toEqual([])
  })

  it.each([
    ['chat', ['chat']],
    ['chat, superchat', ['chat', 'superchat']],
    ['b,a', ['b', 'a']],
    [' \ta\t ,\t b ', ['a', 'b']],
    ['v1.json, V1.JSON', ['v1.json', 'V1.JSON']],
    ["!#$%&'*+-.^_`|~09azAZ", ["!#$%&'*+-.^_`|~09azAZ"]],
  ])('is read from %j in the order of the client', (header, names) => {
    expect(parseSubprotocols(header)).toEqual(names)
  })

  it.each([
    '',
    ' ',
    ',',
    'a,',
    ',a',
    'a,,b',
    'a b',
    'a;b',
    'a/b',
    '"a"',
    'a\u0000',
    'é',
    '\u00a0a',
    'a\r\nb',
    '{}',
  ])('is malformed when it is %j', (header) => {
    expect(parseSubprotocols(header)).toBeUndefined()
  })

  it('is malformed when a name comes twice', () => {
    expect(parseSubprotocols('a, b, a')).toBeUndefined()
  })

  it('is read in one pass, however long and however hostile', () => {
    const blanks = ' '.repeat(1_000_000)
    expect(parseSubprotocols(`a${blanks}b`)).toBeUndefined()
    expect(parseSubprotocols(`${blanks}a${blanks},b`)).toEqual(['a', 'b'])
    expect(parseSubprotocols(`${'a'.repeat(1_000_000)}"`)).toBeUndefined()
    expect(parseSubprotocols(','.repeat(1_000_000))).toBeUndefined()
  })
})

describe('the choice of a subprotocol (RFC 6455 §4.2.2)', () => {
  it("follows the server's order", () => {
    expect(chooseSubprotocol(['a', 'b'], ['b', 'a'])).toBe('b')
    expect(chooseSubprotocol(['a', 'b'], ['c', 'a'])).toBe('a')
  })

  it('is none when nothing matches', () => {
    expect(chooseSubprotocol(['a'], ['b'])).toBeUndefined()
    expect(chooseSubprotocol(['A'], ['a'])).toBeUndefined()
    expect(chooseSubprotocol([], ['a'])).toBeUndefined()
    expect(chooseSubprotocol(['a'], [])).toBeUndefined()
  })
})

describe('the subprotocols setting (RFC 6455 §1.9)', () => {
  it('comes back as a frozen copy', () => {
    const given = ['b', 'a']
    const checked = checkSubprotocolSetting(given)
    given.push('c')
    expect(checked).toEqual(['b', 'a'])
    expect(Object.isFrozen(checked)).toBe(true)
    expect(checkSubprotocolSetting([])).toEqual([])
  })

  it.each([undefined, null, 'a', 7, {}, new Set(['a'])])('is refused when it is %s', (list) => {
    expect(() => checkSubprotocolSetting(list)).toThrow(SettingError)
  })

  it.each(['', 'a b', 'a,b', 'é', 7, null, undefined])(
    'is refused with the element %j, naming its place',
    (element) => {
      expect(() => checkSubprotocolSetting(['ok', element])).toThrow(SettingError)
      expect(() => checkSubprotocolSetting(['ok', element])).toThrow(/subprotocols\[1\]/)
    },
  )

  it('is refused when a name is listed twice', () => {
    expect(() => checkSubprotocolSetting(['a', 'b', 'a'])).toThrow(SettingError)
    expect(() => checkSubprotocolSetting(['a', 'b', 'a'])).toThrow(/subprotocols\[2\]/)
  })
})
