// A short run of the simulation; `npm run test:sim` is the long one.

import { expect, it } from 'vitest'
import { report } from './report.ts'
import { simulate } from './simulate.ts'

it('a thousand lifetimes from one seed keep every law, and reach every state', async () => {
  const outcome = await simulate({ seed: 1, lifetimes: 1_000 })
  const { failure, reached } = outcome
  if (failure !== undefined) throw new Error(failure.world.toString(), { cause: failure.error })
  const unentered = reached.declaredStates.filter((state) => !reached.states.has(state))
  expect(unentered, report(outcome)).toEqual([])
})
