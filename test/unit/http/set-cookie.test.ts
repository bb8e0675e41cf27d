import { parseCookie } from 'cookie'
import { describe, expect, it } from 'vitest'
import { type CookieOptions, setCookieHeader } from '../../../src/http/set-cookie.ts'

const header = (name: string, value: string, options: CookieOptions = {}) =>
  setCookieHeader(name, value, options, Date.UTC(2026, 0, 1))

describe('Set-Cookie (T97)', () => {
  it.each([
    [{}, 'a=b; Path=/'],
    [{ path: '/x', domain: 'example.org' }, 'a=b; Domain=example.org; Path=/x'],
    [{ expiresDays: null, expires: null }, 'a=b; Path=/'],
    [{ expiresDays: 1.5 }, 'a=b; Path=/; Expires=Fri, 02 Jan 2026 12:00:00 GMT'],
    [
      { expires: new Date(0), expiresDays: 9 },
      'a=b; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    ],
    [{ maxAge: 60 }, 'a=b; Max-Age=60; Path=/'],
    [
      { httpOnly: true, secure: true, sameSite: 'lax' },
      'a=b; Path=/; HttpOnly; Secure; SameSite=Lax',
    ],
  ] as const)('%j', (options, expected) => {
    expect(header('a', 'b', options)).toBe(expected)
  })

  it('leaves a signed value as Tornado writes it, and encodes what would end it (T97)', () => {
    expect(header('a', '2|1:0|8:dmFsd/U=|ab+')).toBe('a=2|1:0|8:dmFsd/U=|ab+; Path=/')
    for (const value of ['a;b', 'a,b', '"a"', 'a\\b', '100%25', 'größer€𝄞', 'a=b']) {
      expect(header('a', value)).toMatch(/^a=[!#-+\--:<-[\]-~]*; Path=\/$/)
      expect(parseCookie(header('a', value))['a']).toBe(value)
    }
  })

  const EVIL = ['x;y', 'x y', 'x\r\nSet-Cookie: y', 'x\0', 'x\x7f', 'x\t']
  it.each(EVIL)('refuses %j in the name and in every attribute (R29)', (evil) => {
    const code = expect.objectContaining({ code: 'ERR_WINDSOCK_COOKIE' })
    expect(() => header(evil, 'b')).toThrow(code)
    expect(() => header('a', 'b', { domain: evil })).toThrow(code)
    expect(() => header('a', 'b', { path: evil })).toThrow(code)
    expect(() => header('a', 'b', { sameSite: evil as 'lax' })).toThrow(code)
  })

  it('refuses controls and spaces in the value, and numbers and dates that are none (T97)', () => {
    const code = expect.objectContaining({ code: 'ERR_WINDSOCK_COOKIE' })
    for (const value of ['a b', 'a\r\nb', 'a\0', '\ud800', 1 as unknown as string]) {
      expect(() => header('a', value)).toThrow(code)
    }
    expect(() => header('', 'b')).toThrow(code)
    expect(() => header('a=b', 'b')).toThrow(code)
    expect(() => header('a', 'b', { maxAge: Number.NaN })).toThrow(code)
    expect(() => header('a', 'b', { expires: new Date(Number.NaN) })).toThrow(code)
    expect(() => header('a', 'b', { expiresDays: Number.NaN })).toThrow(code)
    expect(() => header('a', 'b', { sameSite: 'never' as 'lax' })).toThrow(code)
  })
})
