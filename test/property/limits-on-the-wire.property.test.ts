// Laws of what may come and what may stay: sizes, floods, any bytes at all, and what of a request gets into an answer.
//
// As in frames.property.test.ts the assembled runtime runs behind Node's HTTP parser, on a fake socket.

import { createHash } from 'node:crypto'
import { parseCookie } from 'cookie'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HandshakeError } from 'windsock'
import { setCookieHeader } from '../../src/http/set-cookie.ts'
import { GOOD_HEADERS, lineOf, settle, site, until } from './support/fake-socket.ts'
import {
  cutsOf,
  DEFLATE,
  deflated,
  flood,
  fragmented,
  fromClient,
  headerValues,
  inflated,
  nastyText,
  OPCODE,
  requestHead,
  scraps,
  sizesAndPieces,
  split,
  type WireFrame,
  whole,
} from './support/frames.ts'
import { lawOf } from './support/law.ts'

const packed = site({ compression: { thresholdBytes: 0 } })

describe('sizes', () => {
  const plain = site()
  lawOf(
    'a message of L bytes passes and one of L + 1 ends with 1009: fragments count, pings do not (I-27)',
    fc.tuple(sizesAndPieces, cutsOf(4), fc.boolean()),
    async ([{ L, over, opcode, cuts, controls }, chunkCuts, isSlow]) => {
      const wire = await plain.dial({ handler: { settings: { maxMessageBytes: L } } })
      const pieces = [L, L + over].flatMap((size) =>
        fragmented(whole(opcode, Buffer.alloc(size, 'a')), cuts).flatMap((frame, index) => [
          ...controls.slice(index, index + 1),
          frame,
        ]),
      )
      await wire.hears(split(fromClient(pieces), chunkCuts), isSlow)
      const sizes = wire.messages.map(({ length }) => length)
      expect(sizes).toEqual(over > 0 ? [L] : [L, L + over])
      if (over > 0) await wire.failed(1009, 'messageTooBig')
      else expect((await wire.ends()).cause).toBe('transportLost')
    },
  )

  lawOf(
    'compressed, a message counts as it was before, and RSV1 stands on first frames of data alone (I-27, I-30)',
    fc.tuple(sizesAndPieces, fc.constantFrom('none', 'none', 'continuation', 'control')),
    async ([{ L: least, over, opcode, cuts, controls }, bad]) => {
      // `ws` holds the compressed bytes to the bound as well; below a dozen they are more than the message.
      const L = least + 18
      const headers = [...GOOD_HEADERS, DEFLATE]
      const wire = await packed.dial({ headers, handler: { settings: { maxMessageBytes: L } } })
      const message = (size: number): WireFrame[] =>
        fragmented(whole(opcode, deflated(Buffer.alloc(size, 'a'))), cuts).map((frame, index) => ({
          ...frame,
          rsv: index === 0 ? 4 : 0,
        }))
      const broken: Record<typeof bad, WireFrame[]> = {
        none: message(L + over),
        control: [{ ...whole(OPCODE.ping), rsv: 4 }],
        continuation: fragmented('', [0]).map((frame) => ({ ...frame, rsv: 4 })),
      }
      await wire.hears([fromClient([...controls, ...message(L), ...broken[bad]])])
      const isMore = bad === 'none' && over <= 0
      const replies = () => wire.replies(OPCODE.text, OPCODE.binary)
      await until(() => (isMore ? replies().length === 2 : wire.closeCodes.length === 1))
      expect(wire.messages.map(({ length }) => length)).toEqual(isMore ? [L, L + over] : [L])
      for (const { opcode: code, rsv, payload } of wire.frames) {
        expect(rsv).toBe(code === opcode ? 4 : 0)
        if (code === opcode) expect(inflated(payload).toString()).toMatch(/^a+$/)
      }
      if (isMore) expect((await wire.ends()).cause).toBe('transportLost')
      else if (bad === 'none') await wire.failed(1009, 'messageTooBig')
      else await wire.failed(1002, 'protocolError')
    },
  )
})

