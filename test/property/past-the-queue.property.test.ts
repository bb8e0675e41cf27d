// Laws of what is written past a socket's queue: the peer, and whoever looks at the socket, see what they would have seen.
//
// Over real sockets: how much the kernel takes at once, and when it takes the rest, is the kernel's doing.

import { once } from 'node:events'
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { handleOf, writeAtOnce } from '../../src/transport/node-internals.ts'
import { lawOf } from './support/law.ts'
import { TOO_MUCH_BYTES, tcpPairs } from './support/tcp.ts'

const pair = tcpPairs()

const write = (socket: Duplex, bytes: Buffer) => writeAtOnce(socket, handleOf(socket), bytes)

/** Bytes that stand nowhere else: any that are missing, doubled or out of place would be seen. */
function bytesOf(from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; at++) bytes[at] = Math.imul(from + at, 2_654_435_761) >>> 24
  return bytes
}

const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 300 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 200_000 }) },
  { weight: 1, arbitrary: fc.constant(6_000_000) },
)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ does: fc.constant('write at once'), size }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constantFrom('write', 'write corked'), size }) },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constantFrom('turn', 'peer pauses', 'peer reads'),
      size: fc.constant(0),
    }),
  },
)

describe('what is written at once', () => {
  lawOf(
    'reaches the peer whole, once and in order, beside what is written as ever, also when the peer is slow',
    fc.array(step, { minLength: 1, maxLength: 14 }),
    async (steps) => {
      const { peer, ours } = await pair()
      const chunks: Buffer[] = []
      peer.on('data', (chunk: Buffer) => chunks.push(chunk))
      let written = 0
      let isCorked = false
      for (const { does, size: length } of steps) {
        const bytes = bytesOf(written, length)
        written += length
        if (does === 'write at once') {
          const hadNothing = ours.writableLength === 0 && !isCorked
          const hasAll = write(ours, bytes)
          if (hasAll) expect(hadNothing).toBe(true)
          // What the kernel does not have is counted.
          else expect(ours.writableLength).toBeGreaterThanOrEqual(length)
          if (hasAll) expect(ours.writableLength).toBe(0)
        } else if (does === 'write') ours.write(bytes)
        else if (does === 'write corked') {
          if (!isCorked) setImmediate(() => ours.uncork())
          if (!isCorked) ours.cork()
          isCorked = true
          ours.write(bytes)
        } else if (does === 'peer pauses') peer.pause()
        else if (does === 'peer reads') peer.resume()
        else {
          await turn()
          isCorked = false
        }
        expect(ours.bytesWritten).toBe(written)
      }
      ours.end()
      await Promise.all([once(ours, 'finish'), once(peer.resume(), 'end')])
      expect(ours.writableLength).toBe(0)
      expect(Buffer.concat(chunks).equals(bytesOf(0, written))).toBe(true)
      peer.destroy()
      ours.destroy()
    },
    100,
  )

  it('is with the kernel when it says so, and leaves nothing to be waited for', async () => {
    const { peer, ours } = await pair()
    expect(write(ours, Buffer.from('hello'))).toBe(true)
    expect(ours.writableLength).toBe(0)
    expect(String(await once(peer, 'data'))).toBe('hello')
    ours.destroy()
    peer.destroy()
  })

  it('is told by `drain` when a slow peer has read on', async () => {
    const { peer, ours } = await pair()
    peer.pause()
    expect(write(ours, Buffer.alloc(TOO_MUCH_BYTES))).toBe(false)
    expect(ours.writableNeedDrain).toBe(true)
    const drained = once(ours, 'drain')
    peer.resume()
    await drained
    expect(ours.writableLength).toBe(0)
    expect(Object.hasOwn(ours, '_write')).toBe(false)
    ours.destroy()
    peer.destroy()
  })

  it('fails as any write does when the peer has reset the connection', async () => {
    const { peer, ours } = await pair()
    const failed = once(ours, 'error') as Promise<[NodeJS.ErrnoException]>
    ours.pause()
    peer.resetAndDestroy()
    await once(peer, 'close')
    // The reset may not have come yet: whoever writes on is told.
    while (ours.writable) {
      write(ours, Buffer.from('still there?'))
      await turn()
    }
    expect((await failed)[0].code).toMatch(/^(ECONNRESET|EPIPE)$/)
  })

  it('fails as any write does when the peer resets while the kernel has only a part', async () => {
    const { peer, ours } = await pair()
    peer.pause()
    const failed = once(ours, 'error') as Promise<[NodeJS.ErrnoException]>
    expect(write(ours, Buffer.alloc(TOO_MUCH_BYTES))).toBe(false)
    peer.resetAndDestroy()
    const [{ code, syscall }] = await failed
    expect(code).toMatch(/^(ECONNRESET|EPIPE)$/)
    expect(['write', 'read']).toContain(syscall)
    expect(ours.destroyed).toBe(true)
  })

  it('is forgotten without an error when the socket is destroyed meanwhile', async () => {
    const { peer, ours } = await pair()
    peer.pause()
    ours.on('error', (error) => expect.unreachable(String(error)))
    expect(write(ours, Buffer.alloc(TOO_MUCH_BYTES))).toBe(false)
    ours.destroy()
    await once(ours, 'close')
    await turn()
    peer.destroy()
  })

  it('goes the way of any write where there is no plain connection', async () => {
    const written: Buffer[] = []
    const duplex = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        written.push(chunk)
        done()
      },
    })
    expect(write(duplex, Buffer.from('past'))).toBe(false)
    expect(String(written)).toBe('past')
    const { peer, ours } = await pair()
    expect(write(new TLSSocket(ours), Buffer.from('secret')), 'TLS').toBe(false)
    ours.destroy()
    peer.destroy()
    const gone = new Socket()
    gone.on('error', () => {})
    gone.destroy()
    expect(write(gone, Buffer.from('late')), 'destroyed').toBe(false)
  })
})
