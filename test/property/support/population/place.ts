// Place: where a simulated reader stands, and the word for it over HTTP.
//
// Written from the protocol's pages alone: what judges the server must not share its code.

export const WAYS = ['websocket', 'event-stream', 'long-poll', 'poll'] as const
export type Way = (typeof WAYS)[number]

export interface Place {
  readonly epoch: string
  readonly offset: number
}

/** Where a reader asks to begin. */
export type From = Place | 'start' | 'now'

export function wordOf(from: From): string {
  if (from === 'start') return '-1'
  if (from === 'now') return 'now'
  return `${from.epoch}_${String(from.offset).padStart(16, '0')}`
}

export function placeOf(word: string): Place {
  const border = word.lastIndexOf('_')
  return { epoch: word.slice(0, border), offset: Number(word.slice(border + 1)) }
}

export function isPlace(from: From): from is Place {
  return typeof from === 'object'
}
