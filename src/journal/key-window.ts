// Key window: which idempotency keys were seen lately, and the version that each was given.
//
// Bounded by time and by number, so a key is known again for two minutes or for 100,000 others, whichever ends first.

import { KEY_WINDOW } from './store.ts'

export class KeyWindow {
  readonly #seen = new Map<string, { readonly version: number; readonly atMs: number }>()

  /** The version that `key` was given; `undefined` when it is new, or was forgotten. */
  versionOf(key: string, nowMs: number): number | undefined {
    // A map keeps the order of insertion: the first is the oldest.
    for (const [oldest, { atMs }] of this.#seen) {
      if (this.#seen.size <= KEY_WINDOW.count && nowMs - atMs <= KEY_WINDOW.ms) break
      this.#seen.delete(oldest)
    }
    return this.#seen.get(key)?.version
  }

  note(key: string, version: number, nowMs: number): void {
    this.#seen.set(key, { version, atMs: nowMs })
  }
}
