import { describe, expect, it } from 'vitest'
import { SettingError } from '../../../src/protocol/errors.ts'
import {
  askOriginRule,
  checkOriginPolicy,
  checkOriginRule,
  isOriginAllowed,
  type OriginPolicy,
  parseHost,
} from '../../../src/protocol/origin.ts'

describe('a client without an Origin (RFC 6455 §10.2)', () => {
  it.each<[OriginPolicy]>([['same-origin'], ['any'], [[]], [['https://a.example']]])(
    'is no browser, and may connect under %j',
    (policy) => {
      expect(isOriginAllowed(undefined, 'a.example', policy)).toBe(true)
    },
  )
})

describe('the policy "same-origin" (RFC 6455 §4.2.2, §10.2)', () => {
  it.each([
    ['http://a.example', 'a.example'],
    ['http://a.example:8888', 'a.example:8888'],
    ['http://A.Example', 'a.example'],
    ['http://a.example', 'A.EXAMPLE'],
    ['http://a.example', 'a.example:80'],
    ['http://a.example:80', 'a.example'],
    ['http://a.example', 'a.example:'],
    ['http://a.example', 'a.example:080'],
    ['ws://a.example', 'a.example:80'],
    ['https://a.example', 'a.example:443'],
    ['wss://a.example:443', 'a.example'],
    ['HTTPS://a.example', 'a.example:443'],
    ['http://[::1]:8888', '[0:0::0001]:8888'],
    ['http://127.0.0.1:1', '127.0.0.1:1'],
  ])('allows %s on %s', (origin, host) => {
    expect(isOriginAllowed(origin, host, 'same-origin')).toBe(true)
  })

  it('does not compare the scheme, as Tornado does not (T16)', () => {
    expect(isOriginAllowed('http://a.example', 'a.example', 'same-origin', true)).toBe(true)
    expect(isOriginAllowed('https://a.example', 'a.example', 'same-origin', false)).toBe(true)
    expect(isOriginAllowed('https://a.example:8888', 'a.example:8888', 'same-origin')).toBe(true)
  })

  it('takes the default port from the scheme of the Origin, whatever the connection is', () => {
    expect(isOriginAllowed('ws://a.example', 'a.example:80', 'same-origin', true)).toBe(true)
    expect(isOriginAllowed('ws://a.example', 'a.example:443', 'same-origin', true)).toBe(false)
  })

  it('reads no further than the port, as Tornado does not', () => {
    expect(isOriginAllowed('http://a.example/page?x#y', 'a.example', 'same-origin')).toBe(true)
  })

  it.each([
    ['http://b.example', 'a.example'],
    ['http://sub.a.example', 'a.example'],
    ['http://a.example', 'sub.a.example'],
    ['http://a.example.evil.example', 'a.example'],
    ['http://evil-a.example', 'a.example'],
    ['http://a.example.', 'a.example'],
    ['http://a.example:8888', 'a.example'],
    ['http://a.example', 'a.example:8888'],
    ['http://a.example', 'a.example:443'],
    ['https://a.example', 'a.example:80'],
    ['http://a.example@evil.example', 'a.example'],
    ['http://user@a.example', 'a.example'],
    ['http://evil.example#@a.example', 'a.example'],
    ['http://evil.example\\@a.example', 'a.example'],
    ['http://a.example http://evil.example', 'a.example'],
    ['http://[::1]', '[::2]'],
  ])('refuses %s on %s', (origin, host) => {
    expect(isOriginAllowed(origin, host, 'same-origin')).toBe(false)
  })

  it.each([
    '',
    'null',
    'a.example',
    '//a.example',
    '://a.example',
    'http:/a.example',
    '1x://a.example',
    'h p://a.example',
  ])('refuses the Origin %j, which names no host', (origin) => {
    expect(isOriginAllowed(origin, 'a.example', 'same-origin')).toBe(false)
  })

  it.each(['', ' ', 'a.example/', 'a.example:x', 'a b', '[::1'])(
    'refuses every page when the Host is %j',
    (host) => {
      expect(isOriginAllowed(`http://${host}`, host, 'same-origin')).toBe(false)
    },
  )

  it('takes the default port from the connection when the scheme of the Origin has none', () => {
    const origin = 'capacitor://a.example'
    expect(isOriginAllowed(origin, 'a.example', 'same-origin')).toBe(true)
    expect(isOriginAllowed(origin, 'a.example:80', 'same-origin')).toBe(true)
    expect(isOriginAllowed(origin, 'a.example:443', 'same-origin', true)).toBe(true)
    expect(isOriginAllowed(origin, 'a.example:443', 'same-origin', false)).toBe(false)
  })
})

describe('the policy "any" (RFC 6455 §10.2)', () => {
  it.each(['', 'null', 'http://evil.example', '\u0000'])('allows the Origin %j', (origin) => {
    expect(isOriginAllowed(origin, 'a.example', 'any')).toBe(true)
  })
})

