// Refusals: what a journal refuses again and again is told once in a while, not once for each who asked.
//
// A disk that is full refuses every publish and every reader who comes back; whoever runs the server has to learn of it,
// and not by a line for each.

import { JournalError, type WebSocketError } from '../protocol/errors.ts'

const WINDOW_MS = 60_000
/** Causes of one topic that are told in a window; damage, for one, says something else of each message. */
const MAX_CAUSES = 8

export class Refusals {
  readonly #told = new Map<string, Set<string>>()
  #windowEndsMs = Number.NEGATIVE_INFINITY

  /** Whether `error` has to be told: it is no journal's, or nobody was told this of `topic` within a minute. */
  isNews(topic: string, error: WebSocketError, nowMs: number): boolean {
    if (!(error instanceof JournalError)) return true
    if (nowMs >= this.#windowEndsMs) {
      this.#windowEndsMs = nowMs + WINDOW_MS
      this.#told.clear()
    }
    const causes = this.#told.get(topic) ?? new Set()
    if (causes.has(error.message) || causes.size >= MAX_CAUSES) return false
    this.#told.set(topic, causes.add(error.message))
    return true
  }
}
