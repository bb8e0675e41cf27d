// The stream function: `(connection, context) => Observable | AsyncIterable | Promise<…> | void`.
//
// What it emits is sent; its completion closes with 1000, its error with 1011, a disconnect unsubscribes it.
// Returning nothing keeps the connection open. Async iterables are pulled no faster than the peer takes.

import { from, isObservable, Observable, type Observer } from 'rxjs'
import { HandlerError, typeName } from '../protocol/errors.ts'
import type { Sendable } from '../protocol/message.ts'
import { isPromiseLike, unfailing } from '../protocol/user-code.ts'
import { Broadcast } from '../streams/broadcast.ts'
import { GuardedSubscriber } from '../streams/guarded.ts'
import { Replay } from '../streams/replay.ts'
import type { Connection, Handler, HandlerContext, HandlerFactory } from './handler.ts'

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

class StreamHandler implements Handler, Observer<Sendable> {
  readonly #stream: StreamFunction
  #connection: Connection | undefined
  #context: HandlerContext | undefined
  #subscriber: GuardedSubscriber<Sendable> | undefined
  /** Lets go of what is no Observable. */
  #stop: (() => void) | undefined
  #ended = false

  constructor(stream: StreamFunction) {
    this.#stream = stream
  }

  open(connection: Connection, context: HandlerContext): void | Promise<void> {
    this.#connection = connection
    this.#context = context
    const result = this.#stream(connection, context)
    if (isPromiseLike(result)) return Promise.resolve(result).then((source) => this.#run(source))
    this.#run(result)
  }

  end(): void {
    this.#ended = true
    this.#subscriber?.unsubscribe()
    this.#stop?.()
  }

  /** What the source emits is sent. */
  next(value: Sendable): void {
    try {
      void this.#connection?.send(value)
    } catch (thrown) {
      // A source that emits several at once would fail with each of them.
      this.end()
      this.#context?.fail(thrown)
    }
  }

  error(thrown: unknown): void {
    if (!this.#ended) this.#context?.fail(thrown)
  }

  complete(): void {
    if (!this.#ended) this.#connection?.close()
  }

  #run(source: StreamResult): void {
    if (source === undefined || source === null || this.#ended) return
    if (source instanceof Broadcast) {
      this.#stop = source.deliverTo(this.#connection as Connection)
    } else if (source instanceof Replay) {
      const stop = source.deliverTo(this.#connection as Connection, (thrown) => this.error(thrown))
      // What it gave at once may have been too much.
      if (this.#ended) stop()
      else this.#stop = stop
    } else if (isAsyncIterable(source)) {
      const iterator = source[Symbol.asyncIterator]()
      // A generator that waits for ever cannot be interrupted; one that is between two values returns here.
      this.#stop = unfailing(() => iterator.return?.())
      this.#pull(iterator).then(
        () => this.complete(),
        (thrown: unknown) => this.error(thrown),
      )
    } else {
      // Ours before it subscribes: a source that emits without end at once stops when the connection does.
      this.#subscriber = new GuardedSubscriber<Sendable>(this, this.#context as HandlerContext)
      toObservable(source).subscribe(this.#subscriber)
    }
  }

  async #pull(iterator: AsyncIterator<Sendable>): Promise<void> {
    while (!this.#ended) {
      const { done, value } = await iterator.next()
      if (done || this.#ended) return
      await this.#connection?.send(value)
    }
  }
}

function isAsyncIterable(value: object): value is AsyncIterable<Sendable> {
  return typeof (value as { [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] === 'function'
}

// Observables of another RxJS, or of none, are known by `Symbol.observable` or by their `subscribe`.
function toObservable(value: object): Observable<Sendable> {
  if (isObservable(value)) return value as Observable<Sendable>
  // A text would be a stream of its letters, which nobody means.
  if (typeof value === 'object' || typeof value === 'function') {
    try {
      return from(value as Observable<Sendable>)
    } catch {
      const { subscribe } = value as { subscribe?: unknown }
      if (typeof subscribe === 'function') {
        return new Observable((subscriber) => (value as Observable<Sendable>).subscribe(subscriber))
      }
    }
  }
  throw new HandlerError(
    value,
    `the stream function returned a value of type ${typeName(value)}, which is no stream: return an Observable, an async iterable, a promise of one, or nothing; connection.send() sends one message`,
  )
}
