// Virtual clock: time that moves only when told to, and steps to each due timer on its way.
//
// It stands in for the system's clock in the whole runtime: machines, streams, deadlines. Timers fire in due order,
// those of one moment in the order they were armed, re-arming ones included; between two of them the promises
// that were set off get to run. Nothing global is patched.

import { SettingError, show } from '../protocol/errors.ts'
import type { Clock, TimerHandle } from '../protocol/ports.ts'
import { TimerQueue } from './timer-queue.ts'

// That of Node, whatever a test runner's fake timers put in its place later.
const { setImmediate } = globalThis

/** A run that fires this many timers without end is a bug, not a test. */
const MAX_STEPS = 1_000_000

/** A clock that moves by `advance()` alone; each timer that is due on the way fires in its moment. */
export class VirtualClock implements Clock {
  readonly #timers = new TimerQueue()
  readonly #startWallMs: number
  #tasks: (() => void)[] = []
  #loopTasks: (() => void)[] = []
  #turn = 0
  #nowMs = 0
  #wallStepMs = 0
  #order = 0

  /** @param startWallMs - what the wall clock shows at first; default 2026-01-01T00:00Z. */
  constructor(startWallMs = 1_767_225_600_000) {
    this.#startWallMs = startWallMs
  }

  /** Timers that are armed; 0 once everything that used the clock has let go. */
  get timerCount(): number {
    return this.#timers.size
  }

  get turn(): number {
    return this.#turn
  }

  nowMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return this.#startWallMs + this.#wallStepMs + this.#nowMs
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    const order = ++this.#order
    this.#timers.add({ dueMs: this.#nowMs + Math.max(0, delayMs), order, callback })
    return order
  }

  clearTimeout(handle: TimerHandle): void {
    this.#timers.delete(handle as number)
  }

  endOfTurn(task: () => void): void {
    this.#tasks.push(task)
  }

  endOfLoop(task: () => void): void {
    this.#loopTasks.push(task)
  }

  /** Sets the wall clock forward or back; intervals do not notice. */
  stepWall(byMs: number): void {
    this.#wallStepMs += byMs
  }

  /**
   * Lets everything happen that is due within `byMs`, in order, and ends that much later.
   *
   * @throws SettingError (rejects) for a time that is no number of ms, or less than none.
   */
  async advance(byMs: number): Promise<void> {
    checkMs('advance', byMs)
    const untilMs = this.#nowMs + byMs
    await this.settle()
    for (let step = 0; step < MAX_STEPS; step++) {
      const next = this.#timers.first()
      if (next === undefined || next.dueMs > untilMs) {
        this.#nowMs = untilMs
        return this.settle()
      }
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      this.#timers.delete(next.order)
      next.callback()
      await this.settle()
    }
    throw new Error(`virtual time stands still: ${MAX_STEPS} timers fired within ${byMs} ms`)
  }

  /**
   * Stands still for `byMs`, as a process that is stalled or suspended: time passes and nothing fires; what
   * fell due meanwhile fires afterwards, late, by the next `advance`.
   *
   * @throws SettingError as `advance`.
   */
  stall(byMs: number): void {
    checkMs('stall', byMs)
    this.#nowMs += byMs
  }

  /** Runs the end of the present turn and loop: promises, then what waits for those ends, until all are quiet. */
  async settle(): Promise<void> {
    for (;;) {
      this.#turn++
      run(this.#tasks.splice(0))
      await quiet()
      if (this.#tasks.length > 0) continue
      if (this.#loopTasks.length === 0) return
      run(this.#loopTasks.splice(0))
    }
  }
}

function run(tasks: readonly (() => void)[]): void {
  for (const task of tasks) task()
}

// A time that is forgotten, or a text, would stop this clock for good.
function checkMs(what: string, ms: number): void {
  if (Number.isFinite(ms) && ms >= 0) return
  throw new SettingError(`${what}() is given ${show(ms)}: it takes a number of ms, 0 or more`)
}

// The one way to know that every promise continuation has run, however long the chain: the event loop goes on
// to its next phase only then. No time passes by it.
function quiet(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
