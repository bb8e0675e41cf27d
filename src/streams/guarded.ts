// Guarded: an Observable whose subscribers cannot bring the process down.
//
// In RxJS a subscriber that throws becomes an uncaught exception, which ends a Node process, and one that is an `async`
// function an unhandled rejection, which does so, too. Here what a subscriber throws, or rejects with, goes to its `Guard`,
// and the others get their value as if nothing had happened. The guard follows a chain of operators; it ends where the
// chain leaves it, as in `merge(guarded$, other$).subscribe(…)`.

import {
  Observable,
  type Observer,
  type Operator,
  Subscriber,
  type Subscription,
  type TeardownLogic,
} from 'rxjs'
import { WebSocketClosedError } from '../protocol/errors.ts'
import { isPromiseLike } from '../protocol/user-code.ts'
import { DONE } from './deferred.ts'

/** Who is told of whatever a subscriber threw; must not throw. An object, so that none needs a function of its own. */
export interface Guard {
  fail(thrown: unknown): void
}

export class GuardedObservable<T> extends Observable<T> {
  readonly #guard: Guard

  constructor(
    guard: Guard,
    subscribe?: (this: Observable<T>, subscriber: Subscriber<T>) => TeardownLogic,
  ) {
    super(subscribe)
    this.#guard = guard
  }

  // RxJS calls `lift` to put an operator behind a source; handing the guard on covers the whole chain.
  override lift<R>(operator?: Operator<T, R>): Observable<R> {
    const lifted = new GuardedObservable<R>(this.#guard)
    lifted.source = this
    lifted.operator = operator as Operator<unknown, R>
    return lifted
  }

  override subscribe(
    observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    // A Subscriber is an operator's or RxJS's own, with error handling of its own.
    if (observerOrNext instanceof Subscriber) return super.subscribe(observerOrNext)
    const observer: Partial<Observer<T>> =
      typeof observerOrNext === 'object' && observerOrNext !== null
        ? observerOrNext
        : {
            ...(observerOrNext && { next: observerOrNext }),
            ...(error && { error }),
            ...(complete && { complete }),
          }
    const guard = this.#guard
    const guarded: Observer<T> = {
      // Runs for each value of each subscriber: no closure here.
      next: (value) => {
        try {
          const result: unknown = observer.next?.(value)
          // What `send()` returns most of the time is known to be well.
          if (result !== undefined && result !== DONE) lookAfter(result, guard)
        } catch (thrown) {
          guard.fail(thrown)
        }
      },
      error: (failure) => {
        try {
          if (observer.error) observer.error(failure)
          else guard.fail(failure)
        } catch (thrown) {
          guard.fail(thrown)
        }
      },
      complete: () => {
        try {
          observer.complete?.()
        } catch (thrown) {
          guard.fail(thrown)
        }
      },
    }
    return super.subscribe(new GuardedSubscriber(guarded, guard))
  }
}

/** That a connection has closed before it was sent something is no failure of the subscriber's. */
function lookAfter(result: unknown, guard: Guard): void {
  if (!isPromiseLike(result)) return
  result.then(undefined, (thrown: unknown) => {
    if (!(thrown instanceof WebSocketClosedError)) guard.fail(thrown)
  })
}

/**
 * A subscriber whose finalizers cannot hurt whoever completes the stream or unsubscribes: RxJS would throw there.
 *
 * The observer itself must not throw.
 */
export class GuardedSubscriber<T> extends Subscriber<T> {
  readonly #guard: Guard

  constructor(observer: Observer<T>, guard: Guard) {
    super(observer)
    this.#guard = guard
  }

  override unsubscribe(): void {
    try {
      super.unsubscribe()
    } catch (thrown) {
      this.#guard.fail(thrown)
    }
  }
}
