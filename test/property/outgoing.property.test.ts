// Laws of what leaves: however frames are prepared, shared, deflated and joined, a client gets what it was sent.
//
// Four clients with four kinds of agreement hear one topic, and each is sent messages of its own in between. What is
// written to them is read twice (support/judges.ts) and compared with the calls.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { topic } from 'windsock'
import {
  GOOD_HEADERS,
  lineOf,
  type Site,
  settle,
  site,
  until,
  type Wire,
} from './support/fake-socket.ts'
import {
  bytesOf,
  closeFrame,
  encodeFrame,
  fromClient,
  messageFrame,
  OPCODE,
  type Said,
} from './support/frames.ts'
import { framedByWs, readByTheBook, readByWs } from './support/judges.ts'
import { lawOf } from './support/law.ts'

const OFFERS = [
  '',
  'permessage-deflate',
  'permessage-deflate; server_no_context_takeover',
  'permessage-deflate; server_max_window_bits=9',
] as const

/** What is said comes back in pieces, in the same message and in later ones: then deflate points at the past. */
const PHRASES = [
  'the quick brown fox ',
  'jumps over ',
  'größer als ',
  '{"price":1024,"at":',
  '😀😀',
]
const phrase = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...PHRASES) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
)
const speech: fc.Arbitrary<Said> = fc
  .tuple(fc.array(phrase, { maxLength: 12 }), fc.constantFrom(1, 1, 1, 3, 20, 120), fc.boolean())
  .map(([phrases, times, isText]) => {
    const text = phrases.join('').repeat(times)
    return isText ? text : Buffer.from(text)
  })
const sized = fc
  .tuple(fc.constantFrom(0, 1, 125, 126, 4_096, 20_000, 65_535, 65_536, 70_000), fc.nat(255))
  .map(([size, byte]) => {
    const print = { [fc.toStringMethod]: () => `Buffer.alloc(${size}, ${byte})` }
    return Object.assign(Buffer.alloc(size, byte), print)
  })
const said: fc.Arbitrary<Said> = fc.oneof(
  { weight: 8, arbitrary: speech },
  { weight: 1, arbitrary: sized },
  { weight: 1, arbitrary: bytesOf(2_000) },
)

type Step =
  | { readonly do: 'send'; readonly to: number; readonly said: Said }
  | { readonly do: 'publish'; readonly said: Said }
  | { readonly do: 'ping' | 'stick' | 'unstick'; readonly to: number }
  | { readonly do: 'turn' }

const to = fc.nat({ max: OFFERS.length - 1 })
const send = fc.record({ do: fc.constant('send' as const), to, said })
const publish = fc.record({ do: fc.constant('publish' as const), said })
const ping = fc.record({ do: fc.constant('ping' as const), to })
const turn = fc.constant<Step>({ do: 'turn' })
const stick = fc.record({ do: fc.constantFrom('stick' as const, 'unstick' as const), to })
const stepsOf = (...others: fc.Arbitrary<Step>[]) =>
  fc.array(fc.oneof({ weight: 3, arbitrary: publish }, send, turn, ...others), {
    minLength: 2,
    maxLength: 16,
    size: 'max',
  })

interface Client {
  readonly wire: Wire
  readonly agreed: string
  readonly sent: Said[]
  /** Messages that had been sent when the ping with that number was. */
  readonly pings: number[]
}

interface Stage extends Site {
  readonly feed: ReturnType<typeof topic<Said>>
}

function stage(thresholdBytes: number): Stage {
  const wide = { maxOutboundBytes: 2 ** 26, maxOutboundMessages: 10_000 }
  const built = site({ ...wide, compression: { thresholdBytes } })
  return Object.assign(built, { feed: topic<Said>('feed') })
}

const stages = new Map([0, 64, 1_024].map((threshold) => [threshold, stage(threshold)]))

