// Replay: a topic's newest values, then each later one, without a seam.
//
// What is past is pulled, page by page, and what comes meanwhile is of the past by then. Only once it has caught up does
// it take its place among the subscribers. So whoever says when there is room, as a connection does, is given no more of
// the past than it takes; whoever subscribes is given it as fast as it is read.

import { Observable } from 'rxjs'
import { LimitError, SettingError, show } from '../protocol/errors.ts'
import type { Message, Sendable } from '../protocol/message.ts'
import { type Broadcast, type TopicLog, valueOf } from './broadcast.ts'
import { DONE } from './deferred.ts'
import { checkKeepsHistory, type TopicItem } from './history.ts'
import type { Sink } from './sinks.ts'
import { PAGE, TopicReader } from './topic-reader.ts'

type Keeping = Parameters<typeof checkKeepsHistory>[0]

/** Who may be slower than what it reads; a connection is one. */
interface PacedSink<T> extends Sink<T | Message> {
  /** A promise: until there is room for more. */
  send(value: T | Message): Promise<unknown>
  close(code: number, reason: string): void
}

/** How one reader is given what it reads. */
interface Way<T> {
  /** One of the past; a promise: until there is room for more. */
  readonly give: (item: TopicItem) => Promise<unknown> | void
  /** What is to come. */
  readonly sink: Sink<T>
  /** What comes next is gone. */
  readonly fellBehind: (error: LimitError) => void
  readonly failed: (thrown: unknown) => void
}

export class Replay<T extends Sendable> extends Observable<T> {
  readonly #log: TopicLog
  readonly #live: Broadcast<T>
  readonly #count: number

  /**
   * The last `count` values that `log` keeps, then each later one of `live`, which is the same topic.
   *
   * @throws SettingError as `checkLast`.
   */
  constructor(log: TopicLog & Keeping, live: Broadcast<T>, count: number) {
    checkLast(count, log)
    super((subscriber) => {
      const failed = (thrown: unknown) => subscriber.error(thrown)
      const reading = new Reading(this.#log, this.#live, {
        give: (item) => subscriber.next(valueOf<T>(item)),
        sink: { send: (value) => subscriber.next(value) },
        fellBehind: failed,
        failed,
      })
      // At once where it is in memory, and no further than its subscriber wants.
      subscriber.add(reading.stop)
      reading.begin(this.#count)
    })
    this.#log = log
    this.#live = live
    this.#count = count
  }

  /**
   * `subscribe` for who says when there is room; it is closed with 1013 when it falls behind what the topic keeps.
   *
   * @returns how to stop; by then, what is in memory has been given as far as there is room.
   */
  deliverTo(sink: PacedSink<T>, failed: (thrown: unknown) => void): () => void {
    const reading = new Reading(this.#log, this.#live, {
      // As it is stored: nothing is parsed to be encoded again.
      give: ({ message }) => sink.send(message),
      sink,
      fellBehind: () => sink.close(1013, 'slow consumer'),
      failed,
    })
    reading.begin(this.#count)
    return reading.stop
  }
}

class Reading<T extends Sendable> {
  readonly #reader: TopicReader
  readonly #live: Broadcast<T>
  readonly #way: Way<T>
  #isOver = false
  #leave: (() => void) | undefined

  constructor(log: TopicLog, live: Broadcast<T>, way: Way<T>) {
    this.#reader = new TopicReader(log)
    this.#live = live
    this.#way = way
  }

  begin(count: number): void {
    this.#run(count).catch((thrown: unknown) => {
      if (!this.#isOver) this.#way.failed(thrown)
    })
  }

  readonly stop = (): void => {
    this.#isOver = true
    this.#leave?.()
  }

  // Waits for nothing that is there: else what is published meanwhile could push out what was to be given.
  async #run(count: number): Promise<void> {
    const reader = this.#reader
    const begun = reader.begin({ last: count })
    if (begun instanceof Promise) await begun
    let hasGiven = false
    while (!this.#isOver && !reader.caughtUp) {
      const page = reader.next(PAGE)
      const { items, gapTo } = page instanceof Promise ? await page : page
      // What went before the first was given is not missed: fewer were kept by then.
      if (gapTo !== undefined && hasGiven && !this.#isOver) return this.#fellBehind(gapTo)
      for (const item of items) {
        if (this.#isOver) return
        hasGiven = true
        const room = this.#way.give(item)
        if (room !== undefined && room !== DONE) await room
      }
    }
    // Nothing is published between the last look and this.
    if (!this.#isOver) this.#leave = this.#live.deliverTo(this.#way.sink)
  }

  #fellBehind(gapTo: number): void {
    const { name } = this.#reader.log
    const detail = `a reader of topic ${name} is slower than what the topic keeps: ${gapTo} and those before it are gone`
    this.#way.fellBehind(new LimitError(detail, { closeCode: 1013 }))
  }
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
