// Publish rate: how many messages from outside a topic takes of one publisher, because each goes out to all its readers.
//
// Counted in seconds that all publishers share: of each no more is kept than a number, and of all no more than came
// within a second.

const WINDOW_MS = 1_000

export class PublishRate {
  readonly #perSecond: number
  readonly #counts = new Map<string, number>()
  #windowEndsMs = 0

  /** @param perSecond - messages of one publisher; one request may exceed it if it is the first of its second. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  /**
   * Counts `count` messages.
   *
   * @param who - the publisher, where there are several.
   * @returns 0 when they may be published; else in how many milliseconds they may be tried again, and nothing was counted.
   */
  take(nowMs: number, who = '', count = 1): number {
    if (nowMs >= this.#windowEndsMs) {
      this.#windowEndsMs = nowMs + WINDOW_MS
      this.#counts.clear()
    }
    const before = this.#counts.get(who) ?? 0
    if (before > 0 && before + count > this.#perSecond) return this.#windowEndsMs - nowMs
    this.#counts.set(who, before + count)
    return 0
  }
}
