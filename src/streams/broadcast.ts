// Broadcast: what the two kinds of topic share, one order for every subscriber and a history to come back to.
//
// There are two ways to read. `subscribe` and `deliverTo` push each value once it is there: the fast way, for a
// connection that is open. `read` and `watch` pull from an offset: the way that survives a lost connection, and
// in which nothing is queued for a slow reader but its offset.
//
// A broadcast never errors and never completes, and what one subscriber throws neither ends nor delays another.
// Slow subscribers are their own connection's matter: the outbound queue bounds them.

import type { Subscriber } from 'rxjs'
import { SettingError, show, WebSocketError } from '../protocol/errors.ts'
import { deliver, type Sendable, type Shared } from '../protocol/message.ts'
import type { Clock, Random } from '../protocol/ports.ts'
import type { LogPosition } from '../protocol/position.ts'
import { checkNames } from '../protocol/setting-names.ts'
import { unfailing } from '../protocol/user-code.ts'
import { type Guard, GuardedObservable } from './guarded.ts'
import type { HistoryOptions, TopicItem } from './history.ts'
import { type Sink, Sinks } from './sinks.ts'

/** What a topic may be told, wherever its messages are kept. */
export interface TopicOptions {
  /** Called with what a subscriber threw, which `subscriberErrors` counts. Default of `topic()`: the first is printed. */
  readonly onSubscriberError?: (thrown: unknown) => void
  /** What is kept for those who come back; default: nothing in memory, 10,000 messages in a journal. */
  readonly history?: HistoryOptions
}

/** Time and chance, which a topic with a history needs; `topic()` brings the live ones. */
export interface TopicPorts {
  /** For the times of messages and their age. */
  readonly clock: Clock
  /** For the epoch, which has to be another after each start. */
  readonly random: Random
}

/** How a message is published: once, or only at a certain place. */
export interface PublishOptions {
  /**
   * Idempotency key, at most 128 bytes of UTF-8: a second publish with the same key within two minutes publishes
   * nothing and gives the offset of the first. Default: each publish is a new one.
   */
  readonly key?: string
  /** Publish only if the topic's head is this offset; otherwise `ERR_WINDSOCK_JOURNAL_CONFLICT`. */
  readonly expectedOffset?: number
}

/** Where a message stands. */
export interface Published {
  /** One life of the topic's numbers: after a new epoch they begin anew. */
  readonly epoch: string
  /** Its number in the topic, from 1. */
  readonly offset: number
  /** Its key was known: it had been published before, at this offset. */
  readonly duplicate: boolean
}

/** A stretch of a topic; `floor` above the offset that was asked for means that what is between is gone. */
export interface TopicPage extends LogPosition {
  readonly items: readonly TopicItem[]
}

export interface PageBounds {
  readonly maxItems: number
  readonly maxBytes: number
}

/** A topic as its remote readers and writers see it. */
export interface TopicLog {
  /** As it was made with; clients ask for it by this. */
  readonly name: string
  /** Resolves when `epoch` and the offsets are known, rejects when the store cannot tell; `undefined` once known. */
  readonly ready: Promise<void> | undefined
  /** One life of its numbers: new with each topic in memory, and the same over restarts for a durable one. */
  readonly epoch: string
  /** The offset of the last message; 0 before the first. */
  readonly offset: number
  /** `floor + 1 … offset` is kept. */
  readonly floor: number
  /** What is kept after `offset`; at once when it is in memory. */
  read(offset: number, bounds: PageBounds): TopicPage | Promise<TopicPage>
  /** Calls `listener` after each message, until the function returned is called. What it throws hurts nobody else. */
  watch(listener: () => void): () => void
  /**
   * `publish` with an answer for whoever is far away.
   *
   * @throws WebSocketError, also by rejecting: `ERR_WINDSOCK_TOPIC` for a key out of bounds, and as `publish`.
   */
  append(value: Sendable, options?: PublishOptions): Promise<Published>
}

/** An object of its own, so that one listener may watch twice. */
interface Watcher {
  listener: (() => void) | undefined
}

interface Waiting<T> extends Shared<T> {
  readonly offset: number
}

export abstract class Broadcast<T extends Sendable> extends GuardedObservable<T> {
  /** As it was made with; clients ask for it by this. */
  readonly name: string
  readonly #sinks = new Sinks<T>(this)
  readonly #errors: SubscriberErrors
  readonly #watchers = new Set<Watcher>()
  readonly #waiting: Waiting<T>[] = []
  #offset = 0
  #delivering = false

  constructor(name: string, options: TopicOptions) {
    const errors = new SubscriberErrors(options)
    super(errors, (subscriber: Subscriber<T>) => this.deliverTo(new Subscribed(subscriber)))
    this.name = name
    this.#errors = errors
  }