describe('floods', () => {
  // Where something is dropped for what is newer, the link takes its write-ahead, which is more than these bounds.
  const POLICIES = ['close', 'pause'] as const
  const sites = {
    close: site({ slow: 'close' }),
    pause: site({ slow: 'pause' }),
  }
  lawOf(
    'no chunk is taken while as much is held as may be, for a handler that never ends or never opens (I-28)',
    fc.tuple(
      flood,
      cutsOf(30),
      fc.integer({ min: 1, max: 400 }),
      fc.integer({ min: 1, max: 8 }),
      fc.boolean(),
    ),
    async ([frames, cuts, maxHeldBytes, maxHeldMessages, opens]) => {
      const never = () => new Promise<void>(() => {})
      const handler = opens ? { message: never } : { open: never }
      const wire = await plain.dial({
        handler: { ...handler, settings: { maxHeldBytes, maxHeldMessages, handlerTimeoutMs: 0 } },
      })
      const encoded = frames.map((frame) => fromClient([frame]))
      let pushed = 0
      let taken = 0
      let isFull = false
      for (const chunk of split(Buffer.concat(encoded), cuts)) {
        await wire.hears([chunk])
        pushed += chunk.length
        const before = taken
        taken = pushed - wire.socket.readableLength
        if (isFull) expect(taken).toBe(before)
        isFull = isAtBound(taken)
      }
      // Paused, it would not see the peer end.
      wire.connection?.close()
      await wire.ends()
      return isFull

      function isAtBound(bytes: number): boolean {
        let end = 0
        const held = frames.filter(({ opcode }, index) => {
          end += (encoded[index] as Buffer).length
          return opcode < 8 && end <= bytes
        })
        if (opens) held.shift() // The handler has it.
        const heldBytes = held.reduce((sum, { payload }) => sum + payload.length, 0)
        return held.length > 0 && (held.length >= maxHeldMessages || heldBytes >= maxHeldBytes)
      }
    },
  )

  lawOf(
    'messages that wait for a peer that reads nothing stay below the bound and two messages (I-28)',
    fc.tuple(flood, cutsOf(10), fc.integer({ min: 200, max: 2_000 }), fc.constantFrom(...POLICIES)),
    async ([frames, cuts, maxOutboundBytes, slow]) => {
      const wire = await sites[slow].dial({ handler: { settings: { maxOutboundBytes } } })
      wire.socket.isStuck = true
      const pongs = frames.filter(({ opcode }) => opcode === OPCODE.ping).length
      let most = 0
      for (const chunk of split(fromClient(frames), cuts)) {
        await wire.hears([chunk])
        most = Math.max(most, wire.connection?.bufferedBytes ?? 0)
      }
      // Two more bytes of header where a message is long; a pong is counted by maxControlFramesPer10s.
      const heads = frames.length * 4
      expect(most).toBeLessThanOrEqual(maxOutboundBytes + 2 * 240 + heads + pongs * 127)
      wire.socket.unstick()
      await wire.ends()
      return most > maxOutboundBytes / 2
    },
  )

  const plain = site()
})

describe('a breach', () => {
  it('behind a message that is inflated is the end of what came in reads of its own behind it', async () => {
    const escaped: unknown[] = []
    const note = (thrown: unknown) => escaped.push(thrown)
    process.on('uncaughtException', note)
    try {
      const wire = await packed.dial({ headers: [...GOOD_HEADERS, DEFLATE] })
      const message = fromClient([{ ...whole(OPCODE.text, deflated(Buffer.from('a'))), rsv: 4 }])
      const breach = fromClient([whole(OPCODE.text, Buffer.of(0xff, 0xfe, 0xfd))])
      const behind = fromClient([whole(OPCODE.text, 'more')])
      await wire.hears([message, breach, behind, behind])
      await until(() => wire.closeCodes.length > 0)
      await wire.failed(1007, 'invalidPayload')
      expect(wire.messages).toEqual(['a'])
      expect(escaped).toEqual([])
    } finally {
      process.off('uncaughtException', note)
    }
  })
})

