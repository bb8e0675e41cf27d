// Laws of the deadlines' lists: whoever has many timers, or one that others share, cannot tell.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from 'windsock/testing'
import { Timer, Timers } from '../../src/machines/timers.ts'
import { lawOf } from './support/law.ts'

const DELAYS = [0, 5, 5, 5, 8, 30]
const names = fc.nat({ max: 7 })

type Move =
  | { readonly do: 'set'; readonly which: number; readonly delayMs: number }
  | { readonly do: 'clear'; readonly which: number }
  | { readonly do: 'wait'; readonly ms: number }

const calm: fc.Arbitrary<Move> = fc.oneof(
  fc.record({
    do: fc.constant('set' as const),
    which: names,
    delayMs: fc.constantFrom(...DELAYS),
  }),
  fc.record({ do: fc.constant('clear' as const), which: names }),
)
const moves = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: calm },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(12) }) },
  ),
  { maxLength: 40 },
)

/** Eight timers by number, each set at most once at a time; `onDue` runs inside of what one causes. */
function eight(clock: VirtualClock, fired: string[], onDue: (which: number) => void) {
  const timers = new Timers(clock)
  const set = new Map<number, Timer>()
  return {
    set(which: number, delayMs: number) {
      if (set.has(which)) return
      const owner = {
        due: (timer: Timer) => {
          expect(set.get(which)).toBe(timer)
          set.delete(which)
          fired.push(`${which} at ${clock.nowMs()}`)
          onDue(which)
        },
      }
      const timer = new Timer(owner, String(which), delayMs, { type: 'due' }, undefined)
      set.set(which, timer)
      timers.set(timer)
    },
    clear(which: number) {
      const timer = set.get(which)
      set.delete(which)
      if (timer !== undefined) timers.clear(timer)
    },
  }
}

/** The same, each with a timer of the clock's own. */
function eightOfTheClock(clock: VirtualClock, fired: string[], onDue: (which: number) => void) {
  const set = new Map<number, unknown>()
  return {
    set(which: number, delayMs: number) {
      if (set.has(which)) return
      const due = () => {
        set.delete(which)
        fired.push(`${which} at ${clock.nowMs()}`)
        onDue(which)
      }
      set.set(which, clock.setTimeout(due, delayMs))
    },
    clear(which: number) {
      clock.clearTimeout(set.get(which))
      set.delete(which)
    },
  }
}

async function run(
  make: typeof eight,
  all: readonly Move[],
  reactions: readonly (readonly Move[])[],
) {
  const clock = new VirtualClock()
  const fired: string[] = []
  let most = 0
  const play = (move: Move) => {
    if (move.do === 'set') it.set(move.which, move.delayMs)
    if (move.do === 'clear') it.clear(move.which)
    most = Math.max(most, clock.timerCount)
  }
  const left = [...reactions]
  const it = make(clock, fired, () => {
    for (const move of left.shift() ?? []) play(move)
  })
  for (const move of all) {
    if (move.do === 'wait') await clock.advance(move.ms)
    else play(move)
  }
  await clock.advance(1_000)
  return { clock, fired, most }
}

/** Of one moment those of different delays may come in either order. */
const byMoment = (fired: readonly string[]) =>
  fired.toSorted((a, b) => Number(a.split(' at ')[1]) - Number(b.split(' at ')[1]))

describe('timers that share one of the clock', () => {
  lawOf(
    'fire when they are due, once, in the order of setting, and not after they were cleared',
    moves,
    async (all) => {
      const ours = await run(eight, all, [])
      const clocks = await run(eightOfTheClock, all, [])
      expect(ours.fired.toSorted()).toEqual(clocks.fired.toSorted())
      expect(byMoment(ours.fired)).toEqual(ours.fired)
      expect(ours.clock.timerCount).toBe(0)
      return ours.fired.length > 1
    },
  )

  lawOf(
    'may be set and cleared by what one of them causes, and are still one of the clock',
    fc.record({ all: moves, reactions: fc.array(fc.array(calm, { maxLength: 4 })) }),
    async ({ all, reactions }) => {
      // Of one delay, so that the order is the same, too.
      const same = (move: Move) => (move.do === 'set' ? { ...move, delayMs: 5 } : move)
      const moved = all.map(same)
      const reacted = reactions.map((some) => some.map(same))
      const ours = await run(eight, moved, reacted)
      const clocks = await run(eightOfTheClock, moved, reacted)
      expect(ours.fired).toEqual(clocks.fired)
      expect(ours.most).toBeLessThanOrEqual(1)
      expect(ours.clock.timerCount).toBe(0)
      return ours.fired.length > 1
    },
  )

  it('are one of the clock for each length, however many there are', () => {
    const clock = new VirtualClock()
    const lists = eight(clock, [], () => {})
    for (let which = 0; which < 8; which++) lists.set(which, which < 6 ? 5 : 8)
    expect(clock.timerCount).toBe(2)
    for (let which = 0; which < 6; which++) lists.clear(which)
    expect(clock.timerCount).toBe(1)
  })
})
