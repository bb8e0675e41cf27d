// Ports: the only doors through which time and chance enter the runtime.
//
// Everything below `transport/` reads time and randomness through these two interfaces, so that the whole
// runtime also runs in virtual time from one seed. Nothing else in `protocol`, `machines`, `streams` or
// `handlers` may touch `Date`, `setTimeout`, `queueMicrotask` or `Math.random`; a test enforces it.

/** The longest delay that a clock takes: Node lets a longer one fire at once. */
export const LONGEST_DELAY_MS = 2 ** 31 - 1

/** What `Clock.setTimeout` returns; opaque, only good for `Clock.clearTimeout`. */
export type TimerHandle = unknown

/**
 * Time as the runtime sees it.
 *
 * It is also a valid XState `clock`, so one clock drives machines, streams and deadlines in one order.
 */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary start; never goes back, whatever the wall clock does. */
  nowMs(): number
  /** Wall-clock milliseconds since 1970-01-01T00:00Z; only for showing to people, never for intervals. */
  wallMs(): number
  /** Calls `callback` once, `delayMs` (0 … 2^31-1) from now or a little later, never sooner. */
  setTimeout(callback: () => void, delayMs: number): TimerHandle
  /** Forgets a timer; a handle that has fired or is unknown is no error. */
  clearTimeout(handle: TimerHandle): void
  /**
   * The number of the present turn: the same until what waits for its end has run.
   *
   * Tells a second message of one turn from the first of the next, without a task for either.
   */
  readonly turn: number
  /**
   * Calls `task` once when the running code is done, and before the next input is read. What one turn produces
   * leaves in one write because of this. Tasks run in the order they were given.
   */
  endOfTurn(task: () => void): void
  /**
   * Calls `task` once when also the promises that are under way have got as far as they get by themselves, and before the
   * process waits for anything. Cheaper than `endOfTurn`: it runs once for the turns of one iteration of the event loop.
   */
  endOfLoop(task: () => void): void
}

/** Chance as the runtime sees it. */
export interface Random {
  /** A number in [0, 1), uniformly distributed. */
  next(): number
  /** `count` random bytes, unpredictable to others in the live implementation. */
  bytes(count: number): Uint8Array
}
