// Laws of the test kit: what it makes up repeats itself, what it puts on the wire is what it says, and the real runtime
// behind `ws` keeps every law under all that it can think of.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { type RouteSettings, route, topic, topics } from 'windsock'
import { encodeFrame, type Harness, harness, laws, trace } from 'windsock/testing'
import { FAULTS, frames, malformedFrames, scripts } from 'windsock/testing/arbitraries'
import { routes as chat } from '../../examples/chat.ts'
import { routes as echo } from '../../examples/echo.ts'
import { FrameReader } from '../../src/testing/frame-codec.ts'
import { encodeFrame as encodeByRfc, type WireFrame } from './support/frames.ts'
import { lawOf } from './support/law.ts'

const RUNS = 300

describe('what the kit makes up', () => {
  lawOf(
    'the same script gives the same trace, byte for byte (I-20)',
    scripts('/chat', { faults: FAULTS }),
    async (script) => {
      const [one, other] = [harness(chat), harness(chat)]
      await one.run(script)
      await other.run(script)
      expect(trace(other)).toBe(trace(one))
    },
    RUNS,
  )

  lawOf(
    'the same seed gives the same scripts, as text',
    fc.integer(),
    (seed) => {
      const told = () => fc.sample(scripts('/'), { seed, numRuns: 3 }).map(String)
      expect(told()).toEqual(told())
    },
    RUNS,
  )

  lawOf(
    'a frame is encoded as RFC 6455 §5.2 says, and read back whatever pieces it comes in',
    fc.tuple(
      fc.oneof(
        frames,
        malformedFrames.map(({ frame }) => frame),
      ),
      fc.array(fc.nat(200), { maxLength: 4 }),
    ),
    ([frame, cuts]) => {
      const { fin = true, rsv = 0, opcode, masked = true } = frame
      const payload = Buffer.from(frame.payload)
      const key = Uint8Array.of(1, 2, 3, 255)
      const wire: WireFrame = { fin, rsv, opcode, payload }
      const bytes = encodeFrame(frame, key)
      expect(bytes.equals(encodeByRfc(wire, masked ? key : undefined))).toBe(true)
      const bare = encodeFrame({ ...frame, masked: false }, key)
      const reader = new FrameReader()
      const places = [0, ...cuts.map((cut) => cut % bare.length).sort((a, b) => a - b), bare.length]
      const read = places.slice(1).flatMap((end, at) => reader.push(bare.subarray(places[at], end)))
      expect(read).toEqual([{ fin, rsv, opcode, payload: new Uint8Array(payload) }])
      expect(reader.pendingBytes).toBe(0)
    },
    RUNS,
  )
})

describe('the runtime behind ws', () => {
  const small: fc.Arbitrary<RouteSettings & { bufferBytes?: number }> = fc.record(
    {
      bufferBytes: fc.integer({ min: 50, max: 400 }),
      maxOutboundBytes: fc.integer({ min: 1, max: 400 }),
      maxHeldMessages: fc.integer({ min: 1, max: 4 }),
      pingIntervalMs: fc.integer({ min: 100, max: 900 }),
      pingTimeoutMs: fc.integer({ min: 1, max: 400 }),
      closeTimeoutMs: fc.integer({ min: 1, max: 400 }),
      slow: fc.constantFrom('close', 'drop-oldest', 'latest', 'pause'),
    },
    { requiredKeys: [] },
  )

  lawOf(
    'keeps every law with any faults and small bounds',
    fc.tuple(scripts(['/stream', '/class', '/actor'], { faults: FAULTS }), small),
    async ([script, settings]) => {
      const server = harness(echo, settings)
      await server.run(script)
      laws.all(server)
    },
    RUNS,
  )

  lawOf(
    'keeps every law while handlers take their time',
    fc.tuple(scripts('/'), fc.nat(500), small),
    async ([script, takesMs, settings]) => {
      const server: Harness = harness(
        [
          route('/', async function* ({ messages$ }, { clock }) {
            const waiting: unknown[] = []
            messages$.subscribe((message) => waiting.push(message))
            for (;;) {
              await new Promise<void>((resolve) => {
                clock.setTimeout(resolve, takesMs + 20)
              })
              if (waiting.length > 0) yield waiting.shift() as string
            }
          }),
        ],
        settings,
      )
      await server.run(script)
      laws.oneClose(server)
      laws.order(server)
      laws.budget(server)
      laws.nothingAfterClose(server)
      laws.wellFormed(server)
    },
    RUNS,
  )

  lawOf(
    'leaves no gap in a topic for those who come back, and tells of what is gone (I-61, I-62)',
    fc.tuple(scripts('/topics', { topics: ['news'], faults: FAULTS }), fc.constantFrom(2, 1_000)),
    async ([script, count]) => {
      const list = [topic<string>('news', { history: { count } })]
      const server = harness(topics('/topics', list, { accept: String }))
      await server.run(script)
      laws.all(server)
      return [...server.followers.values()].some(({ topics: followed }) =>
        [...followed.values()].some(({ sightings }) => sightings.length > 1),
      )
    },
    RUNS,
  )
})