describe('any bytes', () => {
  const CAUSES: Record<number, string> = {
    1002: 'protocolError',
    1007: 'invalidPayload',
    1008: 'limitExceeded',
    1009: 'messageTooBig',
  }
  const narrow = { maxMessageBytes: 100, maxFragments: 4 }

  lawOf(
    'any bytes end in messages, in waiting for more, or in a close with its cause; nothing is thrown (I-32)',
    fc.tuple(scraps, cutsOf(6), fc.boolean(), fc.boolean()),
    async ([bytes, cuts, isSlow, isPacked]) => {
      const escaped: unknown[] = []
      const note = (thrown: unknown) => escaped.push(thrown)
      process.on('uncaughtException', note).on('unhandledRejection', note)
      try {
        const headers = isPacked ? [...GOOD_HEADERS, DEFLATE] : GOOD_HEADERS
        const wire = await packed.dial({ headers, handler: { settings: narrow } })
        await wire.hears(split(bytes, cuts), isSlow)
        // Inflating goes on for a while, so only without it the end is known by now.
        const isOpen = wire.closeCodes.length === 0
        if (isOpen && !isPacked) expect(wire.connection?.state).toBe('open')
        const { cause, sent, received } = await wire.ends()
        await settle()
        if (!isPacked) expect(wire.closeCodes).toEqual(sent === null ? [] : [sent.code])
        if (received !== null) expect(cause).toBe('peerClosed')
        else expect(cause).toBe(sent === null ? 'transportLost' : CAUSES[sent.code])
        expect(packed.connections.has(wire.connection?.id ?? '')).toBe(false)
        expect(escaped).toEqual([])
        return !isOpen
      } finally {
        process.off('uncaughtException', note).off('unhandledRejection', note)
      }
    },
  )
})

