// Poll cursor: a number that makes the address of the next poll another one.
//
// Caches between client and server answer equal addresses from one answer. The Durable Streams protocol therefore has
// a client of a live read send back the cursor of the last answer: it counts intervals of wall-clock time, so that
// clients that come at about the same time share an address, and it only goes up, so that no cache can hand a client
// the answer that it has. It says nothing about the position; it is no secret and nothing depends on it here.

import type { Random } from './ports.ts'

/** 2024-10-09T00:00Z, where the protocol begins to count. */
const START_MS = 1_728_432_000_000
const INTERVAL_MS = 20_000
/** A client that is ahead is moved on by up to an hour of intervals. */
const MAX_JUMP = 180
/** As many digits as leave room to count on below 2^53. */
const CURSOR = /^[0-9]{1,15}$/

/** The cursor of an answer; always above `given`, the one that the client sent, if that is a cursor. */
export function nextCursor(given: string | undefined, wallMs: number, random: Random): string {
  const present = Math.max(0, Math.floor((wallMs - START_MS) / INTERVAL_MS))
  const sent = given !== undefined && CURSOR.test(given) ? Number(given) : -1
  if (sent < present) return String(present)
  return String(sent + 1 + Math.floor(random.next() * MAX_JUMP))
}
