// Framing, as a client has to do it: what a conformance suite for clients asks, by a server that writes bytes.
//
// Each test lets a raw server send frames, well or badly, and compares the messages, the frames that came back, and
// the one record (RFC 6455 §5, §7, §8.1).

import { deflateRawSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type DialSettings, dial, type Message, route } from 'windsock'
import { Mailbox } from './support/mailbox.ts'
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  type FrameOptions,
  frame,
  PING,
  PONG,
  RawClient,
  TEXT,
} from './support/raw-client.ts'
import { type RawPeer, rawServer } from './support/raw-server.ts'
import { start } from './support/test-server.ts'

/** The frames of a client from now on, of any size, with their keys. */
function framesOf({ socket }: RawPeer) {
  const frames = new Mailbox<{ head: Buffer; opcode: number; key: string; payload: Buffer }>()
  let unread = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    unread = Buffer.concat([unread, chunk])
    for (;;) {
      const short = (unread[1] ?? 0) & 0x7f
      const start = short < 126 ? 6 : short === 126 ? 8 : 14
      if (unread.byteLength < start) return
      const long = short > 125 && unread.readUIntBE(short === 126 ? 2 : 4, short === 126 ? 2 : 6)
      const end = start + (long || short)
      if (unread.byteLength < end) return
      const key = unread.subarray(start - 4, start)
      const payload = unread.subarray(start, end).map((byte, at) => byte ^ (key[at % 4] ?? 0))
      const [head, opcode] = [unread.subarray(0, 2), (unread[0] ?? 0) & 0xf]
      frames.put({ head, opcode, key: key.toString('hex'), payload: Buffer.from(payload) })
      unread = unread.subarray(end)
    }
  })
  return frames
}

const isMasked = ({ head }: { head: Buffer }) => (head[1] ?? 0) >= 0x80

/** A client whose handler sends every message back, and the raw server that it is connected to. */
async function pair(settings: DialSettings = {}, ...answer: string[]) {
  const { url, peers } = await rawServer((peer) => peer.upgrade(...answer))
  const messages = new Mailbox<Message>()
  const { connection } = await dial(url, {
    closeTimeoutMs: 300,
    ...settings,
    handler: ({ messages$ }) => {
      messages$.subscribe((message) => messages.put(message))
      return messages$
    },
  })
  onTestFinished(() => connection.close())
  const peer = await peers.next()
  const frames = framesOf(peer)
  const write = (...parts: readonly (Buffer | FrameOptions)[]) => {
    const bytesOf = (part: FrameOptions) => frame({ masked: false, ...part })
    const bytes = parts.map((part) => (Buffer.isBuffer(part) ? part : bytesOf(part)))
    peer.socket.write(Buffer.concat(bytes))
  }
  return { connection, messages, peer, frames, write }
}

const bytes = (...values: number[]) => Buffer.from(values)

function closing(code: number, reason: string | Uint8Array = ''): FrameOptions {
  const payload = Buffer.concat([bytes(code >> 8, code & 0xff), Buffer.from(reason as string)])
  return { opcode: CLOSE, payload }
}

/** A text in two frames. */
const halves = (first: string | Buffer, second: string | Buffer): FrameOptions[] => [
  { payload: first, fin: false },
  { opcode: CONTINUATION, payload: second },
]

/** A message of `count` frames, each with one character. */
function pieces(count: number, masked = false): Buffer[] {
  return Array.from({ length: count }, (_, index) => {
    const opcode = index === 0 ? TEXT : CONTINUATION
    return frame({ opcode, payload: String(index % 10), fin: index === count - 1, masked })
  })
}

const digits = (count: number) => Array.from({ length: count }, (_, index) => index % 10).join('')

type Case = readonly [what: string, ...frames: FrameOptions[]]

