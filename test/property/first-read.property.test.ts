// Law of the first read: whether an opening request comes whole, and is read here, or in pieces, and is read by Node, it is
// answered alike, to the byte, and its connection lives and ends alike.
//
// Over real sockets.

import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CloseRecord, HandshakeError, route } from 'windsock'
import {
  close,
  RawClient,
  type RequestOptions,
  requestBytes,
  text,
} from '../integration/support/raw-client.ts'
import { start, type TestServer } from '../integration/support/test-server.ts'

async function house(): Promise<TestServer> {
  return start({
    compression: true,
    journalLevel: 'off',
    routes: [
      route('/echo', ({ messages$ }) => messages$, { subprotocols: ['b', 'a'] }),
      route('/late/:how', ({ messages$ }) => messages$, {
        prepare: async ({ params }) => {
          await turn()
          if (params['how'] === 'never') throw new HandshakeError(401, 'who are you?')
        },
      }),
      route('/closes', (connection) => {
        void connection.send('bye')
        connection.close(4000, 'that was all')
      }),
    ],
  })
}

interface Subject {
  readonly request: RequestOptions
  readonly cuts: readonly number[]
  /** What is written before the answer has come. */
  readonly isHasty: boolean
  readonly ends: boolean
}

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const usual = <T>(...values: readonly [T, ...T[]]) =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constant(values[0]) },
    { weight: 1, arbitrary: fc.constantFrom(...values) },
  )

const requests: fc.Arbitrary<RequestOptions> = fc.record({
  method: usual('GET', 'POST'),
  path: fc.constantFrom(
    '/echo',
    '/echo',
    '/closes',
    '/late/soon',
    '/late/never',
    '/nowhere',
    '/%ff',
  ),
  headers: fc.record({
    'Sec-WebSocket-Key': usual<string | null>(KEY, null, 'short'),
    'Sec-WebSocket-Version': usual<string | null>('13', '8', '7', null),
    'Sec-WebSocket-Protocol': usual<string | null>(null, 'a, b', 'c', 'a a'),
    'Sec-WebSocket-Extensions': usual<string | null>(
      null,
      'permessage-deflate; client_max_window_bits',
      'permessage-deflate; nonsense',
    ),
    Host: usual<string | null>('windsock.test:80', null, 'wind sock'),
    Connection: usual<string | null>('Upgrade', 'keep-alive, Upgrade', 'close', 'x, Upgrade'),
    Upgrade: usual<string | null>('websocket', 'WebSocket', 'h2c', null),
    Origin: usual<string | null>(null, 'http://windsock.test', 'http://evil.test'),
  }),
  head: usual(Buffer.alloc(0), text('with it')),
})

const subjects: fc.Arbitrary<Subject> = fc
  .record({
    request: requests,
    cuts: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
    isHasty: fc.boolean(),
    ends: fc.boolean(),
  })
  .map((subject) => {
    const { request } = subject
    const { Upgrade = null, Connection = null } = request.headers ?? {}
    if (Upgrade !== null && /upgrade/i.test(Connection ?? '')) return subject
    // Frames behind a plain request are a broken one, and whether its refusal arrives is the kernel's matter.
    return { ...subject, request: { ...request, head: Buffer.alloc(0) }, isHasty: false }
  })

/** All that came back until the end, and what the connection's record says, of those that have one. */
async function lead(
  { server, port, records }: TestServer,
  pieces: readonly Uint8Array[],
  { isHasty, ends }: Subject,
): Promise<{ heard: string; record: Partial<CloseRecord> | undefined }> {
  const { accepted } = server.counts
  const client = await RawClient.connectUnbound(port, true)
  const heard: Buffer[] = []
  const said = new Promise<void>((resolve) => {
    client.socket.on('data', (chunk: Buffer) => {
      heard.push(chunk)
      resolve()
    })
    void client.ended.then(() => resolve())
  })
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) await turn()
    client.write(piece)
  }
  if (!isHasty) await said
  const isOpen = () => Buffer.concat(heard).toString('latin1').startsWith('HTTP/1.1 101')
  if (isHasty || isOpen()) client.write(text('hello'), close(1000, 'done'))
  await said
  if (ends || !isOpen()) client.end()
  await client.ended
  client.destroy()
  const record = server.counts.accepted > accepted ? await records.next() : undefined
  return {
    heard: Buffer.concat(heard)
      .toString('latin1')
      .replace(/\r\nDate: [^\r]*/, ''),
    record: record && {
      ...record,
      connectionId: '',
      startedAtMs: 0,
      durationMs: 0,
      silentForMs: 0,
    },
  }
}

function cutUp(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => 1 + (cut % (bytes.length - 1))))].sort(
    (a, b) => a - b,
  )
  return [0, ...places].map((place, index) => bytes.subarray(place, places[index]))
}

describe('an opening request', () => {
  it('is answered alike whether it comes whole or in pieces, and so lives its connection', async () => {
    const server = await house()
    let opened = 0
    await fc.assert(
      fc.asyncProperty(subjects, async (subject) => {
        const bytes = requestBytes(subject.request)
        const whole = await lead(server, [bytes], subject)
        const inPieces = await lead(server, cutUp(bytes, subject.cuts), subject)
        expect(whole).toEqual(inPieces)
        if (whole.heard.startsWith('HTTP/1.1 101')) opened++
      }),
      { numRuns: 1_000 },
    )
    expect(opened).toBeGreaterThan(100)
  })
})

describe('what came behind an opening request', () => {
  it('is kept while other sockets read and the answer takes its time', async () => {
    let waiting = 0
    const prepare = async () => {
      for (waiting++; waiting < words.length; ) await turn()
    }
    const routes = [route('/', ({ messages$ }) => messages$, { prepare })]
    const { port } = await start({ journalLevel: 'off', routes })
    const words = ['one', 'two', 'six'].map((word) => word.repeat(2_000))
    const clients = await Promise.all(words.map(() => RawClient.connectUnbound(port, true)))
    for (const [index, word] of words.entries()) {
      clients[index]?.write(requestBytes({ head: text(word) }))
    }
    for (const [index, word] of words.entries()) {
      expect((await clients[index]?.response())?.status).toBe(101)
      expect(await clients[index]?.nextText()).toBe(word)
      clients[index]?.destroy()
    }
  })
})
