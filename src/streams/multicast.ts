// Multicast: values for whoever is subscribed at the moment, hot.
//
// An RxJS Subject whose subscribers cannot hurt each other: what one throws, also in a finalizer behind operators
// and also when all are completed, goes to its guard. It costs one array walk a value, where a Subject costs a
// closure and an error context besides.
//
// Who has unsubscribed gets nothing more, and is forgotten when the next one subscribes: a teardown for each subscriber
// would stand in a list of RxJS's that has room for seventeen.

import type { Observable, Subscriber } from 'rxjs'
import { type Guard, GuardedObservable } from './guarded.ts'

const NOBODY: readonly never[] = []

export class Multicast<T> extends GuardedObservable<T> {
  readonly #guard: Guard
  /** Most have one subscriber, and no list. */
  #first: Subscriber<T> | undefined
  // Replaced, never changed, so that a walk under way sees those who were there when it began.
  #others: readonly Subscriber<T>[] = NOBODY
  #isCompleted = false

  constructor(guard: Guard) {
    super(guard, add)
    this.#guard = guard
  }

  /** Gives `value` to everyone; nothing after `complete`. */
  next(value: T): void {
    const others = this.#others
    this.#first?.next(value)
    for (let index = 0; index < others.length; index++) others[index]?.next(value)
  }

  /** Completes everyone, and whoever comes later at once. */
  complete(): void {
    this.#isCompleted = true
    const subscribers = this.#open()
    this.#first = undefined
    this.#others = NOBODY
    for (const subscriber of subscribers) {
      try {
        subscriber.complete()
      } catch (thrown) {
        this.#guard.fail(thrown)
      }
    }
  }

  add(subscriber: Subscriber<T>): void {
    if (this.#isCompleted) {
      subscriber.complete()
    } else if (this.#first === undefined) {
      this.#first = subscriber
    } else {
      ;[this.#first, ...this.#others] = [...this.#open(), subscriber]
    }
  }

  #open(): Subscriber<T>[] {
    const first = this.#first
    return first === undefined ? [] : [first, ...this.#others].filter(({ closed }) => !closed)
  }
}

// RxJS calls it on the observable that is subscribed to: one function for all of them.
function add<T>(this: Observable<T>, subscriber: Subscriber<T>): void {
  ;(this as Multicast<T>).add(subscriber)
}
