// Topic: an ordered broadcast in memory; one order for every subscriber.
//
// Each published value gets the next offset: 1, 2, 3 … A publish from inside a delivery waits until the one that
// is under way has reached everyone, so that nobody sees 2 before 1. With a `history` the newest values stay for
// those who come back; the epoch is as old as the process, because its memory is.
//
// Objects and bytes are encoded when they are published, once for all connections; do not change them afterwards.

import type { Observable } from 'rxjs'
import { KeyWindow } from '../journal/key-window.ts'
import { JournalError, LimitError, SettingError, WebSocketError } from '../protocol/errors.ts'
import { type Sendable, share } from '../protocol/message.ts'
import { newEpoch } from '../protocol/position.ts'
import {
  Broadcast,
  checkPublish,
  itemOf,
  type PageBounds,
  type Published,
  type PublishOptions,
  type TopicLog,
  type TopicOptions,
  type TopicPage,
  type TopicPorts,
} from './broadcast.ts'
import { checkHistory, History } from './history.ts'
import { Replay } from './replay.ts'

/** Publishes that one publish may cause, from inside deliveries. */
const MAX_CAUSED_PUBLISHES = 10_000

/**
 * A topic in memory: an ordered broadcast, which ends with the process; `publish()` gives the offset at once.
 *
 * Make it with `topic(name)`.
 */
export class Topic<T extends Sendable> extends Broadcast<T> implements TopicLog {
  readonly ready = undefined
  /** New with each topic. Empty without ports: such a topic has no history to come back to. */
  readonly epoch: string
  readonly #history: History | undefined
  readonly #ageMs: number | undefined
  readonly #ports: TopicPorts | undefined
  readonly #keys = new KeyWindow()
  #caused = 0

  /** @throws SettingError for a history out of range, or one without the ports that it needs. */
  constructor(name: string, options: TopicOptions = {}, ports?: TopicPorts) {
    super(name, options)
    const { count, bytes, ageMs } = checkHistory(options.history, 0)
    if (count > 0 && ports === undefined) {
      throw new SettingError(`a topic with a history needs a clock: make it with topic('${name}')`)
    }
    this.#ports = ports
    this.#ageMs = ageMs
    this.#history = count > 0 ? new History({ count, bytes }) : undefined
    this.epoch = ports === undefined ? '' : newEpoch(ports.random)
  }

  /** Whether there is anything to come back to. */
  get keepsHistory(): boolean {
    return this.#history !== undefined
  }

  get floor(): number {
    this.#forgetOld()
    return this.#history?.floor ?? this.offset
  }

  /**
   * Gives `value` to everyone subscribed now, and returns its offset.
   *
   * Cost: one call per subscriber. A publish from inside a delivery returns before its value is delivered. It knows no
   * options: with a key, or at a certain place only, a topic in memory publishes by `append(value, options)`.
   *
   * @throws WebSocketError `ERR_WINDSOCK_MESSAGE_TYPE` when `value` cannot be sent, `ERR_WINDSOCK_TOPIC` for options;
   *   nothing is published then.
   * @throws LimitError when one publish has caused 10,000 others, that is, when deliveries publish without end.
   */
  publish(value: T): number
  publish(value: T, options?: unknown): number {
    // A program in JavaScript would have its key ignored, and publish twice. The index that `forEach` gives hurts nobody.
    if (typeof options === 'object' || typeof options === 'string') {
      throw new WebSocketError(
        'ERR_WINDSOCK_TOPIC',
        `publish() of a topic in memory takes no options: with a key, or an expectedOffset, await append(value, options)`,
      )
    }
    if (!this.delivering) this.#caused = 0
    else if (++this.#caused > MAX_CAUSED_PUBLISHES) {
      throw new LimitError(
        `one publish to topic ${this.name} has caused ${MAX_CAUSED_PUBLISHES} others: its subscribers publish to it without end`,
        { fault: 'local' },
      )
    }
    const shared = share(value)
    const atMs = Math.floor(this.#ports?.clock.wallMs() ?? 0)
    return this.next(shared, (offset) => this.#history?.push(itemOf(shared, offset, atMs)))
  }

  /**
   * The last `count` values that are kept, then each later one; fewer when fewer are kept. A route that returns it gives
   * each connection as much at a time as that takes.
   *
   * @throws SettingError when `count` is no whole number, 0 or more, or is above 0 where there is no `history`.
   */
  last(count: number): Observable<T> {
    return new Replay(this, this, count)
  }

  read(offset: number, { maxItems, maxBytes }: PageBounds): TopicPage {
    const { epoch, floor, offset: head } = this
    return { epoch, head, floor, items: this.#history?.after(offset, maxItems, maxBytes) ?? [] }
  }

  /**
   * Publishes as `publish`, once for a `key`, or only at `expectedOffset`.
   *
   * @returns a promise of where it stands; `duplicate` when its key was known, and nothing was published.
   * @throws by rejecting: SettingError for an option that is none, WebSocketError `ERR_WINDSOCK_TOPIC` for a key out of
   *   bounds, JournalError `ERR_WINDSOCK_JOURNAL_CONFLICT` at another offset, and as `publish`.
   */
  async append(value: T, options: PublishOptions = {}): Promise<Published> {
    checkPublish(options)
    const { key, expectedOffset } = options
    const { epoch } = this
    const nowMs = this.#ports?.clock.wallMs() ?? 0
    const known = key === undefined ? undefined : this.#keys.versionOf(key, nowMs)
    if (known !== undefined) return { epoch, offset: known, duplicate: true }
    if (expectedOffset !== undefined && expectedOffset !== this.offset) {
      throw new JournalError(
        'ERR_WINDSOCK_JOURNAL_CONFLICT',
        `topic ${this.name} is at offset ${this.offset}, and the publish expected ${expectedOffset}: read what came in between, and decide again`,
      )
    }
    const offset = this.publish(value)
    if (key !== undefined) this.#keys.note(key, offset, nowMs)
    return { epoch, offset, duplicate: false }
  }

  #forgetOld(): void {
    if (this.#ageMs === undefined || this.#ports === undefined) return
    this.#history?.forgetBefore(this.#ports.clock.wallMs() - this.#ageMs)
  }
}
