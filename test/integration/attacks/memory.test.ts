// Attacks on memory: no input at all makes us hold more for one peer than a bound, however it is cut and wherever it
// stops. Attacks are made up from parts, so that the class is tried and not the ones that are known.
//
// The runtime runs behind Node's HTTP parser and `ws`, on sockets in memory: chunks come exactly as they were cut.

import { createServer } from 'node:http'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attach, route, type Sendable, topic, topics } from 'windsock'
import { Application, RequestHandler } from 'windsock/tornado'
import { FakeSocket, GOOD_HEADERS, settle, site } from '../../property/support/fake-socket.ts'
import {
  DEFLATE,
  fromClient,
  OPCODE,
  type WireFrame,
  whole,
} from '../../property/support/frames.ts'
import { heldByEach } from './support/held.ts'

// A chunk of a real socket shares its memory with no other; here a byte that is kept would keep others' as well.
Buffer.poolSize = 0

const KIB = 1024
/** Enough that what one holds is more than what the collector leaves lying about. */
const PEERS = 6
const CHUNKS_AT_MOST = 6_000
const BYTES_AT_MOST = 4 * KIB * KIB

const bounds = {
  maxMessageBytes: 16 * KIB,
  maxFragments: 64,
  maxHeldBytes: 16 * KIB,
  maxHeldMessages: 64,
  maxOutboundBytes: 16 * KIB,
  maxOutboundMessages: 64,
  // A pong that waits in the socket is a hundred times its bytes; the default is what bounds them.
  maxControlFramesPer10s: 100,
  // It keeps the newest 10,000 events of all connections together, whoever they are of.
  journalLevel: 'off',
} as const

/**
 * A message that is not whole, messages that wait for the handler, and messages that wait for the peer, each with what
 * may exceed its bound; a write in the socket; a thousand chunks of a frame that is not whole, each an object; and what a
 * connection is.
 */
const MOST_HELD = (3 * 2 * 16 + 64 + 256 + 96) * KIB
/**
 * With compression, which is off by default: the windows of zlib, what it writes into, and meanwhile 16 KiB of chunks that
 * wait for it, each an object.
 */
const ZLIB_HOLDS = (384 + 16 * 256) * KIB

/** What has been read is held whatever the bound: two thousand small messages in one chunk, each an object and a buffer. */
const CHUNK_HOLDS = 640 * KIB

function unfinished(payload: Buffer, first: boolean): WireFrame {
  const opcode = first ? OPCODE.text : OPCODE.continuation
  return { fin: false, rsv: 0, opcode, payload }
}

const zeros = Buffer.alloc(10 * KIB, 'a')
const bomb: WireFrame = {
  fin: true,
  rsv: 4,
  opcode: OPCODE.text,
  // Without the four bytes at the end (RFC 7692 §7.2.1).
  payload: deflateRawSync(zeros, { finishFlush: 2 }).subarray(0, -4),
}

/** What is sent over and over; the first may differ. */
const UNITS: Readonly<Record<string, (index: number) => WireFrame>> = {
  'empty fragments': (index) => unfinished(Buffer.alloc(0), index === 0),
  'fragments of one byte': (index) => unfinished(Buffer.from('a'), index === 0),
  'fragments and pings': (index) =>
    index % 2 === 1
      ? whole(OPCODE.ping, 'p'.repeat(125))
      : unfinished(Buffer.from('a'), index === 0),
  pings: () => whole(OPCODE.ping, 'p'.repeat(125)),
  pongs: () => whole(OPCODE.pong, 'p'.repeat(125)),
  'empty messages': () => whole(OPCODE.text),
  'small messages': () => whole(OPCODE.binary, 'small'),
  'messages at the bound': () => whole(OPCODE.binary, zeros),
  'frames that are never whole': () => whole(OPCODE.binary, Buffer.alloc(16 * KIB, 'b')),
  bombs: () => bomb,
}

const HANDLERS = {
  'that is deaf': { message: () => undefined },
  'that never ends': { message: () => new Promise<void>(() => {}) },
  'that never opens': { open: () => new Promise<void>(() => {}) },
  'that echoes': {},
}

/** One way to attack. */
interface Way {
  readonly unit: string
  readonly chunk: number
  readonly handler: keyof typeof HANDLERS
  readonly reads: boolean
  readonly deflates: boolean
}

const attacks: fc.Arbitrary<Way> = fc.record({
  unit: fc.constantFrom(...Object.keys(UNITS)),
  chunk: fc.constantFrom(1, 7, 1_000, 64 * KIB),
  handler: fc.constantFrom(...(Object.keys(HANDLERS) as (keyof typeof HANDLERS)[])),
  reads: fc.boolean(),
  deflates: fc.boolean(),
})

const SITES = [
  site({ ...bounds, handlerTimeoutMs: 0 }),
  site({ ...bounds, handlerTimeoutMs: 0, compression: true }),
]

type Known = readonly [unit: string, chunk: number, handler: keyof typeof HANDLERS]
const known: readonly Known[] = [
  ['fragments of one byte', 64 * KIB, 'that is deaf'],
  ['frames that are never whole', 1, 'that is deaf'],
  ['messages at the bound', 64 * KIB, 'that never ends'],
  ['empty messages', 1_000, 'that never opens'],
  ['small messages', 64 * KIB, 'that never ends'],
  ['messages at the bound', 64 * KIB, 'that echoes'],
]
const KNOWN = known.map(([unit, chunk, handler]): [Way] => [
  { unit, chunk, handler, reads: false, deflates: false },
])

