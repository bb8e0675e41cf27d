// Topic: an ordered broadcast; one order for every subscriber.
//
// Each published value gets the next offset: 1, 2, 3 … A publish from inside a delivery waits until the one that
// is under way has reached everyone, so that nobody sees 2 before 1. A topic never errors and never completes,
// and what one subscriber throws neither ends nor delays another. Slow subscribers are their own connection's
// matter: the outbound queue bounds them.
//
// Objects and bytes are encoded when they are published, once for all connections; do not change them afterwards.

import type { Subscriber } from 'rxjs'
import { LimitError } from '../protocol/errors.ts'
import { type Sendable, share } from '../protocol/message.ts'
import { GuardedObservable, type Report } from './guarded.ts'

/** Publishes that one publish may cause, from inside deliveries. */
const MAX_CAUSED_PUBLISHES = 10_000

export interface TopicOptions {
  /** Called with what a subscriber threw. Default: it is counted in `subscriberErrors`, nothing else. */
  readonly onSubscriberError?: Report
}

/** Takes values without the machinery of a subscription; it must not throw. */
export interface Sink<T> {
  next(value: T): void
}

interface Reader<T> {
  readonly sink: Sink<T>
  /** The offset when it subscribed; it gets only later ones. */
  readonly after: number
}

interface Published<T> {
  readonly offset: number
  readonly value: T
}

export class Topic<T extends Sendable> extends GuardedObservable<T> {
  readonly name: string
  readonly #readers: Set<Reader<T>>
  readonly #errors: { count: number }
  readonly #waiting: Published<T>[] = []
  #offset = 0
  #delivering = false
  #caused = 0

  constructor(name: string, options: TopicOptions = {}) {
    const readers = new Set<Reader<T>>()
    const errors = { count: 0 }
    super(
      (thrown) => {
        errors.count++
        options.onSubscriberError?.(thrown)
      },
      (subscriber: Subscriber<T>) => this.deliverTo(subscriber),
    )
    this.name = name
    this.#readers = readers
    this.#errors = errors
  }

  /** The offset of the last value published; 0 before the first. */
  get offset(): number {
    return this.#offset
  }

  get subscriberCount(): number {
    return this.#readers.size
  }

  /** How often a subscriber threw. */
  get subscriberErrors(): number {
    return this.#errors.count
  }

  /**
   * Gives each later value to `sink`, until the function returned is called.
   *
   * `subscribe` with nothing in between: what a connection uses that is given a topic as it is. One object a
   * connection instead of four makes a broadcast to many a tenth cheaper.
   */
  deliverTo(sink: Sink<T>): () => void {
    const reader = { sink, after: this.#offset }
    this.#readers.add(reader)
    return () => this.#readers.delete(reader)
  }

  /**
   * Gives `value` to everyone subscribed now, and returns its offset.
   *
   * Cost: one call per subscriber. A publish from inside a delivery returns before its value is delivered.
   *
   * @throws WebSocketError `ERR_WINDSOCK_MESSAGE_TYPE` when `value` cannot be sent; nothing is published then.
   * @throws LimitError when one publish has caused 10,000 others, that is, when deliveries publish without end.
   */
  publish(value: T): number {
    if (this.#delivering && ++this.#caused > MAX_CAUSED_PUBLISHES) {
      throw new LimitError(
        `one publish to topic ${this.name} has caused ${MAX_CAUSED_PUBLISHES} others: its subscribers publish to it without end`,
        { fault: 'local' },
      )
    }
    const shared = share(value)
    const offset = ++this.#offset
    this.#waiting.push({ offset, value: shared })
    if (!this.#delivering) this.#deliverWaiting()
    return offset
  }

  #deliverWaiting(): void {
    this.#delivering = true
    this.#caused = 0
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      for (const reader of this.#readers) {
        // A subscriber that came during the delivery is at the end of the set, and `after` bars it.
        if (reader.after < next.offset) reader.sink.next(next.value)
      }
    }
    this.#delivering = false
  }
}

/** Makes a topic. */
export function topic<T extends Sendable>(name: string, options?: TopicOptions): Topic<T> {
  return new Topic<T>(name, options)
}