async function arrive(place: Stage): Promise<Client[]> {
  const clients: Client[] = []
  for (const offer of OFFERS) {
    let stop = () => {}
    const wire = await place.dial({
      headers: offer === '' ? GOOD_HEADERS : [...GOOD_HEADERS, ['Sec-WebSocket-Extensions', offer]],
      handler: {
        open(connection) {
          stop = place.feed.deliverTo(connection)
        },
        end: () => stop(),
        message: () => undefined,
      },
    })
    const agreed = lineOf(wire.answer, 'sec-websocket-extensions') ?? ''
    expect(agreed).toBe(offer)
    clients.push({ wire, agreed, sent: [], pings: [] })
  }
  return clients
}

async function take(step: Step, clients: readonly Client[], { feed }: Stage): Promise<void> {
  if (step.do === 'turn') return settle()
  if (step.do === 'publish') {
    feed.publish(step.said)
    for (const { sent } of clients) sent.push(step.said)
    return
  }
  const { wire, sent, pings } = clients[step.to] as Client
  if (step.do === 'send') {
    void wire.connection?.send(step.said)
    sent.push(step.said)
  } else if (step.do === 'ping') {
    wire.connection?.ping(Buffer.from([pings.length]))
    pings.push(sent.length)
  } else if (step.do === 'stick') {
    wire.socket.isStuck = true
  } else {
    wire.socket.unstick()
  }
}

/** All that was sent has been written; an empty message counts for nothing until it has. */
async function written(clients: readonly Client[]): Promise<void> {
  await drained(clients)
  await until(() =>
    clients.every(
      ({ wire, sent }) => wire.replies(OPCODE.text, OPCODE.binary).length >= sent.length,
    ),
  )
  await settle()
}

async function drained(clients: readonly Client[]): Promise<void> {
  for (const { wire } of clients) wire.socket.unstick()
  await until(() => clients.every(({ wire }) => wire.connection?.bufferedBytes === 0))
}

const same = (heard: readonly Said[], sent: readonly Said[]) =>
  heard.length === sent.length &&
  heard.every((one, index) => {
    const other = sent[index] as Said
    return (
      typeof one === typeof other && Buffer.from(one as string).equals(Buffer.from(other as string))
    )
  })

/** The end of this turn: what is deflated elsewhere has not come back yet. */
const endOfTurn = () => new Promise<void>((resolve) => process.nextTick(resolve))

const sizeOf = (one: Said) => Buffer.byteLength(one as string)

/** What both judges have heard is what was sent, and what is not compressed is to the byte as `ws` writes it. */
async function judge({ wire, agreed, sent }: Client, closeCode?: number) {
  const bytes = wire.answer.body
  const heard = readByTheBook(bytes, agreed)
  const { frames, pings, pongs } = heard
  expect(same(heard.messages, sent), `${heard.messages.length} of ${sent.length}`).toBe(true)
  const { messages, ...control } = await readByWs(bytes, agreed)
  expect(same(messages, heard.messages)).toBe(true)
  expect(control).toEqual({ pings, pongs, closeCode: heard.closeCode })
  expect(heard.closeCode).toBe(closeCode)
  const data = frames.filter(({ opcode }) => opcode < 8)
  data.forEach((frame, index) => {
    if (frame.rsv !== 0) return
    const theirs = framedByWs(sent[index] as Said)
    expect(encodeFrame(frame).equals(theirs)).toBe(true)
    expect(encodeFrame(messageFrame(sent[index] as Said)).equals(theirs)).toBe(true)
  })
  return heard
}

/** What is sent in the turn in which it ends goes ahead of the Close frame. */
const END = { ours: 4_000, theirs: 3_999 } as const

const threshold = fc.constantFrom(...stages.keys())

