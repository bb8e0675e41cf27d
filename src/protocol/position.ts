// Position: where a reader stands in a topic, and whether it can go on from there.
//
// A position is an epoch and an offset. Offsets count 1, 2, 3 … within an epoch; the epoch is an opaque name of the
// log, compared for equality only, and a new one says that what was counted before is not what is counted now.
// A reader that comes back with its last position either goes on without loss, or is told that there is a gap.

import type { Random } from './ports.ts'

/** The last message that a reader has; offset 0: none yet. */
export interface Position {
  /** At most 32 characters. */
  readonly epoch: string
  /** A whole number, 0 … 2^53-1. */
  readonly offset: number
}

/** Where a log stands; it keeps the offsets `floor + 1 … head`. */
export interface LogPosition {
  readonly epoch: string
  readonly head: number
  readonly floor: number
}

/**
 * Why a reader cannot go on where it stood.
 *
 * `epoch`: it is another log. `ahead`: the reader claims what was never written. `trimmed`: what comes next is no
 * longer kept.
 */
export type LossReason = 'epoch' | 'ahead' | 'trimmed'

/** Where a reader that comes back begins: after `start`. */
export type Recovery =
  | { readonly recovered: true; readonly start: number }
  | { readonly recovered: false; readonly reason: LossReason; readonly start: number }

/** The longest epoch that is looked at, in characters. */
export const MAX_EPOCH_LENGTH = 32

/**
 * Whether a reader that stands at `since` can go on in `log`.
 *
 * It can exactly when the epochs are equal and the log still keeps everything after its offset. Otherwise it begins
 * with the oldest message that is kept, and has to say so to whoever reads.
 */
export function recover(log: LogPosition, since: Position): Recovery {
  const reason = lossOf(log, since)
  return reason === undefined
    ? { recovered: true, start: since.offset }
    : { recovered: false, reason, start: log.floor }
}

function lossOf({ epoch, head, floor }: LogPosition, since: Position): LossReason | undefined {
  if (since.epoch !== epoch) return 'epoch'
  if (since.offset > head) return 'ahead'
  return since.offset < floor ? 'trimmed' : undefined
}

/** Whether a value can be an offset. */
export function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** A name for a log that no other log has: 60 bits, 10 characters. */
export function newEpoch(random: Random): string {
  let epoch = ''
  for (const byte of random.bytes(12)) epoch += (byte % 32).toString(32)
  return epoch
}
