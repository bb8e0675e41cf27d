// Law of what is sent while a read is under way: memory is lent to it then, for what came and for what goes.
//
// Over real sockets, so that frames are in one buffer for all of them, answers stand in one slab for all of them, and the
// kernel decides what leaves at once and what has to wait.

import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Message } from '../../src/protocol/message.ts'
import type { Frame } from '../../src/transport/frame.ts'
import { until } from './support/fake-socket.ts'
import {
  closeFrame,
  fromClient,
  messageFrame,
  OPCODE,
  readFrames,
  split,
  whole,
} from './support/frames.ts'
import { lawOf } from './support/law.ts'
import { connectOver } from './support/link.ts'
import { TOO_MUCH_BYTES, tcpPairs } from './support/tcp.ts'

const pair = tcpPairs()

const CONNECTIONS = 3
const DOINGS = ['echo', 'say', 'pass on', 'tell all', 'keep', 'give', 'later', 'nothing'] as const

const size = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: 200 }) },
  { weight: 3, arbitrary: fc.integer({ min: 4_000, max: 4_200 }) },
  { weight: 2, arbitrary: fc.integer({ min: 10_000, max: 70_000 }) },
)
const floods = fc.record({
  from: fc.nat({ max: CONNECTIONS - 1 }),
  sizes: fc.oneof(
    fc.array(size, { minLength: 1, maxLength: 8 }),
    fc.tuple(size, fc.integer({ min: 2, max: 60 })).map(([one, times]) => Array(times).fill(one)),
  ) as fc.Arbitrary<number[]>,
  cuts: fc.array(fc.nat(), { maxLength: 3 }),
  /** Whether what came last is said once more before: its frame is remembered, wherever its bytes are by then. */
  again: fc.boolean(),
})
type Flood = Omit<typeof floods extends fc.Arbitrary<infer F> ? F : never, 'from'>
const step = fc.oneof(
  { weight: 4, arbitrary: floods },
  fc.constant('turn' as const),
  fc.constantFrom(...[0, 1, 2].map((peer) => ({ pauses: peer }))),
  fc.constantFrom(...[0, 1, 2].map((peer) => ({ reads: peer }))),
  fc.record({ fills: fc.nat({ max: CONNECTIONS - 1 }), says: floods }),
  fc.constantFrom(...[0, 1, 2].map((peer) => ({ saysAgain: peer }))),
  fc.constantFrom(...[0, 1, 2].map((peer) => ({ pings: peer }))),
)
const plan = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 12 }),
  doings: fc.array(
    fc.oneof({ weight: 3, arbitrary: fc.constant('echo' as const) }, fc.constantFrom(...DOINGS)),
    { minLength: 1, maxLength: 5 },
  ),
  /** Who waits for his handler flushes what a read brought about later, but before the process waits. */
  holds: fc.infiniteStream(fc.boolean()),
})

/** Text, also beyond ASCII, and binary in turn; each byte tells whose it is. */
function messageOf(number: number, bytes: number): Message {
  const text = `${number}${number % 4 === 1 ? 'é' : ','}`.repeat(bytes / 2 + 1).slice(0, bytes)
  return number % 3 === 0 ? Buffer.from(text) : text
}

const copyOf = (message: Message): Message =>
  typeof message === 'string' ? message : Uint8Array.from(message)

const areSame = (one: Message, other: Message) =>
  typeof one === typeof other && Buffer.from(one as string).equals(Buffer.from(other as string))

