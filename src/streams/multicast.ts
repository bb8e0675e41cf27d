// Multicast: values for whoever is subscribed at the moment, hot.
//
// An RxJS Subject whose subscribers cannot hurt each other: what one throws, also in a finalizer behind operators
// and also when all are completed, goes to `report`. It costs one array walk a value, where a Subject costs a
// closure and an error context besides.
//
// Who has unsubscribed takes nothing more, and is forgotten when the next one subscribes: a function to forget him by
// would be kept for each subscriber, in a list of RxJS's that has room for seventeen.

import type { Observable, Subscriber } from 'rxjs'
import { GuardedObservable, type Report } from './guarded.ts'

export class Multicast<T> extends GuardedObservable<T> {
  readonly #report: Report
  // Replaced, never changed, so that a walk under way sees those who were there when it began.
  #subscribers: readonly Subscriber<T>[] = []
  #isCompleted = false

  constructor(report: Report) {
    super(report, add)
    this.#report = report
  }

  /** Gives `value` to everyone; nothing after `complete`. */
  next(value: T): void {
    const subscribers = this.#subscribers
    for (let index = 0; index < subscribers.length; index++) subscribers[index]?.next(value)
  }

  /** Completes everyone, and whoever comes later at once. */
  complete(): void {
    this.#isCompleted = true
    const subscribers = this.#subscribers
    this.#subscribers = []
    for (const subscriber of subscribers) {
      try {
        subscriber.complete()
      } catch (thrown) {
        this.#report(thrown)
      }
    }
  }

  add(subscriber: Subscriber<T>): void {
    if (this.#isCompleted) subscriber.complete()
    else this.#subscribers = this.#subscribers.filter(({ closed }) => !closed).concat(subscriber)
  }
}

// RxJS calls it on the observable that is subscribed to: one function for all of them.
function add<T>(this: Observable<T>, subscriber: Subscriber<T>): void {
  ;(this as Multicast<T>).add(subscriber)
}
