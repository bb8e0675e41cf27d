// Law: one sentence about every run, held against a thousand scripts.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type PlayOptions, play, type Run } from './play.ts'
import type { Script } from './script.ts'

export const RUNS = 1_000

/** Of a law's runs, this share at least has to be one that the law speaks about. */
const SPEAKS_ABOUT = 0.1

/**
 * Holds `check` against the run of every script.
 *
 * `check` answers `false` when the law says nothing about that run. A law that speaks about hardly any run
 * would be green for no reason, so it fails.
 */
export function law(
  sentence: string,
  scripts: fc.Arbitrary<Script>,
  check: (run: Run) => boolean | void | Promise<boolean | void>,
  options: PlayOptions = {},
): void {
  lawOf(sentence, scripts, async (script) => check(await play(script, options)))
}

/** As `law`, where one run is not enough to judge by. */
export function lawOf<T>(
  sentence: string,
  subjects: fc.Arbitrary<T>,
  check: (subject: T) => boolean | void | Promise<boolean | void>,
  numRuns = RUNS,
): void {
  it(sentence, async () => {
    let spoken = 0
    await fc.assert(
      fc.asyncProperty(subjects, async (subject) => {
        if ((await check(subject)) !== false) spoken++
      }),
      { numRuns },
    )
    expect(spoken / numRuns, 'runs that the law speaks about').toBeGreaterThanOrEqual(SPEAKS_ABOUT)
  })
}
