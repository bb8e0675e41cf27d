// Laws of the machine: only what is declared happens, what happened can be told again, and the fast way to
// run it is the documented way.
//
// DECLARED is written down from the design (§4), not read off the machine.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { type ConnectionMachine, connectionMachine } from 'windsock'
import { VirtualClock } from 'windsock/testing'
import { createActor } from 'xstate'
import { type ConnectionInput, NO_TOTALS } from '../../src/machines/connection.ts'
import { Driver } from '../../src/machines/driver.ts'
import type { ConnectionEvent } from '../../src/machines/effects.ts'
import {
  type ConnectionSnapshot,
  createHost,
  type Host,
  transitionHost,
} from '../../src/machines/host.ts'
import { rememberingHost } from '../../src/machines/remembering.ts'
import { Timers } from '../../src/machines/timers.ts'
import { IDLE_OWNER } from '../support/driver-owner.ts'
import { anyMove, anyone, movesOf, scripts } from './support/arbitraries.ts'
import { lawOf } from './support/law.ts'
import { play } from './support/play.ts'

type Leaf =
  | 'handshaking'
  | 'opening'
  | 'alive'
  | 'awaitingPong'
  | 'overdue'
  | 'paused'
  | 'closing'
  | 'closed'
type AnyEvent = ConnectionEvent | { readonly type: string }

const ENDINGS = {
  'app.closed': ['closing'],
  'server.draining': ['closing'],
  'handler.failed': ['closing'],
  'limit.exceeded': ['closing'],
  'peer.closed': ['closing'],
  'protocol.violated': ['closing'],
  'transport.ended': ['closed'],
} as const
const DECLARED: Record<Leaf, Readonly<Record<string, readonly Leaf[]>>> = {
  handshaking: {
    'handshake.accepted': ['opening'],
    'handshake.refused': ['closing'],
    'handler.failed': ['closing'],
    'app.closed': ['closing'],
    'server.draining': ['closing'],
    'after handshakeTimeout': ['closing'],
    'transport.ended': ['closed'],
  },
  opening: {
    ...ENDINGS,
    'upgrade.failed': ['closing'],
    'open.finished': ['alive'],
    'after openTimeout': ['closing'],
  },
  alive: { ...ENDINGS, 'input.paused': ['paused'], 'after pingInterval': ['awaitingPong'] },
  awaitingPong: {
    ...ENDINGS,
    'input.paused': ['paused'],
    'pong.received': ['alive'],
    'after pingTimeout': ['awaitingPong', 'overdue'],
  },
  overdue: {
    ...ENDINGS,
    'input.paused': ['paused'],
    'pong.received': ['alive'],
    'after pongGrace': ['closing'],
  },
  paused: { ...ENDINGS, 'input.resumed': ['alive'] },
  closing: {
    'peer.closed': ['closing'],
    'after closeTimeout': ['closing'],
    'transport.ended': ['closed'],
  },
  closed: {},
}

function declared(leaf: Leaf, name: string): readonly Leaf[] | undefined {
  return Object.hasOwn(DECLARED[leaf], name) ? DECLARED[leaf][name] : undefined
}

const frames = fc.record({ code: fc.constantFrom(1000, 1001, 1005, 3000), reason: fc.string() })
const goingOn = fc.constantFrom<ConnectionEvent>(
  { type: 'handshake.accepted' },
  { type: 'open.finished' },
  { type: 'pong.received' },
  { type: 'pong.received' },
  { type: 'input.paused' },
  { type: 'input.resumed' },
)
const ending: fc.Arbitrary<ConnectionEvent> = fc.oneof(
  fc.constantFrom<ConnectionEvent>(
    { type: 'handshake.refused', status: 403, reason: 'no', headers: { a: 'b' } },
    { type: 'handler.failed', cause: 'handlerFailed', detail: 'x' },
    { type: 'handler.failed', cause: 'handlerTimeout', detail: 'x' },
    { type: 'limit.exceeded', cause: 'slowConsumer', detail: 'x' },
    { type: 'limit.exceeded', cause: 'limitExceeded', detail: 'x' },
  ),
  frames.map<ConnectionEvent>((sent) => ({
    type: 'protocol.violated',
    cause: 'protocolError',
    sent,
    detail: '',
  })),
  frames.map<ConnectionEvent>((frame) => ({ type: 'app.closed', frame })),
  frames.map<ConnectionEvent>((frame) => ({ type: 'server.draining', frame })),
  frames.map<ConnectionEvent>((frame) => ({ type: 'peer.closed', frame })),
  fc.option(frames).map<ConnectionEvent>((sent) => ({
    type: 'transport.ended',
    durationMs: 3,
    silentForMs: 2,
    sent,
    totals: NO_TOTALS,
  })),
)
const unknown: fc.Arbitrary<AnyEvent> = fc
  .oneof(
    fc.string().filter((type) => type !== '*' && !type.startsWith('xstate.')),
    fc.constantFrom('__proto__', 'toString', 'opening', 'closed', 'transport', 'handshake.'),
  )
  .map((type) => ({ type }))
