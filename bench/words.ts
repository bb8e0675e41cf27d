// Words: what the processes of the benchmark say to one another, a line of JSON each way at a time.
//
// Orders come on standard input and replies go to standard output, so that a server in any language can take part; a
// process whose standard input ends goes away. A server says `ready` with its port, the load process when its
// connections are open and idle. A server answers `mark` with its CPU time so far. The load process answers `run` with
// a mark and starts, and `rest` with a mark when the last message that is on its way has arrived. So what the server
// used between two of its marks is exactly what the messages between the load's two cost.

import { createInterface } from 'node:readline'
import type { Dialect, Work } from './cases.ts'

/** To a server: `mark`, `weigh`. To the load: `run`, `rest`, and `tidy`, which closes what a run has opened. */
export interface Order {
  readonly type: 'mark' | 'weigh' | 'run' | 'rest' | 'tidy'
}

/** What the load process is told on its command line, as JSON. */
export interface LoadPlan {
  readonly port: number
  readonly path: string
  readonly dialect: Dialect
  readonly work: Work
}

/** What a server is told on its command line, as JSON. */
export interface ServerPlan {
  /** Whether permessage-deflate is agreed on with those who offer it. */
  readonly deflate: boolean
}

export interface Ready {
  readonly type: 'ready'
  /** The server's port; 0 from the load process. */
  readonly port: number
  /** Of the server's library; empty from the load process. */
  readonly version: string
}

/** Microseconds from the moment a message was due until its answer was there. */
export interface Latency {
  readonly p50: number
  readonly p99: number
  /** The 99th percentile of how late messages left; it is part of the others. */
  readonly late99: number
}

export interface Mark {
  readonly type: 'mark'
  /** The system's monotonic clock. */
  readonly atSeconds: number
  /** User and system time of all threads since the process began; without what it spent looking for work in vain. */
  readonly cpuSeconds: number
  /** Messages, deliveries or openings since the process began; 0 from a server. */
  readonly done: number
  /** Of the run that ends, when its pace was given. */
  readonly latency?: Latency | undefined
}

export interface Weight {
  readonly type: 'weight'
  /** V8's heap and the buffers it owns, after a full collection; 0 from what is not Node. */
  readonly heapBytes: number
  readonly rssBytes: number
}

export interface Tidied {
  readonly type: 'tidied'
}

export interface Failed {
  readonly type: 'failed'
  readonly reason: string
}

export type Reply = Ready | Mark | Weight | Tidied | Failed

/** A mark of this process, now. */
export function markNow(done: number, idleSeconds = 0, latency?: Latency): Mark {
  const { user, system } = process.cpuUsage()
  return {
    type: 'mark',
    atSeconds: Number(process.hrtime.bigint()) / 1e9,
    cpuSeconds: (user + system) / 1e6 - idleSeconds,
    done,
    latency,
  }
}

/** Says `reply` to the benchmark; `said` is called when it is on its way. */
export function say(reply: Reply, said?: () => void): void {
  process.stdout.write(`${JSON.stringify(reply)}\n`, said)
}

/** Calls `obey` for each order, and ends the process when the benchmark is gone. */
export function heed(obey: (order: Order) => void): void {
  createInterface({ input: process.stdin })
    .on('line', (line) => obey(JSON.parse(line) as Order))
    .on('close', () => process.exit(0))
}
