// Laws of following a life: what is kept and what is to come are one sequence, without a gap and without a repeat.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Journal } from 'windsock'
import { seededRandom, VirtualClock } from 'windsock/testing'
import { MemoryStore } from '../../src/journal/memory-store.ts'
import type { Recorder } from '../../src/journal/recorder.ts'
import { connectionStream, type ReadOptions } from '../../src/journal/store.ts'
import { NO_TOTALS } from '../../src/machines/connection.ts'
import { lawOf } from './support/law.ts'

const LIFE = connectionStream('a')

/** Answers a read only some time after it looked, as a store behind a thread does, and counts. */
class SlowStore extends MemoryStore {
  reads = 0
  readonly #clock: VirtualClock
  readonly #delayMs: number

  constructor(clock: VirtualClock, delayMs: number) {
    super(seededRandom(1))
    this.#clock = clock
    this.#delayMs = delayMs
  }

  override async read(name: string, options?: ReadOptions) {
    this.reads++
    const page = await super.read(name, { ...options, maxEvents: 4 })
    await pause(this.#clock, this.#delayMs)
    return page
  }
}

function pause(clock: VirtualClock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (ms === 0) resolve()
    else clock.setTimeout(resolve, ms)
  })
}

function lifeOf(delayMs = 0) {
  const clock = new VirtualClock()
  const store = new SlowStore(clock, delayMs)
  const journal = new Journal(store, clock)
  const described = { path: '/', origin: null, ownMachine: false }
  const recorder = journal.recorder('sizes', described) as Recorder
  const begin = () =>
    recorder.started({ connectionId: 'a', startedAtMs: 0, deadlines: {} as never })
  const happen = () => recorder.message('MessageReceived', 'x')
  return { clock, store, journal, begin, happen }
}

const MOVES = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('append' as const), count: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), count: fc.nat(40) }) },
  // As another process would: nobody is told.
  { weight: 1, arbitrary: fc.record({ do: fc.constant('besides' as const), count: fc.nat(3) }) },
)

describe('to follow a life', () => {
  lawOf(
    'gives what comes after a position exactly once, in order, stored and live alike',
    fc.record({
      before: fc.nat(12),
      after: fc.nat(10),
      moves: fc.array(MOVES, { maxLength: 20 }),
      readMs: fc.nat(3),
      takeMs: fc.nat(30),
    }),
    async ({ before, after, moves, readMs, takeMs }) => {
      const { clock, store, journal, begin, happen } = lifeOf(readMs)
      begin()
      for (let count = 0; count < before; count++) happen()
      const seen: number[] = []
      const ending = new AbortController()
      const from = Math.min(after, before)
      const following = (async () => {
        const events = journal.follow('a', { after: from, signal: ending.signal })
        for await (const { version } of events) {
          seen.push(version)
          await pause(clock, takeMs)
        }
      })()
      const besides = { type: 'PongReceived', schema: 1, atMs: 0, data: '{}' }
      for (const { do: act, count } of moves) {
        if (act === 'wait') await clock.advance(count)
        for (let times = 0; times < count; times++) {
          if (act === 'append') happen()
          if (act === 'besides') void store.append(LIFE, [besides])
        }
      }
      await clock.settle()
      const { head } = await store.position(LIFE)
      await clock.advance(3_000 + head * (takeMs + readMs))
      expect(seen).toEqual(Array.from({ length: head - from }, (_, index) => from + index + 1))
      ending.abort()
      // A read may be under way.
      await clock.advance(readMs)
      await following
      expect(clock.timerCount).toBe(0)
      return head > before + 1 && takeMs > 0
    },
  )

  it('begins where nothing is yet, and ends with the life', async () => {
    const { clock, journal, begin, store } = lifeOf()
    const seen: string[] = []
    const following = (async () => {
      for await (const { type } of journal.follow('a')) seen.push(type)
    })()
    await clock.advance(5_000)
    expect(seen).toEqual([])
    begin()
    await clock.settle()
    expect(seen).toEqual(['ConnectionStarted'])
    await store.append(LIFE, [
      {
        type: 'ConnectionClosed',
        schema: 1,
        atMs: 0,
        data: JSON.stringify({ record: { totals: NO_TOTALS }, unrecorded: 0, inferred: false }),
        ends: true,
      },
    ])
    await clock.advance(1_000)
    await following
    expect(seen).toEqual(['ConnectionStarted', 'ConnectionClosed'])
    // Who comes back with the position of the end has nothing to wait for.
    for await (const event of journal.follow('a', { after: 2 })) expect(event).toBeUndefined()
    expect(clock.timerCount).toBe(0)
  })

  it('gives at once what was kept while the page before it was read', async () => {
    const { clock, journal, begin, happen } = lifeOf(5)
    begin()
    await clock.settle()
    const events = journal.follow('a')
    const first = events.next()
    await clock.settle()
    happen()
    await clock.advance(5)
    expect((await first).value).toMatchObject({ version: 1 })
    let second: unknown
    void events.next().then(({ value }) => {
      second = value
    })
    await clock.advance(5)
    expect(second).toMatchObject({ version: 2 })
    await events.return(undefined)
  })

  it('is ended at once by a signal, while it waits and before it begins', async () => {
    const { clock, journal, begin } = lifeOf()
    begin()
    await clock.settle()
    const ending = new AbortController()
    const events = journal.follow('a', { signal: ending.signal })
    expect((await events.next()).value).toMatchObject({ version: 1 })
    const next = events.next()
    await clock.settle()
    ending.abort()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(clock.timerCount).toBe(0)
    const never = journal.follow('a', { signal: ending.signal })
    expect((await never.next()).done).toBe(true)
  })

  it('reads the next page when the one before has been taken, and queues nothing', async () => {
    const { clock, store, journal, begin, happen } = lifeOf()
    begin()
    await clock.settle()
    const events = journal.follow('a')
    await events.next()
    for (let count = 0; count < 1_000; count++) happen()
    await clock.advance(60_000)
    expect(store.reads).toBe(1)
    await events.next()
    expect(store.reads).toBe(2)
    await events.return(undefined)
  })

  it('says so when what it had not read is gone, and when the journal is closed', async () => {
    const { clock, store, journal, begin, happen } = lifeOf()
    begin()
    happen()
    await clock.settle()
    const slow = journal.follow('a')
    const waiting = journal.follow('a', { after: 2 })
    expect((await slow.next()).value).toMatchObject({ version: 1 })
    await slow.next()
    for (let count = 0; count < 5; count++) happen()
    await clock.settle()
    await store.trim(LIFE, { keep: 2 })
    await expect(slow.next()).rejects.toMatchObject({ code: 'ERR_WINDSOCK_JOURNAL' })
    await expect(waiting.next()).rejects.toMatchObject({ code: 'ERR_WINDSOCK_JOURNAL' })
    const late = journal.follow('a')
    expect((await late.next()).value).toMatchObject({ version: 6 })
    await late.next()
    const last = late.next()
    await clock.settle()
    await journal.close()
    await expect(last).rejects.toMatchObject({ code: 'ERR_WINDSOCK_JOURNAL_CLOSED' })
    expect(clock.timerCount).toBe(0)
  })
})
