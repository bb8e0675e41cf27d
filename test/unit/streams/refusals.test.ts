import { describe, expect, it } from 'vitest'
import { JournalError, LimitError } from '../../../src/protocol/errors.ts'
import { Refusals } from '../../../src/streams/refusals.ts'

const MINUTE_MS = 60_000
const full = (why = 'the disk is full') => new JournalError('ERR_WINDSOCK_JOURNAL', why)

describe('what a journal refuses', () => {
  it('is news once a minute, for each topic and each cause', () => {
    const refusals = new Refusals()
    const at = (nowMs: number, topic: string, why?: string) =>
      refusals.isNews(topic, full(why), nowMs)
    expect([at(0, 'a'), at(1, 'a'), at(2, 'b'), at(3, 'a', 'it is locked')]).toEqual([
      true,
      false,
      true,
      true,
    ])
    expect([at(MINUTE_MS - 1, 'a'), at(MINUTE_MS, 'a'), at(MINUTE_MS, 'a')]).toEqual([
      false,
      true,
      false,
    ])
  })

  it('is bounded also where each message has a cause of its own', () => {
    const refusals = new Refusals()
    let told = 0
    for (let n = 0; n < 10_000; n++) if (refusals.isNews('a', full(`damage at ${n}`), 0)) told++
    expect(told).toBeGreaterThan(0)
    expect(told).toBeLessThan(100)
  })
})

it('what is no journal’s is news each time', () => {
  const refusals = new Refusals()
  const late = () => refusals.isNews('a', new LimitError('too late'), 0)
  expect([late(), late()]).toEqual([true, true])
})
