// Laws of what may come and what may stay: sizes, floods, any bytes at all, and what of a request gets into an answer.
//
// As in frames.property.test.ts the assembled runtime runs behind Node's HTTP parser, on a fake socket.

import { createHash } from 'node:crypto'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { HandshakeError } from 'windsock'
import { setCookieHeader } from '../../src/http/set-cookie.ts'
import { SLOW_POLICIES } from '../../src/streams/outbound.ts'
import {
  GOOD_HEADERS,
  KEY,
  lineOf,
  readAnswer,
  settle,
  site,
  until,
} from './support/fake-socket.ts'
import {
  anySaid,
  bytesOf,
  controlFrame,
  cutsOf,
  fragmented,
  fromClient,
  messageFrame,
  OPCODE,
  scraps,
  split,
  type WireFrame,
  whole,
} from './support/frames.ts'
import { lawOf } from './support/law.ts'

const DEFLATE = [
  'Sec-WebSocket-Extensions',
  'permessage-deflate; server_no_context_takeover',
] as const
const TAIL = Buffer.from('0000ffff', 'hex')
const flushed = { finishFlush: constants.Z_SYNC_FLUSH }
const deflated = (bytes: Uint8Array) => deflateRawSync(bytes, flushed).subarray(0, -4)
const inflated = (bytes: Buffer) => inflateRawSync(Buffer.concat([bytes, TAIL]), flushed)
const packed = site({ compression: { thresholdBytes: 0 } })

describe('sizes', () => {
  const plain = site()
  const limits = fc.record({
    L: fc.integer({ min: 2, max: 300 }),
    over: fc.constantFrom(-1, 0, 1, 2, 200),
    opcode: fc.constantFrom(OPCODE.text, OPCODE.binary),
    cuts: cutsOf(6),
    controls: fc.array(controlFrame, { maxLength: 6 }),
  })

  lawOf(
    'a message of L bytes passes and one of L + 1 ends with 1009: fragments count, pings do not (I-27)',
    fc.tuple(limits, cutsOf(4), fc.boolean()),
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
    fc.tuple(limits, fc.constantFrom('none', 'none', 'continuation', 'control')),
    async ([{ L, over, opcode, cuts, controls }, bad]) => {
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
  const flood = fc.array(
    fc.oneof({ weight: 4, arbitrary: anySaid.map(messageFrame) }, controlFrame),
    {
      minLength: 10,
      maxLength: 40,
    },
  )

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
    'what waits for a peer that reads nothing stays below the bound and one message (I-28)',
    fc.tuple(
      flood,
      cutsOf(10),
      fc.integer({ min: 200, max: 2_000 }),
      fc.constantFrom(...SLOW_POLICIES),
    ),
    async ([frames, cuts, maxOutboundBytes, slow]) => {
      fc.pre(slow !== 'latest')
      const wire = await policies[slow].dial({ handler: { settings: { maxOutboundBytes } } })
      wire.socket.isStuck = true
      const pongs = frames.filter(({ opcode }) => opcode === OPCODE.ping).length
      let most = 0
      for (const chunk of split(fromClient(frames), cuts)) {
        await wire.hears([chunk])
        most = Math.max(most, wire.connection?.bufferedBytes ?? 0)
      }
      const heads = frames.length * 4
      expect(most).toBeLessThanOrEqual(maxOutboundBytes + 240 + heads + pongs * 129)
      wire.socket.unstick()
      await wire.ends()
      return most > maxOutboundBytes / 2
    },
  )

  const plain = site()
  const policies = Object.fromEntries(
    SLOW_POLICIES.map((slow) => [slow, site({ slow })]),
  ) as Record<(typeof SLOW_POLICIES)[number], ReturnType<typeof site>>
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
        const isOpen = wire.closeCodes.length === 0
        if (isOpen) expect(wire.connection?.state).toBe('open')
        const { cause, sent, received } = await wire.ends()
        await settle()
        expect(wire.closeCodes.slice(0, 1)).toEqual(sent === null ? [] : [sent.code])
        if (received !== null) expect(cause).toBe('peerClosed')
        else expect(cause).toBe(sent === null ? 'transportLost' : CAUSES[sent.code])
        expect(packed.connections.size).toBe(0)
        expect(escaped).toEqual([])
        return !isOpen
      } finally {
        process.off('uncaughtException', note).off('unhandledRejection', note)
      }
    },
  )
})

void createHash
void HandshakeError
void setCookieHeader
void KEY
void lineOf
void readAnswer
void bytesOf
