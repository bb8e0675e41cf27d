// Watchdog: notices that something has gone on for too long.
//
// One timer for a whole stretch of waits, each with the same limit: when it fires, it looks how long the present one has
// lasted, and waits for what is left. So a wait that is soon over costs neither a timer nor a look at the clock.

import type { Clock, TimerHandle } from '../protocol/ports.ts'

/** Who is watched. */
interface Watch {
  readonly clock: Clock
  readonly limitMs: number
  isWaiting(): boolean
  /** Whether the wait has got further since this was last asked, and so begins anew. Default: it has not. */
  hasMoved?(): boolean
  /** The present wait has lasted for `limitMs`. Told once for each stretch. */
  overdue(): void
}

export class Watchdog {
  readonly #watch: Watch
  #sinceMs: number | undefined
  #timer: TimerHandle | undefined

  constructor(watch: Watch) {
    this.#watch = watch
  }

  /** Whether nobody has said yet when the present wait began. */
  get isUndated(): boolean {
    return this.#sinceMs === undefined
  }

  /** A wait begins, or has got further; who does not know the time says it later, with `date`. */
  begin(nowMs?: number): void {
    this.#sinceMs = nowMs
    if (this.#timer === undefined) this.#arm(this.#watch.limitMs)
  }

  /** The time for a wait that began without. */
  date(nowMs: number): void {
    this.#sinceMs ??= nowMs
  }

  stop(): void {
    this.#watch.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #arm(delayMs: number): void {
    const { clock, limitMs } = this.#watch
    this.#timer = clock.setTimeout(() => {
      this.#timer = undefined
      if (!this.#watch.isWaiting()) return
      const nowMs = clock.nowMs()
      if (this.#watch.hasMoved?.()) this.#sinceMs = nowMs
      // Rather late than early, should a wait never have been given its time.
      this.date(nowMs)
      const leftMs = (this.#sinceMs as number) + limitMs - nowMs
      if (leftMs > 0) this.#arm(leftMs)
      else this.#watch.overdue()
    }, delayMs)
  }
}
