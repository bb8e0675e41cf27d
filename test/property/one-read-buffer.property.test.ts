// Laws of the buffer that all sockets read into: nobody notices that it is one.
//
// Over real sockets: who reads what, when, and in how many pieces is the kernel's doing.

import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { attach, route } from 'windsock'
import { SMALL_BYTES } from '../../src/protocol/message.ts'
import { readIntoOneBuffer } from '../../src/transport/node-internals.ts'
import { RawClient } from '../integration/support/raw-client.ts'
import { lawOf } from './support/law.ts'
import { tcpPairs } from './support/tcp.ts'

const accept = tcpPairs({ pauseOnConnect: true })

/** Both ends of a connection, ours reading into the one buffer. */
async function pair() {
  const { peer, ours } = await accept()
  expect(readIntoOneBuffer(ours)).toBe(true)
  return { peer, ours }
}

/** Bytes that stand nowhere else: those of another socket, or of another read, would be seen. */
function bytesOf(socket: number, from: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = ((from + at) * 7 + socket * 89) % 251
  return bytes
}

const SOCKETS = 3
const steps = fc.array(
  fc.record({
    socket: fc.nat({ max: SOCKETS - 1 }),
    bytes: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 200_000 })),
    then: fc.constantFrom('at once', 'a turn later'),
  }),
  { minLength: 1, maxLength: 12 },
)

describe('sockets that read into one buffer', () => {
  lawOf(
    'get what was sent to each of them, for good, in whatever pieces, also when they pause',
    fc.record({ steps, pauses: fc.infiniteStream(fc.boolean()) }),
    async (subject) => {
      const pairs: Awaited<ReturnType<typeof pair>>[] = []
      while (pairs.length < SOCKETS) pairs.push(await pair())
      const received = pairs.map(async ({ ours }) => {
        const chunks: Buffer[] = []
        let isPaused = false
        ours.on('data', (chunk: Buffer) => {
          expect(isPaused).toBe(false)
          chunks.push(chunk)
          if (subject.pauses.next().value !== true) return
          isPaused = true
          ours.pause()
          setImmediate(() => {
            isPaused = false
            ours.resume()
          })
        })
        await once(ours.resume(), 'end')
        ours.destroy()
        return chunks
      })
      const sent = pairs.map(() => 0)
      for (const { socket, bytes, then } of subject.steps) {
        const from = sent[socket] as number
        pairs[socket]?.peer.write(bytesOf(socket, from, bytes))
        sent[socket] = from + bytes
        if (then === 'a turn later') await turn()
      }
      for (const { peer } of pairs) peer.end()
      const all = await Promise.all(received)
      for (const [socket, chunks] of all.entries()) {
        const want = bytesOf(socket, 0, sent[socket] as number)
        expect(Buffer.concat(chunks).equals(want)).toBe(true)
        // A large chunk is nobody else's memory.
        for (const chunk of chunks) {
          if (chunk.length >= SMALL_BYTES) expect(chunk.buffer.byteLength).toBe(chunk.length)
        }
      }
    },
    100,
  )

  it('get what stood behind the request first', async () => {
    const { peer, ours } = await pair()
    ours.unshift(Buffer.from('first '))
    peer.end('then')
    let all = ''
    ours.on('data', (chunk: Buffer) => {
      all += chunk.toString()
    })
    await once(ours.resume(), 'end')
    ours.destroy()
    expect(all).toBe('first then')
  })

  it('are told when the peer resets the connection', async () => {
    const { peer, ours } = await pair()
    const failed = once(ours, 'error') as Promise<[NodeJS.ErrnoException]>
    ours.resume()
    peer.resetAndDestroy()
    expect((await failed)[0].code).toBe('ECONNRESET')
  })

  it.each([
    ['its plain connections', {}, 0],
    ['none that is compressed', { 'Sec-WebSocket-Extensions': 'permessage-deflate' }, 1],
  ])('are, of a server, %s', async (_, headers, emitted) => {
    const http = createHttpServer()
    const upgraded = once(http, 'upgrade') as Promise<[unknown, Socket]>
    attach(http, { compression: true, routes: [route('/', ({ messages$ }) => messages$)] })
    onTestFinished(() => void http.close())
    await once(http.listen(0, '127.0.0.1'), 'listening')
    const client = await RawClient.open((http.address() as AddressInfo).port, { headers })
    const [, socket] = await upgraded
    // Past the stream, nobody listens for `data`.
    expect(socket.listenerCount('data')).toBe(emitted)
    client.destroy()
  })

  it('are none but plain ones, connected and without a buffer of somebody else’s', async () => {
    const { peer, ours } = await pair()
    expect(readIntoOneBuffer(ours), 'twice').toBe(true)
    expect(readIntoOneBuffer(new Socket()), 'not connected').toBe(false)
    expect(readIntoOneBuffer(new TLSSocket(new Socket())), 'TLS').toBe(false)
    expect(readIntoOneBuffer(new Duplex()), 'no socket').toBe(false)
    const taken = connect({
      port: (ours.address() as AddressInfo).port,
      host: '127.0.0.1',
      onread: { buffer: Buffer.alloc(8), callback: () => true },
    })
    await once(taken, 'connect')
    expect(readIntoOneBuffer(taken), 'taken').toBe(false)
    taken.destroy()
    ours.destroy()
    peer.destroy()
    expect(readIntoOneBuffer(ours), 'destroyed').toBe(false)
  })
})
