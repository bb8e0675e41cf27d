// Replay: a topic's newest values, then each later one, without a seam.
//
// What is published while the newest are being read waits, and what both ways brought comes once.

import { Observable } from 'rxjs'
import type { Sendable } from '../protocol/message.ts'
import { type Broadcast, type TopicLog, type TopicPage, valueOf } from './broadcast.ts'

/** No more than this is read at a time, in bytes of messages. */
const PAGE_BYTES = 8 * 1024 * 1024

/** The last `count` values that `log` keeps, then each later one of `live`, which is the same topic. */
export function last<T extends Sendable>(
  log: TopicLog,
  live: Broadcast<T>,
  count: number,
): Observable<T> {
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
