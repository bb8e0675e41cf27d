// The simulation as a command.
//
//   npm run test:sim                               20,000 lifetimes
//   npm run test:sim -- --lifetimes 1000000
//   npm run test:sim -- --minutes 10 --workers 2   on so many threads; each has its own batches
//   npm run test:sim -- --seed 7 --path 3:1:0      one run again, as it was printed

import { parseArgs } from 'node:util'
import { report } from './report.ts'
import { simulateOn } from './workers.ts'

const { values } = parseArgs({
  options: {
    lifetimes: { type: 'string' },
    minutes: { type: 'string' },
    workers: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    path: { type: 'string' },
    quiet: { type: 'boolean', default: false },
  },
})

const DEFAULT_LIFETIMES = 20_000
/** Between two lines of progress where the output is no terminal. */
const PLAIN_EVERY_MS = 10_000

function numberOf(name: 'lifetimes' | 'minutes' | 'seed' | 'workers'): number | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  const number = Number(text)
  const least = name === 'workers' ? 1 : 0
  if (number >= least && (name === 'minutes' || Number.isInteger(number))) return number
  console.error(`--${name} is ${text}: it must be a number, ${least} or more`)
  process.exit(2)
}

const seed = numberOf('seed') as number
const workers = numberOf('workers') as number
const minutes = numberOf('minutes')
const lifetimes = numberOf('lifetimes') ?? (minutes === undefined ? DEFAULT_LIFETIMES : undefined)
if (!values.quiet) console.log(`seed ${seed}`)

const isTerminal = process.stdout.isTTY
let saidAtMs = 0
const { path } = values
const outcome = await simulateOn(workers, { seed, lifetimes, minutes, path }, (count, ms) => {
  if (values.quiet || (!isTerminal && ms - saidAtMs < PLAIN_EVERY_MS)) return
  saidAtMs = ms
  const line = `${count} lifetimes, ${Math.round(ms / 1_000)} s`
  if (isTerminal) process.stdout.write(`\r${line}`)
  else console.log(line)
})
if (isTerminal && !values.quiet) process.stdout.write('\n')

const { failure } = outcome
if (failure === undefined) {
  if (!values.quiet) console.log(report(outcome))
} else {
  console.error(`✗ ${failure.why}\n\nThe world:${failure.world}`)
  console.error(`again: npm run test:sim -- --seed ${failure.seed} --path ${failure.path}`)
}
// A life that hangs has timers of `ws` that would keep the process.
process.exit(failure === undefined ? 0 : 1)