describe('a list of origins (RFC 6455 §10.2, RFC 6454 §6.2)', () => {
  const list = ['https://a.example', 'HTTP://B.example:80', 'http://[::1]:5173', 'app://local']

  it.each([
    'https://a.example',
    'https://a.example:443',
    'HTTPS://A.EXAMPLE',
    'http://b.example',
    'http://[0::1]:5173',
    'app://local',
  ])('allows %s, which it holds', (origin) => {
    expect(isOriginAllowed(origin, 'elsewhere.example', list)).toBe(true)
  })

  it.each([
    'http://a.example',
    'https://a.example:8443',
    'https://sub.a.example',
    'https://a.example/',
    'https://a.example.evil.example',
    'https://b.example',
    'app://local:80',
    'null',
    '',
  ])('refuses %s, which it does not hold', (origin) => {
    expect(isOriginAllowed(origin, 'elsewhere.example', list)).toBe(false)
  })

  it('does not allow the served host unless it is listed', () => {
    expect(isOriginAllowed('https://c.example', 'c.example', list)).toBe(false)
  })

  it('refuses instead of throwing when it holds nonsense', () => {
    const nonsense = ['', 'null', 7, undefined, {}] as unknown as OriginPolicy
    expect(isOriginAllowed('http://a.example', 'a.example', nonsense)).toBe(false)
    expect(isOriginAllowed('null', 'a.example', nonsense)).toBe(false)
  })

  it('refuses instead of throwing when it is no policy at all', () => {
    expect(isOriginAllowed('http://a.example', 'a.example', 7 as unknown as OriginPolicy)).toBe(
      false,
    )
    expect(isOriginAllowed(7 as unknown as string, 'a.example', 'same-origin')).toBe(false)
  })
})

describe('the origin setting (RFC 6454 §6.2)', () => {
  it('lets the two words through', () => {
    expect(checkOriginPolicy('same-origin')).toBe('same-origin')
    expect(checkOriginPolicy('any')).toBe('any')
  })

  it('normalises and freezes a list', () => {
    const list = checkOriginPolicy(['HTTPS://A.example:443', 'http://b.example:8080'])
    expect(list).toEqual(['https://a.example', 'http://b.example:8080'])
    expect(Object.isFrozen(list)).toBe(true)
    expect(checkOriginPolicy([])).toEqual([])
  })

  it.each([undefined, null, 7, true, 'none', 'https://a.example', {}])('refuses %s', (policy) => {
    expect(() => checkOriginPolicy(policy)).toThrow(SettingError)
  })

  it.each([
    'a.example',
    'https://',
    'https://a.example/',
    'https://a.example/path',
    'https://user@a.example',
    'https://*.example',
    'https://bücher.example',
    'https://a.example:99999',
    'null',
    '',
    '*',
    7,
    undefined,
  ])('refuses a list with the entry %s, naming its place', (entry) => {
    expect(() => checkOriginPolicy(['https://ok.example', entry])).toThrow(SettingError)
    expect(() => checkOriginPolicy(['https://ok.example', entry])).toThrow(/checkOrigin\[1\]/)
  })

  it('refuses a list with a hole', () => {
    expect(() => checkOriginPolicy(new Array(1))).toThrow(SettingError)
  })
})

describe('a Host header (RFC 9110 §7.2, RFC 3986 §3.2.2)', () => {
  it.each([
    ['a.example', 'a.example', undefined],
    ['A.example:8888', 'a.example', 8888],
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['a.example:65535', 'a.example', 65_535],
    ['a.example:', 'a.example', undefined],
    ['[::1]', '[::1]', undefined],
    ['[2001:DB8::0:1]:443', '[2001:db8::1]', 443],
    ['[::ffff:1.2.3.4]', '[::ffff:102:304]', undefined],
    ['a_b-c~d', 'a_b-c~d', undefined],
    ['caf%C3%A9.example', 'caf%c3%a9.example', undefined],
  ])('reads %s', (text, host, port) => {
    expect(parseHost(text)).toEqual({ host, port })
  })

  it.each([
    '',
    ':80',
    ' a.example',
    'a.example ',
    'a.example/',
    'a@b',
    'a:65536',
    'a:-1',
    'a:+1',
    'a:1e3',
    'a:8 8',
    'a:1:2',
    '::1',
    '[::1',
    '::1]',
    '[]',
    '[::1]x',
    '[::1]]',
    '[g::1]',
    '[1.2.3.4]',
    '[1:2:3]',
    '[v1.x]',
    '[fe80::1%25eth0]',
    'a%zz',
    'a%4',
    'bücher',
    'a\u0000',
    'a\r\nb',
    undefined,
    7,
  ])('refuses %j', (text) => {
    expect(parseHost(text)).toBeUndefined()
  })
})

describe('a rule', () => {
  it('that is a function is asked for the Origin and the request, and says what it says', () => {
    const asked: unknown[] = []
    const rule = (...given: unknown[]) => asked.push(given) === 1
    const request = { secure: false }
    expect(askOriginRule(rule, 'http://a.example', 'b.example', request)).toBe(true)
    expect(askOriginRule(rule, 'http://b.example', 'b.example', request)).toBe(false)
    expect(asked).toEqual([
      ['http://a.example', request],
      ['http://b.example', request],
    ])
  })

  it('that is a policy judges as the policy does, TLS or not', () => {
    const page = 'capacitor://a.example'
    expect(askOriginRule('same-origin', page, 'a.example:443', { secure: true })).toBe(true)
    expect(askOriginRule('same-origin', page, 'a.example:443', { secure: false })).toBe(false)
  })

  it('is set as a function, which stays what it is, or as a policy, which is checked', () => {
    const rule = () => true
    expect(checkOriginRule(rule)).toBe(rule)
    expect(checkOriginRule(['https://a.example:443'])).toEqual(['https://a.example'])
    expect(() => checkOriginRule('same' as OriginPolicy)).toThrow(SettingError)
  })
})
