// World: one run of the simulation, made from a seed: a server with its settings, its clients, and what befalls them.

import fc from 'fast-check'
import { type ConnectionMachine, type RouteSettings } from 'windsock'
import {
  type Harness,
  type HarnessOptions,
  harness,
  type Script,
  SimulatedDisk,
} from 'windsock/testing'
import {
  headers as anyHeaders,
  FAULTS,
  messages,
  PROCESS_FAULTS,
  scripts,
} from 'windsock/testing/arbitraries'
import { handlers, PATHS, TOPICS } from './handlers.ts'

export type Bounds = RouteSettings &
  Pick<HarnessOptions, 'latencyMs' | 'bufferBytes' | 'maxConnections'>

export class World {
  readonly bounds: Bounds
  readonly script: Script
  /** Whether there is a disk under the journal, so that topics are durable. */
  readonly hasDisk: boolean

  constructor(bounds: Bounds, script: Script, hasDisk = false) {
    this.bounds = bounds
    this.script = script
    this.hasDisk = hasDisk
  }

  toString(): string {
    const bounds = Object.entries(this.bounds).map(
      ([name, value]) => `${name}=${JSON.stringify(value)}`,
    )
    const disk = this.hasDisk ? ' and a disk' : ''
    return `\nbounds ${bounds.join(' ')}${disk}\n${this.script.toString()}\n`
  }

  [fc.toStringMethod](): string {
    return this.toString()
  }

  /** Runs it to its end. @param machine - the machine of all its connections, which may look on. */
  async run(machine: ConnectionMachine): Promise<Harness> {
    const disk = this.hasDisk ? { disk: new SimulatedDisk() } : {}
    const server = harness(handlers, { ...this.bounds, machine, ...disk })
    await server.run(this.script)
    return server
  }
}

/** In so many of a hundred runs. */
const sometimes = <T>(value: fc.Arbitrary<T>, percent: number) =>
  fc.oneof(
    { weight: 100 - percent, arbitrary: fc.constant(undefined) },
    { weight: percent, arbitrary: value },
  )
const upTo = (max: number, min = 1) => fc.integer({ min, max })

/** Small enough that scripts reach them; each is there in some runs and not in others. */
const bounds: fc.Arbitrary<Bounds> = fc
  .record({
    latencyMs: sometimes(upTo(40, 0), 60),
    bufferBytes: sometimes(upTo(2_000, 60), 40),
    maxConnections: sometimes(upTo(3), 8),
    slow: fc.constantFrom(
      'close' as const,
      'drop-oldest' as const,
      'latest' as const,
      'pause' as const,
    ),
    maxOutboundBytes: sometimes(upTo(3_000), 40),
    maxOutboundMessages: sometimes(upTo(8), 15),
    maxHeldBytes: sometimes(upTo(300), 20),
    maxHeldMessages: sometimes(upTo(4), 50),
    maxMessageBytes: sometimes(upTo(400, 100), 15),
    maxControlFramesPer10s: sometimes(upTo(20, 4), 10),
    handshakeTimeoutMs: sometimes(upTo(300), 40),
    openTimeoutMs: sometimes(upTo(300), 40),
    handlerTimeoutMs: sometimes(upTo(400), 40),
    stallTimeoutMs: sometimes(upTo(2_000, 50), 50),
    closeTimeoutMs: sometimes(upTo(600), 60),
    pingIntervalMs: sometimes(fc.oneof(upTo(900, 100), upTo(99, 20)), 60),
    pingTimeoutMs: sometimes(fc.oneof(fc.constant(0), upTo(900, 20)), 50),
    pingTimeoutCode: sometimes(fc.constant(4000), 10),
    proofOfLife: fc.constantFrom('pong' as const, 'pong' as const, 'anything' as const),
  })
  .map((all) => {
    const given = Object.entries(all).filter(([, value]) => value !== undefined)
    return Object.fromEntries(given) as Bounds
  })

const faults = fc.subarray([...FAULTS, 'crash' as const], { minLength: 0 })
const wide = { clients: 4, steps: 24 }

