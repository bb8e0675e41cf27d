// Replay: a topic's newest values, then each later one, without a seam.
//
// What is published while the newest are being read waits, and what both ways brought comes once.

import { Observable } from 'rxjs'
import type { Sendable } from '../protocol/message.ts'
import { type Broadcast, type TopicLog, type TopicPage, valueOf } from './broadcast.ts'

/** No more than this is replayed to one subscriber, in bytes of messages. */
const MAX_REPLAY_BYTES = 8 * 1024 * 1024

/** The last `count` values of `log`, then each later one of `live`, which is the same topic. */
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
    const emit = ({ items, head }: TopicPage) => {
      for (const item of items) subscriber.next(valueOf<T>(item))
      const reached = items.at(-1)?.offset ?? head
      // What these cause comes in here, too, and after them.
      for (const { value, offset } of early ?? []) if (offset > reached) subscriber.next(value)
      early = undefined
    }
    const page = newest(log, count)
    if (page instanceof Promise) page.then(emit, (thrown: unknown) => subscriber.error(thrown))
    else emit(page)
    return stop
  })
}

/** The last `count` items that `log` keeps; at once when they are in memory. */
export function newest(log: TopicLog, count: number): TopicPage | Promise<TopicPage> {
  if (log.ready !== undefined) return log.ready.then(() => newest(log, count))
  const bounds = { maxItems: count, maxBytes: MAX_REPLAY_BYTES }
  return log.read(Math.max(log.floor, log.offset - count), bounds)
}
