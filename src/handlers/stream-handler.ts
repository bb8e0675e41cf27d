// The stream function: `(connection, context) => Observable | AsyncIterable | Promise<…> | void`.
//
// What it emits is sent; its completion closes with 1000, its error with 1011, a disconnect unsubscribes it.
// Returning nothing keeps the connection open. Async iterables are pulled no faster than the peer takes.

import { from, isObservable, Observable, type Subscription } from 'rxjs'
import { HandlerError } from '../protocol/errors.ts'
import type { Sendable } from '../protocol/message.ts'
import {
  type Connection,
  type Handler,
  type HandlerContext,
  type HandlerFactory,
  isPromiseLike,
} from './handler.ts'

/** What a stream function may return: a source of messages, or nothing. */
export type StreamResult = Observable<Sendable> | AsyncIterable<Sendable> | void | undefined

/** A handler written as a function from a connection to what it is sent. */
export type StreamFunction = (
  connection: Connection,
  context: HandlerContext,
) => StreamResult | Promise<StreamResult>

/** The handler that a stream function becomes. */
export function streamHandler(stream: StreamFunction): HandlerFactory {
  return () => new StreamHandler(stream)
}

class StreamHandler implements Handler {
  readonly #stream: StreamFunction
  #subscription: Subscription | undefined
  #iterator: AsyncIterator<Sendable> | undefined
  #ended = false

  constructor(stream: StreamFunction) {
    this.#stream = stream
  }

  open(connection: Connection, context: HandlerContext): void | Promise<void> {
    const result = this.#stream(connection, context)
    if (isPromiseLike(result)) {
      return Promise.resolve(result).then((source) => this.#run(source, connection, context))
    }
    this.#run(result, connection, context)
  }

  end(): void {
    this.#ended = true
    this.#subscription?.unsubscribe()
    // A generator that waits for ever cannot be interrupted; one that is between two values returns here.
    void this.#iterator?.return?.()?.then(undefined, () => {})
  }

  #run(source: StreamResult, connection: Connection, context: HandlerContext): void {
    if (source === undefined || source === null || this.#ended) return
    if (isAsyncIterable(source)) {
      this.#iterator = source[Symbol.asyncIterator]()
      this.#pull(this.#iterator, connection).then(
        () => connection.close(),
        (thrown: unknown) => {
          if (!this.#ended) context.fail(thrown)
        },
      )
      return
    }
    // Assigned before subscribing, so that a source which ends the connection at once is unsubscribed too.
    this.#subscription = toObservable(source).subscribe({
      next: (value) => {
        try {
          void connection.send(value)
        } catch (thrown) {
          context.fail(thrown)
        }
      },
      error: (thrown: unknown) => context.fail(thrown),
      complete: () => connection.close(),
    })
    if (this.#ended) this.#subscription.unsubscribe()
  }

  async #pull(iterator: AsyncIterator<Sendable>, connection: Connection): Promise<void> {
    while (!this.#ended) {
      const { done, value } = await iterator.next()
      if (done || this.#ended) return
      await connection.send(value)
    }
  }
}

function isAsyncIterable(value: object): value is AsyncIterable<Sendable> {
  return typeof (value as { [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] === 'function'
}

// Observables of another RxJS, or of none, are known by `Symbol.observable` or by their `subscribe`.
function toObservable(value: object): Observable<Sendable> {
  if (isObservable(value)) return value as Observable<Sendable>
  try {
    return from(value as Observable<Sendable>)
  } catch {
    const { subscribe } = value as { subscribe?: unknown }
    if (typeof subscribe === 'function') {
      return new Observable((subscriber) => (value as Observable<Sendable>).subscribe(subscriber))
    }
    throw new HandlerError(
      value,
      'the stream function returned something that is no stream: return an Observable, an async iterable, a promise of one, or nothing',
    )
  }
}
