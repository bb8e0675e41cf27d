// Event stream: a topic as Server-Sent Events, pulled from piece by piece.
//
// A piece is one page of messages and the place where it ends: `event: data`, then `event: control`. Both carry the
// place as `id:`, so that a client that loses the link after either comes back without a gap and without a
// repetition. The next piece is read when the one before has been taken; a slow reader costs its offset.
//
// It ends by itself after a while, and the client comes back. When what comes next is gone, a control event says so
// and the stream ends: whoever comes back is told 410, and has to decide where to begin again.
//
// Where a topic's content type is text, a CR arrives as LF, because the ends of lines are the format's; in JSON both are
// escaped, and arrive as they are.

import type { ResponseHeaders } from '../protocol/http-answer.ts'
import { formatOffset } from '../protocol/http-offset.ts'
import type { TopicReader } from '../streams/topic-reader.ts'
import { begin, cursorOf, type Missed, news, type TopicRead, take } from './poll.ts'
import { COMMENT, dataLines, event } from './server-sent-events.ts'
import { type Answer, answer, type Events } from './topic-answer.ts'

/** Answers a GET with `live=sse`; `onError` is told of a store that fails on the way. */
export async function eventStream(
  read: TopicRead,
  onError: (thrown: unknown) => void,
): Promise<Answer> {
  const reader = await begin(read)
  if ('status' in reader) return reader
  const { eventEncoding } = read.format
  const headers: ResponseHeaders = {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache, no-transform',
    // What stands between must not collect pieces until they are worth sending.
    'X-Accel-Buffering': 'no',
    ...(eventEncoding !== undefined && { 'Stream-SSE-Data-Encoding': eventEncoding }),
  }
  return { ...answer(200, headers), events: new TopicEvents(read, reader, onError) }
}

class TopicEvents implements Events {
  readonly #read: TopicRead
  readonly #reader: TopicReader
  readonly #onError: (thrown: unknown) => void
  readonly #untilMs: number
  #begun = false
  #over = false

  constructor(read: TopicRead, reader: TopicReader, onError: (thrown: unknown) => void) {
    this.#read = read
    this.#reader = reader
    this.#onError = onError
    this.#untilMs = read.clock.nowMs() + read.limits.eventStreamMs
  }

  get isOver(): boolean {
    return this.#over
  }

  async next(): Promise<string | undefined> {
    try {
      const piece = await this.#next()
      if (piece === undefined) this.#over = true
      return piece
    } catch (thrown) {
      // The client comes back, and is then told with a status what is wrong.
      this.#over = true
      this.#onError(thrown)
      return undefined
    }
  }

  async #next(): Promise<string | undefined> {
    const { lifeline, limits } = this.#read
    while (!this.#over && lifeline.ended === undefined && this.#leftMs > 0) {
      const got = await take(this.#read, this.#reader)
      if ('missedTo' in got && !this.#isForgiven) return this.#gap(got)
      if (got.items.length > 0 || !this.#begun) return this.#page(got.items)
      const delayMs = Math.min(limits.eventStreamHeartbeatMs, this.#leftMs)
      const woken = await news(this.#read, this.#reader, delayMs)
      if (woken === 'deadline' && this.#leftMs > 0) return COMMENT
    }
    return undefined
  }

  get #leftMs(): number {
    return this.#untilMs - this.#read.clock.nowMs()
  }

  /** Who asks for what is kept misses nothing of it when some goes before the first piece. */
  get #isForgiven(): boolean {
    return !this.#begun && this.#read.query.from === 'start'
  }

  #page(items: Missed['items']): string {
    const { topic, format, limits } = this.#read
    const { epoch } = topic
    const prefix = this.#begun ? '' : `retry:${limits.eventStreamRetryMs}\n\n`
    this.#begun = true
    const id = formatOffset({ epoch, offset: this.#reader.offset })
    const data = items.length === 0 ? '' : event('data', format.eventLines(items), id)
    const place = {
      streamNextOffset: id,
      streamCursor: cursorOf(this.#read),
      ...(this.#reader.caughtUp && { upToDate: true }),
    }
    return `${prefix}${data}${event('control', dataLines(JSON.stringify(place)), id)}`
  }

  /** Without an id: the client keeps the place where the gap begins, and is told 410 for it. */
  #gap({ after, missedTo }: Missed): string {
    this.#over = true
    const { epoch } = this.#read.topic
    const gap = { reason: 'trimmed', to: formatOffset({ epoch, offset: missedTo }) }
    const streamNextOffset = formatOffset({ epoch, offset: after })
    return event('control', dataLines(JSON.stringify({ streamNextOffset, gap })))
  }
}
