// Run: populations one after the other, each from a seed of its own, until readers have come back so often.

import fc from 'fast-check'
import type { Finding } from './checker.ts'
import { play } from './population.ts'
import { type Script, scripts, tellScript } from './script.ts'
import { Tally } from './tally.ts'

export interface RunOptions {
  /** Of the first population; the next has the next. */
  readonly seed: number
  /** Go on until there were so many. */
  readonly resumes: number
  /** Told after each population. */
  readonly onProgress?: (tally: Tally) => void
  /** Told when something was found, before it is made small. */
  readonly onFound?: (seed: number) => void
}

/** How long a failure may be made smaller, in ms. */
const SHRINKING_MS = 60_000

/** The first population in which something was found, made as small as could be. */
export interface Failure {
  readonly seed: number
  readonly script: string
  readonly findings: readonly Finding[]
}

export interface RunResult {
  readonly tally: Tally
  readonly failure: Failure | undefined
}

export async function run({
  seed,
  resumes,
  onProgress,
  onFound = () => {},
}: RunOptions): Promise<RunResult> {
  const tally = new Tally()
  for (let next = seed; tally.resumes < resumes; next = (next + 1) | 0) {
    const failure = await runOne(next, tally, () => onFound(next))
    if (failure !== undefined) return { tally, failure }
    onProgress?.(tally)
  }
  return { tally, failure: undefined }
}

async function runOne(
  seed: number,
  tally: Tally,
  onFound: () => void,
): Promise<Failure | undefined> {
  let isFirst = true
  let findings: readonly Finding[] = []
  // Without bias: fast-check would make the first value of each seed a small one.
  const property = fc.asyncProperty(fc.noBias(scripts), async (script) => {
    const outcome = await play(script)
    if (isFirst) {
      tally.plus(outcome.tally)
      tally.populations++
      isFirst = false
    }
    if (outcome.findings.length === 0) return true
    if (findings.length === 0) onFound()
    findings = outcome.findings
    return false
  })
  const { failed, counterexample, errorInstance } = await fc.check(property, {
    seed,
    numRuns: 1,
    interruptAfterTimeLimit: SHRINKING_MS,
  })
  if (!failed) return undefined
  if (findings.length === 0 && errorInstance instanceof Error) {
    const text = errorInstance.stack ?? errorInstance.message
    findings = [{ kind: 'odd', who: 'the population', text, count: 1 }]
  }
  return { seed, script: tellScript(counterexample?.[0] as Script), findings }
}

/** A failure as a person reads it, with what plays it again. */
export function tellFailure({ seed, script, findings }: Failure): string {
  const told = findings.slice(0, 20).map(({ kind, who, text }) => `  ${kind}: ${who} ${text}`)
  const more = findings.length > 20 ? [`  … and ${findings.length - 20} more`] : []
  const again = `again: npm run test:population -- --seed ${seed} --resumes 1`
  return ['found', ...told, ...more, 'in', script, again].join('\n')
}
