// Closing: which Close frame answers what (RFC 6455 §5.5.1, §7), as the peer sees it and as the record tells it.
//
// Each test writes frames by hand, reads what comes back until the socket ends, and compares the one record.

import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { CloseCause, RouteSettings, StreamFunction, WebSocketError } from 'windsock'
import { route } from 'windsock'
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  close,
  type FrameOptions,
  frame,
  PING,
  PONG,
  RawClient,
  TEXT,
  text,
} from './support/raw-client.ts'
import { start } from './support/test-server.ts'

/** A server whose one handler tells the length of each message, and a client that is connected to it. */
async function pair(settings: RouteSettings = {}, stream?: StreamFunction) {
  const seen: string[] = []
  const measure: StreamFunction = (connection) => {
    connection.messages$.subscribe((message) => {
      seen.push(typeof message === 'string' ? message : `<${message.byteLength}>`)
      void connection.send(String(message.length))
    })
  }
  const server = await start({ routes: [route('/', stream ?? measure, settings)] })
  return { ...server, seen, client: await RawClient.open(server.port) }
}

/** What is the same in the record of every breach: ours went out, none came in. */
function breach(cause: CloseCause, code: number) {
  return {
    cause,
    initiator: 'local',
    sent: { code, reason: '' },
    received: null,
    code: 1006,
    reason: '',
    wasClean: false,
    status: null,
  }
}

const bytes = (...values: number[]) => Uint8Array.from(values)
const BAD_UTF8 = bytes(0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xff)

type Breach = readonly [what: string, frames: readonly (FrameOptions | Buffer)[]]

