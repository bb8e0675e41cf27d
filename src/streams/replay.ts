// Replay: a topic's newest values, then each later one, without a seam.
//
// What is published while the newest are being read waits, and what both ways brought comes once.

import { Observable } from 'rxjs'
import { SettingError, show } from '../protocol/errors.ts'
import type { Sendable } from '../protocol/message.ts'
import { type Broadcast, type TopicLog, type TopicPage, valueOf } from './broadcast.ts'
import { checkKeepsHistory } from './history.ts'

/** No more than this is read at a time, in bytes of messages. */
const PAGE_BYTES = 8 * 1024 * 1024

type Keeping = Parameters<typeof checkKeepsHistory>[0]

/**
 * The last `count` values that `log` keeps, then each later one of `live`, which is the same topic.
 *
 * @throws SettingError as `checkLast`.
 */
export function last<T extends Sendable>(
  log: TopicLog & Keeping,
  live: Broadcast<T>,
  count: number,
): Observable<T> {
  checkLast(count, log)
  return new Observable<T>((subscriber) => {
    let early: { readonly value: T; readonly offset: number }[] | undefined = []
    const stop = live.deliverTo({
      send: (value, offset) => {
        if (early === undefined) subscriber.next(value)
        else early.push({ value, offset })
      },
    })
    const failed = (thrown: unknown) => subscriber.error(thrown)
    const read = (after: number) => {
      const page = log.read(after, { maxItems: count, maxBytes: PAGE_BYTES })
      if (page instanceof Promise) page.then(emit, failed)
      else emit(page)
    }
    const emit = ({ items, head }: TopicPage) => {
      for (const item of items) subscriber.next(valueOf<T>(item))
      const reached = items.at(-1)?.offset ?? head
      if (reached < head && !subscriber.closed) return read(reached)
      // What these cause comes in here, too, and after them.
      for (const { value, offset } of early ?? []) if (offset > reached) subscriber.next(value)
      early = undefined
    }
    const begin = () => read(Math.max(log.floor, log.offset - count))
    if (log.ready === undefined) begin()
    else log.ready.then(begin).catch(failed)
    return stop
  })
}

/**
 * Without a history there would silently be no past, so that is a mistake, too.
 *
 * @throws SettingError for what is no number of messages, and for more than none of a topic without a history.
 */
export function checkLast(count: number, topic: Keeping): void {
  if (!Number.isInteger(count) || count < 0) {
    throw new SettingError(
      `last is ${show(count)}: it must be a whole number of messages, 0 or more`,
    )
  }
  if (count > 0) checkKeepsHistory(topic)
}
