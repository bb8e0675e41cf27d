// Laws of the journal: what was written down is what was lived, at every step, and nothing is lived again by reading it.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { connectionMachine, Fold, fold, Journal, type RecordedLifeEvent } from 'windsock'
import { seededRandom, VirtualClock } from 'windsock/testing'
import { decodeLifeEvent, encodeLifeEvent } from '../../src/journal/events.ts'
import { saveable } from '../../src/journal/fold.ts'
import { MemoryStore } from '../../src/journal/memory-store.ts'
import type { Described, JournalLevel, Recorder } from '../../src/journal/recorder.ts'
import { connectionStream, type NewEvent } from '../../src/journal/store.ts'
import { Driver } from '../../src/machines/driver.ts'
import { type ConnectionSnapshot, createHost } from '../../src/machines/host.ts'
import { Timers } from '../../src/machines/timers.ts'
import { IDLE_OWNER } from '../support/driver-owner.ts'
import { anyMove, anyone, anyScript, movesOf, scripts } from './support/arbitraries.ts'
import { lawOf } from './support/law.ts'
import { play } from './support/play.ts'
import type { Script } from './support/script.ts'

/** More than ten thousand lives; the last law of the group counts them. */
const FOLD_RUNS = 7_000

const longLives = scripts({
  moves: movesOf(
    fc.oneof(
      { weight: 2, arbitrary: anyMove(anyone(3)) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(400) }) },
    ),
    { minLength: 2, maxLength: 14 },
  ),
})

/** Plays a script, and notes beside each event that is kept which snapshots had been live when it was. */
async function playWritten(script: Script) {
  const written = new Map<string, Written>()
  const journal = new WatchedJournal(new CountingStore(seededRandom(2)), new VirtualClock(), {
    maxEvents: 1_000_000,
  })
  journal.written = written
  const run = await play(script, { journal })
  return { run, journal, written }
}

interface Written {
  /** Every snapshot that was live, in order. */
  readonly live: ConnectionSnapshot[]
  /** How many events were kept when the last of `live` so far had been. */
  readonly kept: { readonly events: number; readonly live: number }[]
}

class WatchedJournal extends Journal {
  written = new Map<string, Written>()

  override recorder(level: JournalLevel, described: Described): Recorder | undefined {
    const recorder = super.recorder(level, described)
    if (recorder === undefined) return undefined
    const took = recorder.took.bind(recorder)
    recorder.took = (event, after) => {
      const id = after.context.connectionId
      const note = this.written.get(id) ?? { live: [], kept: [] }
      this.written.set(id, note)
      note.live.push(after)
      const before = this.headOf(id)
      took(event, after)
      const events = this.headOf(id)
      if (events > before) note.kept.push({ events, live: note.live.length - 1 })
    }
    return recorder
  }

  /** The memory store does what it does in the turn of the call; its answer only says so later. */
  headOf(id: string): number {
    return (this.store as CountingStore).heads.get(connectionStream(id)) ?? 0
  }
}

class CountingStore extends MemoryStore {
  readonly heads = new Map<string, number>()

  override append(name: string, events: readonly NewEvent[]) {
    this.heads.set(name, (this.heads.get(name) ?? 0) + events.length)
    return super.append(name, events)
  }
}

