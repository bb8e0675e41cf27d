// History: the newest items of a topic, in memory, bounded by number, by bytes and by age.
//
// It knows offsets and sizes, nothing of who reads.

import { checkBound } from '../protocol/bound.ts'
import { SettingError, show } from '../protocol/errors.ts'
import type { Message } from '../protocol/message.ts'
import { checkNames } from '../protocol/setting-names.ts'

/** One message of a topic, encoded once for everyone who gets it. */
export interface TopicItem {
  /** 1, 2, 3 … within the topic's epoch. */
  readonly offset: number
  /** Wall-clock time of the publish, ms since 1970. */
  readonly atMs: number
  /** `json`: an object was published, and `message` is its JSON text. */
  readonly kind: 'text' | 'json' | 'binary'
  readonly message: Message
}

/** How much of a topic is kept for those who come back. */
export interface HistoryOptions {
  /** Messages kept; default 0 for a topic in memory, 10,000 for a durable one. */
  readonly count?: number
  /** Messages older than this many ms go; default: age does not matter. */
  readonly ageMs?: number
  /** Bytes of messages kept in memory; default 1 MiB. The newest is kept even if it alone is more. */
  readonly bytes?: number
}

/** Far beyond what fits in memory; a bound for mistakes. */
const MAX_COUNT = 10_000_000
const MAX_AGE_MS = 10 * 365 * 24 * 3_600_000
const DEFAULT_BYTES = 1024 * 1024

/** @throws SettingError naming the field, the value and what is allowed. */
export function checkHistory(
  options: HistoryOptions = {},
  defaultCount: number,
): HistoryBounds & { readonly ageMs: number | undefined } {
  checkNames(options, ['count', 'bytes', 'ageMs'], 'history')
  const { count = defaultCount, bytes = DEFAULT_BYTES, ageMs } = options
  checkBound('history.count', count, { min: 0, max: MAX_COUNT })
  checkBound('history.bytes', bytes, { min: 1, max: 2 ** 31 - 1 })
  if (ageMs !== undefined) checkBound('history.ageMs', ageMs, { min: 1, max: MAX_AGE_MS })
  return { count, bytes, ageMs }
}

/** @throws SettingError for a topic that keeps nothing for who comes back. */
export function checkKeepsHistory(topic: {
  readonly name: string
  readonly keepsHistory: boolean
}): void {
  if (topic.keepsHistory) return
  throw new SettingError(
    `the topic ${show(topic.name)} has no history to come back to: make it with { history: { count: 1000 } }, or durable`,
  )
}

export interface HistoryBounds {
  /** Items kept. */
  readonly count: number
  /** Bytes of messages kept; the newest is kept even if it alone is more. */
  readonly bytes: number
}

export class History {
  readonly #bounds: HistoryBounds
  #items: (TopicItem | undefined)[] = []
  /** Index of the oldest; those before it are gone. */
  #start = 0
  #bytes = 0
  #floor: number

  /** @param floor - the offset before the first item to come. */
  constructor(bounds: HistoryBounds, floor = 0) {
    this.#bounds = bounds
    this.#floor = floor
  }

  /** The highest offset that is not here any more, or never was. */
  get floor(): number {
    return this.#floor
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Items must come with their offsets in order, without a hole. */
  push(item: TopicItem): void {
    this.#items.push(item)
    this.#bytes += sizeOf(item)
    const { count, bytes } = this.#bounds
    while (this.#count > count || (this.#bytes > bytes && this.#count > Math.min(1, count))) {
      this.#dropOldest()
    }
  }

  /** Forgets what is older than a wall-clock time, ms since 1970. */
  forgetBefore(wallMs: number): void {
    while (this.#count > 0 && (this.#items[this.#start] as TopicItem).atMs < wallMs) {
      this.#dropOldest()
    }
  }

  /** Items after `offset`, oldest first: at most `maxItems`, and at most `maxBytes` unless the first alone is more. */
  after(offset: number, maxItems: number, maxBytes: number): readonly TopicItem[] {
    const first = this.#start + Math.max(0, offset - this.#floor)
    // What nearly every reader asks for: the one that has just come.
    if (first === this.#items.length - 1 && maxItems > 0) return [this.#items[first] as TopicItem]
    const found: TopicItem[] = []
    let bytes = 0
    for (let index = first; index < this.#items.length && found.length < maxItems; index++) {
      const item = this.#items[index] as TopicItem
      bytes += sizeOf(item)
      if (bytes > maxBytes && found.length > 0) break
      found.push(item)
    }
    return found
  }

  get #count(): number {
    return this.#items.length - this.#start
  }

  #dropOldest(): void {
    this.#bytes -= sizeOf(this.#items[this.#start] as TopicItem)
    // Until the array is cut it would be kept, beyond the bound.
    this.#items[this.#start] = undefined
    this.#start++
    this.#floor++
    // An array cut at its front is moved as a whole: every so often is cheap, every time is not.
    if (this.#start > 32 && this.#start > this.#items.length / 2) {
      this.#items = this.#items.slice(this.#start)
      this.#start = 0
    }
  }
}

/** What an item counts for: a text's length in UTF-16 units is near enough to what it costs. */
function sizeOf({ message }: TopicItem): number {
  return typeof message === 'string' ? message.length : message.byteLength
}
