// Seeded random: chance that repeats itself, for tests and simulations.
//
// Never for secrets: a few outputs tell all the others.

import type { Random } from '../protocol/ports.ts'

/** The same numbers for the same seed, by mulberry32: small, fast, good enough to shuffle and to jitter. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(next() * 256)),
  }
}