describe('the fold of a life', () => {
  let lives = 0

  lawOf(
    'the fold of what was written is the snapshot that was live, at every step (I-14)',
    fc.oneof(anyScript, longLives),
    async (script) => {
      const { run, journal, written } = await playWritten(script)
      for (const life of run.lives) {
        if (life.id === undefined) continue
        lives++
        const { live, kept } = written.get(life.id) as Written
        const folding = new Fold()
        const folded = (await journal.life(life.id)).map((event) => folding.apply(event).after)
        for (const step of kept) {
          expect(plain(folded[step.events - 1])).toEqual(plain(live[step.live]))
        }
        // What lies between two such steps was live once, too.
        const seen = new Set(live.map((snapshot) => JSON.stringify(plain(snapshot))))
        for (const snapshot of folded.slice(1)) {
          expect(seen).toContain(JSON.stringify(plain(snapshot)))
        }
        expect(folded.at(-1)?.output).toEqual(life.record)
      }
    },
    FOLD_RUNS,
  )

  lawOf(
    'however time, pauses, pongs and messages follow each other, the fold is the snapshot that was live (I-14)',
    fc.tuple(
      fc.constantFrom(0, 7),
      fc.array(
        fc.oneof(
          fc.constantFrom(
            'pong.received',
            'input.paused',
            'input.resumed',
            'unheard.of',
            'a message',
          ),
          fc.integer({ min: 1, max: 40 }),
        ),
        { minLength: 4, maxLength: 60 },
      ),
    ),
    async ([pingTimeoutMs, happenings]) => {
      const clock = new VirtualClock()
      const journal = new Journal(new MemoryStore(seededRandom(4)), clock)
      const described = { path: '/', origin: null, ownMachine: false }
      const recorder = journal.recorder('sizes', described) as Recorder
      const host = createHost(connectionMachine)
      const deadlines = { handshakeTimeoutMs: 9, openTimeoutMs: 9, closeTimeoutMs: 9 }
      const setup = { host, fallbackHost: host, timers: new Timers(clock) }
      const input = {
        connectionId: 'a',
        startedAtMs: 0,
        deadlines: { ...deadlines, pingIntervalMs: 10, pingTimeoutMs },
      }
      const driver = new Driver(setup, input, IDLE_OWNER, recorder)
      driver.dispatch({ type: 'handshake.accepted' })
      driver.dispatch({ type: 'open.finished' })
      for (const happening of happenings) {
        if (typeof happening === 'number') await clock.advance(happening)
        else if (happening === 'a message') recorder.message('MessageReceived', '')
        else driver.dispatch({ type: happening })
      }
      // Whatever was held back is written before what ends the quiet.
      driver.dispatch({ type: 'app.closed', frame: { code: 1000, reason: '' } })
      const life = await journal.life('a')
      expect(plain(fold(life))).toEqual(plain(driver.snapshot))
      const times = life.map(({ atMs }) => atMs)
      expect(times).toEqual(times.toSorted((one, other) => one - other))
    },
  )

  lawOf(
    'so many lives were folded',
    fc.constant(0),
    () => {
      expect(lives).toBeGreaterThan(10_000)
    },
    1,
  )

  lawOf(
    'a fold that goes on from a saved snapshot ends where the whole fold does',
    fc.tuple(longLives, fc.double({ min: 0, max: 1, noNaN: true })),
    async ([script, where]) => {
      const { run, journal } = await playWritten(script)
      for (const { id } of run.lives) {
        if (id === undefined) continue
        const events = await journal.life(id)
        // The last event ends the life; nothing is saved of one that is over.
        const cut = 1 + Math.floor(where * (events.length - 2))
        const whole = new Fold()
        const restored = new Fold()
        for (const [index, event] of events.entries()) {
          const { after } = whole.apply(event)
          if (index === cut - 1) restored.restore(saveable(after, event.version))
          if (index >= cut) expect(plain(restored.apply(event).after)).toEqual(plain(after))
        }
      }
    },
  )
})

describe('the ledger', () => {
  lawOf(
    'every connection has its close record in the journal, by id and in the list',
    anyScript,
    async (script) => {
      const { run, journal } = await playWritten(script)
      const { records } = await journal.closeRecords({ maxRecords: 1_000 })
      expect(records).toEqual(run.harness.records.toReversed())
      for (const { id, record } of run.lives) {
        if (id !== undefined) expect(await journal.closeRecord(id)).toEqual(record)
      }
    },
  )

  lawOf(
    'a life that its process left open is ended by the next one, once, as inferred',
    fc.tuple(longLives, fc.double({ min: 0, max: 1, noNaN: true })),
    async ([script, where]) => {
      const { run, journal } = await playWritten(script)
      const store = new MemoryStore(seededRandom(3))
      const cutShort: string[] = []
      for (const { id } of run.lives) {
        if (id === undefined) continue
        const events = await journal.life(id)
        const kept = events.slice(0, 1 + Math.floor(where * events.length))
        if (kept.length < events.length) cutShort.push(id)
        await store.append(connectionStream(id), kept.map(encoded))
      }
      const next = new Journal(store, new VirtualClock())
      expect(await next.endAbandoned()).toBe(cutShort.length)
      expect(await next.endAbandoned()).toBe(0)
      for (const id of cutShort) {
        const last = (await next.life(id)).at(-1)
        expect(last?.type).toBe('ConnectionClosed')
        if (last?.type === 'ConnectionClosed') {
          expect(last.data.inferred).toBe(true)
          expect(last.data.record.connectionId).toBe(id)
        }
      }
      return cutShort.length > 0
    },
  )
})

function encoded(event: RecordedLifeEvent): NewEvent {
  const { type, data, atMs } = event
  const again = encodeLifeEvent({ type, data } as RecordedLifeEvent, atMs)
  const stream = connectionStream('any')
  expect(decodeLifeEvent({ ...again, stream, version: event.version })).toEqual(event)
  return again
}

function plain(snapshot: ConnectionSnapshot | undefined) {
  const { value, context, status, output } = snapshot as ConnectionSnapshot
  return JSON.parse(JSON.stringify({ value, context, status, output }))
}
