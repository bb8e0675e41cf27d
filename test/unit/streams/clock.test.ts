import { describe, expect, it } from 'vitest'
import { clockFeed } from 'windsock'
import { VirtualClock } from 'windsock/testing'
import { formatTime, ticks } from '../../../src/streams/clock.ts'

describe('ticks', () => {
  it('come at each multiple of the interval', async () => {
    const clock = new VirtualClock(1_350)
    const seen: number[] = []
    const subscription = ticks(1_000, clock).subscribe((wallMs) => seen.push(wallMs))
    await clock.advance(2_700)
    expect(seen).toEqual([2_000, 3_000, 4_000])
    subscription.unsubscribe()
    expect(clock.timerCount).toBe(0)
  })

  it('missed by a stalled process become one', async () => {
    const clock = new VirtualClock(0)
    const seen: number[] = []
    ticks(100, clock).subscribe((wallMs) => seen.push(wallMs))
    clock.stall(950)
    await clock.advance(100)
    expect(seen).toEqual([950, 1_000])
  })

  it('wait for their moment when the timer fires early against the wall clock', async () => {
    const clock = new VirtualClock(0)
    const seen: number[] = []
    ticks(100, clock).subscribe((wallMs) => seen.push(wallMs))
    clock.stepWall(-1)
    await clock.advance(100)
    expect(seen).toEqual([])
    await clock.advance(1)
    expect(seen).toEqual([100])
  })
})

describe('a clock feed', () => {
  it('is one feed with one timer for all who listen, while anyone does', async () => {
    const clock = new VirtualClock(Date.UTC(2026, 0, 2, 3, 4, 5))
    const form = clockFeed()
    const [one, other]: string[][] = [[], []]
    const first = form(undefined, { clock }).subscribe((text) => one?.push(text))
    const second = form(undefined, { clock }).subscribe((text) => other?.push(text))
    expect(clock.timerCount).toBe(1)
    await clock.advance(1_000)
    expect(one).toEqual(['2026-01-02 03:04:06.000000'])
    expect(other).toEqual(one)
    first.unsubscribe()
    second.unsubscribe()
    expect(clock.timerCount).toBe(0)
    form(undefined, { clock: new VirtualClock() }).subscribe().unsubscribe()
  })

  it.each([0, -1, 1.5, Number.NaN, 2 ** 31, '1'])('refuses an interval of %s', (everyMs) => {
    expect(() => clockFeed({ everyMs: everyMs as number })).toThrow(
      expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' }),
    )
  })
})

describe('a time as text', () => {
  it.each([
    [0, '1970-01-01 00:00:00.000000'],
    [1_767_225_600_123, '2026-01-01 00:00:00.123000'],
    [0.5, '1970-01-01 00:00:00.000500'],
  ])('%d is %s', (wallMs, text) => {
    expect(formatTime(wallMs)).toBe(text)
  })
})
