// Main: `npm run bench`, windsock against bare `ws` in one run.
//
// Per case the two servers are measured in turn, A B B A …, and compared round by round. The
// verdict rests on the median ratio of messages per CPU second of the server. Exit codes: 0 when
// no case is below its floor, 1 when one is, 2 when something could not be measured.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { CASES, type Case, casesNamed } from './cases.ts'
import {
  measureRound,
  type Result,
  type Round,
  roundSeconds,
  type Subject,
  summarise,
} from './measure.ts'
import { belowFloor, json, Progress, table } from './report.ts'

const BELOW_FLOOR = 1
const NOT_MEASURED = 2
const INTERRUPTED = 130
const TERMINATED = 143

const ROUNDS = 5
const SECONDS = 2
const QUICK_ROUNDS = 5
const QUICK_SECONDS = 1
const MOST_ROUNDS = 99
const MOST_SECONDS = 20
/** Starting the processes, opening the connections, stopping: for the estimate only. */
const OVERHEAD_SECONDS = 1.2

interface Options {
  readonly quick?: boolean
  readonly json?: boolean
  readonly aa?: boolean
  readonly journal?: boolean
  readonly rounds?: number
  readonly seconds?: number
  readonly only: string
}

const program = new Command('npm run bench --')
  .description('Measures windsock against bare ws on this machine and prints the ratios.')
  .option('--quick', 'fewer cases and short rounds, for CI')
  .option('--json', 'print JSON instead of the table')
  .option('--rounds <n>', `rounds per case (${ROUNDS}; quick: ${QUICK_ROUNDS})`, wholeNumber)
  .option('--seconds <n>', `counted per round (${SECONDS}; quick: ${QUICK_SECONDS})`, someSeconds)
  .option('--only <text>', 'only cases whose name contains the text', '')
  .option('--journal', 'windsock without a journal against windsock with one in a file')
  .option('--aa', 'bare ws on both sides: a sound bench gives about 1.00 and needs no build')
  .exitOverride()

process.on('SIGINT', () => process.exit(INTERRUPTED))
process.on('SIGTERM', () => process.exit(TERMINATED))

try {
  process.exitCode = await main(program.parse().opts<Options>())
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : NOT_MEASURED
  else {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = NOT_MEASURED
  }
}

async function main(options: Options): Promise<number> {
  const quick = options.quick === true
  const rounds = options.rounds ?? (quick ? QUICK_ROUNDS : ROUNDS)
  const seconds = options.seconds ?? (quick ? QUICK_SECONDS : SECONDS)
  const { base, rival, names } = pairOf(options)
  const cases = casesNamed(options.only, quick)
  if (cases.length === 0) throw new Error(noSuchCase(options.only, quick))
  if (rival !== 'ws') demandBuild()

  const steps = cases.length * rounds
  const minutes = (steps * (roundSeconds(seconds) + OVERHEAD_SECONDS)) / 60
  const extent = `${cases.length} cases, ${rounds} rounds of ${seconds} s on either side`
  console.error(`${extent}: about ${minutes.toFixed(1)} min`)
  const progress = new Progress(steps)
  const results: Result[] = []
  try {
    for (const one of cases) {
      results.push(await compare(one, { base, rival }, rounds, seconds, progress))
    }
  } finally {
    progress.close()
  }
  const judged = rival === 'windsock'
  console.log(
    options.json === true
      ? json(results, names, { rounds, seconds })
      : table(results, names, judged),
  )
  const failed = judged ? belowFloor(results) : []
  if (failed.length === 0) return 0
  console.error(`below the floor: ${failed.map((result) => result.name).join('; ')}`)
  return BELOW_FLOOR
}

async function compare(
  one: Case,
  pair: { readonly base: Subject; readonly rival: Subject },
  rounds: number,
  seconds: number,
  progress: Progress,
): Promise<Result> {
  const done: Round[] = []
  for (let round = 1; round <= rounds; round++) {
    progress.step(`${one.name}, round ${round} of ${rounds}`)
    done.push(await measureRound(one, pair, seconds))
  }
  const result = summarise(one, done)
  progress.end(result)
  return result
}

/** Who is measured against whom. */
function pairOf({ aa, journal }: Options) {
  const pair = (base: Subject, rival: Subject, baseName: string, rivalName: string) => ({
    base,
    rival,
    names: { base: baseName, rival: rivalName },
  })
  if (journal === true) return pair('unjournaled', 'journaled', 'no journal', 'in a file')
  if (aa === true) return pair('ws', 'ws', 'bare ws', 'bare ws again')
  return pair('ws', 'windsock', 'bare ws', 'windsock')
}

/** windsock is imported by its name, which leads to the build. */
function demandBuild(): void {
  const entry = fileURLToPath(new URL('../../dist/index.js', import.meta.url))
  if (!existsSync(entry)) throw new Error(`there is no ${entry}: run "npm run build" first`)
}

function noSuchCase(text: string, quick: boolean): string {
  const known = CASES.filter((one) => one.quick || !quick).map((one) => `  ${one.name}`)
  const where = quick ? ' with --quick' : ''
  return `no case is called "${text}"${where}; there are\n${known.join('\n')}`
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= MOST_ROUNDS) return value
  throw new InvalidArgumentError(`give a whole number from 1 to ${MOST_ROUNDS}.`)
}

function someSeconds(text: string): number {
  const value = Number(text)
  if (value >= 0.1 && value <= MOST_SECONDS) return value
  throw new InvalidArgumentError(`give a number from 0.1 to ${MOST_SECONDS}.`)
}
