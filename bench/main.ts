// Main: `npm run bench`, windsock beside bare `ws` and others in one run, or what is durable beside what is not.
//
// Exit codes: 0 when no row is below its floor, 1 when one is, 2 when something could not be measured.

import { cpus, loadavg } from 'node:os'
import { CommanderError } from 'commander'
import { CASES, type Case, casesNamed } from './cases.ts'
import { tooFewDescriptors } from './descriptors.ts'
import { measureDurable } from './durable.ts'
import { type Row, rowsOf } from './judge.ts'
import { measureRound, type NoteVersion, type Round, roundSeconds } from './measure.ts'
import { type Options, readOptions } from './options.ts'
import { findPeers } from './peers.ts'
import { Progress } from './progress.ts'
import { belowFloor, comparedText, table } from './report.ts'
import type { Results } from './results.ts'
import { kept, save } from './save.ts'
import {
  can,
  FORMS,
  JOURNALED,
  NET,
  type Subject,
  UNJOURNALED,
  WINDSOCK,
  WS,
  WS_AGAIN,
} from './subjects.ts'

const BELOW_FLOOR = 1
const NOT_MEASURED = 2
const INTERRUPTED = 130
const TERMINATED = 143

/** Starting the processes, opening the connections, stopping: for the estimate only. */
const OVERHEAD_SECONDS = 0.7

process.on('SIGINT', () => process.exit(INTERRUPTED))
process.on('SIGTERM', () => process.exit(TERMINATED))

try {
  process.exitCode = await main(readOptions())
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : NOT_MEASURED
  else {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = NOT_MEASURED
  }
}

async function main(options: Options): Promise<number> {
  const { rounds, seconds, only, quick } = options
  if (options.redraw) return redraw()
  if (options.durable) return measureDurable(options, machine())
  const named = casesNamed(only, quick)
  if (named.length === 0) throw new Error(noSuchCase(only, quick))
  const cases = named.filter((one) => {
    const line = tooFewDescriptors(one)
    if (line !== undefined) console.error(line)
    return line === undefined
  })
  const subjects = subjectsOf(options)
  console.error(extent(cases, subjects, options))

  const versions: Record<string, string> = {}
  const note: NoteVersion = ({ name }, version) => {
    versions[name] = version
  }
  const rows: Row[] = []
  const progress = new Progress(cases.length * rounds)
  const isJudged = subjects.includes(WINDSOCK)
  try {
    for (const one of cases) {
      const present = takingPart(one, subjects)
      const done: Round[] = []
      for (let round = 1; round <= rounds; round++) {
        progress.step(`${one.name}, round ${round} of ${rounds}`)
        done.push(await measureRound(one, present, seconds, note))
      }
      const found = rowsOf(one, present, done, isJudged)
      rows.push(...found)
      progress.end(summary(one, found))
    }
  } finally {
    progress.close()
  }
  const results: Results = { rounds, seconds, machine: machine(), versions, rows }
  console.log(options.json ? JSON.stringify(results, null, 2) : table(rows))
  if (options.save) await save(results)
  const failed = belowFloor(rows)
  if (failed.length === 0) return 0
  console.error(
    `below the floor: ${failed.map(({ name, subject }) => `${subject} in ${name}`).join('; ')}`,
  )
  return BELOW_FLOOR
}

/** Draws the page from what was saved last, with nothing measured. */
async function redraw(): Promise<number> {
  const results = kept()
  if (results === undefined) throw new Error('nothing is saved: run `npm run bench -- --save`')
  await save(results)
  return 0
}

/** Who is measured; all are compared with the first. */
function subjectsOf({ aa, journal, peers, quick }: Options): readonly Subject[] {
  if (journal) return [UNJOURNALED, JOURNALED]
  if (aa) return [WS, WS_AGAIN]
  if (quick) return [WS, WINDSOCK]
  const own = [WS, WINDSOCK, ...FORMS, ...FORMS.map(({ byHand }) => byHand)]
  if (peers) return [...own, ...findPeers((line) => console.error(line))]
  // How far Node's sockets scale is what windsock's scaling is held against.
  return [...own, { ...NET, does: ['crowd'] }]
}

function takingPart(one: Case, subjects: readonly Subject[]): readonly Subject[] {
  return subjects.filter((subject) => one.works.some((work) => can(subject, work)))
}

function extent(
  cases: readonly Case[],
  subjects: readonly Subject[],
  { rounds, seconds }: Options,
): string {
  const roundOf = (one: Case) => {
    const each = one.works.map((work) => roundSeconds(work, seconds) + OVERHEAD_SECONDS)
    return takingPart(one, subjects).length * each.reduce((sum, of) => sum + of, 0)
  }
  const minutes = (rounds * cases.reduce((sum, one) => sum + roundOf(one), 0)) / 60
  return `${cases.length} cases, ${rounds} rounds of ${seconds} s for each server: about ${minutes.toFixed(1)} min`
}

function summary({ name }: Case, rows: readonly Row[]): string {
  const [first] = rows.filter(({ compared }) => compared !== undefined)
  return first === undefined ? name : `${name}: ${first.subject} ${comparedText(first)}`
}

function machine(): Results['machine'] {
  const processors = cpus()
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    loadAverage: loadavg()[0] ?? 0,
  }
}

function noSuchCase(only: readonly string[], quick: boolean): string {
  const known = casesNamed([], quick).map((one) => `  ${one.name}`)
  const where = quick && known.length < CASES.length ? ' with --quick' : ''
  return `no case is called "${only.join(',')}"${where}; there are\n${known.join('\n')}`
}
