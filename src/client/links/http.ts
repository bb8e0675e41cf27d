// HTTP link: topics over requests, each read by a loop of its own, in one of three ways.
//
// What the answers say becomes the frames of the resume protocol, so that nobody above sees a difference. The link is
// writable at once, and open with the first answer, which shows that there is a server. What breaks one request ends the
// whole link; a refusal concerns its topic alone.

import type { LossReason, Position } from '../../protocol/position.ts'
import type { SubscribeFrom } from '../../protocol/resume.ts'
import { Broken, broken, Gone, type Page, Refused } from './answer.ts'
import { Exchange, type ExchangeOptions, type Place, type Way } from './exchange.ts'
import type { LinkEvents, TopicFrame, TopicLink, TopicRequest } from './link.ts'

type Asked<Type> = Extract<TopicRequest, { type: Type }>

/** A link for topics. */
export function openHttp(
  way: Way,
  options: Omit<ExchangeOptions, 'signal' | 'answered' | 'heard'>,
  events: LinkEvents<TopicFrame>,
): TopicLink {
  const life = new AbortController()
  const readers = new Map<string, AbortController>()
  const { clock } = options.environment

  const end = (thrown?: unknown) => {
    if (life.signal.aborted) return
    life.abort()
    for (const reader of readers.values()) reader.abort()
    if (thrown === undefined) return
    const error = broken(thrown)
    if (error instanceof Broken) events.closed(error.frame, error.hint)
    else events.closed({ code: 1011, reason: '' })
  }

  let isOpen = false
  const answered = () => {
    if (isOpen || life.signal.aborted) return
    isOpen = true
    events.opened()
  }

  const heard = () => {
    if (!life.signal.aborted) events.heard()
  }

  const exchange = (topic: string, signal: AbortSignal) =>
    new Exchange(topic, { ...options, signal, answered, heard })

  function failed(id: number, thrown: unknown, signal: AbortSignal): void {
    if (signal.aborted) return
    if (!(thrown instanceof Refused)) return end(thrown)
    const { code, message, retryAfterMs } = thrown
    events.received({
      type: 'error',
      id,
      code,
      message,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    })
  }

  function subscribe({ id, topic, begin }: Asked<'subscribe'>): void {
    readers.get(topic)?.abort()
    const reader = new AbortController()
    readers.set(topic, reader)
    const { signal } = reader
    const tell = (frame: TopicFrame) => signal.aborted || events.received(frame)
    read(exchange(topic, signal), way, { id, topic, begin, tell }).catch((thrown) =>
      failed(id, thrown, signal),
    )
  }

  function publish({ id, topic, data, key = '' }: Asked<'publish'>): void {
    const { signal } = life
    exchange(topic, signal)
      .publish(data, key)
      .then((stored) => {
        if (!signal.aborted) events.received({ type: 'ack', id, topic, ...stored })
      })
      .catch((thrown) => failed(id, thrown, signal))
  }

  clock.endOfTurn(() => life.signal.aborted || events.writable())
  return {
    // In order, and no request has to know of another.
    publishesAtOnce: 1,
    publishPerSecond: Number.POSITIVE_INFINITY,
    send(request) {
      if (request.type === 'subscribe') subscribe(request)
      else if (request.type === 'publish') publish(request)
      else if (request.type === 'unsubscribe') readers.get(request.topic)?.abort()
    },
    close(frame) {
      end()
      clock.endOfTurn(() => events.closed(frame))
    },
    destroy: () => end(),
    probe() {
      if (isOpen) return
      // Of no topic: whether there is a server is told before that is looked at.
      exchange('-', life.signal)
        .probe()
        .catch((thrown) => thrown instanceof Refused || end(thrown))
    },
  }
}

/** A subscription of the client's, over HTTP. */
interface Subscription {
  readonly id: number
  readonly topic: string
  readonly begin: SubscribeFrom
  readonly tell: (frame: TopicFrame) => void
}

/** Reads a topic until the link ends. @throws Refused or Broken. */
async function read(exchange: Exchange, way: Way, { id, topic, begin, tell }: Subscription) {
  let { place, isFresh } = await firstPlace(exchange, begin)
  let begun = false
  let loss: LossReason | undefined
  let cursor: string | undefined
  for (;;) {
    try {
      for await (const page of way(exchange, place, cursor)) {
        if (!begun) {
          const { epoch, offset: start } = startOf(place, page)
          const lost = loss === undefined ? { recovered: true } : { recovered: false, reason: loss }
          tell({ type: 'subscribed', id, topic, epoch, start, ...lost })
        }
        begun = true
        isFresh = false
        if (page.items.length > 0) tell({ type: 'messages', topic, items: page.items })
        if (page.gapTo !== undefined)
          tell({ type: 'gap', topic, to: page.gapTo, reason: 'trimmed' })
        place = page.next
        cursor = page.cursor
      }
    } catch (thrown) {
      if (!(thrown instanceof Gone)) throw thrown
      // No server says that of its start; whoever does would be asked without a pause.
      if (place === 'start') throw new Broken('the start of the topic is gone', 1013)
      // Of the last messages that were asked for there are fewer: who has read nothing has lost nothing.
      if (!isFresh) loss = thrown.reason
      // Not from the oldest that it names: where many come and few are kept, that is gone as well by then.
      place = 'start'
      begun = false
    }
  }
}

/** Where reading begins, and whether nothing was read before. */
async function firstPlace(exchange: Exchange, begin: SubscribeFrom) {
  if ('since' in begin) return { place: begin.since as Place, isFresh: false }
  if ('from' in begin) return { place: begin.from as Place, isFresh: true }
  const { next } = await exchange.ask('now')
  const place: Place = { epoch: next.epoch, offset: Math.max(0, next.offset - begin.last) }
  return { place, isFresh: true }
}

/** What the first page began behind. */
function startOf(place: Place, { items: [first], next }: Page): Position {
  if (typeof place === 'object') return place
  if (first === undefined) return next
  return { epoch: next.epoch, offset: first.prev ?? first.offset - 1 }
}
