// Laws of what a link holds besides the queues that are ours: what `ws` has of a chunk, and what waits in the socket.
//
// As in frames.property.test.ts the assembled runtime runs behind Node's HTTP parser, on a fake socket.

import { promisify } from 'node:util'
import { deflateRaw } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { deferred } from '../../src/streams/deferred.ts'
import { GOOD_HEADERS, settle, site, until } from './support/fake-socket.ts'
import {
  closeFrame,
  DEFLATE,
  deflated,
  fromClient,
  messageFrame,
  OPCODE,
  whole,
} from './support/frames.ts'
import { lawOf } from './support/law.ts'

const headers = [...GOOD_HEADERS, DEFLATE]

/** Long enough for as many messages to be inflated, if anything inflated them: zlib's threads take turns. */
async function timeToInflate(messages: number): Promise<void> {
  for (let done = 0; done < 3 * messages; done++) {
    await promisify(deflateRaw)(Buffer.alloc(100))
    await settle()
  }
}

describe('a chunk of messages that inflate', () => {
  const packed = site({ compression: true, maxMessageBytes: 1_000 })
  const subjects = fc.record({
    texts: fc.array(fc.string({ minLength: 1, maxLength: 20 }), { minLength: 4, maxLength: 12 }),
    maxHeldMessages: fc.integer({ min: 1, max: 4 }),
    opens: fc.boolean(),
    end: fc.constantFrom('goes on', 'is reset', 'is closed by us'),
  })

  lawOf(
    'is inflated no further than may be held, and to its end when the handler goes on (I-28)',
    subjects,
    async ({ texts, maxHeldMessages, opens, end }) => {
      const gate = deferred<void>()
      const wait = () => gate.promise
      const wire = await packed.dial({
        headers,
        handler: {
          ...(opens ? { message: wait } : { open: wait, message: () => undefined }),
          settings: { maxHeldMessages, handlerTimeoutMs: 0, openTimeoutMs: 1_000_000 },
        },
      })
      const messages = texts.map((text) => ({
        ...messageFrame(text),
        rsv: 4,
        payload: deflated(Buffer.from(text)),
      }))
      const last = [whole(OPCODE.ping, 'behind'), closeFrame(1000, 'enough')]
      await wire.hears([fromClient([...messages, ...last])])
      const pongs = () => wire.replies(OPCODE.pong).length
      if (texts.length < maxHeldMessages + (opens ? 1 : 0)) {
        await until(() => pongs() === 1)
        return false
      }
      // What stands behind the messages would be seen if all of them were taken.
      await timeToInflate(texts.length)
      expect(pongs()).toBe(0)
      if (end === 'is reset') {
        wire.socket.destroy()
        await timeToInflate(texts.length)
        expect(wire.record).toBeUndefined()
      }
      if (end === 'is closed by us') wire.connection?.close(4000)
      gate.resolve()
      await until(() => wire.record !== undefined)
      if (end === 'is closed by us') {
        expect(texts.slice(0, wire.messages.length)).toEqual(wire.messages)
        expect(wire.record).toMatchObject({ wasClean: true, sent: { code: 4000 } })
        return true
      }
      expect(wire.messages).toEqual(texts)
      expect(wire.record).toMatchObject({ received: { code: 1000, reason: 'enough' } })
      return true
    },
    200,
  )
})

describe('a peer that reads nothing', () => {
  const plain = site({ slow: 'drop-oldest', maxOutboundMessages: 10_000 })
  const compressing = site({
    slow: 'drop-oldest',
    maxOutboundMessages: 10_000,
    compression: { thresholdBytes: 1_000 },
  })

  lawOf(
    'has few small writes wait in its socket, and gets all that waits when it reads (I-28)',
    fc.tuple(fc.integer({ min: 1, max: 700 }), fc.boolean(), fc.boolean()),
    async ([count, compresses, pings]) => {
      const wire = compresses ? await compressing.dial({ headers }) : await plain.dial()
      const { socket } = wire
      socket.isStuck = true
      const texts = Array.from({ length: count }, (_, index) => String(index))
      // Each in a turn of its own, so that each would be a write.
      for (const text of texts) {
        socket.arrives(fromClient([messageFrame(text)]))
        if (pings) socket.arrives(fromClient([whole(OPCODE.ping, text)]))
        await settle()
      }
      socket.unstick()
      await until(() => wire.replies(OPCODE.text).length === count)
      expect(wire.replies(OPCODE.text).map(String)).toEqual(texts)
      expect(socket.mostAtOnce).toBeLessThanOrEqual(2 * 256)
      // And so again, now that it has read.
      socket.isStuck = true
      for (const text of texts) {
        socket.arrives(fromClient([messageFrame(text)]))
        await settle()
      }
      socket.unstick()
      await until(() => wire.replies(OPCODE.text).length === 2 * count)
      await wire.ends()
      return count > 256
    },
    40,
  )
})