  /** The offset of the last value; 0 before the first. */
  get offset(): number {
    return this.#offset
  }

  /** Subscriptions at this moment, connections and your own code alike. */
  get subscriberCount(): number {
    return this.#sinks.size
  }

  /** How often a subscriber threw. */
  get subscriberErrors(): number {
    return this.#errors.count
  }

  /**
   * Gives each later value to `sink.send`, until the function returned is called.
   *
   * `subscribe` with nothing in between: what a connection uses that is given a topic as it is. A broadcast to many
   * finds few of their objects in the processor's cache, so each that it does not touch counts.
   */
  deliverTo(sink: Sink<T>): () => void {
    return this.#sinks.add(sink, this.#offset)
  }

  /**
   * Calls `listener` after each value has reached the subscribers, until the function returned is called.
   *
   * What it throws counts as a subscriber's error.
   */
  watch(listener: () => void): () => void {
    const watcher: Watcher = { listener }
    this.#watchers.add(watcher)
    return () => {
      this.#watchers.delete(watcher)
      watcher.listener = undefined
    }
  }

  /** Whether a delivery is under way, and so a publish comes from inside it. */
  protected get delivering(): boolean {
    return this.#delivering
  }

  /** Where counting goes on, of a log that was there before. */
  protected startAt(offset: number): void {
    this.#offset = offset
  }

  /** Gives `value` the next offset, and delivers it: now, or after the delivery that is under way. */
  protected next({ value, message }: Shared<T>, keep: (offset: number) => void): number {
    const offset = ++this.#offset
    keep(offset)
    this.#waiting.push({ offset, value, message })
    if (!this.#delivering) this.#deliverWaiting()
    return offset
  }

  #deliverWaiting(): void {
    this.#delivering = true
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        const { value, message, offset } = next
        deliver({ value, message, forms: new Map() }, () => this.#give(value, offset))
      }
    } finally {
      this.#delivering = false
    }
  }

  #give(value: T, offset: number): void {
    this.#sinks.send(value, offset, this.#errors)
    for (const { listener } of this.#watchers) {
      try {
        listener?.()
      } catch (thrown) {
        this.#errors.fail(thrown)
      }
    }
  }
}

/** What subscribers threw, and who is told of it. */
class SubscriberErrors implements Guard {
  count = 0
  readonly #tell: (thrown: unknown) => void

  constructor({ onSubscriberError = () => {} }: TopicOptions) {
    this.#tell = unfailing(onSubscriberError)
  }

  fail(thrown: unknown): void {
    this.count++
    this.#tell(thrown)
  }
}

/** An RxJS subscriber as a sink. */
class Subscribed<T> implements Sink<T> {
  readonly #subscriber: Subscriber<T>

  constructor(subscriber: Subscriber<T>) {
    this.#subscriber = subscriber
  }

  send(value: T): void {
    this.#subscriber.next(value)
  }
}

/** What a value is in a topic: encoded once, with its kind beside it. */
export function itemOf({ value, message }: Shared, offset: number, atMs: number): TopicItem {
  const kind = typeof message !== 'string' ? 'binary' : typeof value === 'string' ? 'text' : 'json'
  return { offset, atMs, kind, message }
}

/**
 * A misspelt `key` would make two of what is published twice.
 *
 * @throws SettingError for an option that is none; WebSocketError `ERR_WINDSOCK_TOPIC` for a key that is empty, longer
 *   than 128 bytes, or no text that a store can keep.
 */
export function checkPublish(options: PublishOptions): void {
  checkNames(options, ['key', 'expectedOffset'])
  const { key, expectedOffset } = options
  if (expectedOffset !== undefined && !Number.isSafeInteger(expectedOffset)) {
    throw new SettingError(`expectedOffset is ${show(expectedOffset)}: it must be a whole number`)
  }
  if (key === undefined || (key !== '' && isKept(key) && isShort(key))) return
  throw new WebSocketError(
    'ERR_WINDSOCK_TOPIC',
    `an idempotency key must be 1 to ${MAX_KEY_BYTES} bytes of UTF-8 without NUL; a UUID does`,
    { httpStatus: 400 },
  )
}

/** The longest idempotency key. */
export const MAX_KEY_BYTES = 128

/** Whether a store gives a text back as it was: SQLite ends it at NUL, and half a surrogate pair is no UTF-8. */
export function isKept(text: string): boolean {
  return !/[\0\p{Surrogate}]/u.test(text)
}

function isShort(key: string): boolean {
  return key.length <= MAX_KEY_BYTES && new TextEncoder().encode(key).byteLength <= MAX_KEY_BYTES
}

/** What a reader of values gets for an item: the text, the bytes, or the object. */
export function valueOf<T extends Sendable>({ kind, message }: TopicItem): T {
  return (kind === 'json' ? JSON.parse(message as string) : message) as T
}