/** Little room and much to say: what slow readers meet. */
const narrow: fc.Arbitrary<World> = fc
  .record({
    bounds: fc.record({
      slow: fc.constantFrom(
        'close' as const,
        'drop-oldest' as const,
        'latest' as const,
        'pause' as const,
      ),
      bufferBytes: upTo(2_000, 200),
      maxOutboundBytes: upTo(4_000, 500),
      maxOutboundMessages: upTo(12, 2),
      stallTimeoutMs: upTo(1_500, 300),
      closeTimeoutMs: upTo(600, 100),
      pingIntervalMs: fc.constantFrom(0, 400),
    }),
    script: scripts(['/flood', '/big', '/echo', '/chat'], {
      ...wide,
      faults: ['stall', 'stall', 'stall', 'delay', 'vanish', 'pingFlood', 'fragments'],
    }),
  })
  .map(({ bounds: some, script }) => new World(some, script))

/** Large messages and networks that take little of them: what waits behind the sockets' own buffers. */
const deep: fc.Arbitrary<World> = fc
  .record({
    bounds: fc.record({
      slow: fc.constantFrom(
        'close' as const,
        'drop-oldest' as const,
        'latest' as const,
        'pause' as const,
      ),
      bufferBytes: upTo(60_000, 2_000),
      maxOutboundBytes: upTo(1_000_000, 70_000),
      maxOutboundMessages: fc.oneof(upTo(4, 2), upTo(30, 2)),
      outboundHighWaterBytes: upTo(65_000, 1_000),
      stallTimeoutMs: fc.constantFrom(300, 1_500, 20_000),
      closeTimeoutMs: upTo(600, 100),
      pingIntervalMs: fc.constantFrom(0, 400),
    }),
    script: scripts(['/torrent', '/gusts'], {
      clients: 2,
      steps: 12,
      faults: ['stall', 'stall', 'stall', 'vanish', 'narrow', 'fragments', 'blackOut', 'closeRace'],
    }),
  })
  .map(({ bounds: some, script }) => new World(some, script))

/** With an Origin now and then, as a browser has it, so that whoever decides about it is asked; and what `ws` refuses. */
const headers = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.constant({ 'sec-websocket-protocol': 'a,,b' }) },
  { weight: 1, arbitrary: fc.constant({ origin: 'http://server.test' }) },
  { weight: 1, arbitrary: anyHeaders },
)

/** What was said has to be there when the process is not: topics on a disk, and clients that come back to them. */
const durable: fc.Arbitrary<World> = fc
  .record({
    bounds,
    script: fc
      .subarray([...FAULTS], { minLength: 0, maxLength: 5 })
      .chain((some) =>
        scripts('/topics', { ...wide, faults: [...PROCESS_FAULTS, ...some], topics: TOPICS }),
      ),
  })
  .map(({ bounds: some, script }) => new World(some, script, true))

/** A topic that keeps little, large messages and readers that stop for a while: who falls behind is told of a gap. */
const lagging: fc.Arbitrary<World> = fc
  .record({
    bounds: fc.record({
      slow: fc.constantFrom(
        'close' as const,
        'pause' as const,
        'drop-oldest' as const,
        'latest' as const,
      ),
      bufferBytes: upTo(60_000, 2_000),
      maxOutboundMessages: fc.oneof(upTo(6, 2), fc.constant(100)),
      outboundHighWaterBytes: upTo(65_000, 1_000),
      stallTimeoutMs: fc.constantFrom(1_500, 20_000),
    }),
    script: scripts('/topics', {
      clients: 3,
      steps: 30,
      faults: ['stall', 'stall', 'stall', 'blackOut', 'reset'],
      topics: ['short'],
      longestWaitMs: 200,
      messages: fc
        .tuple(fc.nat(999), upTo(50_000, 10_000))
        .map(([number, length]) => `${number} ${'x'.repeat(length)}`),
    }),
  })
  .map(({ bounds: some, script }) => new World(some, script))

/** Any world; `faults` differ from one to the next, so that some are met without the others. */
const any: fc.Arbitrary<World> = fc
  .record({
    bounds,
    script: faults.chain((some) =>
      fc.oneof(
        { weight: 5, arbitrary: scripts(PATHS, { ...wide, faults: some, messages, headers }) },
        { weight: 1, arbitrary: scripts('/topics', { ...wide, faults: some, topics: TOPICS }) },
      ),
    ),
  })
  .map(({ bounds: some, script }) => new World(some, script))

export const worlds = fc.oneof(
  { weight: 10, arbitrary: any },
  { weight: 2, arbitrary: narrow },
  { weight: 2, arbitrary: durable },
  { weight: 1, arbitrary: deep },
  { weight: 1, arbitrary: lagging },
)