const PROTOCOL_ERRORS: readonly Case[] = [
  ['a text with a mask', { payload: 'x', masked: true }],
  ['a ping with a mask', { opcode: PING, masked: true }],
  ['a close with a mask', { ...closing(1000), masked: true }],
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((rsv): Case[] => [
    [`RSV bits ${rsv} on a text`, { payload: 'x', rsv }],
    [`RSV bits ${rsv} on a ping`, { opcode: PING, rsv }],
  ]),
  ...[3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf].map(
    (opcode): Case => [`opcode ${opcode}`, { opcode }],
  ),
  ...[PING, PONG, CLOSE].flatMap((opcode): Case[] => [
    [`a fragmented control frame, opcode ${opcode}`, { opcode, fin: false }],
    [`126 bytes in a control frame, opcode ${opcode}`, { opcode, payload: Buffer.alloc(126) }],
  ]),
  ['a continuation of nothing', { opcode: CONTINUATION, payload: 'x' }],
  ['a first fragment that is a continuation', { opcode: CONTINUATION, payload: 'x', fin: false }],
  ['a text within a text', { payload: 'a', fin: false }, { payload: 'b' }],
  ['a binary within a text', { payload: 'a', fin: false }, { opcode: BINARY, payload: 'b' }],
  ...[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map(
    (code): Case => [`close code ${code}`, closing(code)],
  ),
]

const INVALID_PAYLOADS: readonly Case[] = [
  ['in a text', { payload: bytes(0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xff) }],
  ['that is cut off at the end', { payload: bytes(0x61, 0xe2, 0x82) }],
  ['that is overlong', { payload: bytes(0xc0, 0xaf) }],
  ['that is a surrogate', { payload: bytes(0xed, 0xa0, 0x80) }],
  ['above U+10FFFF', { payload: bytes(0xf4, 0x90, 0x80, 0x80) }],
  ['split over fragments', ...halves(bytes(0xe2, 0x82), bytes(0x28))],
  ['cut off in the last fragment', ...halves('fine', bytes(0xf0, 0x9d, 0x84))],
  ['in a close reason', closing(1000, bytes(0xce, 0xff))],
  ['cut off in a close reason', closing(1000, bytes(0xe2, 0x82))],
]

describe('a breach of the protocol by the server', () => {
  const cases = [
    ...PROTOCOL_ERRORS.map(([what, ...frames]) => ({ what, frames, code: 1002 })),
    ...INVALID_PAYLOADS.map(([what, ...frames]) => ({ what: `UTF-8 ${what}`, frames, code: 1007 })),
  ]
  it.each(cases)('$what: $code', async ({ frames: bad, code }) => {
    const { connection, messages, frames, peer, write } = await pair()
    write({ payload: 'before' }, ...bad, { payload: 'after' })
    const close = await frames.find(({ opcode }) => opcode === CLOSE)
    expect([isMasked(close), close.payload]).toEqual([true, bytes(code >> 8, code & 0xff)])
    const cause = code === 1002 ? 'protocolError' : 'invalidPayload'
    const ours = { initiator: 'local', sent: { code, reason: '' }, received: null }
    expect(await connection.closed).toMatchObject({ cause, ...ours, wasClean: false })
    await peer.gone
    expect(messages.all).toEqual(['before'])
    expect(frames.all.filter(({ opcode }) => opcode === CLOSE)).toHaveLength(1)
  })

  it.each([
    ['in one frame', [{ payload: 'x'.repeat(1001) }]],
    ['by its length alone', [{ opcode: BINARY, declaredBytes: 2 ** 62 }]],
    ['in fragments', halves('x'.repeat(1000), 'x')],
  ])('a message that is too big, %s: 1009', async (_, bad) => {
    const { connection, messages, frames, write } = await pair({ maxMessageBytes: 1000 })
    write({ payload: 'x'.repeat(1000) }, ...bad)
    const close = await frames.find(({ opcode }) => opcode === CLOSE)
    expect(close.payload).toEqual(bytes(0x03, 0xf1))
    expect(await connection.closed).toMatchObject({ cause: 'messageTooBig', sent: { code: 1009 } })
    expect(messages.all).toEqual(['x'.repeat(1000)])
  })
})

describe('compressed frames of the server', () => {
  const compressed = (data: string) => deflateRawSync(data, { finishFlush: 2 }).subarray(0, -4)
  const deflating = (settings: DialSettings = {}) =>
    pair({ compression: true, ...settings }, 'Sec-WebSocket-Extensions: permessage-deflate')

  it('may be in fragments, with pings between, and beside plain ones (T68)', async () => {
    const { messages, frames, write } = await deflating()
    const whole = compressed('größer €'.repeat(100))
    write(
      { payload: whole.subarray(0, 5), rsv: 4, fin: false },
      { opcode: PING, payload: 'between' },
      { opcode: CONTINUATION, payload: whole.subarray(5), fin: false },
      { opcode: CONTINUATION },
      { payload: 'plain' },
    )
    await messages.atLeast(2)
    expect(messages.all).toEqual(['größer €'.repeat(100), 'plain'])
    expect((await frames.find(({ opcode }) => opcode === PONG)).payload.toString()).toBe('between')
  })

  it.each<[string, number, FrameOptions[]]>([
    ['RSV1 on a continuation', 1002, [{ fin: false }, { opcode: CONTINUATION, rsv: 4 }]],
    ['RSV1 on a ping', 1002, [{ opcode: PING, rsv: 4 }]],
    ['RSV2', 1002, [{ payload: compressed('x'), rsv: 6 }]],
    ['corrupt data', 1007, [{ payload: bytes(0xff, 0xff, 0xff, 0xff), rsv: 4 }]],
    ['too much when inflated', 1009, [{ payload: compressed('x'.repeat(1001)), rsv: 4 }]],
  ])('%s: %i', async (_, code, bad) => {
    const { connection, messages, write } = await deflating({ maxMessageBytes: 1000 })
    write({ payload: compressed('x'.repeat(1000)), rsv: 4 }, ...bad)
    expect(await connection.closed).toMatchObject({ sent: { code, reason: '' }, received: null })
    expect(messages.all).toEqual(['x'.repeat(1000)])
  })
})

describe('a Close frame of the server', () => {
  const codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
  it.each([...codes, 3000, 3999, 4000, 4999])('%i is answered and reported', async (code) => {
    const { connection, messages, frames, peer, write } = await pair()
    const received = { code, reason: 'größer '.repeat(13) }
    const clean = { cause: 'peerClosed', initiator: 'peer', wasClean: true }
    write(closing(code, received.reason), { payload: 'after' }, closing(1000))
    expect(await connection.closed).toMatchObject({ received, ...received, ...clean })
    await peer.gone
    expect(messages.all).toEqual([])
    expect(frames.all.map(({ opcode }) => opcode)).toEqual([CLOSE])
    expect(frames.all.map(({ payload }) => payload.readUInt16BE())).toEqual([code])
  })

  it('without a body is answered without one; of one byte it is 1002', async () => {
    const empty = await pair()
    empty.write({ opcode: CLOSE })
    expect(await empty.connection.closed).toMatchObject({ code: 1005, wasClean: true })
    expect(await empty.frames.next()).toMatchObject({ opcode: CLOSE, payload: bytes() })
    const short = await pair()
    short.write({ opcode: CLOSE, payload: bytes(3) })
    expect(await short.connection.closed).toMatchObject({ sent: { code: 1002 }, received: null })
  })
})

describe('what the server sends', () => {
  const stream = [
    { payload: 'größer €𝄞' },
    { payload: bytes(0xf0, 0x9d), fin: false },
    { opcode: PING, payload: 'one' },
    { opcode: CONTINUATION, fin: false },
    { opcode: PONG, payload: 'nobody asked' },
    { opcode: CONTINUATION, payload: bytes(0x84, 0x9e) },
    {},
    { opcode: BINARY },
    { opcode: BINARY, fin: false },
    { opcode: PING },
    { opcode: CONTINUATION },
    { opcode: BINARY, payload: Buffer.alloc(300, 7) },
    { opcode: PING, payload: Buffer.alloc(125, 0xff) },
  ].map((one) => frame({ masked: false, ...one }))
  const expected = ['größer €𝄞', '𝄞', '', bytes(), bytes(), Buffer.alloc(300, 7)]
  const pongs = [Buffer.from('one'), bytes(), Buffer.alloc(125, 0xff)]

  it.each([1, 2, 3, 7, 1000])('is the same in pieces of %i bytes', async (size) => {
    const { connection, messages, frames, peer } = await pair()
    peer.socket.setNoDelay(true)
    const whole = Buffer.concat(stream)
    for (let at = 0; at < whole.byteLength; at += size) {
      await new Promise((resolve) => {
        peer.socket.write(whole.subarray(at, at + size), () => setImmediate(resolve))
      })
    }
    await frames.atLeast(expected.length + pongs.length)
    expect(messages.all).toEqual(expected)
    const answers = frames.all.filter(({ opcode }) => opcode === PONG)
    expect(answers.map(({ payload }) => payload)).toEqual(pongs)
    expect(answers.every(isMasked)).toBe(true)
    expect(connection.state).toBe('open')
  })

  it('comes and goes in every size of the length field, masked with keys that differ (T91)', async () => {
    const { frames, write } = await pair()
    for (const size of [0, 1, 125, 126, 127, 65_535, 65_536, 200_000]) {
      const [text, data] = ['x'.repeat(size), Buffer.alloc(size, size)]
      write({ payload: text }, { opcode: BINARY, payload: data })
      const [first, second] = [await frames.next(), await frames.next()]
      expect([first.head[0], second.head[0]]).toEqual([0x80 | TEXT, 0x80 | BINARY])
      expect(first.payload.equals(Buffer.from(text))).toBe(true)
      expect(second.payload.equals(data)).toBe(true)
    }
    expect(frames.all.every(isMasked)).toBe(true)
    expect(new Set(frames.all.map(({ key }) => key)).size).toBe(frames.all.length)
  })
})

describe.each([1, 2, 5, 1024])('maxFragments %i', (limit) => {
  it('holds for a client: as many pass, each time, and one more is 1008', async () => {
    const { connection, messages, frames, write } = await pair({ maxFragments: limit })
    const [first = bytes(), ...rest] = pieces(limit)
    write(first, { opcode: PING }, ...rest, ...pieces(limit))
    await messages.atLeast(2)
    write(...pieces(limit + 1))
    const close = await frames.find(({ opcode }) => opcode === CLOSE)
    expect(close.payload.readUInt16BE()).toBe(1008)
    expect(await connection.closed).toMatchObject({ cause: 'limitExceeded', received: null })
    expect(messages.all).toEqual([digits(limit), digits(limit)])
  })

  it('holds for a server: as many pass, each time, and one more is 1008', async () => {
    const echo = route('/', ({ messages$ }) => messages$, { maxFragments: limit })
    const { port, records } = await start({ routes: [echo] })
    const client = await RawClient.open(port)
    client.write(...pieces(limit, true), ...pieces(limit, true))
    const taken = [await client.nextText(), await client.nextText()]
    expect(taken).toEqual([digits(limit), digits(limit)])
    client.write(...pieces(limit + 1, true))
    expect((await client.nextClose())?.code).toBe(1008)
    expect(await records.next()).toMatchObject({ cause: 'limitExceeded', received: null })
  })
})
