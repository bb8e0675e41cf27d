// Mailbox: what happened, in order, for a test that waits for the next of it.

/** Values that one side puts and the other takes, waiting for them where need be. */
export class Mailbox<T> {
  /** Everything that was ever put. */
  readonly all: T[] = []
  #taken = 0
  #wake: (() => void)[] = []

  put(value: T): void {
    this.all.push(value)
    const waiting = this.#wake
    this.#wake = []
    for (const wake of waiting) wake()
  }

  /** The next value that was not taken yet. */
  async next(): Promise<T> {
    const index = this.#taken++
    await this.atLeast(index + 1)
    return this.all[index] as T
  }

  /** The first value, past or future, that `matches`. */
  async find(matches: (value: T) => boolean): Promise<T> {
    for (;;) {
      const found = this.all.find(matches)
      if (found !== undefined) return found
      await this.atLeast(this.all.length + 1)
    }
  }

  /** Resolves when `count` values have been put. */
  async atLeast(count: number): Promise<void> {
    while (this.all.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake.push(resolve)
      })
    }
  }
}
