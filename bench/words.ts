// Words: what the processes of the benchmark say to one another over Node's IPC.
//
// A server says `ready` with its port, the load process when its connections are open and idle. A
// server answers `mark` with its CPU time so far. The load process answers `run` with a mark and
// starts, and `rest` with a mark when the last message that is on its way has arrived. So what the
// server used between two of its marks is exactly what the messages between the load's two cost.

import type { Work } from './cases.ts'

/** From main: `mark` to a server, `run` and `rest` to the load. A mark answers each. */
export interface Order {
  readonly type: 'mark' | 'run' | 'rest'
}

/** What the load process is told on its command line, as JSON. */
export interface LoadPlan {
  readonly port: number
  readonly work: Work
}

export interface Ready {
  readonly type: 'ready'
  /** The server's port; 0 from the load process. */
  readonly port: number
}

export interface Mark {
  readonly type: 'mark'
  /** The system's monotonic clock. */
  readonly atSeconds: number
  /** User and system time of all threads since the process began. */
  readonly cpuSeconds: number
  /** Messages or deliveries since the process began; 0 from a server. */
  readonly done: number
}

export interface Failed {
  readonly type: 'failed'
  readonly reason: string
}

export type Reply = Ready | Mark | Failed

/** A mark of this process, now. */
export function markNow(done: number): Mark {
  const { user, system } = process.cpuUsage()
  return {
    type: 'mark',
    atSeconds: Number(process.hrtime.bigint()) / 1e9,
    cpuSeconds: (user + system) / 1e6,
    done,
  }
}

/** Says `reply` to the parent; does nothing when started by hand. */
export function say(reply: Reply): void {
  process.send?.(reply)
}
