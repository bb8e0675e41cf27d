// Fuzzing of the words: handshakes, cookies, signed values, offsets, and frames of the resume protocol.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { HandshakeRequest } from '../../src/http/request.ts'
import { createSignedValue, decodeSignedValue } from '../../src/http/signed-value.ts'
import { refuseHandshake, refuseUpgrade } from '../../src/protocol/handshake.ts'
import { formatOffset, parseOffset } from '../../src/protocol/http-offset.ts'
import { isDeeper, MAX_JSON_DEPTH } from '../../src/protocol/json-depth.ts'
import { clientFrameJson, parseClientFrame } from '../../src/protocol/resume.ts'
import { fuzz, nearlyLatin, nearlyText } from './support/fuzz.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

/** Whole lines, which make two of what may come once. */
const EXTRA = [
  'Host: b',
  `Sec-WebSocket-Key: ${KEY}`,
  'Sec-WebSocket-Version: 13',
  'Upgrade: x',
].map((line) => `\n${line}\n`)

describe('a handshake that is nearly right', () => {
  const seeds = [
    `Host: a.test\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: ${KEY}`,
    `host: [::1]:80\nconnection: keep-alive, Upgrade\nupgrade: h2c, websocket\nsec-websocket-version: 8\nsec-websocket-key: ${KEY}\nsec-websocket-protocol: a, b`,
  ]
  const words = [
    '\n',
    ': ',
    ',',
    ' ',
    'Upgrade',
    'websocket',
    ...EXTRA,
    'Content-Length: 5\n',
    KEY,
    '13',
    '\0',
    '@',
    '[',
    'é',
  ]

  fuzz(
    'is let in with every header that it has to have, once; else it is refused with a status and one plain line',
    fc.tuple(
      fc.constantFrom('GET', 'GET', 'GET', 'POST', 'get'),
      fc.constantFrom('1.1', '1.1', '1.0', '2', ''),
      nearlyLatin(seeds, words),
    ),
    ([method, httpVersion, lines]) => {
      const pairs = lines.split('\n').map((line) => {
        const colon = line.indexOf(': ')
        return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 2)]
      }) as [string, string][]
      const request = { method, url: '/', httpVersion, rawHeaders: pairs.flat() }
      const refusal = refuseUpgrade(request) ?? refuseHandshake(request)
      const valuesOf = (name: string) => {
        return pairs.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value)
      }
      if (refusal !== undefined) {
        expect(refusal.status).toBeGreaterThanOrEqual(400)
        expect(refusal.status).toBeLessThan(500)
        expect(refusal.reason).toMatch(/^[\x20-\x7e]+$/)
        return
      }
      expect([method, httpVersion]).toEqual(['GET', '1.1'])
      expect(valuesOf('host')).toHaveLength(1)
      const [key = '', ...more] = valuesOf('sec-websocket-key')
      expect([Buffer.from(key, 'base64').length, more.length]).toEqual([16, 0])
      expect(valuesOf('upgrade').join().toLowerCase()).toContain('websocket')
      expect(valuesOf('connection').join().toLowerCase()).toContain('upgrade')
      expect(['8', '13']).toContain(valuesOf('sec-websocket-version').join())
      expect(valuesOf('content-length').filter((value) => value !== '0')).toEqual([])
    },
  )
})

describe('a cookie header that is nearly right', () => {
  const seeds = ['a=1; b="two"; __Host-c=%41%zz', 'session=2|1:0|10:1300000000; a=; =b; a=2']
  const words = ['; ', ';', '=', '"', '%', '%ff', '__proto__=', 'constructor=', ',', '\0', '\t']

  fuzz('is names and texts, and never throws', nearlyLatin(seeds, words), (header) => {
    const rawHeaders = ['Cookie', header]
    const upgrade = {
      method: 'GET',
      url: '/',
      httpVersion: '1.1',
      rawHeaders,
      remoteAddress: '',
      secure: false,
    }
    const { cookies } = new HandshakeRequest(upgrade, { params: {}, args: [] })
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(name in cookies).toBe(Object.hasOwn(cookies, name))
    }
    for (const value of Object.values(cookies)) expect(typeof value).toBe('string')
  })
})

describe('a signed value that is nearly right', () => {
  const clock = { wallMs: () => 1_300_000_000_000 }
  const signed = ['', 'value', 'ü'.repeat(20)].map((value) =>
    createSignedValue('secret', 'name', value, { clock }),
  )
  const words = ['|', ':', '2|', '0', '1:0', '10:1300000000', '-', '9'.repeat(20), '=', 'é']

  fuzz('is refused unless it is one that was signed', nearlyText(signed, words), (value) => {
    const read = decodeSignedValue('secret', 'name', value, { clock })
    expect(read !== null).toBe(signed.includes(value))
  })
})

describe('an offset that is nearly right', () => {
  const seeds = [
    formatOffset({ epoch: 'abcdef0123', offset: 42 }),
    '-1',
    'now',
    `x_${'9'.repeat(16)}`,
  ]

  fuzz(
    'is one of ours, or none',
    nearlyText(seeds, ['_', '-', '0', 'now', '9'.repeat(16), '\n', ' ']),
    (word) => {
      const place = parseOffset(word)
      if (typeof place === 'object') expect(formatOffset(place)).toBe(word)
      else if (place !== undefined) expect(['-1', 'now']).toContain(word)
    },
  )
})

describe('a frame of the resume protocol that is nearly right', () => {
  const seeds = [
    '{"type":"subscribe","id":1,"topic":"chat","since":{"epoch":"k3f9","offset":1042}}',
    '{"type":"subscribe","id":1,"topic":"chat","last":10}',
    '{"type":"publish","id":2,"topic":"chat","data":{"a":[1,"x",null]},"key":"5f0c","expect":7,"after":1}',
    '{"type":"publish","id":3,"topic":"chat","data64":"AAEC/w=="}',
    '{"type":"unsubscribe","id":4,"topic":"chat"}',
    '{"type":"ping","id":5}',
  ]
  const words = [
    '"',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '\\',
    '\\ud800',
    '-',
    '.5',
    '1e400',
    'null',
    'true',
    '"__proto__":{"a":1},',
    '"id":9,',
    '"data64":"",',
    '[['.repeat(40),
  ]

  fuzz(
    'is a frame that says the same when it is written again, or a problem',
    nearlyText(seeds, words),
    (text) => {
      const frame = parseClientFrame(text)
      if (frame.type === 'problem') {
        expect(frame.message).not.toBe('')
        expect(frame.id === undefined || Number.isSafeInteger(frame.id)).toBe(true)
        return
      }
      expect(frame.type === 'ping' || !isDeeper(text, MAX_JSON_DEPTH)).toBe(true)
      // Of -0 JSON keeps the number and not the sign.
      expect(JSON.stringify(parseClientFrame(clientFrameJson(frame)))).toBe(JSON.stringify(frame))
    },
  )
})
