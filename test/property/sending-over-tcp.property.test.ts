// Law of what a connection sends over a real socket: in order, whole, and once, whichever way each piece of it went.
//
// Past the socket's queue, through it, corked, by `ws`: what the kernel takes at once, and when it takes the rest, decides.

import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Message } from '../../src/protocol/message.ts'
import { until } from './support/fake-socket.ts'
import { closeFrame, fragmented, fromClient, OPCODE, readFrames } from './support/frames.ts'
import { lawOf } from './support/law.ts'
import { connectOver } from './support/link.ts'
import { TOO_MUCH_BYTES, tcpPairs } from './support/tcp.ts'

const pair = tcpPairs()

/** More small messages than may wait in a socket, and one of more bytes than the kernel takes for a peer that reads nothing. */
const sends = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.integer({ max: 300, min: 0 }), fc.constantFrom(1, 1, 5, 400)),
  },
  { weight: 2, arbitrary: fc.tuple(fc.integer({ max: 200_000, min: 0 }), fc.constantFrom(1, 3)) },
  { weight: 2, arbitrary: fc.constant([6_000_000, 1] as [number, number]) },
)
const step = fc.oneof(
  { weight: 6, arbitrary: sends.map(([bytes, times]) => ({ sends: bytes, times })) },
  {
    weight: 7,
    arbitrary: fc.constantFrom(
      { does: 'ping' as const },
      { does: 'turn' as const },
      { does: 'the peer pauses' as const },
      { does: 'the peer reads' as const },
      { does: 'the peer sends a fragment' as const },
    ),
  },
)

/** Text and binary in turn; each tells its number. */
function messageOf(number: number, bytes: number): Message {
  const text = `${number} `.padEnd(bytes, '.')
  return number % 3 === 0 ? Buffer.from(text) : text
}

describe('what a connection sends over TCP', () => {
  lawOf(
    'comes whole, once and in order, beside pings and whatever the peer does, and the Close frame last',
    fc.array(step, { minLength: 2, maxLength: 20, size: 'max' }),
    async (steps) => {
      const { peer, ours } = await pair()
      const { transport, outbound } = connectOver(ours)
      const chunks: Buffer[] = []
      peer.on('data', (chunk: Buffer) => chunks.push(chunk))
      const sent: Message[] = []
      let pings = 0
      for (const one of steps) {
        if ('sends' in one) {
          for (let count = 0; count < one.times; count++) {
            sent.push(messageOf(sent.length, one.sends))
            outbound.push(transport.pack(sent.at(-1) as Message))
          }
        } else if (one.does === 'ping') outbound.ping(Buffer.from(String(pings++)))
        else if (one.does === 'turn') await turn()
        else if (one.does === 'the peer pauses') peer.pause()
        else if (one.does === 'the peer reads') peer.resume()
        else peer.write(fromClient(fragmented('in two', [2])))
        const isAhead = ours.writableLength <= transport.bufferedBytes
        expect(isAhead, `${ours.writableLength} bytes wait, and are not known of`).toBe(true)
      }
      peer.resume()
      // Who waits for room waits no longer than that.
      await until(() => outbound.bufferedBytes === 0 && !outbound.isPressured, 10_000)
      outbound.end(false, () => {
        transport.close({ code: 1000, reason: '' })
        peer.write(fromClient([closeFrame(1000)]))
      })
      if (!peer.readableEnded) await once(peer, 'end')
      const { frames, rest } = readFrames(Buffer.concat(chunks))
      expect(rest.length).toBe(0)
      const pinged = frames.filter(({ opcode }) => opcode === OPCODE.ping)
      const numbers = pinged.map(({ payload }) => Number(payload))
      expect(numbers).toEqual([...numbers].sort((one, other) => one - other))
      expect(new Set(numbers).size).toBe(numbers.length)
      expect(frames.at(-1)?.opcode).toBe(OPCODE.close)
      const heard = frames.slice(0, -1).filter(({ opcode }) => opcode !== OPCODE.ping)
      expect(heard.length).toBe(sent.length)
      for (const [index, { opcode, payload }] of heard.entries()) {
        const message = sent[index] as Message
        expect(opcode).toBe(typeof message === 'string' ? OPCODE.text : OPCODE.binary)
        expect(payload.equals(Buffer.from(message as string))).toBe(true)
      }
      peer.destroy()
      ours.destroy()
    },
    100,
  )

  it('comes behind what the socket had been given before', async () => {
    const { peer, ours } = await pair()
    ours.write(Buffer.alloc(TOO_MUCH_BYTES))
    ours.write('the answer to the handshake')
    const { transport, outbound } = connectOver(ours)
    outbound.push(transport.pack('hello'))
    const chunks: Buffer[] = []
    peer.on('data', (chunk: Buffer) => chunks.push(chunk))
    ours.end()
    await once(peer, 'end')
    const end = Buffer.concat(chunks).subarray(TOO_MUCH_BYTES).toString('latin1')
    expect(end).toBe('the answer to the handshake\x81\x05hello')
    peer.destroy()
  })

  it('goes nowhere once the socket has been ended, and does not cut off what is on its way', async () => {
    const { peer, ours } = await pair()
    const { transport, outbound } = connectOver(ours)
    outbound.push(transport.pack('.'.repeat(TOO_MUCH_BYTES)))
    ours.end()
    outbound.push(transport.pack('late'))
    transport.writeOne(transport.pack('later still'))
    let bytes = 0
    peer.on('data', (chunk: Buffer) => (bytes += chunk.length))
    await once(peer, 'end')
    expect([bytes, ours.errored]).toEqual([TOO_MUCH_BYTES + 10, null])
    peer.destroy()
  })

  it('is given up when the peer has ended its side and reads nothing', async () => {
    const { peer, ours } = await pair()
    let isOver = false
    const { transport, outbound } = connectOver(ours, {
      ended() {
        isOver = true
      },
    })
    peer.pause()
    outbound.push(transport.pack('.'.repeat(TOO_MUCH_BYTES)))
    expect(transport.bufferedBytes).toBeGreaterThan(0)
    peer.end()
    await until(() => isOver)
    peer.destroy()
  })
})
