// Feed: one topic as this client reads it, over one link after the other.
//
// It holds the reading, and hands what is taken to whoever listens: messages and gaps in one order. It is asked for
// while somebody listens, and keeps its place when nobody does. Knows no links; the session sends for it.

import { Observable, Subject } from 'rxjs'
import type { WebSocketError } from '../protocol/errors.ts'
import type { Position } from '../protocol/position.ts'
import { type Begun, Reading, type ReadingGap } from '../protocol/reading.ts'
import { fromBase64, type MessageItem, type SubscribeFrom } from '../protocol/resume.ts'

/** One message of a topic. */
export interface TopicMessage<T = unknown> extends Position {
  readonly type: 'message'
  /** The topic's name. */
  readonly topic: string
  /** When it was published, ms since 1970. */
  readonly atMs: number
  /** What JSON expressed, or bytes. */
  readonly data: T
}

/** Messages that will not come: those after `from`, or of the whole log before, up to `to`. */
export interface TopicGap extends ReadingGap {
  readonly type: 'gap'
  readonly topic: string
}

/** What a topic tells, in order: a message, or that some will not come. Look at `type`. */
export type TopicEvent<T = unknown> = TopicMessage<T> | TopicGap

/** What a feed needs of the session. */
export interface FeedOwner {
  /** Somebody listens. */
  wanted(feed: Feed): void
  /** Nobody listens any more. */
  unwanted(feed: Feed): void
}

export class Feed {
  readonly topic: string
  /** Messages and gaps, in order; asks for them while somebody listens. */
  readonly events$: Observable<TopicEvent>
  /** Of the last request to subscribe; answers to earlier ones are late. */
  requestId = 0
  /** Whether that request was answered. */
  begun = false
  readonly #begin: SubscribeFrom
  readonly #reading: Reading
  readonly #owner: FeedOwner
  /** Of those who listen now; a refusal is for them alone. */
  #subject = new Subject<TopicEvent>()

  constructor(topic: string, begin: SubscribeFrom, owner: FeedOwner) {
    this.topic = topic
    this.#begin = begin
    this.#owner = owner
    this.#reading = new Reading('since' in begin ? begin.since : undefined)
    this.events$ = new Observable((listener) => {
      const subject = this.#subject
      const { observed } = subject
      const subscription = subject.subscribe(listener)
      if (!observed) owner.wanted(this)
      return () => {
        subscription.unsubscribe()
        if (subject === this.#subject && !subject.observed) owner.unwanted(this)
      }
    })
  }

  get isWanted(): boolean {
    return this.#subject.observed
  }

  get position(): Position | undefined {
    return this.#reading.position
  }

  /** From where to ask for it. */
  get from(): SubscribeFrom {
    const { position } = this.#reading
    return position === undefined ? this.#begin : { since: position }
  }

  begin(frame: Begun): void {
    this.begun = true
    this.#tell(this.#reading.begin(frame))
  }

  skip(to: number): void {
    this.#tell(this.#reading.skip(to))
  }

  /** Takes messages; false when one before them is missing, and they have to be asked for again. */
  take(items: readonly MessageItem[]): boolean {
    for (const item of items) {
      // Who listened has left meanwhile: the others are for whoever asks next, from here.
      if (!this.begun) return true
      const verdict = this.#reading.take(item)
      if (verdict === 'resubscribe') return false
      const { position } = this.#reading
      if (verdict === 'leave' || position === undefined) continue
      const { ts: atMs, data64 } = item
      const data = data64 === undefined ? item.data : fromBase64(data64)
      this.#subject.next({ type: 'message', topic: this.topic, ...position, atMs, data })
    }
    return true
  }

  /** Whether nothing comes although there is something. */
  heartbeat(head: number): boolean {
    return this.begun && this.#reading.heartbeat(head)
  }

  /** The server does not let us read. Who listens again asks again. */
  refuse(error: WebSocketError): void {
    const subject = this.#subject
    this.#subject = new Subject()
    this.#owner.unwanted(this)
    subject.error(error)
  }

  end(): void {
    this.#subject.complete()
  }

  #tell(gap: ReadingGap | undefined): void {
    if (gap !== undefined) this.#subject.next({ type: 'gap', topic: this.topic, ...gap })
  }
}
