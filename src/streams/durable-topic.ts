// Durable topic: an ordered broadcast whose messages are on disk before anyone gets them.
//
// A publish goes to the store; when the store has acknowledged it, it is delivered, and the promise resolves with its
// offset. So the order that is stored is the order that is delivered, and whoever got a message can come back to it
// after a restart. The newest stay in memory, so that most readers who come back never touch the disk.
//
// When the store refuses (a full disk), that publish rejects and nothing is delivered; other topics do not notice. A topic
// that could not read its own past tries again when it is next asked for anything, and until then takes nothing.

import type { Observable } from 'rxjs'
import { type NewEvent, type RecordedEvent, type Store, topicStream } from '../journal/store.ts'
import { SettingError, show } from '../protocol/errors.ts'
import { type Sendable, type Shared, share } from '../protocol/message.ts'
import { unfailing } from '../protocol/user-code.ts'
import {
  Broadcast,
  checkPublish,
  isKept,
  itemOf,
  type PageBounds,
  type Published,
  type PublishOptions,
  type TopicLog,
  type TopicOptions,
  type TopicPage,
  type TopicPorts,
} from './broadcast.ts'
import { handled } from './deferred.ts'
import { checkHistory, History, type TopicItem } from './history.ts'
import { Replay } from './replay.ts'

/** Messages kept when nobody says how many. */
export const DEFAULT_COUNT = 10_000
/** Of those, the newest that stay in memory. */
const MAX_IN_MEMORY = 1_000
const SCHEMA = 1

/**
 * A topic in a journal: a message is stored first, and then delivered; `publish()` gives a promise of its offset.
 *
 * Make it with `topic(name, { durable: await openJournal(file) })`.
 */
export class DurableTopic<T extends Sendable> extends Broadcast<T> implements TopicLog {
  readonly #store: Store
  readonly #stream: string
  readonly #ports: TopicPorts
  readonly #bounds: ReturnType<typeof checkHistory>
  readonly #refused: (thrown: unknown) => void
  #epoch = ''
  #ready: Promise<void> | undefined
  /** Its past could not be read, and has not been since. */
  #isRefused = false
  /** And nobody is trying. */
  #isIdle = false
  #floor = 0
  #recent: History
  /** Deliveries that were stored before `ready`; no more than the store lets wait. */
  readonly #early: { readonly offset: number; readonly deliver: () => void }[] = []
  /** Publishes since the last trim, and when that was. */
  #untrimmed = 0
  #trimmedAtMs: number

  /**
   * @param refused - told why a `publish` was rejected, whose promise may be left alone.
   * @throws SettingError for a history out of range, and for a name with NUL or half a surrogate pair.
   */
  constructor(
    name: string,
    store: Store,
    options: TopicOptions,
    ports: TopicPorts,
    refused: (thrown: unknown) => void = () => {},
  ) {
    super(name, options)
    if (!isKept(name)) {
      throw new SettingError(
        `a durable topic is called ${show(name)}: its name must be well-formed text without NUL`,
      )
    }
    this.#store = store
    this.#stream = topicStream(name)
    this.#ports = ports
    this.#bounds = checkHistory(options.history, DEFAULT_COUNT)
    this.#refused = unfailing(refused)
    this.#recent = this.#memory(0)
    this.#trimmedAtMs = ports.clock.nowMs()
    this.#ready = this.#tryToOpen()
  }

  /** There always is something to come back to. */
  readonly keepsHistory = true

