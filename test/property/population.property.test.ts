// Law of the population: readers in all four ways and publishers, on one durable topic, through everything at once.
//
// Links are cut, answers are lost, servers drain and crash, histories are trimmed, readers are slow and change their way
// in the middle; and each of them gets each message once, or is told of the gap. `npm run test:population` plays it for
// 100,000 returns.

import { expect, it } from 'vitest'
import { WAYS } from './support/population/place.ts'
import { run, tellFailure } from './support/population/run.ts'

/** Readers come back so often; enough that everything happens. */
const RESUMES = 2_000

it('every reader of a population takes each message once, whatever way it changes to, or is told of the gap', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const { tally, failure } = await run({ seed, resumes: RESUMES })
  expect(failure && tellFailure(failure)).toBeUndefined()
  expect([tally.lost, tally.repeated, tally.wrong]).toEqual([0, 0, 0])
  // A population in which nothing happens would keep the law for no reason.
  for (const from of WAYS) {
    for (const to of WAYS) expect(tally.resumesFrom(from, to), `${from} → ${to}`).toBeGreaterThan(0)
  }
  const { cuts, restarts, trims, gaps, resent, duplicates } = tally
  expect(Math.min(cuts, restarts, trims, gaps, resent, duplicates)).toBeGreaterThan(0)
})