const PROTOCOL_ERRORS: readonly Breach[] = [
  ['a frame without a mask', [{ payload: 'x', masked: false }]],
  ['a ping without a mask', [{ opcode: PING, masked: false }]],
  ['RSV1 without deflate', [{ payload: 'x', rsv: 4 }]],
  ['RSV2', [{ payload: 'x', rsv: 2 }]],
  ['RSV3', [{ payload: 'x', rsv: 1 }]],
  ['RSV1 on a ping', [{ opcode: PING, rsv: 4 }]],
  ...[3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf].map(
    (opcode): Breach => [`opcode ${opcode}`, [{ opcode }]],
  ),
  ['a fragmented ping', [{ opcode: PING, fin: false }]],
  ['a fragmented pong', [{ opcode: PONG, fin: false }]],
  ['a fragmented close', [{ opcode: CLOSE, fin: false }]],
  ['a ping of 126 bytes', [{ opcode: PING, payload: new Uint8Array(126) }]],
  ['a close of 126 bytes', [close(1000, 'x'.repeat(124))]],
  ['a continuation of nothing', [{ opcode: CONTINUATION, payload: 'x' }]],
  ['a text within a message', [{ payload: 'a', fin: false }, { payload: 'b' }]],
  ['a close of one byte', [{ opcode: CLOSE, payload: bytes(3) }]],
  ...[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map(
    (code): Breach => [`close code ${code}`, [close(code)]],
  ),
]

const INVALID_PAYLOADS: readonly Breach[] = [
  ['in a text', [{ payload: BAD_UTF8 }]],
  ['that is cut off', [{ payload: bytes(0xe2, 0x82) }]],
  ['that is overlong', [{ payload: bytes(0xc0, 0xaf) }]],
  ['that is a surrogate', [{ payload: bytes(0xed, 0xa0, 0x80) }]],
  ['above U+10FFFF', [{ payload: bytes(0xf4, 0x90, 0x80, 0x80) }]],
  [
    'in the last fragment',
    [
      { payload: 'fine', fin: false },
      { opcode: CONTINUATION, payload: bytes(0xff) },
    ],
  ],
  ['in a close reason', [close(1000, BAD_UTF8)]],
]

describe('a breach of the protocol', () => {
  const cases = [
    ...PROTOCOL_ERRORS.map(([what, frames]) => ({ what, frames, code: 1002 })),
    ...INVALID_PAYLOADS.map(([what, frames]) => ({
      what: `bad UTF-8 ${what}`,
      frames,
      code: 1007,
    })),
  ]
  it.each(cases)('$what: $code (T61–T63, T65, T66)', async ({ frames, code }) => {
    const { client, records, seen, errors } = await pair()
    client.write(text('before'))
    client.write(...frames.map((one) => (Buffer.isBuffer(one) ? one : frame(one))), text('after'))
    expect(await client.nextText()).toBe('6')
    expect(await client.nextClose()).toEqual({ code, reason: '' })
    await client.ended
    const record = await records.next()
    expect(record).toMatchObject(breach(code === 1002 ? 'protocolError' : 'invalidPayload', code))
    expect(record.detail).not.toBe('')
    expect(record.totals).toMatchObject({ messagesReceived: 1, bytesReceived: 6, messagesSent: 1 })
    expect(seen).toEqual(['before'])
    expect(errors.all).toEqual([])
  })

  it('a fragmented text whose characters are split is right (T61)', async () => {
    const { client, seen } = await pair()
    const [first, second] = [bytes(0xe2, 0x82), bytes(0xac)]
    client.write(
      frame({ payload: first, fin: false }),
      frame({ opcode: PING, payload: 'between' }),
      frame({ opcode: CONTINUATION, payload: second }),
    )
    expect(await client.next()).toMatchObject({ opcode: PONG, payload: Buffer.from('between') })
    expect(await client.nextText()).toBe('1')
    expect(seen).toEqual(['€'])
  })

  it('deflate data that is corrupt: 1007 (T64)', async () => {
    const { port, records } = await pair({ compression: true })
    const client = await RawClient.open(port, deflating)
    client.write(frame({ payload: bytes(0xff, 0xff, 0xff, 0xff), rsv: 4 }))
    expect(await client.nextClose()).toEqual({ code: 1007, reason: '' })
    expect(await records.next()).toMatchObject(breach('invalidPayload', 1007))
  })
})

const deflating = {
  headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_no_context_takeover' },
}

describe('a message over the bound: 1009', () => {
  const LIMIT = 1_000

  it.each([
    ['in one frame', (size: number) => [{ opcode: BINARY, payload: new Uint8Array(size) }]],
    [
      'in fragments',
      (size: number) => [
        { opcode: BINARY, payload: new Uint8Array(size - 10), fin: false },
        { opcode: CONTINUATION, payload: new Uint8Array(5), fin: false },
        { opcode: CONTINUATION, payload: new Uint8Array(5) },
      ],
    ],
  ])('%s, and not one byte sooner (T57, T58)', async (_, framesOf) => {
    const { client, records } = await pair({ maxMessageBytes: LIMIT })
    client.write(...framesOf(LIMIT).map(frame))
    expect(await client.nextText()).toBe(String(LIMIT))
    client.write(...framesOf(LIMIT + 1).map(frame))
    expect(await client.nextClose()).toEqual({ code: 1009, reason: '' })
    await client.ended
    expect(await records.next()).toMatchObject(breach('messageTooBig', 1009))
  })

  it('the bound is 10 MiB by default, and the length alone decides (T57, T58)', async () => {
    const { client, records } = await pair()
    const limit = 10 * 1024 * 1024
    client.write(frame({ opcode: BINARY, payload: new Uint8Array(limit) }))
    expect(await client.nextText()).toBe(String(limit))
    client.write(frame({ opcode: BINARY, declaredBytes: limit + 1 }))
    expect(await client.nextClose()).toEqual({ code: 1009, reason: '' })
    expect(await records.next()).toMatchObject(breach('messageTooBig', 1009))
  })

  it('a length beyond 2^53', async () => {
    const { client, records } = await pair()
    client.write(frame({ opcode: BINARY, declaredBytes: 2 ** 62 }))
    expect(await client.nextClose()).toEqual({ code: 1009, reason: '' })
    expect(await records.next()).toMatchObject(breach('messageTooBig', 1009))
  })

  it('a message that inflates beyond the bound (T60)', async () => {
    const { port, records } = await pair({ compression: true, maxMessageBytes: LIMIT })
    const client = await RawClient.open(port, deflating)
    const inflated = (size: number) => deflateRawSync(Buffer.alloc(size), { finishFlush: 2 })
    const compressed = (size: number) => inflated(size).subarray(0, -4) // RFC 7692 §7.2.1
    client.write(frame({ opcode: BINARY, payload: compressed(LIMIT), rsv: 4 }))
    expect(await client.nextText()).toBe(String(LIMIT))
    client.write(frame({ opcode: BINARY, payload: compressed(1_000_000), rsv: 4 }))
    expect(await client.nextClose()).toEqual({ code: 1009, reason: '' })
    expect(await records.next()).toMatchObject(breach('messageTooBig', 1009))
  })
})

describe('limits', () => {
  it('more fragments than maxFragments: 1008, and not one sooner', async () => {
    const { client, records } = await pair({ maxFragments: 4 })
    const pieces = (count: number) =>
      Array.from({ length: count }, (_, index) =>
        frame({
          opcode: index === 0 ? TEXT : CONTINUATION,
          payload: 'x',
          fin: index === count - 1,
        }),
      )
    client.write(...pieces(4), ...pieces(4))
    expect([await client.nextText(), await client.nextText()]).toEqual(['4', '4'])
    client.write(...pieces(5))
    expect((await client.nextClose())?.code).toBe(1008)
    expect(await records.next()).toMatchObject({ cause: 'limitExceeded', received: null })
  })

  it('more pings than maxControlFramesPer10s: 1008, and not one sooner', async () => {
    const { client, records } = await pair({ maxControlFramesPer10s: 5 })
    const ping = frame({ opcode: PING, payload: 'x' })
    for (let count = 0; count < 5; count++) {
      client.write(ping)
      expect((await client.next())?.opcode).toBe(PONG)
    }
    client.write(ping)
    expect(await client.nextClose()).toEqual({ code: 1008, reason: 'limit exceeded' })
    client.write(close(1008))
    expect(await records.next()).toMatchObject({
      cause: 'limitExceeded',
      initiator: 'local',
      sent: { code: 1008, reason: 'limit exceeded' },
      received: { code: 1008, reason: '' },
      code: 1008,
      wasClean: true,
    })
  })

  it('no pong within pingTimeoutMs, and a code of the route: that code (T72)', async () => {
    const { client, records } = await pair({
      pingIntervalMs: 20,
      pingTimeoutMs: 20,
      pingTimeoutCode: 4408,
    })
    expect((await client.next())?.opcode).toBe(PING)
    expect(await client.nextClose()).toEqual({ code: 4408, reason: 'ping timed out' })
    client.destroy()
    expect(await records.next()).toMatchObject({ cause: 'pingTimeout', sent: { code: 4408 } })
  })

  it('no pong within pingTimeoutMs: 1011 (T72)', async () => {
    const { client, records } = await pair({ pingIntervalMs: 20, pingTimeoutMs: 20 })
    expect((await client.next())?.opcode).toBe(PING)
    expect(await client.nextClose()).toEqual({ code: 1011, reason: 'ping timed out' })
    client.destroy()
    expect(await records.next()).toMatchObject({
      cause: 'pingTimeout',
      initiator: 'local',
      sent: { code: 1011, reason: 'ping timed out' },
      received: null,
      code: 1006,
    })
  })
})

it('what is sent after close() in open rejects, and only what was sent before goes out', async () => {
  let late: unknown
  const stream: StreamFunction = (connection) => {
    void connection.send('before')
    connection.close(4000, 'full')
    late = connection.send('after').catch(({ code }: WebSocketError) => code)
  }
  const { client, records } = await pair({}, stream)
  expect(await client.nextText()).toBe('before')
  expect(await client.nextClose()).toEqual({ code: 4000, reason: 'full' })
  client.write(close(4000, 'full'))
  expect(await late).toBe('ERR_WINDSOCK_CLOSED')
  expect(await records.next()).toMatchObject({ totals: { messagesSent: 1 } })
})
