// Poll: one page of a topic, answered at once.
//
// The page says where it ends; whoever asks again from there gets what follows, without a gap and without a
// repetition, because the offset is all there is to remember and the client holds it. An answer that is lost is asked
// for again. What cannot be gone on from is 410, never a silence.

import { isKnown } from '../protocol/entity-tag.ts'
import type { ResponseHeaders } from '../protocol/http-answer.ts'
import { formatOffset } from '../protocol/http-offset.ts'
import { nextCursor } from '../protocol/poll-cursor.ts'
import type { Clock, Random } from '../protocol/ports.ts'
import type { LossReason } from '../protocol/position.ts'
import type { TopicLog } from '../streams/broadcast.ts'
import type { TopicItem } from '../streams/history.ts'
import { inTime, type Lifeline, untilNews, type Woken } from '../streams/lifeline.ts'
import { TopicReader } from '../streams/topic-reader.ts'
import { type Answer, answer, gone } from './topic-answer.ts'
import type { TopicFormat } from './topic-format.ts'
import type { TopicLimits } from './topic-limits.ts'
import type { TopicQuery } from './topic-query.ts'

/** A request to read a topic that has been let in, and what answering it may use. */
export interface TopicRead {
  readonly topic: TopicLog
  readonly query: TopicQuery
  readonly format: TopicFormat
  readonly limits: TopicLimits
  readonly clock: Clock
  readonly random: Random
  readonly lifeline: Lifeline
}

/** What the reader got, and where it stood before. */
export interface Got {
  readonly after: number
  readonly items: readonly TopicItem[]
}

/** What came next was gone, up to an offset. */
export interface Missed extends Got {
  readonly missedTo: number
}

/** A reader in its place; or the answer, when its place is gone. */
export async function begin(read: TopicRead): Promise<TopicReader | Answer> {
  const { topic, query } = read
  const reader = new TopicReader(topic)
  const start = await soon(read, reader.begin(query.from))
  return start.recovered ? reader : lost(topic, start.reason)
}

/** What comes next, nothing when there is nothing; or where the reader would go on, when what comes next is gone. */
export async function take(read: TopicRead, reader: TopicReader): Promise<Got | Missed> {
  const after = reader.offset
  const bounds = { maxItems: read.limits.pageMessages, maxBytes: read.limits.pageBytes }
  const { items, gapTo } = await soon(read, reader.next(bounds))
  return gapTo === undefined ? { after, items } : { after, missedTo: gapTo, items }
}

/** As `take`, for a client that has not been told any place yet: 410 when it named one that cannot be gone on from. */
export async function takeFirst(read: TopicRead, reader: TopicReader): Promise<Got | Answer> {
  const got = await take(read, reader)
  if (!('missedTo' in got)) return got
  // Who asks for what is kept misses nothing of it when some goes in between.
  if (read.query.from === 'start') return { after: got.missedTo, items: got.items }
  return lost(read.topic, 'trimmed')
}

/** Waits for what comes after what the reader has. */
export function news(read: TopicRead, reader: TopicReader, delayMs: number): Promise<Woken> {
  // What was published on the way here wakes nobody.
  if (!reader.caughtUp) return Promise.resolve('news')
  return untilNews(read.topic, read.lifeline, read.clock, delayMs)
}

/** Answers a GET that does not wait. */
export async function poll(read: TopicRead): Promise<Answer> {
  const reader = await begin(read)
  if ('status' in reader) return reader
  const got =
    read.query.from === 'now' ? { after: reader.offset, items: [] } : await takeFirst(read, reader)
  if ('status' in got) return got
  const { topic, query, format } = read
  const place = placeOf(read, reader)
  const first = formatOffset({ epoch: topic.epoch, offset: got.after })
  const tag = `"${first}-${reader.offset}${reader.caughtUp ? '-end' : ''}"`
  // `now` is another place each time, and must not be kept; the rest may be, by the one who asked and asks again.
  const caching = query.from === 'now' ? {} : { ETag: tag, 'Cache-Control': 'private, no-cache' }
  if (isKnown(query.known, tag) && query.from !== 'now')
    return answer(304, { ...place, ...caching })
  const type = { 'Content-Type': format.contentType }
  const body = format.page(got.items)
  return answer(200, { ...type, ...place, ...caching }, body)
}

/** Answers a HEAD: where the topic ends. */
export async function end({ topic, format }: TopicRead): Promise<Answer> {
  const newest = formatOffset({ epoch: topic.epoch, offset: topic.offset })
  return answer(200, { 'Content-Type': format.contentType, 'Stream-Next-Offset': newest })
}

/** The headers that say where a page ends, and whether the topic does. */
export function placeOf({ topic }: TopicRead, reader: TopicReader): ResponseHeaders {
  const next = formatOffset({ epoch: topic.epoch, offset: reader.offset })
  const place = { 'Stream-Next-Offset': next }
  return reader.caughtUp ? { ...place, 'Stream-Up-To-Date': 'true' } : place
}

/** The cursor for this answer. */
export function cursorOf({ query, clock, random }: TopicRead): string {
  return nextCursor(query.cursor, clock.wallMs(), random)
}

/** What the store tells, unless it takes too long. */
export function soon<T>(read: TopicRead, promise: T | PromiseLike<T>): T | Promise<T> {
  return inTime(promise, 'the topic', read.limits.answerTimeoutMs, read.clock, read.lifeline)
}

function lost(topic: TopicLog, reason: LossReason): Answer {
  const { epoch, floor, offset } = topic
  return gone(reason, formatOffset({ epoch, offset: floor }), formatOffset({ epoch, offset }))
}
