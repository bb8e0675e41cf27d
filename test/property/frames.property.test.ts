// Laws of frames: the assembled runtime behind Node's HTTP parser and `ws`, with bytes in place of a peer.
//
// What goes in is made, and what comes out is read, by an encoder and a reader of our own (support/frames.ts).

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import * as ws from 'ws'
import { share } from '../../src/protocol/message.ts'
import { areSideBySide, type Frame, reuse } from '../../src/transport/frame.ts'
import { forgetReceivedText, frameOf, noteReceivedText } from '../../src/transport/framing.ts'
import { SLAB_BYTES, slab } from '../../src/transport/slab.ts'
import { FakeSocket, settle, site } from './support/fake-socket.ts'
import {
  anySaid,
  brokenFrame,
  bytesOf,
  closeFrame,
  controlFrame,
  conversation,
  cutsOf,
  encodeFrame,
  fragmented,
  framesOf,
  fromClient,
  messageFrame,
  nearlyText,
  OPCODE,
  type Said,
  saidOf,
  split,
  utf8,
  type WireFrame,
  whole,
} from './support/frames.ts'
import { lawOf } from './support/law.ts'

/** Exported by `ws`, and not in its types. */
const { Sender } = ws as unknown as {
  readonly Sender: new (
    socket: FakeSocket,
  ) => { send(message: Said, options: Readonly<Record<string, boolean>>): void }
}

const plain = site()

describe('what is no frame', () => {
  lawOf(
    'a frame without a mask ends the connection with 1002, and is no message (I-21)',
    fc.tuple(conversation, anySaid, fc.option(controlFrame), cutsOf(3), fc.boolean()),
    async ([before, said, control, cuts, isSlow]) => {
      const bare = control ?? messageFrame(said)
      const bytes = Buffer.concat([fromClient(framesOf(before)), encodeFrame(bare)])
      const wire = await plain.dial()
      await wire.hears(split(bytes, cuts), isSlow)
      await wire.failed(1002, 'protocolError')
      expect(wire.messages).toEqual(saidOf(before))
    },
  )

  lawOf(
    'an RSV bit, a reserved opcode, a control frame in pieces or above 125 bytes end with 1002 (I-22)',
    fc.tuple(conversation, fc.option(anySaid), brokenFrame, conversation, cutsOf(3), fc.boolean()),
    async ([before, begun, broken, after, cuts, isSlow]) => {
      // Also in the middle of a message, and whatever follows.
      const first = begun === null ? [] : fragmented(begun, [1]).slice(0, 1)
      const bytes = fromClient([...framesOf(before), ...first, broken, ...framesOf(after)])
      const wire = await plain.dial()
      await wire.hears(split(bytes, cuts), isSlow)
      await wire.failed(1002, 'protocolError')
      expect(wire.messages).toEqual(saidOf(before))
      expect(wire.replies(OPCODE.text, OPCODE.binary)).toEqual(
        saidOf(before).map((one) => Buffer.from(one)),
      )
    },
  )

  lawOf(
    'without a negotiated extension no frame of ours has an RSV bit, and one of theirs ends with 1002 (I-30)',
    fc.tuple(anySaid, fc.constantFrom(4, 2, 1), fc.boolean()),
    async ([said, rsv, isContinuation]) => {
      const wire = await plain.dial()
      const good = fragmented(said, [7])
      const bad = { ...(good[isContinuation ? 1 : 0] as WireFrame), rsv }
      const frames = [
        messageFrame(said),
        whole(OPCODE.ping),
        ...good.slice(0, Number(isContinuation)),
        bad,
      ]
      await wire.hears([fromClient(frames)])
      await wire.failed(1002, 'protocolError')
      expect(wire.frames.every((frame) => frame.rsv === 0)).toBe(true)
      expect(new Set(wire.frames.map(({ opcode }) => opcode))).toEqual(
        new Set([messageFrame(said).opcode, 8, 10]),
      )
    },
  )

  lawOf(
    'a message inside another, and a continuation of nothing, end with 1002 and are no message (I-23)',
    fc.tuple(conversation, anySaid, fc.nat({ max: 5 }), fc.boolean(), fc.boolean(), fc.boolean()),
    async ([before, said, at, isInside, fin, isApart]) => {
      const { opcode, payload } = messageFrame(said)
      const open = isInside ? fragmented('begun', [at]).slice(0, 1) : []
      const stray = { fin, rsv: 0, opcode: isInside ? opcode : OPCODE.continuation, payload }
      const wire = await plain.dial()
      // In reads of their own, too: what one left begun the next one may not begin anew.
      const reads = isApart
        ? [[...framesOf(before), ...open], [stray]]
        : [[...framesOf(before), ...open, stray]]
      await wire.hears(reads.map((frames) => fromClient(frames)))
      await wire.failed(1002, 'protocolError')
      expect(wire.messages).toEqual(saidOf(before))
    },
  )
})

