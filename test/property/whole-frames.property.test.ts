// Laws of whole frames: who is spared a part of its work by them tells the same as who reads all by itself.
//
// Two receivers of the `ws` that is installed get the same bytes in the same pieces; one of them is watched.

import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import * as ws from 'ws'
import type { Message } from '../../src/protocol/message.ts'
import { readWholeFrames } from '../../src/transport/whole-frames.ts'
import { type ReceiverWatcher, watchReceiver } from '../../src/transport/ws-internals.ts'
import {
  anyClose,
  anySaid,
  bytesOf,
  controlFrame,
  conversation,
  encodeFrame,
  flood,
  framesOf,
  fromClient,
  messageFrame,
  nearlyText,
  OPCODE,
  scraps,
  split,
  type WireFrame,
  whole,
} from './support/frames.ts'
import { lawOf } from './support/law.ts'

const { Receiver } = ws as unknown as {
  readonly Receiver: new (
    options: object,
  ) => NodeJS.EventEmitter & { write(chunk: Buffer): boolean }
}

const MOST_BYTES = 250
const LARGE_BYTES = 66_000

interface Heard {
  readonly events: unknown[]
  /** Messages, pings and pongs that `ws` was spared. */
  spared: number
}

const told = (message: Message) =>
  typeof message === 'string' ? { text: message } : { bytes: Buffer.from(message).toString('hex') }

async function hear(
  chunks: readonly Buffer[],
  isWatched: boolean,
  isInOneTurn: boolean,
  maxPayload: number,
): Promise<Heard> {
  const heard: Heard = { events: [], spared: 0 }
  const { events } = heard
  let isOver = false
  const limits = { maxPayload, maxFragments: 4, maxBufferedChunks: 4 }
  const receiver = new Receiver({ isServer: true, ...limits })
  receiver.on('message', (data: Buffer, isBinary: boolean) => {
    events.push(told(isBinary ? data : data.toString()))
  })
  receiver.on('ping', (data: Buffer) => events.push({ ping: data.toString('hex') }))
  receiver.on('pong', (data: Buffer) => events.push({ pong: data.toString('hex') }))
  receiver.on('conclude', (code: number, reason: Buffer) => {
    events.push({ code, reason: reason.toString() })
  })
  receiver.on('error', ({ code }: { code: string }) => {
    events.push({ error: code })
    isOver = true
  })
  if (isWatched) {
    const watcher: ReceiverWatcher = {
      partial: undefined,
      answering: () => {},
      concluded: () => {},
      inputEnded: () => {},
      readBegins: () => {},
      readEnds: () => {},
      take(message, byteLength) {
        heard.spared++
        expect(byteLength).toBe(Buffer.byteLength(message))
        events.push(told(message))
      },
      pingReceived(data) {
        heard.spared++
        events.push({ ping: data.toString('hex') })
      },
      pongReceived(data) {
        heard.spared++
        events.push({ pong: data.toString('hex') })
      },
      answersClose: false,
      closeFrameReceived: (body) => events.push({ taken: body.toString('hex') }),
    }
    const socket = { _receiver: receiver } as unknown as ws.WebSocket
    expect(watchReceiver(socket, watcher, true)).toEqual({ concluded: true, reads: true })
  }
  for (const chunk of chunks) {
    if (isOver) break
    receiver.write(chunk)
    if (!isInOneTurn) await turn()
  }
  await turn()
  return heard
}

/** The pieces in memory of their own, as from a socket, and at any place in it. */
function* pieces(bytes: Buffer, cuts: readonly number[], shift: number) {
  for (const piece of split(bytes, cuts)) {
    if (piece.length === 0) continue
    const memory = Buffer.from(new ArrayBuffer(piece.length + shift), shift)
    memory.set(piece)
    yield memory
  }
}

const masked = (frames: readonly WireFrame[]) => frames.map((frame) => fromClient([frame], 7))

/** One character beyond ASCII, or a byte that is none, in a text that has no other. */
const nearlyAscii = fc
  .tuple(bytesOf(120, 33), fc.nat(), fc.constantFrom('c3a9', 'e282ac', 'f09f9880', '80'))
  .map(([bytes, place, other]) => {
    const at = place % bytes.length
    const ascii = bytes.map((byte) => byte & 127)
    return Buffer.concat([ascii.subarray(0, at), Buffer.from(other, 'hex'), ascii.subarray(at)])
  })

