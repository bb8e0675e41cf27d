// Live ports: the system's time and chance keep what the ports promise.

import { describe, expect, it } from 'vitest'
import { liveClock, liveRandom } from '../../../src/transport/live-ports.ts'

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

describe('the end of a turn', () => {
  it('runs tasks in their order, after the running code and before the next turn', async () => {
    const seen: string[] = []
    liveClock.endOfTurn(() => seen.push('first'))
    liveClock.endOfTurn(() => seen.push('second'))
    seen.push('code')
    await nextTurn()
    expect(seen).toEqual(['code', 'first', 'second'])
  })

  it('keeps the number of the turn until then', async () => {
    const turns: number[] = [liveClock.turn]
    liveClock.endOfTurn(() => turns.push(liveClock.turn))
    turns.push(liveClock.turn)
    await nextTurn()
    turns.push(liveClock.turn)
    expect(turns[1]).toBe(turns[0])
    expect(turns[3]).toBeGreaterThan(turns[0] as number)
  })
})

describe('the end of a loop', () => {
  it('comes after the turns of it, and after promises that go on by themselves', async () => {
    const seen: string[] = []
    liveClock.endOfLoop(() => seen.push('loop'))
    liveClock.endOfTurn(() => seen.push('turn'))
    void Promise.resolve()
      .then(() => {})
      .then(() => liveClock.endOfTurn(() => seen.push('another turn')))
    await nextTurn()
    expect(seen).toEqual(['turn', 'another turn', 'loop'])
  })
})

describe('time', () => {
  it('never goes back, and the wall clock shows about what the system shows', () => {
    const first = liveClock.nowMs()
    expect(liveClock.nowMs()).toBeGreaterThanOrEqual(first)
    expect(Math.abs(liveClock.wallMs() - Date.now())).toBeLessThan(1_000)
  })
})

describe('chance', () => {
  it('hands out each byte once, in the number asked for', () => {
    const drawn = Array.from({ length: 2_000 }, () => liveRandom.bytes(12))
    expect(drawn.every((bytes) => bytes.byteLength === 12)).toBe(true)
    expect(new Set(drawn.map((bytes) => bytes.join())).size).toBe(2_000)
    expect(liveRandom.bytes(10_000)).toHaveLength(10_000)
    expect(liveRandom.bytes(0)).toHaveLength(0)
  })

  it('gives numbers from 0 to below 1', () => {
    const numbers = Array.from({ length: 1_000 }, () => liveRandom.next())
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...numbers)).toBeLessThan(1)
  })
})