/** Pushes chunks for as long as they are taken, and there are any. */
async function push(socket: FakeSocket, chunk: number, bytes: Buffer): Promise<void> {
  let at = 0
  for (let count = 0; count < CHUNKS_AT_MOST && at < BYTES_AT_MOST; count++, at += chunk) {
    // What is not taken any more stays with the peer.
    if (socket.readableLength > 0 || socket.destroyed || socket.readableEnded) break
    const from = at % bytes.length
    socket.arrives(bytes.subarray(from, from + chunk))
    if (count % 64 === 0) await settle()
  }
  await settle()
}

describe('over WebSocket', () => {
  it('no input makes a peer hold more than the bounds come to', async () => {
    await fc.assert(
      fc.asyncProperty(attacks, async ({ unit, chunk, handler, reads, deflates }) => {
        const areSmall = unit === 'small messages' || unit === 'empty messages'
        const most = MOST_HELD + (areSmall ? CHUNK_HOLDS : 0) + (deflates ? ZLIB_HOLDS : 0)
        const make = UNITS[unit] as (typeof UNITS)[string]
        const frames = Array.from({ length: 2_000 }, (_, index) => make(index)).slice(
          0,
          unit === 'messages at the bound' ? 100 : 2_000,
        )
        const bytes =
          unit === 'frames that are never whole'
            ? fromClient(frames.slice(0, 1)).subarray(0, -1)
            : fromClient(frames)
        const held = await heldByEach(PEERS, most, async () => {
          const target = SITES[deflates ? 1 : 0] as (typeof SITES)[number]
          const headers = deflates ? [...GOOD_HEADERS, DEFLATE] : GOOD_HEADERS
          const wire = await target.dial({ headers, handler: HANDLERS[handler] })
          // What is noted there is no part of the runtime's.
          Object.assign(wire.seen, { push: () => 0 })
          wire.socket.isStuck = !reads
          await push(wire.socket, chunk, bytes)
          return {
            // What the peer has got.
            own: () => wire.socket.written.length,
            end: async () => {
              wire.socket.unstick()
              wire.socket.destroy()
              await settle()
            },
          }
        })
        expect(held).toBeLessThanOrEqual(most)
      }),
      {
        numRuns: 20,
        examples: KNOWN,
      },
    )
  })
})

/** An HTTP server of nobody's port, with `entry` and nothing else. */
function http(routes: Parameters<typeof attach>[1]['routes']) {
  const server = createServer((request, response) => void attached.answer(request, response))
  const attached = attach(server, { routes, onError: () => {} })
  return async (head: string): Promise<FakeSocket> => {
    const socket = new FakeSocket()
    server.emit('connection', socket)
    socket.arrives(Buffer.from(head.replaceAll('\n', '\r\n')))
    await settle()
    return socket
  }
}

describe('in the journal', () => {
  it('a life that is over keeps nothing of the query that it began with', async () => {
    const path = '/a/path/as/long/as/paths/are'
    const ask = http([route(path, () => {})])
    const query = 'q'.repeat(12 * KIB)
    const held = await heldByEach(200, 6 * KIB, async () => {
      const head = GOOD_HEADERS.map((pair) => pair.join(': ')).join('\n')
      const socket = await ask(`GET ${path}?${query} HTTP/1.1\n${head}\n\n`)
      expect(socket.written.toString()).toMatch(/^HTTP\/1.1 101/)
      socket.destroy()
      await settle()
      return { own: () => 0, end: () => {} }
    })
    expect(held).toBeLessThanOrEqual(6 * KIB)
  })
})

/** A body of `length` bytes and no end, as it may be cut. */
const BODIES: Readonly<
  Record<string, readonly [header: string, bytes: (length: number) => Buffer]>
> = {
  'in HTTP chunks of a byte': [
    'Transfer-Encoding: chunked',
    (length) => Buffer.from('1\r\nx\r\n'.repeat(length)),
  ],
  'in HTTP chunks of two bytes': [
    'Transfer-Encoding: chunked',
    (length) => Buffer.from('2\r\nxx\r\n'.repeat(length / 2)),
  ],
  'in one': ['Content-Length: 16384', (length) => Buffer.alloc(length, 'x')],
}

describe('over HTTP', () => {
  const news = topic<Sendable>('news', { history: { count: 10_000 } })
  const accept = (input: unknown) => input as Sendable
  const maxBodyBytes = 16 * KIB
  const servers = {
    'a topic': http([topics('/topics', [news], { accept, maxBodyBytes, pageBytes: 16 * KIB })]),
    'a Tornado handler': http(
      new Application([['/topics/.*', class extends RequestHandler {}]], {
        maxBodySize: maxBodyBytes,
      }).routes,
    ),
  }

  it.each(Object.keys(servers) as (keyof typeof servers)[])(
    'no body for %s makes a peer hold more than its bound comes to, however it is cut',
    async (name) => {
      const cuts = fc.constantFrom(1, 100, 4 * KIB, 64 * KIB)
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...Object.keys(BODIES)), cuts, async (body, chunk) => {
          const [header, bytesOf] = BODIES[body] as (typeof BODIES)[string]
          const bytes = bytesOf(maxBodyBytes - 2)
          const most = (2 * 16 + 128) * KIB
          const held = await heldByEach(PEERS, most, async () => {
            const head = `POST /topics/news HTTP/1.1\nHost: a\nContent-Type: text/plain\n${header}\n\n`
            const socket = await servers[name](head)
            for (let at = 0; at < bytes.length; at += chunk)
              socket.arrives(bytes.subarray(at, at + chunk))
            await settle()
            expect(socket.written.length).toBe(0)
            return { own: () => 0, end: () => socket.destroy() }
          })
          expect(held).toBeLessThanOrEqual(most)
        }),
        { numRuns: 12, examples: [['in HTTP chunks of a byte', 64 * KIB]] },
      )
    },
  )
})