describe('the handshake', () => {
  const granting = site({ subprotocols: ['a', 'b'] })

  lawOf(
    'only a request that keeps every rule is answered with 101; any other with one HTTP error (I-38)',
    fc.tuple(requestHead, fc.nat()),
    async ([{ method, version, parts }, turn]) => {
      const at = turn % parts.length
      const headers = [...parts.slice(at), ...parts.slice(0, at)].flatMap(([lines]) => lines)
      const open = granting.connections.size
      const before = granting.counts.accepted
      const wire = await granting.dial({ method, version, headers })
      await settle()
      const isGood = method === 'GET' && version !== '1.0' && parts.every(([, good]) => good)
      const { answer } = wire
      if (isGood) {
        const sent = headers.find(([name]) => name === 'Sec-WebSocket-Key')?.[1]
        const accept = createHash('sha1').update(`${sent}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        expect(answer.status).toBe(101)
        expect(lineOf(answer, 'sec-websocket-accept')).toBe(accept.digest('base64'))
        expect(answer.body.length).toBe(0)
        await wire.ends()
      } else {
        expect(answer.status).toBeGreaterThanOrEqual(400)
        // Without a Host and without Upgrade it is Node that refuses, with an empty chunked body.
        const isChunked = lineOf(answer, 'transfer-encoding') === 'chunked'
        const length = isChunked ? 5 : Number(lineOf(answer, 'content-length') ?? 0)
        expect(answer.body.length).toBe(length)
        expect(wire.socket.writableEnded || wire.socket.destroyed).toBe(true)
        expect(wire.connection).toBeUndefined()
        wire.socket.peerEnds()
      }
      expect(granting.connections.size).toBe(open)
      return granting.counts.accepted > before
    },
  )

  const tokens = fc.uniqueArray(fc.constantFrom('a', 'b', 'A', 'chat.v1', '__proto__'), {
    maxLength: 4,
  })

  lawOf(
    'the subprotocol in the answer is one that the client offers, or there is none; extensions likewise (I-39)',
    fc.tuple(tokens, tokens, fc.nat(), fc.option(tokens), fc.boolean()),
    async ([offered, preferred, place, chosen, isPacked]) => {
      const at = place % (offered.length + 1)
      const lists = [offered.slice(0, at), offered.slice(at)].map((list) => list.join(', '))
      const offers = lists.filter((list) => list !== '')
      const wire = await site({ subprotocols: preferred, compression: true }).dial({
        headers: [
          ...GOOD_HEADERS,
          ...offers.map((list) => ['Sec-WebSocket-Protocol', list] as const),
          ...(isPacked ? [DEFLATE] : []),
        ],
        ...(chosen !== null && { handler: { selectSubprotocol: () => chosen[0] } }),
      })
      const { answer } = wire
      const wanted = chosen === null ? preferred.find((name) => offered.includes(name)) : chosen[0]
      const isOffered = wanted === undefined || offered.includes(wanted)
      expect(answer.status).toBe(isOffered ? 101 : 500)
      expect(lineOf(answer, 'sec-websocket-protocol')).toBe(isOffered ? wanted : undefined)
      const extension = lineOf(answer, 'sec-websocket-extensions')
      expect(extension !== undefined).toBe(isPacked && isOffered)
      expect(wire.connection?.subprotocol).toBe(isOffered ? wanted : undefined)
      if (isOffered) await wire.ends()
      else wire.socket.peerEnds()
      return offered.length > 0
    },
  )

  lawOf(
    'whatever user code puts into the headers of an answer, each value stays in a line of its own (I-40)',
    fc.tuple(headerValues, nastyText, fc.boolean(), fc.integer({ min: 400, max: 599 })),
    async ([headers, reason, isRefused, status]) => {
      const prepare = () => {
        if (isRefused) throw new HandshakeError(status, reason, { headers })
      }
      const wire = await granting.dial({ handler: { prepare, upgradeHeaders: headers } })
      const { answer } = wire
      const values = Object.values(headers).flat().length
      expect(answer.status).toBe(isRefused ? status : 101)
      expect(answer.lines.length).toBe(values + 3)
      expect(answer.lines.filter((line) => /[\r\n\0]/.test(line))).toEqual([])
      const body = isRefused ? Buffer.from(`${reason}\n`) : Buffer.alloc(0)
      expect(answer.body).toEqual(body)
      if (isRefused) wire.socket.peerEnds()
      else await wire.ends()
      return values > 0
    },
  )

  const plainText = fc.string({ unit: fc.constantFrom(...'aZ;,=%"é😀') })
  const maybe = (good: string) =>
    fc.oneof(
      fc.constantFrom(undefined, good),
      fc.constant(good),
      fc.option(nastyText, { nil: good }),
    )

  lawOf(
    'a cookie is written on one line with the attributes it was given and no other, or not at all (I-40)',
    fc.tuple(
      fc.oneof({ weight: 4, arbitrary: fc.constant('name') }, nastyText),
      fc.oneof(plainText, nastyText),
      maybe('example.org'),
      maybe('/a'),
    ),
    ([name, value, domain, path]) => {
      let line: string
      try {
        line = setCookieHeader(name, value, { domain, path }, 0)
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'ERR_WINDSOCK_COOKIE' })
        return false
      }
      expect(line).not.toMatch(/[\r\n\0]/)
      const [pair, ...attributes] = line.split('; ')
      expect({ ...parseCookie(pair as string) }).toEqual({ [name]: value })
      const given = [domain && `Domain=${domain}`, path === '' ? '' : `Path=${path ?? '/'}`]
      expect(new Set(attributes)).toEqual(new Set(given.filter(Boolean)))
      return true
    },
  )

  const names = fc.constantFrom(
    '__proto__',
    'constructor',
    'prototype',
    'hasOwnProperty',
    'toString',
  )
  const pairs = fc.uniqueArray(fc.tuple(names, fc.constantFrom('x', 'constructor', '__proto__')), {
    minLength: 1,
    selector: ([name]) => name,
  })
  const named = site({}, [/\/re\/(?<__proto__>[^/]*)\/(?<constructor>.*)/, '/:__proto__/:toString'])

  lawOf(
    'names of Object.prototype in params, query, headers and cookies are names like any other (I-45)',
    fc.tuple(pairs, fc.boolean(), names, names),
    async ([given, isRegExp, one, other]) => {
      const before = Reflect.ownKeys(Object.prototype)
      const all = given.map((pair) => pair.join('='))
      const wire = await named.dial({
        target: `${isRegExp ? '/re' : ''}/${one}/${other}?${all.join('&')}`,
        headers: [...GOOD_HEADERS, ...given, ['Cookie', all.join('; ')]],
      })
      const request = wire.connection?.request
      const entries = (record: object | undefined) => new Map(Object.entries(record ?? {}))
      const params: [string, string][] = [
        ['__proto__', one],
        [isRegExp ? 'constructor' : 'toString', other],
      ]
      expect(entries(request?.params)).toEqual(new Map(params))
      expect(entries(request?.cookies)).toEqual(new Map(given))
      expect([...(request?.query ?? [])]).toEqual(given)
      for (const [name, value] of given) expect(request?.headers[name.toLowerCase()]).toBe(value)
      for (const record of [request?.headers, request?.cookies, request?.params]) {
        expect(record?.['valueOf']).toBeUndefined()
      }
      expect(named.connections.get(one)).toBeUndefined()
      expect(Reflect.ownKeys(Object.prototype)).toEqual(before)
      await wire.ends()
    },
  )
})