const waiting = fc.record({ waitMs: fc.constantFrom(1, 7, 20, 40) })
const happenings = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: goingOn },
    { weight: 1, arbitrary: ending },
    { weight: 1, arbitrary: unknown },
    { weight: 6, arbitrary: waiting },
  ),
  { maxLength: 25 },
)
/** Lets most lives get as far as `open`. */
const begun = fc
  .tuple(fc.nat(3), happenings)
  .map(([skip, rest]) => [
    ...[{ type: 'handshake.accepted' }, { type: 'open.finished' }].slice(0, 3 - skip),
    ...rest,
  ])
const mostly = (min: number) => fc.integer({ min, max: 60 })
const inputs: fc.Arbitrary<ConnectionInput> = fc
  .record({
    handshakeTimeoutMs: mostly(1),
    openTimeoutMs: mostly(1),
    pingIntervalMs: mostly(0),
    pingTimeoutMs: mostly(0),
    closeTimeoutMs: mostly(1),
  })
  .map((deadlines) => ({ connectionId: 'c', startedAtMs: 5, deadlines }))

describe('only what is declared', () => {
  lawOf(
    'only declared transitions occur, closed is final, and what is unknown changes nothing and is counted (I-13)',
    fc.record({ input: inputs, events: begun }),
    async ({ input, events }) => {
      const clock = new VirtualClock()
      const host = createHost(connectionMachine)
      let ignored = 0
      const watched: Host = {
        ...host,
        next: (before, event) => {
          const step = host.next(before, event)
          const allowed = declared(leafOf(before), nameOf(event))
          if (allowed === undefined) {
            ignored++
            expect(step.snapshot).toBe(before)
            expect(step.effects).toEqual([])
          } else {
            expect(allowed).toContain(leafOf(step.snapshot))
          }
          return step
        },
      }
      const driver = driverOf(watched, clock, input)
      for (const event of events) {
        if ('waitMs' in event) await clock.advance(event.waitMs)
        else {
          if (driver.state === 'closed') ignored++
          const { snapshot } = driver
          const wasClosed = driver.state === 'closed'
          driver.dispatch(event)
          if (wasClosed) expect(driver.snapshot).toBe(snapshot)
        }
        expect(driver.ignoredEvents).toBe(ignored)
        expect(driver.timerCount).toBe(clock.timerCount)
        if (driver.state === 'closed') expect(driver.timerCount).toBe(0)
      }
    },
  )
})

describe('the host', () => {
  lawOf(
    'the shared scope gives the snapshots and effects of the documented transition() (I-13)',
    fc.record({ input: inputs, events: begun }),
    ({ input, events }) => {
      const [fast, slow] = [createHost(connectionMachine), transitionHost(connectionMachine)]
      let [one, other] = [fast.start(input), slow.start(input)]
      const timers: AnyEvent[] = []
      const compare = () => {
        expect(plainOf(one.snapshot)).toEqual(plainOf(other.snapshot))
        expect(one.effects).toEqual(other.effects)
        for (const effect of one.effects) if (effect.type === 'armTimer') timers.push(effect.event)
      }
      compare()
      for (const event of events) {
        // Here a wait is the firing of the timer armed last, whether or not its state still stands.
        const next = 'waitMs' in event ? timers.at(-1) : event
        if (next === undefined || one.snapshot.status === 'done') continue
        ;[one, other] = [fast.next(one.snapshot, next), slow.next(other.snapshot, next)]
        compare()
      }
    },
  )

  lawOf(
    'what it remembers of one connection it says of the next as XState would (I-13)',
    fc.record({ input: inputs, events: begun }),
    ({ input, events }) => {
      const [plain, remembering] = [
        createHost(connectionMachine),
        rememberingHost(createHost(connectionMachine)),
      ]
      // The first life is learned from, the second is told from memory, with what is its own.
      const frame = { code: 4999, reason: 'its own' }
      const others = events.map((event) => ('frame' in event ? { ...event, frame } : event))
      for (const [connectionId, its] of Object.entries({ first: events, second: others })) {
        const own = { ...input, connectionId }
        let [one, other] = [plain.start(own), remembering.start(own)]
        const timers: AnyEvent[] = []
        const compare = () => {
          expect(plainOf(other.snapshot)).toEqual(plainOf(one.snapshot))
          expect(other.effects).toEqual(one.effects)
          for (const effect of one.effects) {
            if (effect.type === 'armTimer') timers.push(effect.event)
          }
        }
        compare()
        for (const event of its) {
          const next = 'waitMs' in event ? timers.at(-1) : event
          if (next === undefined || one.snapshot.status === 'done') continue
          ;[one, other] = [plain.next(one.snapshot, next), remembering.next(other.snapshot, next)]
          compare()
        }
      }
    },
  )

  lawOf(
    'the driver goes through the states of a real XState actor, timers included (I-13)',
    fc.record({ input: inputs, events: begun }),
    async ({ input, events }) => {
      const [clock, actorClock] = [new VirtualClock(), new VirtualClock()]
      const driver = driverOf(createHost(connectionMachine), clock, input)
      const actor = createActor(connectionMachine, {
        input,
        clock: {
          setTimeout: (callback, ms) => actorClock.setTimeout(callback, ms) as number,
          clearTimeout: (handle) => actorClock.clearTimeout(handle),
        },
      })
      actor.start()
      for (const event of events) {
        if ('waitMs' in event) {
          await clock.advance(event.waitMs)
          await actorClock.advance(event.waitMs)
        } else if (driver.state !== 'closed') {
          driver.dispatch(event)
          actor.send(event as ConnectionEvent)
        }
        expect(plainOf(driver.snapshot)).toEqual(plainOf(actor.getSnapshot()))
      }
    },
  )
})

