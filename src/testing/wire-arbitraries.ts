// Wire arbitraries: what goes over the wire, for fast-check to make up and to shrink: messages, frames right and wrong,
// and what stands in them.

import fc from 'fast-check'
import type { Message } from '../protocol/message.ts'
import { type Frame, OPCODES } from './frame-codec.ts'

/** What fails with bytes and with text is shown with text. */
export const SIMPLEST_FIRST = { withCrossShrink: true } as const

export const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength })

/** Texts and bytes, mostly short, with every kind of character in them. */
export const messages: fc.Arbitrary<Message> = fc.oneof(
  SIMPLEST_FIRST,
  { weight: 4, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
  { weight: 1, arbitrary: fc.string({ minLength: 120, maxLength: 300 }) },
  { weight: 1, arbitrary: bytes(20) },
)

/** Close codes that may stand in a frame (RFC 6455 §7.4); 1005 stands for a frame without one. */
export const closeCodes = fc.oneof(
  fc.constantFrom(1000, 1001, 1003, 1005, 1011),
  fc.integer({ min: 3000, max: 4999 }),
)

/** Close codes that may not. */
export const illegalCloseCodes = fc.constantFrom(0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65_535)

/** Reasons within 123 bytes of UTF-8 (§5.5). */
export const reasons = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom('bye', 'é'.repeat(61), '😀'.repeat(30)) },
)

/** Frames that keep every rule of §5, whole messages and pings and pongs. */
export const frames: fc.Arbitrary<Frame> = fc.oneof(
  messages.map((message) =>
    typeof message === 'string'
      ? { opcode: OPCODES.text, payload: new TextEncoder().encode(message) }
      : { opcode: OPCODES.binary, payload: message },
  ),
  fc
    .tuple(fc.constantFrom(OPCODES.ping, OPCODES.pong), bytes(125))
    .map(([opcode, payload]) => ({ opcode, payload })),
)

interface Malformed {
  readonly what: string
  readonly frame: Frame
}

const malformed = (what: string, frame: fc.Arbitrary<Frame>): fc.Arbitrary<Malformed> =>
  frame.map((made) => ({ what, frame: made }))

/** Frames that break §5 in one place, with what is wrong with them. */
export const malformedFrames: fc.Arbitrary<Malformed> = fc.oneof(
  malformed(
    'a frame without a mask',
    frames.map((frame) => ({ ...frame, masked: false })),
  ),
  malformed(
    'a frame with a reserved bit',
    fc.tuple(frames, fc.integer({ min: 1, max: 7 })).map(([frame, rsv]) => ({ ...frame, rsv })),
  ),
  malformed(
    'a frame of an unknown kind',
    fc
      .tuple(fc.constantFrom(3, 7, 11, 15), bytes(8))
      .map(([opcode, payload]) => ({ opcode, payload })),
  ),
  malformed(
    'a ping in pieces',
    bytes(8).map((payload) => ({ fin: false, opcode: OPCODES.ping, payload })),
  ),
  malformed(
    'a ping that is too long',
    bytes(8).map((end) => ({
      opcode: OPCODES.ping,
      payload: Uint8Array.from([...new Uint8Array(126), ...end]),
    })),
  ),
  malformed(
    'the continuation of nothing',
    bytes(8).map((payload) => ({ opcode: OPCODES.continuation, payload })),
  ),
  malformed(
    'text that is not UTF-8',
    fc
      .constantFrom([0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80])
      .map((broken) => ({ opcode: OPCODES.text, payload: Uint8Array.from(broken) })),
  ),
  malformed(
    'a Close frame of one byte',
    fc.constant({ opcode: OPCODES.close, payload: Uint8Array.of(3) }),
  ),
)

/** Headers that a client may add to its request; names and values keep RFC 9110 §5.5. */
export const headers: fc.Arbitrary<Readonly<Record<string, string>>> = fc.dictionary(
  fc.string({ unit: fc.constantFrom(...'abcxyz-019'), minLength: 1, maxLength: 10 }).map(prefixed),
  fc.string({ unit: fc.constantFrom(...'abc XYZ019,;="()'), maxLength: 20 }).map(trimmed),
  { maxKeys: 4 },
)

function prefixed(name: string): string {
  return `x-${name}`
}

function trimmed(value: string): string {
  return value.trim()
}
