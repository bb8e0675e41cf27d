// Long poll: a poll that waits for news, if there are none yet, up to a deadline.
//
// There is always an answer: messages, or 204 when the deadline comes or the server drains, with the same place to go
// on from. While it waits a request keeps a timer and a place among the topic's watchers, and lets go of both at once
// when its client leaves.

import { begin, cursorOf, news, placeOf, type TopicRead, takeFirst } from './poll.ts'
import { type Answer, answer } from './topic-answer.ts'

/** Answers a GET with `live=long-poll`. */
export async function longPoll(read: TopicRead): Promise<Answer> {
  const { format, limits, clock } = read
  const untilMs = clock.nowMs() + limits.longPollMs
  const reader = await begin(read)
  if ('status' in reader) return reader
  let got = await takeFirst(read, reader)
  let waits = true
  while (waits && !('status' in got) && got.items.length === 0) {
    const woken = await news(read, reader, Math.max(0, untilMs - clock.nowMs()))
    waits = woken === 'news'
    // Also when it ends: a message of the same turn is an answer.
    got = await takeFirst(read, reader)
  }
  if ('status' in got) return got
  const place = { ...placeOf(read, reader), 'Stream-Cursor': cursorOf(read) }
  if (got.items.length === 0) return answer(204, place)
  const body = format.page(got.items)
  return answer(200, { 'Content-Type': format.contentType, ...place }, body)
}
