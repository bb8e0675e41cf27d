// Durable: what it costs to acknowledge a message when it is on disk, beside a topic in memory in the same round.
//
// Each measurement is a process of its own. Slow syncs are real syncs that return later: `strace` stops the thread that
// made one for a while longer, and nothing else; that is below SQLite, where a slow disk is, too.

import { execFile, execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { DurablePlan, DurableResult } from './durable-load.ts'
import type { Options } from './options.ts'
import { Progress } from './progress.ts'
import { columns } from './report.ts'
import type { Results } from './results.ts'
import { median } from './spread.ts'

const LOAD = fileURLToPath(new URL('./durable-load.js', import.meta.url))
const SLOW_SYNC_MS = 5
const PACE = 5_000
/** What one process may take beyond its counted seconds. */
const LIMIT_MS = 30_000

/** Held to: publishes a second; milliseconds; and how much later than with a topic in memory a timer fires. */
const DEMANDS = { perSecond: 50_000, p99: 20, loopP50: 2, loopP99: 5 }

interface DurableCase {
  readonly name: string
  readonly kind: DurablePlan['kind']
  /** 0: as many as go. */
  readonly perSecond: number
  readonly slowSyncs: boolean
}

const MEMORY: DurableCase = {
  name: `${PACE} a second, in memory`,
  kind: 'memory',
  perSecond: PACE,
  slowSyncs: false,
}
const CASES: readonly DurableCase[] = [PACE, 0].flatMap((perSecond) =>
  [false, true].map((slowSyncs) => ({
    name: `${perSecond === 0 ? 'as many as go' : `${perSecond} a second`}${slowSyncs ? `, ${SLOW_SYNC_MS} ms more a sync` : ''}`,
    kind: 'file' as const,
    perSecond,
    slowSyncs,
  })),
)

/** The median of the rounds, figure by figure. */
interface DurableRow extends DurableResult {
  readonly name: string
  /** What is worse than demanded, in words. */
  readonly misses: readonly string[]
}

/** @returns the exit code: 0, or 1 when a demand was missed. */
export async function measureDurable(
  { rounds, seconds, json }: Options,
  machine: Results['machine'],
): Promise<number> {
  const cases = [MEMORY, ...CASES.filter(({ slowSyncs }) => !slowSyncs || canTrace())]
  if (cases.length <= CASES.length) {
    console.error(`slow syncs are left out: they need strace, and the right to trace a process`)
  }
  const found = new Map<DurableCase, DurableResult[]>(cases.map((one) => [one, []]))
  const progress = new Progress(rounds * cases.length)
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const one of cases) {
        progress.step(`${one.name}, round ${round} of ${rounds}`)
        found.get(one)?.push(await measure(one, seconds))
      }
      progress.end(`round ${round}`)
    }
  } finally {
    progress.close()
  }
  const memory = found.get(MEMORY) ?? []
  const rows = cases.map((one) => rowOf(one, found.get(one) ?? [], memory))
  console.log(json ? JSON.stringify({ rounds, seconds, machine, rows }, null, 2) : table(rows))
  const missed = rows.flatMap(({ name, misses }) => misses.map((miss) => `${name}: ${miss}`))
  if (missed.length === 0) return 0
  console.error(`missed: ${missed.join('; ')}`)
  return 1
}

async function measure({ kind, perSecond, slowSyncs }: DurableCase, seconds: number) {
  const plan: DurablePlan = { kind, perSecond, seconds, folder: tmpdir() }
  const [command, ...args] = [
    ...(slowSyncs ? tracer(SLOW_SYNC_MS) : []),
    process.execPath,
    LOAD,
    JSON.stringify(plan),
  ]
  const options = { timeout: seconds * 1_000 + LIMIT_MS }
  const { stdout } = await promisify(execFile)(command, args, options)
  return JSON.parse(stdout) as DurableResult
}

/** What runs a command so that each of its syncs takes `ms` longer; its other calls are not looked at. */
function tracer(ms: number): readonly [string, ...string[]] {
  const calls = 'fsync,fdatasync'
  const delay = `inject=${calls}:delay_exit=${ms * 1_000}`
  return [
    'strace',
    '-f',
    '--seccomp-bpf',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    `trace=${calls}`,
    '-e',
    delay,
  ]
}

function canTrace(): boolean {
  const [command, ...args] = [...tracer(0), process.execPath, '--version']
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function rowOf(
  { name, kind, perSecond }: DurableCase,
  results: readonly DurableResult[],
  memory: readonly DurableResult[],
): DurableRow {
  const middle = (figure: (result: DurableResult) => number) => median(results.map(figure))
  const percentiles = (which: 'latency' | 'loop') => ({
    p50: middle((result) => result[which].p50),
    p99: middle((result) => result[which].p99),
    max: middle((result) => result[which].max),
  })
  const row = {
    name,
    perSecond: middle((result) => result.perSecond),
    latency: percentiles('latency'),
    loop: percentiles('loop'),
    syncMs: middle(({ syncMs }) => syncMs),
    loopBusy: middle(({ loopBusy }) => loopBusy),
  }
  if (kind === 'memory') return { ...row, misses: [] }
  if (perSecond === 0) {
    return { ...row, misses: row.perSecond < DEMANDS.perSecond ? ['too few a second'] : [] }
  }
  const later = (which: 'p50' | 'p99') => {
    return median(results.map(({ loop }, round) => loop[which] - (memory[round]?.loop[which] ?? 0)))
  }
  const misses = [
    ...(row.latency.p99 > DEMANDS.p99 ? ['acknowledged too late'] : []),
    ...(later('p50') > DEMANDS.loopP50 ? ['the event loop is held up at its median'] : []),
    ...(later('p99') > DEMANDS.loopP99 ? ['the event loop is held up at its 99th percentile'] : []),
  ]
  return { ...row, misses }
}

function table(rows: readonly DurableRow[]): string {
  const head = [
    'publishes',
    '',
    '/s',
    'acknowledged p50',
    'p99 ms',
    'loop late p50',
    'p99 ms',
    'sync ms',
    'loop busy',
  ]
  const lines = rows.map(({ name, perSecond, latency, loop, syncMs, loopBusy, misses }) => [
    name,
    misses.length === 0 ? '' : 'missed',
    Math.round(perSecond).toString(),
    latency.p50.toFixed(2),
    latency.p99.toFixed(1),
    loop.p50.toFixed(2),
    loop.p99.toFixed(1),
    syncMs === 0 ? '' : syncMs.toFixed(2),
    `${Math.round(loopBusy * 100)}%`,
  ])
  return columns([head, ...lines]).join('\n')
}
