// Laws of the socket that has no `ws` until it needs one: nobody can tell.
//
// Two transports live through the same, each on a fake socket: one is given a `WebSocket` at once, one calls it in.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Message } from '../../src/protocol/message.ts'
import { liveClock } from '../../src/transport/live-ports.ts'
import { WebSocketTransport } from '../../src/transport/websocket.ts'
import { takeSocket } from '../../src/transport/ws-internals.ts'
import { FakeSocket, settle } from './support/fake-socket.ts'
import {
  anyClose,
  anySaid,
  brokenFrame,
  bytesOf,
  controlFrame,
  conversation,
  cutsOf,
  framesOf,
  fromClient,
  messageFrame,
  nearlyText,
  OPCODE,
  split,
  whole,
} from './support/frames.ts'
import { lawOf } from './support/law.ts'

const OPTIONS = {
  ...{ maxPayload: 250, maxFragments: 4, maxBufferedChunks: 4, closeTimeout: 60_000 },
  ...{ allowSynchronousEvents: true, skipUTF8Validation: false, autoPong: false },
}
const NO_DEFLATE = { level: 6, memLevel: 8, thresholdBytes: 1024 }

/** One thing that happens to a connection, with its name for who reads of a failure. */
interface Step {
  readonly name: string
  readonly happens: (transport: WebSocketTransport, socket: FakeSocket) => void
}

const arrives = (pieces: readonly Buffer[]): Step[] =>
  pieces.map((piece) => ({
    name: `arrives ${piece.toString('hex')}`,
    happens: (_, socket) => socket.arrives(piece),
  }))

const step = (name: string, happens: Step['happens']): Step[] => [{ name, happens }]

/** What a client sends that keeps every rule, and all of it whole. */
const wholes = fc
  .array(fc.oneof(anySaid.map(messageFrame), controlFrame), { minLength: 1, maxLength: 5 })
  .map((frames) => arrives([fromClient(frames)]))

const wire = fc.oneof(
  { weight: 5, arbitrary: conversation.map((parts) => fromClient(framesOf(parts))) },
  { weight: 2, arbitrary: fc.array(controlFrame).map((frames) => fromClient(frames)) },
  { weight: 1, arbitrary: brokenFrame.map((frame) => fromClient([frame])) },
  { weight: 1, arbitrary: nearlyText.map((text) => fromClient([whole(OPCODE.text, text)])) },
  { weight: 1, arbitrary: bytesOf(300, 240).map((bytes) => fromClient([messageFrame(bytes)])) },
  { weight: 3, arbitrary: anyClose.map((frame) => fromClient([frame])) },
  { weight: 1, arbitrary: bytesOf(20) },
)

const said = anySaid.map((message) =>
  step(`says ${String(message)}`, (transport) => {
    transport.writeOne(transport.pack(message as Message))
  }),
)

const control = fc
  .tuple(fc.constantFrom('ping' as const, 'pong' as const), bytesOf(125))
  .map(([kind, data]) => step(kind, (transport) => void transport[kind](data)))

const does = (name: string, happens: Step['happens']) => fc.constant(step(name, happens))

const rare = fc.oneof(
  does('pauses', (transport) => transport.pause()),
  does('resumes', (transport) => transport.resume()),
  does('closes', (transport) => transport.close({ code: 1000, reason: 'done' })),
  does('closes without a word', (transport) => transport.close({ code: 1005, reason: '' })),
  does('destroys', (transport) => transport.destroy()),
  does('peer ends', (_, socket) => socket.peerEnds()),
  does('reset', (_, socket) => void socket.destroy(new Error('reset'))),
  does('sticks', (_, socket) => {
    socket.isStuck = true
  }),
  does('unsticks', (_, socket) => socket.unstick()),
)

/** One message in so many pieces that some are too many, and something else between two of them. */
const inPieces = fc
  .tuple(bytesOf(200, 100), cutsOf(8), fc.nat({ max: 8 }), fc.oneof(said, control, rare))
  .map(([bytes, cuts, at, between]) => {
    const pieces = arrives(split(fromClient([messageFrame(bytes)]), cuts))
    return [...pieces.slice(0, at), ...between, ...pieces.slice(at)]
  })