  get ready(): Promise<void> | undefined {
    if (this.#isIdle) this.#ready = this.#tryToOpen()
    return this.#ready
  }

  /** The same over restarts, as long as nothing acknowledged was lost. Empty until `ready`. */
  get epoch(): string {
    return this.#epoch
  }

  get floor(): number {
    return this.#floor
  }

  /**
   * Stores `value`, then gives it to everyone subscribed.
   *
   * @returns a promise of its offset, once it is stored; it rejects with a JournalError when it could not be,
   *   and nobody gets it then. A rejection left alone hurts nothing; of those that the journal is to blame for, the first
   *   in a minute is printed.
   * @throws WebSocketError `ERR_WINDSOCK_MESSAGE_TYPE` when `value` cannot be sent.
   */
  publish(value: T, options: PublishOptions = {}): Promise<number> {
    const published = this.append(value, options).then(({ offset }) => offset)
    published.catch(this.#refused)
    return published
  }

  /**
   * The last `count` values that are kept, then each later one; fewer when fewer are kept. A route that returns it gives
   * each connection as much at a time as that takes.
   *
   * @throws SettingError when `count` is no whole number, 0 or more.
   */
  last(count: number): Observable<T> {
    return new Replay(this, this, count)
  }

  /** `publish`, with all that is known of where it stands; it throws and rejects as that does. */
  append(value: T, options: PublishOptions = {}): Promise<Published> {
    checkPublish(options)
    const { ready } = this
    if (this.#isRefused && ready !== undefined) {
      return ready.then(() => this.append(value, options))
    }
    const { key, expectedOffset } = options
    const shared = share(value)
    const atMs = Math.floor(this.#ports.clock.wallMs())
    const { kind: type, message: data } = itemOf(shared, 0, atMs)
    const event: NewEvent = { type, schema: SCHEMA, atMs, data, ...(key !== undefined && { key }) }
    const expected = expectedOffset === undefined ? {} : { expectedVersion: expectedOffset }
    return this.#store
      .append(this.#stream, [event], expected)
      .then((appended) => this.#stored(appended, shared, atMs))
  }

  read(offset: number, bounds: PageBounds): TopicPage | Promise<TopicPage> {
    const { ready } = this
    if (ready !== undefined) return ready.then(() => this.read(offset, bounds))
    this.#trimOld()
    const { epoch, floor, offset: head } = this
    if (offset >= this.#recent.floor) {
      const items = this.#recent.after(offset, bounds.maxItems, bounds.maxBytes)
      return { epoch, head, floor, items }
    }
    return this.#readStore(offset, bounds)
  }

  #tryToOpen(): Promise<void> {
    this.#isIdle = false
    const opened = this.#open().catch((thrown: unknown) => {
      this.#isRefused = true
      this.#isIdle = true
      throw thrown
    })
    return handled(opened)
  }

  async #open(): Promise<void> {
    const { epoch, head: stored } = await this.#store.position(this.#stream)
    // What was stored while the past could not be read is delivered below.
    const head = Math.min(stored, (this.#early[0]?.offset ?? Number.POSITIVE_INFINITY) - 1)
    const inMemory = Math.min(MAX_IN_MEMORY, this.#bounds.count)
    const { floor, events } = await this.#store.read(this.#stream, {
      after: Math.max(0, head - inMemory),
      maxEvents: inMemory,
      maxBytes: this.#bounds.bytes,
    })
    this.#epoch = epoch
    this.#floor = floor
    // What was appended meanwhile is delivered by its own acknowledgement.
    const known = events.filter(({ version }) => version <= head)
    // A tail that did not fit is read from the store.
    const contiguous = known.at(-1)?.version === head ? known : []
    this.#recent = this.#memory(head - contiguous.length)
    for (const event of contiguous) this.#recent.push(toItem(event))
    this.startAt(head)
    this.#ready = undefined
    this.#isRefused = false
    for (const { deliver } of this.#early.splice(0)) deliver()
    // Who restarts often would never come to it.
    this.#trim()
  }

  #memory(floor: number): History {
    const { count, bytes } = this.#bounds
    return new History({ count: Math.min(count, MAX_IN_MEMORY), bytes }, floor)
  }

  #stored(
    { epoch, kept }: Awaited<ReturnType<Store['append']>>,
    shared: Shared<T>,
    atMs: number,
  ): Published {
    const { version: offset, duplicate } = kept[0] as (typeof kept)[number]
    if (!duplicate) {
      const deliver = () => {
        this.next(shared, () => this.#recent.push(itemOf(shared, offset, atMs)))
        this.#untrimmed++
        this.#trimOld()
      }
      if (this.#ready === undefined) deliver()
      else this.#early.push({ offset, deliver })
    }
    return { epoch, offset, duplicate }
  }

  async #readStore(offset: number, { maxItems, maxBytes }: PageBounds): Promise<TopicPage> {
    const options = { after: offset, maxEvents: maxItems, maxBytes }
    const { epoch, floor, events } = await this.#store.read(this.#stream, options)
    // What is stored and not delivered yet comes when it has been: nobody reads ahead of the others.
    const items = events.filter(({ version }) => version <= this.offset).map(toItem)
    return { epoch, head: this.offset, floor, items }
  }

  /** Every so often: a trim is a transaction, and a few messages more than promised hurt nobody. */
  #trimOld(): void {
    const { count, ageMs } = this.#bounds
    const sinceMs = this.#ports.clock.nowMs() - this.#trimmedAtMs
    const tooMany = this.#untrimmed >= Math.max(100, count / 10)
    const tooOld = ageMs !== undefined && sinceMs >= ageMs / 10
    if (tooMany || tooOld) this.#trim()
  }

  #trim(): void {
    const { count, ageMs } = this.#bounds
    const { clock } = this.#ports
    this.#untrimmed = 0
    this.#trimmedAtMs = clock.nowMs()
    const notBeforeMs = ageMs === undefined ? undefined : clock.wallMs() - ageMs
    if (notBeforeMs !== undefined) this.#recent.forgetBefore(notBeforeMs)
    this.#store
      .trim(this.#stream, { keep: count, ...(notBeforeMs !== undefined && { notBeforeMs }) })
      .then(
        ({ floor }) => {
          this.#floor = floor
        },
        // The next publish meets the same trouble, and says it to somebody who waits for an answer.
        () => {},
      )
  }
}

function toItem({ version, type, atMs, data }: RecordedEvent): TopicItem {
  return { offset: version, atMs, kind: type as TopicItem['kind'], message: data }
}
