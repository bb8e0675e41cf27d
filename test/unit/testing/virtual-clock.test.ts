import { expect, it, onTestFinished, vi } from 'vitest'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

it('advances also where a test runner has put its own timers in place of those of Node', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const clock = new VirtualClock()
  let rang = false
  clock.setTimeout(() => {
    rang = true
  }, 10)
  await clock.advance(10)
  expect(rang).toBe(true)
})