describe('what is the same message', () => {
  lawOf(
    'pings and pongs between fragments are told and answered, and the message is as without them (I-23)',
    fc.tuple(conversation, cutsOf(6), fc.boolean()),
    async ([parts, cuts, isSlow]) => {
      const frames = framesOf(parts)
      const wire = await plain.dial()
      await wire.hears(split(fromClient(frames), cuts), isSlow)
      const payloads = (wanted: number) =>
        frames.flatMap(({ opcode, payload }) => (opcode === wanted ? [payload] : []))
      const seen = (wanted: string) =>
        wire.seen.flatMap(([what, value]) => (what === wanted ? [value] : []))
      expect(wire.messages).toEqual(saidOf(parts))
      expect(seen('ping')).toEqual(payloads(OPCODE.ping))
      expect(seen('pong')).toEqual(payloads(OPCODE.pong))
      expect(wire.replies(OPCODE.pong)).toEqual(payloads(OPCODE.ping))
      expect((await wire.ends()).cause).toBe('transportLost')
      return frames.some(({ opcode }) => opcode >= 8)
    },
  )

  const closing = fc
    .tuple(fc.constantFrom(1000, 1001, 1005, 1006, 3000, 4999, 5000), bytesOf(10))
    .map(([code, reason]) => closeFrame(code, reason))
  const anyEnd = fc.oneof(
    brokenFrame.map((frame) => fromClient([frame])),
    closing.map((frame) => fromClient([frame])),
    bytesOf(60),
    fc.constant(Buffer.alloc(0)),
  )

  lawOf(
    'however the same bytes are cut, the handler sees, the peer gets and the record says the same (I-24)',
    fc.tuple(conversation, anyEnd, cutsOf(8), fc.boolean(), fc.nat({ max: 3 })),
    async ([parts, end, cuts, isSlow, inHead]) => {
      const bytes = Buffer.concat([fromClient(framesOf(parts)), end])
      const once = await outcome([bytes])
      const chunks = split(bytes, cuts)
      const some = await outcome(
        chunks.slice(inHead),
        isSlow,
        Buffer.concat(chunks.slice(0, inHead)),
      )
      const step = bytes.length < 400 ? 1 : 9
      const each = await outcome(
        split(
          bytes,
          [...bytes.keys()].filter((at) => at % step === 0),
        ),
      )
      expect(some).toEqual(once)
      expect(each).toEqual(once)
      return bytes.length > 1
    },
  )

  // Pongs go ahead of data, so how the two lie to each other depends on what came together.
  async function outcome(chunks: readonly Uint8Array[], isSlow = false, head?: Uint8Array) {
    const wire = await plain.dial(head === undefined ? {} : { head })
    await wire.hears(chunks, isSlow)
    const {
      connectionId: _id,
      startedAtMs: _at,
      durationMs: _ms,
      silentForMs: _silent,
      ...record
    } = await wire.ends()
    const data = wire.replies(OPCODE.text, OPCODE.binary, OPCODE.continuation)
    const control = wire.frames.filter(({ opcode }) => opcode >= 8)
    return { seen: wire.seen, data, control, record }
  }

  lawOf(
    'however a message is cut into frames, it is one message, the same (I-25)',
    fc.tuple(anySaid, cutsOf(30), cutsOf(4), fc.boolean()),
    async ([said, cuts, chunkCuts, isSlow]) => {
      const wire = await plain.dial()
      const bytes = fromClient([...fragmented(said, cuts), messageFrame(said)])
      await wire.hears(split(bytes, chunkCuts), isSlow)
      expect(wire.messages).toEqual([said, said])
      expect(wire.bytesBeside).toBe(0)
      const [one, other, ...more] = wire.frames
      expect(one).toEqual(messageFrame(said))
      expect(other).toEqual(one)
      expect(more).toEqual([])
      await wire.ends()
      return cuts.length > 0
    },
  )
})

describe('text', () => {
  lawOf(
    'text that is delivered is UTF-8; what is not ends with 1007 and is no message (I-26)',
    fc.tuple(conversation, nearlyText, cutsOf(5), cutsOf(5), fc.boolean()),
    async ([before, payload, cuts, chunkCuts, isSlow]) => {
      const frames = fragmented(whole(OPCODE.text, payload), cuts)
      const wire = await plain.dial()
      const bytes = fromClient([...framesOf(before), ...frames])
      await wire.hears(split(bytes, chunkCuts), isSlow)
      const text = utf8(payload)
      expect(wire.messages).toEqual([...saidOf(before), ...(text === undefined ? [] : [text])])
      if (text === undefined) await wire.failed(1007, 'invalidPayload')
      else expect((await wire.ends()).sent).toBeNull()
      return text === undefined
    },
  )

  lawOf('a reason that is not UTF-8 is answered with 1007 (I-26)', nearlyText, async (reason) => {
    const wire = await plain.dial()
    await wire.hears([fromClient([closeFrame(1000, reason.subarray(0, 123))])])
    const text = utf8(reason.subarray(0, 123))
    if (text === undefined) await wire.failed(1007, 'invalidPayload')
    else expect(await wire.ends()).toMatchObject({ code: 1000, reason: text, wasClean: true })
    return text === undefined
  })
})

