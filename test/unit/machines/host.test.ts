import { describe, expect, it, vi } from 'vitest'
import { type AnyActorScope, raise } from 'xstate'
import { connectionMachine, NEVER_MS } from '../../../src/machines/connection.ts'
import { type ConnectionSnapshot, createHost, transitionHost } from '../../../src/machines/host.ts'

type Initial = (scope: AnyActorScope, input: typeof INPUT) => ConnectionSnapshot

const INPUT = {
  connectionId: 'c',
  startedAtMs: 0,
  deadlines: {
    handshakeTimeoutMs: 1,
    openTimeoutMs: 2,
    pingIntervalMs: 3,
    pingTimeoutMs: 4,
    closeTimeoutMs: 5,
  },
}

describe('a host', () => {
  it('gives back the same snapshot and no effect for an event that nobody knows', () => {
    for (const host of [createHost(connectionMachine), transitionHost(connectionMachine)]) {
      const { snapshot } = host.start(INPUT)
      const step = host.next(snapshot, { type: 'nobody.knows' })
      expect(step.snapshot).toBe(snapshot)
      expect(step.effects).toEqual([])
    }
  })

  it('performs nothing: a step leaves the snapshot before it as it was', () => {
    const host = createHost(connectionMachine)
    const { snapshot } = host.start(INPUT)
    const before = JSON.stringify(snapshot)
    host.next(snapshot, { type: 'handshake.accepted' })
    expect(JSON.stringify(snapshot)).toBe(before)
  })

  it('keeps two connections apart', () => {
    const host = createHost(connectionMachine)
    const one = host.start({ ...INPUT, connectionId: 'one' })
    const other = host.start({ ...INPUT, connectionId: 'other' })
    const next = host.next(one.snapshot, { type: 'handshake.accepted' })
    expect(next.snapshot.context.connectionId).toBe('one')
    expect(other.snapshot.value).toEqual({ connecting: 'handshaking' })
  })

  it('adopts a snapshot of a machine that differs in what it provides', () => {
    const user = connectionMachine.provide({ delays: { openTimeout: 99 } })
    for (const make of [createHost, transitionHost]) {
      const theirs = make(user)
      const { snapshot } = theirs.next(theirs.start(INPUT).snapshot, { type: 'handshake.accepted' })
      const ours = make(connectionMachine)
      const adopted = ours.adopt(snapshot)
      expect(adopted.value).toEqual({ connecting: 'opening' })
      expect(adopted.context).toEqual(snapshot.context)
      const opened = ours.next(adopted, { type: 'open.finished' })
      expect(opened.snapshot.value).toEqual({ open: 'alive' })
    }
  })

  it('hands on what a delay of a user throws', () => {
    const user = connectionMachine.provide({
      delays: {
        openTimeout: () => {
          throw new Error('a delay')
        },
      },
    })
    const host = createHost(user)
    const { snapshot } = host.start(INPUT)
    expect(() => host.next(snapshot, { type: 'handshake.accepted' })).toThrow('a delay')
    expect(snapshot.value).toEqual({ connecting: 'handshaking' })
  })

  it.each([Number.NaN, -1, '5', null])('tells of a delay of a user that is none: %j', (delay) => {
    const provided = (name: string) =>
      connectionMachine.provide({ delays: { [name]: () => delay as number } })
    for (const make of [createHost, transitionHost]) {
      const later = make(provided('openTimeout'))
      const { snapshot } = later.start(INPUT)
      const wrong = expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' })
      expect(() => later.next(snapshot, { type: 'handshake.accepted' })).toThrow(wrong)
      const atOnce = make(provided('handshakeTimeout')).start(INPUT)
      expect(atOnce).toMatchObject({ snapshot: { status: 'error', error: wrong }, effects: [] })
    }
  })

  it('arms no timer for a delay that is for ever', () => {
    for (const delay of [NEVER_MS, Number.POSITIVE_INFINITY]) {
      const machine = connectionMachine.provide({
        delays: { handshakeTimeout: () => delay },
      })
      expect(createHost(machine).start(INPUT).effects).toEqual([])
    }
  })

  it('has one scope for all connections where XState allows it, and begins none', () => {
    const machine = connectionMachine.provide({})
    const step = vi.spyOn(machine, 'transition')
    const scopes = () => new Set(step.mock.calls.map(([, , scope]) => scope)).size
    for (const make of [createHost, transitionHost]) {
      const host = make(machine)
      step.mockClear()
      for (const connectionId of ['one', 'other']) {
        const { snapshot } = host.start({ ...INPUT, connectionId })
        const { effects } = host.next(snapshot, { type: 'handshake.accepted' })
        expect(effects.map(({ type }) => type)).toEqual([
          'disarmTimer',
          'upgrade',
          'callOpen',
          'armTimer',
        ])
      }
      expect(scopes()).toBe(make === createHost ? 1 : 2)
    }
  })

  it('gives timers as effects, with the event that they end in, and none that is never', () => {
    const host = createHost(connectionMachine)
    const { snapshot, effects } = host.start(INPUT)
    const [armed] = effects
    expect(armed).toMatchObject({
      type: 'armTimer',
      delayMs: 1,
      event: { type: 'xstate.after.handshakeTimeout.connection.connecting.handshaking' },
    })
    const next = host.next(snapshot, { type: 'handshake.accepted' })
    const { id } = armed as { id: string }
    expect(next.effects[0]).toEqual({ type: 'disarmTimer', id })
    const arms = (handshakeTimeoutMs: number) =>
      host.start({ ...INPUT, deadlines: { ...INPUT.deadlines, handshakeTimeoutMs } }).effects.length
    expect([arms(NEVER_MS - 1), arms(NEVER_MS)]).toEqual([1, 0])
  })

  it("takes what a user's action raises within the step, and makes no timer of it", () => {
    const machine = connectionMachine.provide({
      actions: { openGate: raise({ type: 'input.paused' }) as never },
    })
    const host = createHost(machine)
    const opening = host.next(host.start(INPUT).snapshot, { type: 'handshake.accepted' })
    const { snapshot, effects } = host.next(opening.snapshot, { type: 'open.finished' })
    expect(snapshot.value).toEqual({ open: 'paused' })
    expect(effects.filter(({ type }) => type === 'armTimer')).toEqual([
      expect.objectContaining({ delayMs: 3 }),
    ])
  })

  it('falls back to the documented way where the shared scope does not work', () => {
    for (const broken of [
      () => {
        throw new Error('another XState')
      },
      () => ({ matches: () => false }),
      (initial: Initial, scope: AnyActorScope, input: typeof INPUT) => {
        // In the right state, and with nothing to do.
        const deaf = { ...scope, actionExecutor: () => {} }
        return initial(deaf, input)
      },
      (initial: Initial, scope: AnyActorScope, input: typeof INPUT) => ({
        // With something to do, and in another state.
        ...initial(scope, input),
        matches: () => false,
      }),
    ]) {
      const machine = connectionMachine.provide({})
      const initial = machine.getInitialSnapshot.bind(machine) as Initial
      const step = vi.spyOn(machine, 'transition')
      // The actor of the shared scope asks first and keeps what is thrown, the probe asks second.
      vi.spyOn(machine, 'getInitialSnapshot')
        .mockImplementation(initial as never)
        .mockImplementationOnce(initial as never)
        .mockImplementationOnce(((scope: AnyActorScope, input: typeof INPUT) =>
          broken(initial, scope, input)) as never)
      const host = createHost(machine)
      const { snapshot, effects } = host.start(INPUT)
      expect(snapshot.value).toEqual({ connecting: 'handshaking' })
      expect(effects).toEqual(createHost(connectionMachine).start(INPUT).effects)
      for (const _ of ['once', 'again']) host.next(snapshot, { type: 'handshake.accepted' })
      expect(new Set(step.mock.calls.map(([, , scope]) => scope)).size).toBe(2)
    }
  })
})
