// Topic reader: one reader's place in a topic, whatever carries what it reads.
//
// It pulls: it holds an offset and nothing else, so a slow reader costs a number, and a reader that falls behind what
// is kept is told so. A session over WebSocket, an event stream and a poll all read through one of these.

import { JournalError } from '../protocol/errors.ts'
import { type Position, type Recovery, recover } from '../protocol/position.ts'
import type { PageBounds, TopicLog } from './broadcast.ts'
import type { TopicItem } from './history.ts'

/** Where to begin: after a position, with the oldest kept, with the newest `last` ones, or with what is to come. */
export type From = Position | 'start' | 'now' | { readonly last: number }

/** How a reader begins. Without a position to come back to there is nothing to lose: it is recovered. */
export type Start = Recovery & {
  readonly epoch: string
  /** The offset of the last message when it began; with it, the reader has caught up. */
  readonly head: number
}

/** What comes next: messages, after a gap if what the reader had not seen is gone. */
export interface Next {
  readonly items: readonly TopicItem[]
  /** Nothing up to this offset will come any more; `undefined` when nothing was missed. */
  readonly gapTo: number | undefined
}

/** A page of a replay; one message may be more. */
export const PAGE: PageBounds = { maxItems: 1_000, maxBytes: 64 * 1024 }

const NOTHING: Next = { items: [], gapTo: undefined }

export class TopicReader {
  readonly log: TopicLog
  #offset = 0

  constructor(log: TopicLog) {
    this.log = log
  }

  /** The last offset that was read. */
  get offset(): number {
    return this.#offset
  }

  /** Whether everything there is has been read. */
  get caughtUp(): boolean {
    return this.#offset >= this.log.offset
  }

  /** Finds the place to begin, at once when it is known; call it once, before `next`. */
  begin(from: From): Start | Promise<Start> {
    const { ready } = this.log
    return ready === undefined ? this.#begin(from) : ready.then(() => this.#begin(from))
  }

  #begin(from: From): Start {
    const { epoch, offset: head, floor } = this.log
    const recovery = isPosition(from)
      ? recover({ epoch, head, floor }, from)
      : ({ recovered: true, start: startOf(from, floor, head) } as const)
    this.#offset = recovery.start
    return { ...recovery, epoch, head }
  }

  /**
   * What comes next, at once when it is in memory; nothing when caught up.
   *
   * @throws JournalError `ERR_WINDSOCK_JOURNAL_CORRUPT` when the store does not give what it says it keeps.
   */
  next(bounds: PageBounds): Next | Promise<Next> {
    if (this.caughtUp) return NOTHING
    const page = this.log.read(this.#offset, bounds)
    return page instanceof Promise
      ? page.then((late) => this.#take(late.floor, late.items))
      : this.#take(page.floor, page.items)
  }

  #take(floor: number, items: readonly TopicItem[]): Next {
    const expected = this.#offset + 1
    const first = items[0]?.offset ?? floor + 1
    const gapTo = first > expected ? first - 1 : undefined
    // Whoever waits for messages that are there, and never come, would ask without end.
    if (items.length === 0 && gapTo === undefined) throw hollow(this.log)
    this.#offset = items.at(-1)?.offset ?? Math.max(this.#offset, floor)
    return { items, gapTo }
  }
}

function hollow({ name }: TopicLog): JournalError {
  return new JournalError(
    'ERR_WINDSOCK_JOURNAL_CORRUPT',
    `the store of topic ${name} does not give what it says it keeps`,
  )
}

function isPosition(from: From): from is Position {
  return typeof from === 'object' && 'epoch' in from
}

function startOf(from: 'start' | 'now' | { readonly last: number }, floor: number, head: number) {
  if (from === 'start') return floor
  return from === 'now' ? head : Math.max(floor, head - from.last)
}
