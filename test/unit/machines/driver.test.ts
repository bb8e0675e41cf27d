import { describe, expect, it } from 'vitest'
import {
  type ConnectionMachine,
  connectionMachine,
  NO_TOTALS,
} from '../../../src/machines/connection.ts'
import {
  Driver,
  type DriverOwner,
  type PerformedEffect,
  type Witness,
} from '../../../src/machines/driver.ts'
import { createHost, type Host } from '../../../src/machines/host.ts'
import { Timers } from '../../../src/machines/timers.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

const ENDED = {
  type: 'transport.ended',
  durationMs: 0,
  silentForMs: 0,
  sent: null,
  totals: NO_TOTALS,
} as const

function drive(
  machine: ConnectionMachine = connectionMachine,
  witness?: Witness,
  host: Host = createHost(machine),
) {
  const clock = new VirtualClock()
  const performed: PerformedEffect[] = []
  const states: string[] = []
  const thrown: unknown[] = []
  let react: (effect: PerformedEffect) => void = () => {}
  const fallbackHost = createHost(connectionMachine)
  const setup = { host, fallbackHost, timers: new Timers(clock) }
  const input = {
    connectionId: 'c',
    startedAtMs: 0,
    deadlines: {
      handshakeTimeoutMs: 10,
      openTimeoutMs: 20,
      pingIntervalMs: 30,
      pingTimeoutMs: 40,
      closeTimeoutMs: 50,
    },
  }
  const owner: DriverOwner = {
    perform: (effect) => {
      performed.push(effect)
      react(effect)
    },
    stepped: () => states.push(driver.state),
    failure: (error) => {
      thrown.push(error)
      return { type: 'handler.failed', cause: 'handlerFailed', detail: 'a guard' }
    },
  }
  const driver: Driver = new Driver(setup, input, owner, witness)
  const names = () => performed.map(({ type }) => type)
  return {
    clock,
    driver,
    names,
    states,
    thrown,
    onEffect: (reaction: typeof react) => {
      react = reaction
    },
  }
}

