// Process clock: the time of one process of the simulation, which ends with it.
//
// The network and other processes go on by the virtual clock itself when a process is gone; its own timers never fire.

import type { Clock, TimerHandle } from '../protocol/ports.ts'
import type { VirtualClock } from './virtual-clock.ts'

export class ProcessClock implements Clock {
  /** Timers that are armed from now on fire so much later than they should. */
  lateMs = 0
  readonly #clock: VirtualClock
  readonly #armed = new Set<TimerHandle>()
  #isOver = false

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  /** Timers of its own that are armed. */
  get timerCount(): number {
    return this.#armed.size
  }

  get turn(): number {
    return this.#clock.turn
  }

  nowMs(): number {
    return this.#clock.nowMs()
  }

  wallMs(): number {
    return this.#clock.wallMs()
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    if (this.#isOver) return undefined
    const handle = this.#clock.setTimeout(() => {
      this.#armed.delete(handle)
      callback()
    }, Math.max(0, delayMs) + this.lateMs)
    this.#armed.add(handle)
    return handle
  }

  clearTimeout(handle: TimerHandle): void {
    this.#armed.delete(handle)
    this.#clock.clearTimeout(handle)
  }

  endOfTurn(task: () => void): void {
    this.#clock.endOfTurn(() => {
      if (!this.#isOver) task()
    })
  }

  endOfLoop(task: () => void): void {
    this.#clock.endOfLoop(() => {
      if (!this.#isOver) task()
    })
  }

  /** The process is gone. */
  end(): void {
    this.#isOver = true
    for (const handle of this.#armed) this.#clock.clearTimeout(handle)
    this.#armed.clear()
  }
}
