// Live ports of a client: time and chance as a browser and Node both have them.
//
// The one place where the client touches them; everything else is handed a clock and a Random.

import type { Random } from '../protocol/ports.ts'
import type { ClientClock } from './environment.ts'

/** The system's clock. */
export const clientClock: ClientClock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout> | undefined),
  endOfTurn: (task) => queueMicrotask(task),
}

/** Jitter needs no secrets, keys do: `next` is cheap, `bytes` are unpredictable. */
export const clientRandom: Random = {
  next: () => Math.random(),
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
}