describe('a driver', () => {
  it('sets no timer for a start that is over at once', () => {
    const { clock, driver } = drive()
    expect([driver.timerCount, clock.timerCount]).toEqual([1, 0])
    driver.dispatch({ type: 'handshake.accepted' })
    driver.setTimers()
    expect([driver.timerCount, clock.timerCount]).toEqual([1, 1])
  })

  it('arms the first timer when it is made, and sends its event when it is due', async () => {
    const { clock, driver, names } = drive()
    driver.setTimers()
    expect([driver.state, driver.timerCount, clock.timerCount]).toEqual(['connecting', 1, 1])
    await clock.advance(10)
    expect(driver.state).toBe('closing')
    expect(names()).toEqual(['refuse', 'shutGate'])
  })

  it('disarms the timers of a state that is left', async () => {
    const { clock, driver } = drive()
    driver.dispatch({ type: 'handshake.accepted' })
    expect([driver.timerCount, clock.timerCount]).toEqual([1, 1])
    driver.dispatch({ type: 'open.finished' })
    expect(driver.state).toBe('open')
    await clock.advance(25)
    expect(driver.snapshot.value).toEqual({ open: 'alive' })
  })

  it('lets an event from inside an effect wait until the effects are done', () => {
    const { driver, names, onEffect, states } = drive()
    onEffect((effect) => {
      if (effect.type === 'upgrade') driver.dispatch(ENDED)
    })
    driver.dispatch({ type: 'handshake.accepted' })
    expect(names()).toEqual(['upgrade', 'callOpen', 'finish'])
    expect(states).toEqual(['connecting', 'closed'])
  })

  it('counts what changes nothing, before and after the end', () => {
    const { clock, driver, names } = drive()
    driver.dispatch({ type: 'nobody.knows' })
    driver.dispatch({ type: 'pong.received' })
    expect(driver.ignoredEvents).toBe(2)
    driver.dispatch(ENDED)
    const { snapshot } = driver
    const done = names().length
    driver.dispatch(ENDED)
    expect(driver.ignoredEvents).toBe(3)
    expect(driver.snapshot).toBe(snapshot)
    expect(names()).toHaveLength(done)
    expect([driver.timerCount, clock.timerCount]).toEqual([0, 0])
  })

  it('counts an event that only changes the context as taken', () => {
    const { driver, names } = drive()
    const frame = { code: 1000, reason: '' }
    for (const type of ['handshake.accepted', 'open.finished']) driver.dispatch({ type })
    driver.dispatch({ type: 'app.closed', frame })
    const done = names().length
    driver.dispatch({ type: 'peer.closed', frame })
    expect(names()).toHaveLength(done)
    expect(driver.ignoredEvents).toBe(0)
  })

  it('tells a witness of what the machine has taken, before it is done, and of nothing else', () => {
    const told: string[] = []
    const witness: Witness = {
      started: ({ connectionId }) => told.push(`started ${connectionId}`),
      took: ({ type }, after) => told.push(`took ${type} to ${JSON.stringify(after.value)}`),
      machineReplaced: () => told.push('replaced'),
    }
    const fails = () => {
      throw new Error('a delay')
    }
    const machine = connectionMachine.provide({ delays: { openTimeout: fails } })
    const { driver, onEffect } = drive(machine, witness)
    onEffect(({ type }) => told.push(`do ${type}`))
    driver.dispatch({ type: 'nobody.knows' })
    driver.dispatch({ type: 'handshake.accepted' })
    expect(told).toEqual([
      'started c',
      'replaced',
      'took handshake.accepted to {"connecting":"opening"}',
      'do upgrade',
      'do callOpen',
      'took handler.failed to "closing"',
      'do sendClose',
      'do shutGate',
    ])
  })

  it('keeps several timers, and forgets those that are disarmed, whichever they are', async () => {
    const ours = createHost(connectionMachine)
    const arm = (id: string) =>
      ({ type: 'armTimer', id, delayMs: 5, event: { type: `fired ${id}` } }) as const
    const host: Host = {
      ...ours,
      start: (input) => ({
        snapshot: ours.start(input).snapshot,
        effects: ['a', 'b', 'c', 'd'].map(arm),
      }),
      next: (snapshot, { type }) => {
        if (!type.startsWith('disarm ')) fired.push(type)
        const effects = [{ type: 'disarmTimer', id: type.slice('disarm '.length) } as const]
        return { snapshot, effects: type.startsWith('disarm ') ? effects : [] }
      },
    }
    const fired: string[] = []
    const { clock, driver } = drive(connectionMachine, undefined, host)
    driver.dispatch({ type: 'disarm b' })
    driver.dispatch({ type: 'disarm d' })
    driver.dispatch({ type: 'disarm nobody' })
    expect([driver.timerCount, clock.timerCount]).toEqual([2, 1])
    await clock.advance(5)
    expect(fired.toSorted()).toEqual(['fired a', 'fired c'])
    expect(driver.timerCount).toBe(0)
  })

  it('counts a deadline that only acts as taken', async () => {
    const { clock, driver, names } = drive()
    driver.setTimers()
    await clock.advance(10)
    await clock.advance(50)
    expect(names().at(-1)).toBe('destroy')
    expect(driver.ignoredEvents).toBe(0)
  })

  it('goes on with the fallback where a delay of a user throws', () => {
    const machine = connectionMachine.provide({
      delays: {
        openTimeout: () => {
          throw new Error('a delay')
        },
      },
    })
    const { driver, names, thrown } = drive(machine)
    driver.dispatch({ type: 'handshake.accepted' })
    expect(thrown).toEqual([new Error('a delay')])
    expect(names()).toEqual(['upgrade', 'callOpen', 'sendClose', 'shutGate'])
    expect(driver.state).toBe('closing')
    driver.dispatch(ENDED)
    expect(driver.snapshot.output).toMatchObject({ cause: 'handlerFailed', detail: 'a guard' })
  })

  it('begins with the fallback where the first delay of a user throws', () => {
    const machine = connectionMachine.provide({
      delays: {
        handshakeTimeout: () => {
          throw new Error('the first delay')
        },
      },
    })
    const { clock, driver, thrown } = drive(machine)
    driver.setTimers()
    expect(thrown).toEqual([new Error('the first delay')])
    expect(clock.timerCount).toBe(1)
    // What is dispatched next comes behind what the failure was turned into, and is not lost.
    driver.dispatch(ENDED)
    expect(driver.snapshot.output).toMatchObject({ cause: 'handlerFailed', status: 500 })
    expect([driver.state, driver.ignoredEvents]).toEqual(['closed', 0])
  })
})
