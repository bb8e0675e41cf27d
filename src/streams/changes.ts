// Changes: the present value, then each other one that it becomes.
//
// An RxJS BehaviorSubject whose subscribers cannot hurt each other, for a value that is kept elsewhere.

import type { Observable } from 'rxjs'
import { type Guard, GuardedObservable } from './guarded.ts'
import { Multicast } from './multicast.ts'

export class Changes<T> {
  /** Replays the last value told; completes after `complete`. */
  readonly values$: Observable<T>
  readonly #subscribers: Multicast<T>
  readonly #present: () => T
  #told: T

  constructor(guard: Guard, present: () => T) {
    const subscribers = new Multicast<T>(guard)
    this.values$ = new GuardedObservable(guard, (subscriber) => {
      // What has become of it since comes to all of them together.
      subscriber.next(this.#told)
      return subscribers.subscribe(subscriber)
    })
    this.#subscribers = subscribers
    this.#present = present
    this.#told = present()
  }

  /** Tells everyone, if the value is another. */
  tell(): void {
    const value = this.#present()
    if (value === this.#told) return
    this.#told = value
    this.#subscribers.next(value)
  }

  complete(): void {
    this.#subscribers.complete()
  }
}
