// Lifeline: how everything that a request, or a connection, waits with learns that it is over.
//
// What waits holds a timer and perhaps a place among a topic's watchers. When its client goes away both are let go of at
// once, in the same turn; when the server drains, what waits is answered. One object tells both.

import { LimitError } from '../protocol/errors.ts'
import type { Clock } from '../protocol/ports.ts'
import { isPromiseLike } from '../protocol/user-code.ts'
import type { TopicLog } from './broadcast.ts'

/** Why waiting ends: nobody is there to be answered, or the server wants to stop. */
export type EndOfWaiting = 'gone' | 'draining'

export class Lifeline {
  readonly #listeners = new Set<(why: EndOfWaiting) => void>()
  #ended: EndOfWaiting | undefined

  get ended(): EndOfWaiting | undefined {
    return this.#ended
  }

  /** Calls `listener` when it ends, now if it has, until the function returned is called. */
  onEnd(listener: (why: EndOfWaiting) => void): () => void {
    if (this.#ended !== undefined) listener(this.#ended)
    if (this.#ended === 'gone') return () => {}
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Ends waiting. One that drains may still be told that its client is gone; nothing comes after that. */
  end(why: EndOfWaiting): void {
    if (this.#ended === 'gone' || this.#ended === why) return
    this.#ended = why
    const listeners = [...this.#listeners]
    if (why === 'gone') this.#listeners.clear()
    for (const listener of listeners) listener(why)
  }
}

/** What `untilNews` came to. */
export type Woken = 'news' | 'deadline' | EndOfWaiting

/** Waits for the next message of `topic`, for so long. Whatever ends it, nothing of it is left. */
export function untilNews(
  topic: TopicLog,
  lifeline: Lifeline,
  clock: Clock,
  delayMs: number,
): Promise<Woken> {
  if (lifeline.ended !== undefined) return Promise.resolve(lifeline.ended)
  return new Promise((resolve) => {
    const wake = (woken: Woken) => {
      unwatch()
      letGo()
      clock.clearTimeout(timer)
      resolve(woken)
    }
    const unwatch = topic.watch(() => wake('news'))
    const letGo = lifeline.onEnd(wake)
    const timer = clock.setTimeout(() => wake('deadline'), delayMs)
  })
}

/**
 * What `promise`, which `what` gave, comes to, if it does in time and the client is still there; at once when it is none.
 *
 * @param delayMs - the `answerTimeoutMs` of `topics()`.
 * @throws LimitError otherwise; what the promise comes to later is nobody's matter.
 */
export function inTime<T>(
  promise: T | PromiseLike<T>,
  what: string,
  delayMs: number,
  clock: Clock,
  lifeline: Lifeline,
): T | Promise<T> {
  if (!isPromiseLike(promise)) return promise
  return new Promise((resolve, reject) => {
    if (lifeline.ended === 'gone') {
      // A rejection that nobody looked at would end the process.
      promise.then(undefined, () => {})
      reject(left(what))
      return
    }
    const settle = (act: () => void) => {
      letGo()
      clock.clearTimeout(timer)
      act()
    }
    const timer = clock.setTimeout(() => settle(() => reject(overdue(what, delayMs))), delayMs)
    const letGo = lifeline.onEnd((why) => {
      if (why === 'gone') settle(() => reject(left(what)))
    })
    promise.then(
      (value) => settle(() => resolve(value)),
      (thrown: unknown) => settle(() => reject(thrown)),
    )
  })
}

const FAULT = { fault: 'local' } as const

function overdue(what: string, delayMs: number): LimitError {
  const advice =
    'whoever asked was told to try again later. Give what it waits for a deadline of its own'
  return new LimitError(
    `${what} did not answer within answerTimeoutMs, ${delayMs} ms: ${advice}`,
    FAULT,
  )
}

function left(what: string): LimitError {
  return new LimitError(`nobody waits for ${what} any more`, FAULT)
}
