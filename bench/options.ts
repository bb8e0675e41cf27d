// Options: what `npm run bench --` takes.

import { Command, InvalidArgumentError, Option } from 'commander'

const ROUNDS = 5
const SECONDS = 1
const QUICK_ROUNDS = 2
const QUICK_SECONDS = 0.4
const MOST_ROUNDS = 99
const MOST_SECONDS = 20

export interface Options {
  readonly quick: boolean
  readonly json: boolean
  readonly save: boolean
  readonly redraw: boolean
  readonly peers: boolean
  readonly aa: boolean
  readonly journal: boolean
  readonly durable: boolean
  readonly rounds: number
  readonly seconds: number
  readonly only: readonly string[]
}

/** @throws CommanderError for what is no option, or no value of one; and for `--help`. */
export function readOptions(): Options {
  const program = new Command('npm run bench --')
    .description('Measures windsock against bare ws on this machine and prints the ratios.')
    .option('--quick', 'fewer cases and short rounds, for CI', false)
    .option('--json', 'print JSON instead of the table', false)
    .addOption(
      new Option('--save', 'write the results and docs/explanation/performance.md')
        .default(false)
        .conflicts(['quick', 'aa', 'journal', 'durable']),
    )
    .option('--redraw', 'write the page again from what was saved, and measure nothing', false)
    .option('--rounds <n>', `rounds per case (${ROUNDS}; quick: ${QUICK_ROUNDS})`, wholeNumber)
    .option('--seconds <n>', `counted per round (${SECONDS}; quick: ${QUICK_SECONDS})`, someSeconds)
    .option('--only <case,…>', 'only cases whose name contains one of the texts', texts, [])
    .option('--peers', 'other servers, too; installs Socket.IO and Bun on first use', false)
    .option('--journal', 'windsock without a journal against windsock with one in a file', false)
    .option(
      '--durable',
      "durable topics: publishes a second, their latency, the event loop's",
      false,
    )
    .option('--aa', 'bare ws on both sides: a sound bench gives about 1.00', false)
    .exitOverride()
  const given = program.parse().opts<Options>()
  return {
    ...given,
    rounds: given.rounds ?? (given.quick ? QUICK_ROUNDS : ROUNDS),
    seconds: given.seconds ?? (given.quick ? QUICK_SECONDS : SECONDS),
  }
}

function texts(text: string): string[] {
  return text.split(',').filter((part) => part !== '')
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
