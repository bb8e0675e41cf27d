// A short run of the simulation; `npm run test:sim` is the long one.

import { expect, it } from 'vitest'
import { report } from './report.ts'
import { simulate } from './simulate.ts'

it('a thousand lifetimes from one seed keep every law, and reach every state', async () => {
  const outcome = await simulate({ seed: 3, lifetimes: 1_000 })
  const { failure, reached } = outcome
  if (failure !== undefined) throw new Error(`${failure.world}\n${failure.why}`)
  expect(reached.unentered, report(outcome)).toEqual([])
  expect(reached.unmet, report(outcome)).toEqual([])
})

it('the same seed is the same simulation, byte for byte (I-20)', async () => {
  const [one, other] = [
    await simulate({ seed: 7, lifetimes: 300 }),
    await simulate({ seed: 7, lifetimes: 300 }),
  ]
  expect(other.trace).toBe(one.trace)
  expect(other.reached.tally).toEqual(one.reached.tally)
  const another = await simulate({ seed: 8, lifetimes: 300 })
  expect(another.trace).not.toBe(one.trace)
})
