// Recorder: what it writes down of a life, and when it says that happened.

import { describe, expect, it } from 'vitest'
import { connectionMachine, Journal, lifeStory } from 'windsock'
import { seededRandom, VirtualClock } from 'windsock/testing'
import { MemoryStore } from '../../../src/journal/memory-store.ts'
import type { JournalLevel, Recorder } from '../../../src/journal/recorder.ts'
import { Driver } from '../../../src/machines/driver.ts'
import { createHost } from '../../../src/machines/host.ts'
import { Timers } from '../../../src/machines/timers.ts'
import { IDLE_OWNER } from '../../support/driver-owner.ts'

const DEADLINES = {
  handshakeTimeoutMs: 900,
  openTimeoutMs: 900,
  closeTimeoutMs: 500,
  pingIntervalMs: 1_000,
  pingTimeoutMs: 400,
}

/** A connection that is open, on virtual time, and what the journal holds of it. */
function openLife(level: JournalLevel = 'lifecycle') {
  const clock = new VirtualClock()
  const journal = new Journal(new MemoryStore(seededRandom(1)), clock)
  const described = { path: '/', origin: null, ownMachine: false }
  const recorder = journal.recorder(level, described) as Recorder
  const host = createHost(connectionMachine)
  const setup = { host, fallbackHost: host, timers: new Timers(clock) }
  const input = { connectionId: 'a', startedAtMs: clock.wallMs(), deadlines: DEADLINES }
  const driver = new Driver(setup, input, IDLE_OWNER, recorder)
  driver.dispatch({ type: 'handshake.accepted' })
  driver.dispatch({ type: 'open.finished' })
  const told = async () => {
    const { steps, unfoldable } = lifeStory(await journal.life('a'))
    expect(unfoldable).toBeUndefined()
    return steps.map(({ event, sinceStartMs }) => [sinceStartMs, event.type])
  }
  return { clock, driver, recorder, told }
}

const BYE = { type: 'app.closed', frame: { code: 1000, reason: '' } } as const
const BEGINNING = [
  [0, 'ConnectionStarted'],
  [0, 'HandshakeAccepted'],
  [0, 'ConnectionOpened'],
]

describe('the time of an event', () => {
  it('of heartbeats is when the last of them was answered, not when they were written', async () => {
    const { clock, driver, told } = openLife()
    for (let beat = 0; beat < 3; beat++) {
      await clock.advance(1_000)
      await clock.advance(10)
      driver.dispatch({ type: 'pong.received' })
    }
    await clock.advance(700)
    driver.dispatch(BYE)
    expect(await told()).toEqual([
      ...BEGINNING,
      [3_030, 'HeartbeatsPassed'],
      [3_730, 'CloseRequested'],
    ])
  })

  it('of a ping that nobody answers is when it was sent', async () => {
    const { clock, driver, told } = openLife()
    await clock.advance(1_250)
    driver.dispatch({ type: 'input.paused' })
    await clock.advance(50)
    driver.dispatch(BYE)
    expect(await told()).toEqual([
      ...BEGINNING,
      [1_000, 'TimerFired'],
      [1_250, 'InputPaused'],
      [1_300, 'CloseRequested'],
    ])
  })

  it('never goes back from one event to the next where messages are kept, too', async () => {
    const { clock, driver, recorder, told } = openLife('sizes')
    await clock.advance(1_010)
    driver.dispatch({ type: 'pong.received' })
    await clock.advance(40)
    recorder.message('MessageReceived', 'between heartbeats')
    await clock.advance(960)
    recorder.message('MessageReceived', 'while a ping is under way')
    await clock.advance(5)
    driver.dispatch({ type: 'pong.received' })
    await clock.advance(1_000)
    driver.dispatch({ type: 'pong.received' })
    driver.dispatch(BYE)
    expect(await told()).toEqual([
      ...BEGINNING,
      [1_010, 'HeartbeatsPassed'],
      [1_050, 'MessageReceived'],
      [2_010, 'TimerFired'],
      [2_010, 'MessageReceived'],
      [2_015, 'PongReceived'],
      [3_015, 'HeartbeatsPassed'],
      [3_015, 'CloseRequested'],
    ])
  })
})
