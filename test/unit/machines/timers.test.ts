import { describe, expect, it } from 'vitest'
import { Timer, Timers } from '../../../src/machines/timers.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

function lists() {
  const clock = new VirtualClock()
  const timers = new Timers(clock)
  const fired: string[] = []
  const make = (id: string, delayMs: number, then: () => void = () => {}) => {
    const owner = {
      due: (timer: Timer) => {
        fired.push(`${timer.id} at ${clock.nowMs()}`)
        then()
      },
    }
    return new Timer(owner, id, delayMs, { type: 'due' }, undefined)
  }
  return { clock, timers, fired, make }
}

describe('the timers of one length', () => {
  it('are due one after the other, as they were set', async () => {
    const { clock, timers, fired, make } = lists()
    timers.set(make('a', 10))
    await clock.advance(4)
    timers.set(make('b', 10))
    const taken = make('taken back', 10)
    timers.set(taken)
    timers.set(make('c', 10))
    timers.clear(taken)
    expect(clock.timerCount).toBe(1)
    await clock.advance(6)
    expect(fired).toEqual(['a at 10'])
    expect(clock.timerCount).toBe(1)
    await clock.advance(4)
    expect(fired).toEqual(['a at 10', 'b at 14', 'c at 14'])
    expect(clock.timerCount).toBe(0)
  })

  it('need none of the clock when the last is taken back, and one that is due sooner does no harm', async () => {
    const { clock, timers, fired, make } = lists()
    const [first, second] = [make('first', 10), make('second', 10)]
    timers.set(first)
    await clock.advance(4)
    timers.set(second)
    timers.clear(first)
    timers.clear(first)
    await clock.advance(6)
    expect(fired).toEqual([])
    await clock.advance(4)
    expect(fired).toEqual(['second at 14'])
    timers.set(second)
    timers.clear(second)
    expect(clock.timerCount).toBe(0)
  })

  it('may be set again by one of them that has taken back the others', async () => {
    const { clock, timers, fired, make } = lists()
    const other = make('other', 10)
    const again = make('again', 10)
    timers.set(
      make('first', 10, () => {
        timers.clear(other)
        timers.set(again)
      }),
    )
    timers.set(other)
    await clock.advance(10)
    expect([fired, clock.timerCount]).toEqual([['first at 10'], 1])
    timers.set(make('later', 10))
    expect(clock.timerCount).toBe(1)
    await clock.advance(10)
    expect(fired).toEqual(['first at 10', 'again at 20', 'later at 20'])
    expect(clock.timerCount).toBe(0)
  })
})
