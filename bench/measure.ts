// Measure: one round of a case, for all who take part.
//
// Each round starts fresh servers and fresh load processes, so that no round inherits another's heap. Only one server
// has work at a time; they take turns in slices so short that what else the machine does falls on all alike. Messages
// per CPU second of the server is the figure to trust: it changes least when other work takes the machine's time away.

import type { Case, Work } from './cases.ts'
import { median } from './spread.ts'
import { Stand, type Tally } from './stand.ts'
import { can, type Subject } from './subjects.ts'
import type { Latency } from './words.ts'

const SLICE_SECONDS = 0.5
/**
 * Load before each slice, not counted. After a rest of some 200 ms the kernel acknowledges the first 16 segments of
 * every connection one by one. Without this, a broadcast costs a quarter more; most where a turn's messages are one
 * segment, because those 16 last longest there.
 */
const LEAD_IN_SECONDS = 0.3
/** 16 segments for each connection, at 12 µs each. */
const LEAD_IN_SECONDS_A_CONNECTION = 0.0002
const SHORTEST_WARM_UP_SECONDS = 0.4
/** Of openings: the collector goes through the whole heap once in some 10,000, and a shorter round has it or has it not. */
const SHORTEST_OPENING_SECONDS = 1
const KIB = 1024
/** What compiles the code before connections are weighed. */
const OPENING: Work = { kind: 'opening', atOnce: 8, closes: false }

/** One server's share of a round. */
export interface Sample {
  /** Messages, deliveries or openings, per second. */
  readonly perSecond: number
  /** The same per second of the server's CPU time. */
  readonly perCpuSecond: number
  /** CPU seconds per second, of all threads; 1 is one core. */
  readonly serverCpu: number
  readonly loadCpu: number
  /** Of a work with a pace. */
  readonly latency?: Latency | undefined
  /** Of a work that is weighed. */
  readonly connection?: Connection | undefined
}

/** What one open connection costs. */
export interface Connection {
  readonly openingsPerCpuSecond: number
  readonly heapKib: number
  readonly residentKib: number
}

/** By subject; a sample for each work of the case. */
export type Round = ReadonlyMap<string, readonly Sample[]>

/** Hears the version of each server that was measured. */
export type NoteVersion = (subject: Subject, version: string) => void

export async function measureRound(
  one: Case,
  subjects: readonly Subject[],
  seconds: number,
  note: NoteVersion,
): Promise<Round> {
  const stands = new Map<Subject, Stand>()
  const samples = new Map<string, Sample[]>(subjects.map(({ name }) => [name, []]))
  const open = (subject: Subject, work: Work) => {
    const stand = new Stand(subject, work.kind === 'broadcast' && work.deflate)
    stands.set(subject, stand)
    return stand
  }
  const close = async () => {
    for (const [subject, stand] of stands) {
      note(subject, stand.version)
      await stand.stop()
      stands.delete(subject)
    }
  }
  const inTurn = async (subject: Subject, run: (stand: Stand) => Promise<Sample>, work: Work) => {
    const sample = await run(open(subject, work))
    await close()
    return sample
  }
  const weigh = (subject: Subject, work: Work) => {
    return inTurn(subject, (stand) => weighed(stand, work, seconds), work)
  }
  try {
    for (const work of one.works) {
      const present = subjects.filter((subject) => can(subject, work))
      if (one.measure === 'heap') {
        for (const subject of present) {
          samples.get(subject.name)?.push(await weigh(subject, work))
        }
      } else if (one.measure === 'growth') {
        for (const subject of present) {
          if (!can(subject, OPENING)) {
            // No WebSocket: there is no opening to weigh.
            const sample = await inTurn(subject, (stand) => alone(stand, work, seconds), work)
            samples.get(subject.name)?.push(sample)
            continue
          }
          const sample = await weigh(subject, work)
          // The many openings that warm the code up leave room that these connections would fill unseen.
          const idle = await weigh(subject, idleAs(work))
          const connection = { ...sample.connection, ...weightOf(idle) } as Connection
          samples.get(subject.name)?.push({ ...sample, connection })
        }
      } else {
        const together = present.map((subject) => open(subject, work))
        const results = await sideBySide(together, work, seconds)
        for (const [index, { name }] of present.entries()) {
          const sample = results[index]
          if (sample !== undefined) samples.get(name)?.push(sample)
        }
        await close()
      }
    }
    return samples
  } catch (error) {
    const said = await Promise.all([...stands.values()].map((stand) => stand.lastWords()))
    const what = error instanceof Error ? error.message : String(error)
    throw new Error([`${one.name}: ${what}`, ...said.flat()].join('\n'), { cause: error })
  } finally {
    await close()
  }
}

