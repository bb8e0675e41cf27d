import { describe, expect, it, vi } from 'vitest'
import { connectionMachine } from 'windsock'
import { createHost, transitionHost } from '../../../src/machines/host.ts'

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

  it('falls back to the documented way where the shared scope does not work', () => {
    for (const broken of [
      () => {
        throw new Error('another XState')
      },
      () => ({ matches: () => false }),
    ]) {
      const machine = connectionMachine.provide({})
      const initial = machine.getInitialSnapshot.bind(machine)
      // The actor of the shared scope asks first and keeps what is thrown, the probe asks second.
      vi.spyOn(machine, 'getInitialSnapshot')
        .mockImplementation(initial)
        .mockImplementationOnce(initial)
        .mockImplementationOnce(broken as never)
      const host = createHost(machine)
      const { snapshot, effects } = host.start(INPUT)
      expect(snapshot.value).toEqual({ connecting: 'handshaking' })
      expect(effects).toEqual(createHost(connectionMachine).start(INPUT).effects)
    }
  })
})
