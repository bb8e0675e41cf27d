// Durable load: one process that publishes to one topic, durable or in memory, and says how it went.
//
// It prints one line of JSON. Started by `durable.ts`, perhaps under a tracer that makes each sync slow, so it needs
// nothing from its parent but its argument.

import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { openJournal, topic } from 'windsock'

/** What to do; `perSecond` 0 is as much as goes. */
export interface DurablePlan {
  readonly kind: 'memory' | 'file'
  readonly perSecond: number
  readonly seconds: number
  /** Where the journal is made, in a folder that is removed again. */
  readonly folder: string
}

/** Milliseconds. */
export interface Percentiles {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface DurableResult {
  readonly perSecond: number
  /** From the call of `publish` to its acknowledgement. */
  readonly latency: Percentiles
  /** How late a timer of 1 ms fired: what a turn of the event loop takes beyond that. */
  readonly loop: Percentiles
  /** One `fdatasync` after a write of 4 KiB, median; 0 for a topic in memory. */
  readonly syncMs: number
  /** The share of time in which the event loop was not idle, 0 … 1. */
  readonly loopBusy: number
}

const WARM_UP_MS = 1_000
const TEXT = 'x'.repeat(100)
/** Publishes that wait for their acknowledgement when as much is published as goes. */
const IN_FLIGHT = 5_000
/** Of those, what one turn of the event loop publishes, so that it is not this load that holds it up. */
const A_TURN = 100
const NS_PER_MS = 1e6
const RESOLUTION_MS = 1

const plan = JSON.parse(process.argv[2] ?? '') as DurablePlan
const folder = mkdtempSync(join(plan.folder, 'windsock-durable-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
console.log(JSON.stringify(await measure()))

async function measure(): Promise<DurableResult> {
  const journal = plan.kind === 'file' ? await openJournal(join(folder, 'journal.db')) : undefined
  const syncMs = journal === undefined ? 0 : medianSync()
  const history = { count: 100_000 }
  const news =
    journal === undefined
      ? topic<string>('news', { history })
      : topic<string>('news', { history, durable: journal })
  const publish = async () => {
    await news.publish(TEXT)
  }
  await load(publish, WARM_UP_MS)
  const loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  const busy = performance.eventLoopUtilization()
  loop.enable()
  const latencies: number[] = []
  const beganAtMs = performance.now()
  await load(async () => {
    const calledAtMs = performance.now()
    await publish()
    latencies.push(performance.now() - calledAtMs)
  }, plan.seconds * 1_000)
  const tookMs = performance.now() - beganAtMs
  loop.disable()
  const { utilization } = performance.eventLoopUtilization(busy)
  await journal?.close()
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.ceil(latencies.length * share) - 1] ?? Number.NaN
  return {
    perSecond: (latencies.length / tookMs) * 1_000,
    latency: { p50: at(0.5), p99: at(0.99), max: at(1) },
    loop: {
      p50: late(loop.percentile(50)),
      p99: late(loop.percentile(99)),
      max: late(loop.max),
    },
    syncMs,
    loopBusy: utilization,
  }
}

function late(ns: number): number {
  return Math.max(0, ns / NS_PER_MS - RESOLUTION_MS)
}

/** Publishes for so long, at the plan's pace, and waits for the last acknowledgement. */
function load(publish: () => Promise<void>, ms: number): Promise<void> {
  return plan.perSecond === 0 ? flood(publish, ms) : paced(publish, ms)
}

async function paced(publish: () => Promise<void>, ms: number): Promise<void> {
  const beganAtMs = performance.now()
  const waiting: Promise<void>[] = []
  let elapsedMs = 0
  while (elapsedMs < ms) {
    // What the timer is late by is made up for: the pace is kept, whatever the loop does.
    const due = (Math.min(elapsedMs, ms) / 1_000) * plan.perSecond
    while (waiting.length < due) waiting.push(publish())
    await pause(1)
    elapsedMs = performance.now() - beganAtMs
  }
  await Promise.all(waiting)
}

async function flood(publish: () => Promise<void>, ms: number): Promise<void> {
  const untilMs = performance.now() + ms
  let waiting = 0
  let hear = () => {}
  const done = () => {
    waiting--
    hear()
  }
  const acknowledged = () => {
    return new Promise<void>((resolve) => {
      hear = resolve
    })
  }
  while (performance.now() < untilMs) {
    for (let count = 0; count < A_TURN && waiting < IN_FLIGHT; count++) {
      waiting++
      void publish().then(done)
    }
    // A load that asked at every turn whether there is room would take the core that the worker needs.
    await (waiting < IN_FLIGHT ? nextTurn() : acknowledged())
  }
  while (waiting > 0) await acknowledged()
}

function medianSync(): number {
  const file = openSync(join(folder, 'sync'), 'w')
  const page = Buffer.alloc(4_096)
  const took = Array.from({ length: 51 }, () => {
    writeSync(file, page)
    const beganAtMs = performance.now()
    fdatasyncSync(file)
    return performance.now() - beganAtMs
  })
  closeSync(file)
  return took.toSorted((a, b) => a - b)[25] as number
}
