// Measure: one round of two servers under load, and what becomes of many such rounds.
//
// Each round starts fresh servers and fresh load processes, so that no round inherits another's
// heap. Only one server has work at a time; they take turns in slices so short that what else
// the machine does falls on both alike. Messages per CPU second of the server is the figure to
// trust: it changes least when other work takes the machine's time away.

import { setTimeout as pause } from 'node:timers/promises'
import type { Case } from './cases.ts'
import { Child } from './child.ts'
import type { LoadPlan } from './words.ts'

const READY_LIMIT_MS = 20_000
const MARK_LIMIT_MS = 10_000
/** How long a failed server has to say why. */
const LAST_WORDS_MS = 200
const SLICE_SECONDS = 0.5
/**
 * Load before each slice, not counted. After a rest of some 200 ms the kernel acknowledges the
 * first 16 segments of every connection one by one: without this, broadcasts cost 25 % more.
 */
const LEAD_IN_SECONDS = 0.3
const SHORTEST_WARM_UP_SECONDS = 0.5

export type Subject = 'ws' | 'windsock' | 'unjournaled' | 'journaled'

const SERVERS: Record<Subject, string> = {
  ws: './servers/ws.js',
  windsock: './servers/windsock.js',
  unjournaled: './servers/unjournaled.js',
  journaled: './servers/journaled.js',
}

/** All slices of one server in a round. */
export interface Sample {
  /** Messages, or deliveries, per second. */
  readonly perSecond: number
  /** The same per second of the server's CPU time. */
  readonly perCpuSecond: number
  /** CPU seconds per second, of all threads; 1 is one core. */
  readonly serverCpu: number
  readonly loadCpu: number
}

/** Bare `ws` and its rival, side by side. */
export interface Round {
  readonly base: Sample
  readonly rival: Sample
}

interface Stand {
  readonly server: Child
  load: Child | undefined
}

interface Tally {
  readonly done: number
  readonly seconds: number
  readonly serverCpuSeconds: number
  readonly loadCpuSeconds: number
}

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export interface Result {
  readonly name: string
  readonly floor: number
  /** Medians over the rounds, each figure for itself. */
  readonly base: Sample
  readonly rival: Sample
  readonly byThroughput: Spread
  readonly byCpu: Spread
  readonly rounds: readonly Round[]
}

/** Measures `base` and `rival` for `seconds` each, in slices that take turns. */
export async function measureRound(
  one: Case,
  pair: { readonly base: Subject; readonly rival: Subject },
  seconds: number,
): Promise<Round> {
  const stands: Stand[] = []
  try {
    const base = await open(pair.base, one, stands)
    const other = await open(pair.rival, one, stands)
    await run(base, warmUpMs(seconds))
    await run(other, warmUpMs(seconds))
    const count = sliceCount(seconds)
    const ms = (seconds * 1000) / count
    const tallies: Record<'base' | 'rival', Tally[]> = { base: [], rival: [] }
    for (let i = 0; i < count; i++) {
      // A B, B A, A B …: neither is always the first.
      if (i % 2 === 0) tallies.base.push(await slice(base, ms))
      tallies.rival.push(await slice(other, ms))
      if (i % 2 === 1) tallies.base.push(await slice(base, ms))
    }
    return { base: total(tallies.base), rival: total(tallies.rival) }
  } catch (error) {
    await pause(LAST_WORDS_MS)
    const what = error instanceof Error ? error.message : String(error)
    const said = stands.flatMap(({ server, load }) => [server.complaint, load?.complaint ?? ''])
    const lines = [`${one.name}: ${what}`, ...said.filter((text) => text !== '')]
    throw new Error(lines.join('\n'), { cause: error })
  } finally {
    for (const { server, load } of stands) {
      await load?.stop()
      await server.stop()
    }
  }
}

/** Starts a server and its load; `stands` has them at once, so that they get stopped. */
async function open(subject: Subject, one: Case, stands: Stand[]): Promise<Stand> {
  const server = new Child(`the ${subject} server`, SERVERS[subject])
  const stand: Stand = { server, load: undefined }
  stands.push(stand)
  const { port } = await server.ready(READY_LIMIT_MS)
  const plan: LoadPlan = { port, work: one.work }
  stand.load = new Child(`the load on ${subject}`, './load.js', [JSON.stringify(plan)])
  await Promise.race([stand.load.ready(READY_LIMIT_MS), server.failed])
  return stand
}

async function slice(stand: Stand, ms: number): Promise<Tally> {
  await run(stand, LEAD_IN_SECONDS * 1000)
  return run(stand, ms)
}

/** Lets the load run for `ms` and until its last message has arrived. */
async function run({ server, load }: Stand, ms: number): Promise<Tally> {
  if (load === undefined) throw new Error('there is no load')
  const serverStart = await server.ask('mark', MARK_LIMIT_MS)
  const loadStart = await load.ask('run', MARK_LIMIT_MS)
  await Promise.race([pause(ms), server.failed, load.failed])
  const loadEnd = await load.ask('rest', MARK_LIMIT_MS)
  const serverEnd = await server.ask('mark', MARK_LIMIT_MS)
  return {
    done: loadEnd.done - loadStart.done,
    seconds: loadEnd.atSeconds - loadStart.atSeconds,
    serverCpuSeconds: serverEnd.cpuSeconds - serverStart.cpuSeconds,
    loadCpuSeconds: loadEnd.cpuSeconds - loadStart.cpuSeconds,
  }
}

/** Puts the rounds of a case together. */
export function summarise(one: Case, rounds: readonly Round[]): Result {
  return {
    name: one.name,
    floor: one.floor,
    base: typical(rounds.map((round) => round.base)),
    rival: typical(rounds.map((round) => round.rival)),
    byThroughput: spread(rounds.map(({ base, rival }) => rival.perSecond / base.perSecond)),
    byCpu: spread(rounds.map(({ base, rival }) => rival.perCpuSecond / base.perCpuSecond)),
    rounds,
  }
}

/** Seconds that one round takes, without starting and stopping. */
export function roundSeconds(seconds: number): number {
  return 2 * (seconds + warmUpMs(seconds) / 1000 + sliceCount(seconds) * LEAD_IN_SECONDS)
}

function sliceCount(seconds: number): number {
  return Math.max(2, Math.round(seconds / SLICE_SECONDS))
}

function warmUpMs(seconds: number): number {
  return Math.max(SHORTEST_WARM_UP_SECONDS, seconds / 2) * 1000
}

function total(tallies: readonly Tally[]): Sample {
  const sum = (of: (tally: Tally) => number) => tallies.reduce((so, tally) => so + of(tally), 0)
  const done = sum((tally) => tally.done)
  const seconds = sum((tally) => tally.seconds)
  const serverCpuSeconds = sum((tally) => tally.serverCpuSeconds)
  return {
    perSecond: done / seconds,
    perCpuSecond: done / serverCpuSeconds,
    serverCpu: serverCpuSeconds / seconds,
    loadCpu: sum((tally) => tally.loadCpuSeconds) / seconds,
  }
}

function typical(samples: readonly Sample[]): Sample {
  return {
    perSecond: spread(samples.map((one) => one.perSecond)).median,
    perCpuSecond: spread(samples.map((one) => one.perCpuSecond)).median,
    serverCpu: spread(samples.map((one) => one.serverCpu)).median,
    loadCpu: spread(samples.map((one) => one.loadCpu)).median,
  }
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN
  const high = sorted[Math.floor(middle)] ?? Number.NaN
  return {
    median: (low + high) / 2,
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
  }
}