/** A Close frame with something before it and after it, whose answer may be stuck. */
const closes = fc
  .tuple(
    fc.boolean(),
    fc.array(fc.oneof(anySaid.map(messageFrame), anyClose, controlFrame)),
    cutsOf(2),
  )
  .chain(([isStuck, frames, cuts]) =>
    fc.tuple(anyClose, rare).map(([close, between]) => {
      const pieces = arrives(split(fromClient([...frames.slice(0, 1), close, ...frames]), cuts))
      const sticks = step('sticks', (_, socket) => {
        socket.isStuck = isStuck
      })
      return [...sticks, ...pieces.slice(0, -1), ...between, ...pieces.slice(-1)]
    }),
  )

const steps: fc.Arbitrary<readonly Step[]> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: wholes },
      {
        weight: 2,
        arbitrary: fc.tuple(wire, cutsOf(3)).map(([bytes, cuts]) => arrives(split(bytes, cuts))),
      },
      { weight: 2, arbitrary: inPieces },
      { weight: 1, arbitrary: closes },
      { weight: 2, arbitrary: said },
      { weight: 1, arbitrary: control },
      { weight: 5, arbitrary: rare },
    ),
    { maxLength: 12, size: 'max' },
  )
  .map((parts) => parts.flat())

/** What was told, what was written, and what has become of the socket. */
async function live(given: readonly Step[], isAtOnce: boolean, closesAt: string | undefined) {
  const socket = new FakeSocket()
  const ws = isAtOnce ? takeSocket(socket, Buffer.alloc(0), OPTIONS) : OPTIONS
  const transport = new WebSocketTransport(socket, ws, liveClock, NO_DEFLATE)
  const told: unknown[] = []
  const bytes = (data: Message) => Buffer.from(data as string).toString('hex')
  transport.start({
    messageReceived(message, byteLength) {
      told.push([typeof message, bytes(message), byteLength])
      // From inside of a read, as a handler does.
      if (bytes(message) === closesAt) transport.close({ code: 1000, reason: '' })
    },
    pingReceived: (data) => told.push(['ping', bytes(data)]),
    pongReceived: (data) => told.push(['pong', bytes(data)]),
    readDone: () => told.push('readDone'),
    answering: () => told.push('answering'),
    drained: () => told.push('drained'),
    closeReceived: (frame) => told.push(frame),
    violated: (violation) => told.push(violation),
    ended: () => told.push('ended'),
  })
  await settle()
  const during: unknown[] = []
  for (const { happens } of given) {
    happens(transport, socket)
    await settle()
    during.push([socket.written.length, transport.bufferedBytes])
  }
  const before = socket.destroyed
  socket.unstick()
  transport.destroy()
  await settle()
  await settle()
  return { told, during, written: socket.written.toString('hex'), before, after: socket.destroyed }
}

/** What `ws` has marked the socket with: itself. */
function calledIn(socket: FakeSocket): { _receiver: object } {
  const marks = Object.getOwnPropertySymbols(socket) as (keyof FakeSocket)[]
  const mark = marks.find((symbol) => String(symbol) === 'Symbol(websocket)')
  return socket[mark as keyof FakeSocket] as unknown as { _receiver: object }
}

describe('a socket that calls ws in when something is for it', () => {
  it('reads a message that had begun to its end, also beside a ws that does not say where it stands', async () => {
    const socket = new FakeSocket()
    const transport = new WebSocketTransport(socket, OPTIONS, liveClock, NO_DEFLATE)
    const heard: Message[] = []
    const nothing = () => {}
    transport.start({
      ...{ pingReceived: nothing, pongReceived: nothing, readDone: nothing, drained: nothing },
      ...{ answering: nothing, closeReceived: nothing, violated: nothing, ended: nothing },
      messageReceived: (message) => heard.push(message),
    })
    const [begun, rest] = split(fromClient([messageFrame('a message in two reads')]), [12])
    socket.arrives(begun as Buffer)
    await settle()
    transport.close({ code: 1000, reason: '' })
    Object.defineProperty(calledIn(socket)._receiver, '_errored', { get: () => undefined })
    socket.arrives(rest as Buffer)
    await settle()
    transport.destroy()
    expect(heard).toEqual(['a message in two reads'])
  })

  lawOf(
    'tells and writes what one does that ws has from the start',
    fc.record({ given: steps, closes: fc.boolean() }),
    async ({ given, closes }) => {
      const alone = await live(given, true, undefined)
      const first = alone.told.find((one) => Array.isArray(one) && one.length === 3)
      const closesAt = closes ? ((first as string[] | undefined)?.[1] ?? undefined) : undefined
      const one = closesAt === undefined ? alone : await live(given, true, closesAt)
      const other = await live(given, false, closesAt)
      expect(other).toEqual(one)
      return one.told.length > 2
    },
  )
})
