// Liveness: whether the other side of a link is still there.
//
// A side that says nothing for as long as it promised to say something is asked; when it does not answer either, it is
// gone. So a server that fell silent is noticed within its heartbeat, the timeout and a moment, without waiting for TCP. A
// timer that fires late, after a suspend or in a tab in the background, ends nothing by itself: it asks first, and the
// moment is for an answer that has arrived and was not read yet (docs/adr/0007).

import { LONGEST_DELAY_MS, type TimerHandle } from '../protocol/ports.ts'
import type { ClientClock } from './environment.ts'

/** Many turns of the event loop: after a stall timers fire before sockets are read. */
const GRACE_MS = 50

export interface LivenessOptions {
  readonly clock: ClientClock
  /** The other side says something at least this often, ms; 0: it did not promise. */
  readonly heartbeatMs: number
  /** How much longer it may be silent, ms; half of it is for the answer. */
  readonly timeoutMs: number
  /** Asks for a sign of life, where there is a way to. */
  readonly ask: (() => void) | undefined
  /** There was none. */
  gone(): void
}

export class Liveness {
  readonly #options: LivenessOptions
  #heardMs: number
  #timer: TimerHandle
  #asked = false

  constructor(options: LivenessOptions) {
    this.#options = options
    this.#heardMs = options.clock.nowMs()
    this.#arm()
  }

  /** A sign of life. */
  heard(): void {
    this.#heardMs = this.#options.clock.nowMs()
    if (!this.#asked) return
    this.#asked = false
    this.#arm()
  }

  /** Asks now, because something happened after which the link may be dead. */
  probe(): void {
    if (this.#options.ask !== undefined) this.#question()
  }

  stop(): void {
    this.#options.clock.clearTimeout(this.#timer)
  }

  #question(): void {
    if (this.#asked) return
    const { clock, timeoutMs, ask } = this.#options
    this.#asked = true
    clock.clearTimeout(this.#timer)
    ask?.()
    this.#timer = clock.setTimeout(() => {
      this.#timer = clock.setTimeout(() => this.#options.gone(), GRACE_MS)
    }, timeoutMs / 2)
  }

  #arm(): void {
    const { clock, heartbeatMs, timeoutMs } = this.#options
    clock.clearTimeout(this.#timer)
    if (heartbeatMs === 0) return
    const dueMs = this.#heardMs + heartbeatMs + timeoutMs / 2
    this.#timer = clock.setTimeout(
      () => {
        if (clock.nowMs() < this.#heardMs + heartbeatMs + timeoutMs / 2) this.#arm()
        else this.#question()
      },
      Math.min(Math.max(0, dueMs - clock.nowMs()), LONGEST_DELAY_MS),
    )
  }
}
