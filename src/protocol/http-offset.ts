// HTTP offset: a position in a topic as one word that fits into an address and a header.
//
// `<epoch>_<offset in 16 digits>`: opaque to whoever gets it, and within an epoch the words sort as the offsets do.
// Two words of the Durable Streams protocol stand beside them: `-1`, the oldest that is kept, and `now`, what is to
// come. Reading one is total: any string at all gives a place or `undefined`, in time linear in its length.

import { isOffset, MAX_EPOCH_LENGTH, type Position } from './position.ts'

/** 2^53-1 has 16 digits. */
const DIGITS = 16
const OFFSET = new RegExp(`^([A-Za-z0-9-]{1,${MAX_EPOCH_LENGTH}})_([0-9]{${DIGITS}})$`)

/** The word for a position. */
export function formatOffset({ epoch, offset }: Position): string {
  return `${epoch}_${String(offset).padStart(DIGITS, '0')}`
}

/** The place that a word names; `undefined` when it names none. */
export function parseOffset(word: string): Position | 'start' | 'now' | undefined {
  if (word === '-1') return 'start'
  if (word === 'now') return 'now'
  const [, epoch = '', digits] = OFFSET.exec(word) ?? []
  const offset = Number(digits)
  return isOffset(offset) ? { epoch, offset } : undefined
}