describe('the bytes that leave', () => {
  lawOf(
    'each client gets what it was sent, its own and everyone’s, in order, whatever it agreed on',
    fc.tuple(threshold, stepsOf(ping, stick)),
    async ([thresholdBytes, steps]) => {
      const place = stages.get(thresholdBytes) as Stage
      const clients = await arrive(place)
      for (const step of steps) await take(step, clients, place)
      await written(clients)
      for (const client of clients) {
        const { frames, pings } = await judge(client)
        // Of several pings that have to wait the newest goes; none waits behind messages that came after it.
        const numbers = pings.map(([number]) => number as number)
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
        expect(numbers.at(-1) ?? -1).toBe(client.pings.length - 1)
        let messages = 0
        for (const { opcode, payload } of frames) {
          if (opcode < 8) messages++
          else expect(messages).toBeLessThanOrEqual(client.pings[payload[0] as number] as number)
        }
        const { totals } = await client.wire.ends()
        const bytesSent = client.sent.reduce((sum, one) => sum + sizeOf(one), 0)
        const messagesSent = client.sent.length
        const expected = { messagesSent, bytesSent, messagesDropped: 0, bytesUnsent: 0 }
        expect(totals).toMatchObject(expected)
      }
      return steps.some(({ do: what }) => what === 'publish')
    },
    500,
  )

  lawOf(
    'what was sent before a Close frame, ours or the answer to theirs, is ahead of it; nothing is behind it',
    fc.tuple(threshold, stepsOf(), fc.constantFrom('ours' as const, 'theirs' as const), said),
    async ([thresholdBytes, steps, whose, late]) => {
      const place = stages.get(thresholdBytes) as Stage
      const clients = await arrive(place)
      for (const step of steps) await take(step, clients, place)
      for (const { wire } of clients) {
        if (whose === 'ours') wire.connection?.close(END.ours)
        else wire.socket.arrives(fromClient([closeFrame(END.theirs)]))
      }
      if (whose === 'ours') place.feed.publish(late)
      await drained(clients)
      await until(() => clients.every(({ wire }) => wire.closeCodes.length === 1))
      for (const { sent, ...client } of clients) {
        const { totals } = await client.wire.ends()
        // Whoever closes may find messages that were still waiting for room; they are counted.
        const [gone, lost] = [sent.slice(0, totals.messagesSent), sent.slice(totals.messagesSent)]
        await judge({ ...client, sent: gone }, END[whose])
        expect(client.wire.frames.at(-1)?.opcode).toBe(OPCODE.close)
        if (whose === 'ours') expect(lost).toEqual([])
        expect(totals.bytesUnsent).toBe(lost.reduce((sum, one) => sum + sizeOf(one), 0))
      }
    },
    300,
  )

  lawOf(
    'when the link is cut, what had been accepted is on the wire or counted as not sent',
    fc.tuple(threshold, stepsOf()),
    async ([thresholdBytes, steps]) => {
      const place = stages.get(thresholdBytes) as Stage
      const clients = await arrive(place)
      for (const step of steps) await take(step, clients, place)
      await endOfTurn()
      for (const { wire } of clients) wire.socket.destroy()
      await until(() => clients.every(({ wire }) => wire.record !== undefined))
      let lostBytes = 0
      for (const { wire, sent } of clients) {
        const lost = sent.slice(wire.replies(OPCODE.text, OPCODE.binary).length)
        const bytesUnsent = lost.reduce((sum, one) => sum + sizeOf(one), 0)
        expect(wire.record?.totals).toMatchObject({ bytesUnsent })
        lostBytes += bytesUnsent
      }
      return lostBytes > 0
    },
    300,
  )

  lawOf(
    'what one turn produces is one write, or two when its first message did not have to wait',
    fc.tuple(fc.constantFrom(64, 1_024), fc.array(stepsOf(ping), { minLength: 1, maxLength: 4 })),
    async ([thresholdBytes, turns]) => {
      const place = stages.get(thresholdBytes) as Stage
      const clients = await arrive(place)
      let most = 0
      for (const steps of turns) {
        const before = clients.map(({ wire }) => wire.socket.writes)
        const bytes = clients.map(() => 0)
        for (const step of steps) {
          // What `ws` deflates has turns of its own, and much at once is written as it comes.
          const own = step.do === 'send' && step.to > 0
          if (step.do === 'turn' || (own && sizeOf(step.said) >= thresholdBytes)) continue
          if ('said' in step && sizeOf(step.said) > 4_000) continue
          await take(step, clients, place)
          if ('said' in step) most = Math.max(most, bytes.push(sizeOf(step.said)))
        }
        await settle()
        clients.forEach(({ wire }, index) =>
          expect(wire.socket.writes - (before[index] as number)).toBeLessThanOrEqual(2),
        )
      }
      await written(clients)
      for (const client of clients) {
        await judge(client)
        await client.wire.ends()
      }
      return most > 2
    },
    300,
  )
})
