// Live ports: time and chance as the system has them.
//
// The one place where the runtime touches them; everything else is handed a Clock and a Random.

import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Clock, Random } from '../protocol/ports.ts'

let turn = 0
let turnEnds = false

function nextTurn(): void {
  turn++
  turnEnds = false
}

/** Tasks that `schedule` has run together: one that is given during the run belongs to the next one. */
function taskList(schedule: (run: () => void) => unknown): (task: () => void) => void {
  let tasks: (() => void)[] = []
  const add = (task: () => void): void => {
    if (tasks.push(task) === 1) schedule(run)
  }
  // One that throws does not take the others with it.
  function run(): void {
    const due = tasks
    tasks = []
    let done = 0
    try {
      for (const task of due) {
        done++
        task()
      }
    } finally {
      for (const task of due.slice(done)) add(task)
    }
  }
  return add
}

/** How far the wall clock may be from what we extrapolate before we believe that it was set. */
const WALL_STEP_MS = 20

let wallOffsetMs = performance.timeOrigin

// `Date` has no microseconds and `performance` does not follow a wall clock that is set: together they do both.
function wallMs(): number {
  const extrapolated = wallOffsetMs + performance.now()
  const told = Date.now()
  if (Math.abs(told - extrapolated) <= WALL_STEP_MS) return extrapolated
  wallOffsetMs = told - performance.now()
  return told
}

/** The system's clock. */
export const liveClock: Clock = {
  nowMs: () => performance.now(),
  wallMs,
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  get turn() {
    if (!turnEnds) {
      turnEnds = true
      process.nextTick(nextTurn)
    }
    return turn
  },
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout | undefined),
  // A tick set from running code comes before the promise continuations, one set from a continuation after all of
  // them; both come before the next input is read. A hop through a microtask would gather the two into one, and
  // costs a microsecond a turn, a third of what a small message costs otherwise.
  endOfTurn: taskList((run) => process.nextTick(run)),
  endOfLoop: taskList((run) => setImmediate(run)),
}

/** Asked of the system at a time: a call of its own for each connection's id would cost more than all the rest of it. */
const POOL_BYTES = 4096

let pool = new Uint8Array(0)
let drawn = 0

// Each byte is handed out once, as a copy.
function bytes(count: number): Uint8Array {
  if (count > POOL_BYTES) return randomBytes(count)
  if (drawn + count > pool.length) {
    pool = randomBytes(POOL_BYTES)
    drawn = 0
  }
  drawn += count
  return Uint8Array.prototype.slice.call(pool, drawn - count, drawn)
}

/** The system's source of randomness. */
export const liveRandom: Random = {
  next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  bytes,
}
