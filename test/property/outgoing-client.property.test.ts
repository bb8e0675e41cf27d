// Laws of what leaves a client: masked, one message a frame, and what was sent, in order.
//
// The other end is a server of `ws` on a real socket, with a tap before it.

import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, describe, expect } from 'vitest'
import { dial } from 'windsock'
import { type WebSocket, WebSocketServer } from 'ws'
import { settle } from './support/fake-socket.ts'
import { bytesOf, encodeFrame, OPCODE, type Said } from './support/frames.ts'
import { framedByWs, readByTheBook, readByWs, unmasked } from './support/judges.ts'
import { lawOf } from './support/law.ts'

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: true })
await once(server, 'listening')
afterAll(() => server.close())

const PHRASES = ['the quick brown fox ', 'größer als ', '{"price":1024,"at":', '😀😀', '']
const said: fc.Arbitrary<Said> = fc.oneof(
  fc
    .tuple(fc.array(fc.constantFrom(...PHRASES), { maxLength: 8 }), fc.constantFrom(1, 1, 40))
    .map(([phrases, times]) => phrases.join('').repeat(times)),
  bytesOf(300),
  fc.constantFrom(125, 126, 65_535, 65_536).map((size) => 'x'.repeat(size)),
)
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('send' as const), said }) },
  { weight: 1, arbitrary: fc.constant({ do: 'ping' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'turn' as const }) },
)

describe('the bytes that leave a client', () => {
  lawOf(
    'say what was sent, in order, each message one masked frame, with compression and without',
    fc.tuple(fc.boolean(), fc.array(step, { minLength: 1, maxLength: 12, size: 'max' })),
    async ([isCompressed, steps]) => {
      const arrived = once(server, 'connection')
      const { port } = server.address() as AddressInfo
      const { connection } = await dial(`ws://127.0.0.1:${port}/`, {
        compression: isCompressed && { thresholdBytes: 30 },
        maxOutboundBytes: 2 ** 24,
        handler: () => undefined,
      })
      const [peer, { socket }] = (await arrived) as [WebSocket, IncomingMessage]
      const chunks: Buffer[] = []
      // Before the listener of `ws`, which unmasks in place.
      socket.prependListener('data', (chunk: Buffer) => chunks.push(Buffer.from(chunk)))
      const sent: Said[] = []
      for (const one of steps) {
        if (one.do === 'turn') await settle()
        else if (one.do === 'ping') connection.ping('now')
        else void connection.send(one.said)
        if (one.do === 'send') sent.push(one.said)
      }
      const closed = once(peer, 'close')
      connection.close(4_000)
      await closed
      const bytes = Buffer.concat(chunks)
      const agreed = isCompressed ? 'permessage-deflate' : ''
      const heard = readByTheBook(unmasked(bytes), agreed)
      const digest = (messages: readonly Said[]) =>
        messages.map((one) => `${typeof one} ${Buffer.from(one as string).toString('base64')}`)
      expect(digest(heard.messages)).toEqual(digest(sent))
      expect(heard.closeCode).toBe(4_000)
      const byWs = await readByWs(bytes, agreed, true)
      expect(digest(byWs.messages)).toEqual(digest(sent))
      const data = heard.frames.filter(({ opcode }) => opcode < OPCODE.close)
      data.forEach((frame, index) => {
        if (frame.rsv !== 0) return
        expect(encodeFrame(frame).equals(framedByWs(sent[index] as Said))).toBe(true)
      })
      return sent.length > 1
    },
    150,
  )
})