describe('what is sent while messages come', () => {
  lawOf(
    'is what was sent, whole, once and in order, to each, and what is kept of what came stays what it was',
    plan,
    async ({ steps, doings, holds }) => {
      let made = 0
      let came = 0
      const kept: { message: Message; was: Message }[] = []
      const wrong: string[] = []
      const link = async (index: number) => {
        const { peer, ours } = await pair()
        const chunks: Buffer[] = []
        peer.on('data', (chunk: Buffer) => chunks.push(chunk))
        const coming: Message[] = []
        const sent: Message[] = []
        const { transport, outbound } = connectOver(ours, {
          messageReceived(message, byteLength) {
            const want = coming.shift() ?? 'nothing'
            const isSame = byteLength === Buffer.byteLength(want) && areSame(message, want)
            if (!isSame) wrong.push(`${index} heard something else than what was said`)
            answer(index, message)
          },
          pingReceived: (data) => kept.push({ message: data, was: copyOf(data) }),
          pongReceived: (data) => kept.push({ message: data, was: copyOf(data) }),
          readDone() {
            if (holds.next().value !== true) return outbound.flush()
            outbound.hold()
            setImmediate(() => outbound.flush())
          },
        })
        const send = (message: Message) => {
          sent.push(copyOf(message))
          outbound.push(transport.pack(message, outbound.isGathering))
        }
        return { peer, ours, chunks, coming, sent, transport, outbound, send }
      }
      const links: Awaited<ReturnType<typeof link>>[] = []
      while (links.length < CONNECTIONS) links.push(await link(links.length))
      const at = (index: number) => links[index % CONNECTIONS] as (typeof links)[number]
      let last: Message = ''
      let isFilling = false
      const answer = (index: number, message: Message) => {
        const doing = isFilling ? 'echo' : doings[came % doings.length]
        came++
        last = message
        if (doing === 'echo') at(index).send(message)
        if (doing === 'later') queueMicrotask(() => at(index).send(message))
        if (doing === 'say') at(index).send(messageOf(made++, 20 + (came % 300)))
        if (doing === 'pass on') at(index + 1).send(message)
        if (doing === 'tell all') for (const { send } of links) send(message)
        if (doing === 'keep') kept.push({ message, was: copyOf(message) })
        if (doing === 'give' && kept.length > 0) at(index).send(kept[0]?.message as Message)
      }
      const flood = (index: number, { sizes, cuts, again }: Flood) => {
        const { peer, coming } = at(index)
        const messages = sizes.map((bytes) => messageOf(made++, bytes))
        if (again) messages.unshift(copyOf(last))
        coming.push(...messages)
        const frames = messages.map((message) => messageFrame(message as string))
        for (const piece of split(fromClient(frames, made), cuts)) peer.write(piece)
      }
      /** Echoes as much as the kernel takes for a peer that reads nothing, so that of the last read a part is left. */
      const fill = async (index: number) => {
        const { peer, transport, coming } = at(index)
        peer.pause()
        await until(() => links.every((one) => one.coming.length === 0))
        isFilling = true
        while (transport.bufferedBytes === 0) {
          flood(index, { sizes: Array(8).fill(2_600), cuts: [], again: false })
          await until(() => coming.length === 0)
        }
        isFilling = false
      }
      for (const one of steps) {
        if (one === 'turn') await turn()
        else if ('pauses' in one) at(one.pauses).peer.pause()
        else if ('reads' in one) at(one.reads).peer.resume()
        else if ('fills' in one) {
          await fill(one.fills)
          flood(one.fills, one.says)
          await until(() => at(one.fills).coming.length === 0)
        } else if ('saysAgain' in one) at(one.saysAgain).send(last)
        else if ('pings' in one) {
          const data = `${made++}`
          at(one.pings).peer.write(fromClient([whole(OPCODE.ping, data), whole(OPCODE.pong, data)]))
        } else flood(one.from, one)
      }
      for (const { peer } of links) peer.resume()
      await until(() => wrong.length > 0 || links.every(({ coming }) => coming.length === 0))
      for (const { outbound, transport, peer } of links) {
        outbound.end(false, () => {
          transport.close({ code: 1000, reason: '' })
          peer.write(fromClient([closeFrame(1000)]))
        })
      }
      for (const { peer, ours, chunks, sent } of links) {
        if (!peer.readableEnded) await once(peer, 'end')
        const { frames, rest } = readFrames(Buffer.concat(chunks))
        expect(rest.length).toBe(0)
        expect(frames.pop()?.opcode).toBe(OPCODE.close)
        expect(frames.length).toBe(sent.length)
        for (const [index, { opcode, payload }] of frames.entries()) {
          const message = opcode === OPCODE.text ? payload.toString() : payload
          expect(areSame(message, sent[index] as Message)).toBe(true)
        }
        peer.destroy()
        ours.destroy()
      }
      expect(kept.every(({ message, was }) => areSame(message, was))).toBe(true)
      expect(wrong).toEqual([])
      return came > 0
    },
    100,
  )

  it('has memory of its own when it has to wait', async () => {
    const { peer, ours } = await pair()
    const made: boolean[] = []
    const { transport, outbound } = connectOver(ours, {
      messageReceived: (message) => {
        made.push((transport.pack(message, outbound.isGathering) as Frame).isInSlab)
      },
    })
    peer.write(fromClient([messageFrame('before')]))
    await until(() => made.length === 1)
    outbound.push(transport.pack('.'.repeat(TOO_MUCH_BYTES)))
    peer.write(fromClient([messageFrame('meanwhile')]))
    await until(() => made.length === 2)
    peer.resume()
    await until(() => transport.bufferedBytes === 0)
    peer.write(fromClient([messageFrame('after')]))
    await until(() => made.length === 3)
    expect(made).toEqual([true, false, true])
    peer.destroy()
    ours.destroy()
  })
})