/** Seconds that a round of one subject takes, without starting and stopping. */
export function roundSeconds(work: Work, wanted: number): number {
  const seconds = countedSeconds(work, wanted)
  const slices = sliceCount(seconds)
  return seconds + (warmUpMs(seconds) + slices * leadInMs(work, seconds / slices)) / 1000
}

async function sideBySide(
  stands: readonly Stand[],
  work: Work,
  wanted: number,
): Promise<readonly Sample[]> {
  const seconds = countedSeconds(work, wanted)
  for (const stand of stands) {
    await stand.begin(work)
  }
  for (const stand of stands) await stand.warmUp(warmUpMs(seconds))
  const tallies = new Map<Stand, Tally[]>(stands.map((stand) => [stand, []]))
  const count = sliceCount(seconds)
  for (let i = 0; i < count; i++) {
    // A B C, C B A, A B C …: none is always the first.
    for (const stand of i % 2 === 0 ? stands : stands.toReversed()) {
      tallies.get(stand)?.push(await slice(stand, work, seconds / count))
    }
  }
  return stands.map((stand) => total(tallies.get(stand) ?? []))
}

function idleAs(work: Work): Work {
  return { kind: 'idle', connections: 'connections' in work ? work.connections : 0 }
}

function weightOf({ connection }: Sample): Partial<Connection> {
  if (connection === undefined) return {}
  const { heapKib, residentKib } = connection
  return { heapKib, residentKib }
}

async function weighed(stand: Stand, work: Work, seconds: number): Promise<Sample> {
  if (!('connections' in work)) throw new Error('only open connections can be weighed')
  await stand.begin(OPENING)
  // What is idle is weighed: many openings before would leave room that the next ones fill unseen.
  if (work.kind === 'idle') await stand.run(LEAD_IN_SECONDS * 1000)
  else await stand.warmUp(0)
  const before = await stand.weigh()
  const cpuBefore = await stand.cpuSeconds()
  await stand.begin(work)
  const cpuSeconds = (await stand.cpuSeconds()) - cpuBefore
  const after = await stand.weigh()
  const each = (bytes: number) => bytes / KIB / work.connections
  const connection: Connection = {
    openingsPerCpuSecond: work.connections / cpuSeconds,
    heapKib: each(after.heapBytes - before.heapBytes),
    residentKib: each(after.rssBytes - before.rssBytes),
  }
  if (work.kind === 'idle') {
    return { perSecond: 0, perCpuSecond: 0, serverCpu: 0, loadCpu: 0, connection }
  }
  return { ...(await counted(stand, work, seconds)), connection }
}

async function alone(stand: Stand, work: Work, seconds: number): Promise<Sample> {
  await stand.begin(work)
  return counted(stand, work, seconds)
}

async function counted(stand: Stand, work: Work, seconds: number): Promise<Sample> {
  await stand.warmUp(warmUpMs(seconds))
  const tallies: Tally[] = []
  for (let i = 0; i < sliceCount(seconds); i++) {
    tallies.push(await slice(stand, work, seconds / sliceCount(seconds)))
  }
  return total(tallies)
}

async function slice(stand: Stand, work: Work, seconds: number): Promise<Tally> {
  await stand.run(leadInMs(work, seconds))
  return stand.run(seconds * 1000)
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
    latency: typicalLatency(tallies.flatMap(({ latency }) => latency ?? [])),
  }
}

function typicalLatency(latencies: readonly Latency[]): Latency | undefined {
  if (latencies.length === 0) return undefined
  return {
    p50: median(latencies.map(({ p50 }) => p50)),
    p99: median(latencies.map(({ p99 }) => p99)),
    late99: median(latencies.map(({ late99 }) => late99)),
  }
}

function countedSeconds(work: Work, wanted: number): number {
  return work.kind === 'opening' ? Math.max(wanted, SHORTEST_OPENING_SECONDS) : wanted
}

function sliceCount(seconds: number): number {
  return Math.max(2, Math.round(seconds / SLICE_SECONDS))
}

function warmUpMs(seconds: number): number {
  return Math.max(SHORTEST_WARM_UP_SECONDS, seconds / 2) * 1000
}

/** Of a slice; in a quick run less. */
function leadInMs(work: Work, sliceSeconds: number): number {
  const enough = Math.max(LEAD_IN_SECONDS, connectionsOf(work) * LEAD_IN_SECONDS_A_CONNECTION)
  return (sliceSeconds < LEAD_IN_SECONDS ? sliceSeconds : enough) * 1000
}

function connectionsOf(work: Work): number {
  if ('subscribers' in work) return work.subscribers
  return 'connections' in work ? work.connections : 0
}