describe('what is sent', () => {
  const L = 70_000
  // Short texts are made in another way, and nearly ASCII is where that shows.
  const nearlyAscii = fc.integer({ min: 0x20, max: 0x17f }).map((code) => String.fromCharCode(code))
  const short = fc.string({ unit: fc.oneof(nearlyAscii, fc.constant('a')), maxLength: 60 })
  const ofAnySize = fc
    .tuple(
      fc.oneof(fc.constantFrom(0, 125, 126, 4095, 4096, 65_535, 65_536, L), fc.nat({ max: 300 })),
      fc.boolean(),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
    )
    .map(([size, isText, unit]): Said => {
      const bytes = Buffer.alloc(size, unit)
      // A text of that many bytes: what does not go in whole is left to spaces.
      return isText ? (utf8(bytes) ?? ''.padEnd(size)) : bytes
    })
  const sized = fc.oneof({ weight: 3, arbitrary: ofAnySize }, short)
  const large = site({ maxMessageBytes: L, maxOutboundBytes: 8 * L })

  lawOf(
    'what is received is what was sent, both ways, for both types and any size (I-31)',
    fc.tuple(sized, cutsOf(2)),
    async ([said, cuts]) => {
      const wire = await large.dial()
      await wire.hears(split(fromClient([messageFrame(said)]), cuts))
      const [message] = wire.messages
      expect(typeof message).toBe(typeof said)
      expect(Buffer.from(message as string).equals(Buffer.from(said))).toBe(true)
      expect(wire.answer.body.equals(encodeFrame(messageFrame(said)))).toBe(true)
      expect(wire.frames.length).toBe(1)
      await wire.ends()
    },
  )

  const onTheWire = ({ head, body }: Frame) => Buffer.concat([head, body ?? Buffer.alloc(0)])

  lawOf(
    'a prepared frame is byte for byte the frame of the standard, for as long as it is needed, also when it is used again (I-31)',
    fc.record({
      messages: fc.array(fc.tuple(sized, fc.boolean(), fc.boolean()), {
        minLength: 1,
        maxLength: 5,
      }),
      isShared: fc.boolean(),
      isEchoed: fc.boolean(),
    }),
    ({ messages, isShared, isEchoed }) => {
      const needed: { frame: Frame; wire: Buffer }[] = []
      for (const [said, leavesSoon, hasLeft] of messages) {
        const message = isShared ? share(said).message : said
        if (typeof message === 'string' && isEchoed) {
          noteReceivedText(message, Buffer.from(message))
        }
        const wire = encodeFrame(messageFrame(said))
        for (const time of ['first', 'second']) {
          const frame = frameOf(message, leavesSoon)
          expect(onTheWire(frame).equals(wire)).toBe(true)
          expect(frame.byteLength).toBe(messageFrame(said).payload.length)
          if (time === 'first' && hasLeft) reuse([frame])
          else needed.push({ frame, wire })
        }
        forgetReceivedText()
      }
      expect(needed.every(({ frame, wire }) => onTheWire(frame).equals(wire))).toBe(true)
    },
  )

  lawOf(
    'the frames that answer one read stand side by side, and the next ones where they stood',
    fc.array(fc.oneof(short, bytesOf(3_000)), { minLength: 1, maxLength: 20 }),
    (messages) => {
      // The next one begins in a slab in which nothing is.
      slab.take(SLAB_BYTES)
      const frames = messages.map((message, index) => {
        const own = typeof message === 'string' ? `${index} ${message}` : message
        return frameOf(own, true)
      })
      expect(areSideBySide(frames)).toBe(true)
      const [first] = frames as [Frame]
      const piece = first.bytes.subarray(first.start, frames.at(-1)?.end)
      expect(piece.equals(Buffer.concat(frames.map(onTheWire)))).toBe(true)
      reuse(frames)
      const next = frameOf('next', true)
      expect(next.bytes).toBe(first.bytes)
      expect(next.start).toBe(first.start)
      reuse([next])
    },
  )

  lawOf(
    "any messages in any turns are on the wire as ws's own Sender writes them (I-31)",
    fc.array(fc.tuple(sized, fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 6 }),
    async (sendings) => {
      const wire = await large.dial()
      const theirs = new FakeSocket()
      const sender = new Sender(theirs)
      for (const [said, isTwice, endsTurn] of sendings) {
        for (const message of isTwice ? [said, said] : [said]) {
          void wire.connection?.send(message)
          const binary = typeof message !== 'string'
          sender.send(message, { fin: true, binary, compress: false, mask: false })
        }
        if (endsTurn) await settle()
      }
      await settle()
      expect(wire.answer.body.equals(theirs.written)).toBe(true)
      await wire.ends()
    },
  )
})