describe('replay', () => {
  lawOf(
    'the events that a live connection took, folded anew, give its snapshot at every prefix, and do nothing (I-14)',
    scripts({ moves: movesOf(anyMove(anyone(2)), { peers: 2 }) }),
    async (script) => {
      const { machine, taken } = recording()
      const run = await play(script.with({ settings: { ...script.settings, machine } }))
      const before = stateOf(run)
      const host = createHost(connectionMachine)
      const replayed = new Map<string, ConnectionSnapshot>()
      for (const { id, input, event, live } of taken) {
        const last = replayed.get(id)
        const { snapshot } =
          last === undefined ? host.start(input) : host.next(last, event as AnyEvent)
        replayed.set(id, snapshot)
        expect(plainOf(snapshot)).toEqual(plainOf(live))
      }
      expect(replayed.size).toBe(run.lives.filter(({ id }) => id !== undefined).length)
      for (const life of run.lives) {
        if (life.id !== undefined) expect(replayed.get(life.id)?.output).toEqual(life.record)
      }
      await run.harness.settle()
      expect(stateOf(run)).toEqual(before)
    },
  )
})

function driverOf(host: Host, clock: VirtualClock, input: ConnectionInput): Driver {
  const setup = { host, fallbackHost: host, timers: new Timers(clock) }
  const driver = new Driver(setup, input, IDLE_OWNER)
  driver.setTimers()
  return driver
}

interface Taken {
  readonly id: string
  readonly input: ConnectionInput
  readonly event: AnyEvent | undefined
  readonly live: ConnectionSnapshot
}

/** A machine that writes down each event that it is given live, and the snapshot that it gave. */
function recording(): { machine: ConnectionMachine; taken: Taken[] } {
  const machine = connectionMachine.provide({})
  const taken: Taken[] = []
  const note = (event: AnyEvent | undefined, live: ConnectionSnapshot) => {
    const { connectionId: id, startedAtMs, deadlines } = live.context
    taken.push({ id, input: { connectionId: id, startedAtMs, deadlines }, event, live })
    return live
  }
  const begin = machine.getInitialSnapshot.bind(machine)
  const step = machine.transition.bind(machine)
  machine.getInitialSnapshot = (...given) => {
    const snapshot = begin(...given) as ConnectionSnapshot
    // The host tries itself out first.
    return snapshot.context.connectionId === 'probe' ? snapshot : note(undefined, snapshot)
  }
  machine.transition = (snapshot, event, scope) =>
    note(event, step(snapshot, event, scope) as ConnectionSnapshot)
  return { machine, taken }
}

function stateOf({ harness, lives }: Awaited<ReturnType<typeof play>>) {
  return {
    timers: harness.clock.timerCount,
    records: harness.records.length,
    errors: harness.errors.length,
    wires: lives.map(({ peer }) => peer.wire.length),
    logs: lives.map(({ diary }) => diary.entries.length),
  }
}

function plainOf({ value, context, status, output }: ConnectionSnapshot) {
  return { value, context, status, output }
}

function leafOf({ value }: { readonly value: unknown }): Leaf {
  let leaf = value
  while (typeof leaf === 'object' && leaf !== null) leaf = Object.values(leaf)[0]
  return leaf as Leaf
}

function nameOf({ type }: AnyEvent): string {
  return type.replace(/^xstate\.after\.(\w+)\..*/, 'after $1')
}
