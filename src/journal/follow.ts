// Follow: one stream as it is kept, and on as it grows.
//
// Nothing is queued for a follower, however slow it is: it is a position, and reads the next page when it has taken the
// one before. It looks again when it is told that its stream has grown, and once a second, since another process may be
// the one that writes.

import { JournalError } from '../protocol/errors.ts'
import type { Clock } from '../protocol/ports.ts'
import type { RecordedEvent, Store } from './store.ts'

/** Where following begins and what ends it. What has expired since makes `follow()` throw a JournalError. */
export interface FollowOptions {
  /** Begin after this version; default 0, which is with the first event that is kept. */
  readonly after?: number
  /** Ends it, also while it waits. */
  readonly signal?: AbortSignal
}

const LOOK_AGAIN_MS = 1_000

/** Who is told when a stream has grown. */
export class Bells {
  readonly #listeners = new Map<string, Set<() => void>>()

  ring(stream: string): void {
    // Mostly so, and the name of a life that has just begun has no hash yet.
    if (this.#listeners.size === 0) return
    for (const listener of this.#listeners.get(stream) ?? []) listener()
  }

  ringAll(): void {
    for (const stream of this.#listeners.keys()) this.ring(stream)
  }

  /** Whether anybody listens to that stream. */
  has(stream: string): boolean {
    return this.#listeners.has(stream)
  }

  listen(stream: string, listener: () => void): void {
    const listeners = this.#listeners.get(stream) ?? new Set()
    this.#listeners.set(stream, listeners.add(listener))
  }

  leave(stream: string, listener: () => void): void {
    const listeners = this.#listeners.get(stream)
    listeners?.delete(listener)
    if (listeners?.size === 0) this.#listeners.delete(stream)
  }
}

/**
 * The events of `stream` after a version, each once and in order, until `signal` ends it.
 *
 * @throws JournalError when events between two that it gives have expired, or the store is closed.
 */
export async function* follow(
  store: Store,
  stream: string,
  { after = 0, signal }: FollowOptions,
  bells: Bells,
  clock: Clock,
): AsyncGenerator<RecordedEvent, void, undefined> {
  const waiting = new Waiting(clock)
  bells.listen(stream, waiting.end)
  signal?.addEventListener('abort', waiting.end)
  try {
    for (let reached = after; ; ) {
      if (signal?.aborted) return
      const { events, head, floor } = await store.read(stream, { after: reached })
      if (reached > 0 && floor > reached) throw overtaken(stream, reached, floor)
      for (const event of events) {
        if (signal?.aborted) return
        yield event
        reached = event.version
      }
      if (events.length === 0 || reached >= head) await waiting.ended()
    }
  } finally {
    bells.leave(stream, waiting.end)
    signal?.removeEventListener('abort', waiting.end)
  }
}

/** One wait after the other; to end it while nobody waits ends the next. */
class Waiting {
  readonly #clock: Clock
  #isOver = false
  #resolve: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  readonly end = (): void => {
    this.#isOver = true
    this.#resolve?.()
  }

  async ended(): Promise<void> {
    if (!this.#isOver) {
      const timer = this.#clock.setTimeout(this.end, LOOK_AGAIN_MS)
      await new Promise<void>((resolve) => {
        this.#resolve = resolve
      })
      this.#clock.clearTimeout(timer)
    }
    this.#isOver = false
  }
}

function overtaken(stream: string, reached: number, floor: number): JournalError {
  return new JournalError(
    'ERR_WINDSOCK_JOURNAL',
    `${stream} was followed up to version ${reached}, and everything up to ${floor} has expired: read faster, or keep more`,
  )
}
