// A law of the virtual clock's queue: it is a sorted list, only faster.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { type Timer, TimerQueue } from '../../src/testing/timer-queue.ts'
import { lawOf } from './support/law.ts'

const moves = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), dueMs: fc.nat(20) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('forget' as const), which: fc.nat(50) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('take' as const) }) },
  ),
  { maxLength: 80 },
)

describe('the timer queue', () => {
  lawOf('gives the timer that is due first, of one moment the one armed first', moves, (all) => {
    const queue = new TimerQueue()
    let model: Timer[] = []
    let order = 0
    let taken = 0
    for (const move of all) {
      if (move.do === 'add') {
        const timer = { dueMs: move.dueMs, order: ++order, callback: () => {} }
        queue.add(timer)
        model = [...model, timer].toSorted((a, b) => a.dueMs - b.dueMs || a.order - b.order)
      } else if (move.do === 'forget') {
        queue.delete(move.which)
        model = model.filter((timer) => timer.order !== move.which)
      } else {
        const first = queue.first()
        expect(first).toBe(model[0])
        if (first === undefined) continue
        queue.delete(first.order)
        model.shift()
        taken++
      }
      expect(queue.size).toBe(model.length)
    }
    return taken > 1
  })
})
