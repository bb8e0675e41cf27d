// Law of those who wait for room: when all has gone, nobody waits.
//
// The link stands in for a socket, which tells that it has drained only where it had refused more; how much of a write the
// kernel leaves to it is the law's to choose. Over real sockets it hardly ever leaves what matters here.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { VirtualClock } from 'windsock/testing'
import { Outbound } from '../../src/streams/outbound.ts'
import { lawOf } from './support/law.ts'

/** A socket's own mark, in bytes. */
const MARK = 64

const size = fc.integer({ min: 1, max: 3 * MARK })
const step = fc.oneof(
  { weight: 2, arbitrary: size.map((bytes) => ({ sends: bytes })) },
  { weight: 1, arbitrary: size.map((bytes) => ({ takes: bytes })) },
)

describe('who waits for room', () => {
  lawOf(
    'waits no longer than until all has gone, whatever the kernel takes of each write',
    fc.record({
      steps: fc.array(step, { maxLength: 30 }),
      /** Of each write, what the kernel takes at once. */
      atOnce: fc.infiniteStream(fc.nat({ max: 2 * MARK })),
      highWaterBytes: fc.integer({ min: 1, max: 3 * MARK }),
    }),
    async ({ steps, atOnce, highWaterBytes }) => {
      let refused = false
      const link = {
        isReading: false,
        bufferedBytes: 0,
        untakenBytes: 0,
        touch: () => 0,
        write(packets: readonly { byteLength: number }[]) {
          for (const { byteLength } of packets) link.bufferedBytes += byteLength
          link.bufferedBytes = Math.max(0, link.bufferedBytes - (atOnce.next().value as number))
          refused ||= link.bufferedBytes >= MARK
          return !refused
        },
        writeOne: (packet: { byteLength: number }) => link.write([packet]),
        ping: () => !refused,
        pong: () => !refused,
      }
      const limits = {
        maxOutboundBytes: 1_000_000,
        maxOutboundMessages: 1_000_000,
        outboundHighWaterBytes: highWaterBytes,
        stallTimeoutMs: 1_000,
      }
      const outbound = new Outbound(
        link,
        { limits, slow: 'pause', clock: new VirtualClock() },
        { overflowed: expect.unreachable, loadChanged: () => {}, pingWritten: () => {} },
      )
      const waiting = new Set<Promise<void>>()
      const takes = (bytes: number) => {
        link.bufferedBytes = Math.max(0, link.bufferedBytes - bytes)
        if (link.bufferedBytes > 0 || !refused) return
        refused = false
        outbound.drained()
      }
      for (const one of steps) {
        if ('takes' in one) takes(one.takes)
        else outbound.push({ byteLength: one.sends })
        const { room } = outbound
        if (room === undefined) continue
        waiting.add(room)
        void room.then(() => waiting.delete(room))
      }
      const hadToWait = waiting.size > 0
      outbound.flush()
      while (outbound.bufferedBytes > 0) takes(outbound.bufferedBytes)
      await Promise.resolve()
      expect([...waiting]).toEqual([])
      expect(outbound.isPressured).toBe(false)
      return hadToWait
    },
  )
})
