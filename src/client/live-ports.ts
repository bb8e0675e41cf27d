// Live ports of a client: time and chance as a browser and Node both have them.
//
// The one place where the client touches them; everything else is handed a Clock and a Random.

import type { Clock, Random } from '../protocol/ports.ts'

let turn = 0
let turnEnds = false

/** The system's clock. */
export const clientClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout> | undefined),
  get turn() {
    if (!turnEnds) {
      turnEnds = true
      queueMicrotask(() => {
        turn++
        turnEnds = false
      })
    }
    return turn
  },
  endOfTurn: (task) => queueMicrotask(task),
}

/** Jitter needs no secrets, keys do: `next` is cheap, `bytes` are unpredictable. */
export const clientRandom: Random = {
  next: () => Math.random(),
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
}