/** What clients send, frame by frame, with something in it that is not as it should be, and what comes after that. */
const sent: fc.Arbitrary<readonly Buffer[]> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: anySaid.map((said) => masked([messageFrame(said)])) },
      { weight: 1, arbitrary: flood.map(masked) },
      { weight: 2, arbitrary: conversation.map((parts) => masked(framesOf(parts))) },
      { weight: 2, arbitrary: conversation.map((parts) => masked(framesOf(parts)).slice(0, 1)) },
      { weight: 1, arbitrary: controlFrame.map((frame) => masked([frame])) },
      { weight: 1, arbitrary: nearlyText.map((bytes) => masked([whole(OPCODE.text, bytes)])) },
      { weight: 2, arbitrary: nearlyAscii.map((bytes) => masked([whole(OPCODE.text, bytes)])) },
      // Without a mask; with one of zeros; too long; closed; noise.
      { weight: 1, arbitrary: anySaid.map((said) => [encodeFrame(messageFrame(said))]) },
      {
        weight: 1,
        arbitrary: anySaid.map((said) => [encodeFrame(messageFrame(said), Buffer.alloc(4))]),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(bytesOf(LARGE_BYTES + 20, 65_530), fc.boolean())
          .map(([bytes, isText]) => {
            const ascii = () => bytes.map((byte) => byte & 127).toString()
            return masked([messageFrame(isText ? ascii() : bytes)])
          }),
      },
      { weight: 1, arbitrary: bytesOf(300, 240).map((bytes) => masked([messageFrame(bytes)])) },
      { weight: 1, arbitrary: anyClose.map((frame) => masked([frame])) },
      // A frame that looks like another one when its first byte is missing.
      {
        weight: 2,
        arbitrary: fc.constant([
          encodeFrame(messageFrame('a'), Buffer.from([0x81, 0x82, 0x81, 0x82])),
          ...masked(['b', 'c', 'd'].map(messageFrame)),
        ]),
      },
      { weight: 1, arbitrary: scraps.map((bytes) => [bytes]) },
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.flat())

const after = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.nat({ max: 8 }) },
  { weight: 2, arbitrary: fc.nat() },
)

/** Where reads end: at the end of a frame, or some bytes after; or so often in one frame that its pieces are too many. */
const readEnds = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.tuple(fc.nat(), after), { maxLength: 8, size: 'max' }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat(), fc.array(fc.nat({ max: MOST_BYTES }), { minLength: 5, maxLength: 8 }))
      .map(([frame, places]) => places.map((place): [number, number] => [frame, place])),
  },
)

function cutsAt(frames: readonly Buffer[], ends: readonly (readonly [number, number])[]): number[] {
  let at = 0
  const edges = frames.map(({ length }) => (at += length))
  return ends.map(([frame, after]) => (edges[frame % edges.length] ?? 0) + after)
}

describe('a receiver that is spared whole frames', () => {
  lawOf(
    'tells the same messages, pings, closes and breaches, in the same order, as one that reads all by itself',
    fc.record({
      sent,
      ends: readEnds,
      shift: fc.nat({ max: 3 }),
      isInOneTurn: fc.boolean(),
      most: fc.constantFrom(MOST_BYTES, LARGE_BYTES),
    }),
    async ({ sent: frames, ends, shift, isInOneTurn, most }) => {
      const bytes = Buffer.concat(frames)
      const cuts = cutsAt(frames, ends)
      const alone = await hear([...pieces(bytes, cuts, shift)], false, isInOneTurn, most)
      const spared = await hear([...pieces(bytes, cuts, shift)], true, isInOneTurn, most)
      expect(spared.events).toEqual(alone.events)
      return spared.spared > 0 && alone.events.length > spared.spared
    },
  )
})

describe('a read of whole frames', () => {
  lawOf(
    'stops where a frame is not whole, and leaves what it has not given as it came',
    fc.record({ frames: flood, cut: fc.nat({ max: 20_000 }), shift: fc.nat({ max: 3 }) }),
    ({ frames, cut, shift }) => {
      const bytes = fromClient(frames)
      const [first] = [...pieces(bytes, [cut], shift)] as [Buffer]
      const before = Buffer.from(first)
      const given: unknown[] = []
      const give = (one: unknown) => given.push(one)
      const taker = {
        ...{ take: give, pingReceived: give, pongReceived: give },
        ...{ answersClose: false, closeFrameReceived: give },
      }
      const read = readWholeFrames(first, MOST_BYTES, taker)
      expect(first.subarray(read)).toEqual(before.subarray(read))
      // The frames that were whole, up to the first that is something else.
      let at = 0
      let count = 0
      for (const frame of frames) {
        const end = at + fromClient([frame]).length
        if (frame.opcode === OPCODE.close || end > first.length) break
        at = end
        count++
      }
      expect([read, given.length]).toEqual([at, count])
      return count > 0
    },
  )
})
