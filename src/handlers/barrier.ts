// Barrier: user code on one side, the runtime on the other.
//
// Every hook of a handler is called through here. What it throws, or rejects with, goes to its guard, which ends that one
// connection; nothing passes. A hook that never finishes is the matter of the deadlines; what is told of it stands here.

import type { CloseRecord } from '../protocol/close-record.ts'
import { HandlerError } from '../protocol/errors.ts'
import type { RouteLimits } from '../protocol/limits.ts'
import type { Message } from '../protocol/message.ts'
import type { Clock, Random } from '../protocol/ports.ts'
import { isPromiseLike } from '../protocol/user-code.ts'
import type { Guard } from '../streams/guarded.ts'
import type { Connection, Handler, HandlerContext, Pong } from './handler.ts'

/** Settles when the hook has finished, well or not, and never rejects; `undefined` when it has finished already. */
export type Settled = Promise<void> | undefined

type Ports = Pick<HandlerContext, 'clock' | 'random'>

// No literal: where a literal's objects live long, as these do, V8 comes to make them old from the start, and what is old
// keeps all that it refers to until the next full collection. Of connections that come and go, every one was kept so.
class OwnContext implements HandlerContext {
  readonly clock: Clock
  readonly random: Random
  readonly #guard: Guard

  constructor(clock: Clock, random: Random, guard: Guard) {
    this.clock = clock
    this.random = random
    this.#guard = guard
  }

  // Handlers may take it without its object; most never ask for it.
  get fail(): (thrown: unknown) => void {
    return (thrown) => this.#guard.fail(thrown)
  }
}

/** What hangs, and what to do about it, by the limit that ended the wait. */
const HANGING = {
  handshakeTimeoutMs: [
    'prepare, checkOrigin, selectSubprotocol, or mayRead for a plain client of topics()',
    'the client was answered 503. Give what they wait for a deadline of its own',
  ],
  openTimeoutMs: [
    'the handler (its open, or the stream function itself)',
    'messages wait until it has, so it must not wait for messages or for the end. Let it subscribe, or return a stream, and return',
  ],
} as const

/** The error of a hook that a deadline has ended the wait for: it has thrown nothing that could be reported. */
export function overdue(limit: keyof typeof HANGING, limits: RouteLimits): HandlerError {
  const [what, advice] = HANGING[limit]
  const message = `${what} did not finish within ${limit}, ${limits[limit]} ms: ${advice}`
  return new HandlerError(undefined, message)
}

export class Barrier {
  readonly handler: Handler
  readonly #guard: Guard
  // Made for the whole life when `message` first returns a promise.
  #messageFailed: ((thrown: unknown) => void) | undefined

  constructor(handler: Handler, guard: Guard) {
    this.handler = handler
    this.#guard = guard
  }

  open(connection: Connection, { clock, random }: Ports): Settled {
    const context = new OwnContext(clock, random, this.#guard)
    return this.#run(() => this.handler.open?.(connection, context))
  }

  /**
   * The one hook that runs for each message: it costs no closure, and one promise where it returns one.
   *
   * @param finished - called when the hook has finished, well or not; the same function each time.
   * @returns false when it has finished already, and `finished` will not be called.
   */
  message(message: Message, finished: () => void): boolean {
    try {
      const result: unknown = this.handler.message?.(message)
      if (!isPromiseLike(result)) return false
      this.#messageFailed ??= (thrown) => {
        this.#guard.fail(thrown)
        finished()
      }
      void Promise.resolve(result).then(finished, this.#messageFailed)
      return true
    } catch (thrown) {
      this.#guard.fail(thrown)
      return false
    }
  }

  ping(data: Uint8Array): Settled {
    return this.#run(() => this.handler.ping?.(data))
  }

  pong(pong: Pong): Settled {
    return this.#run(() => this.handler.pong?.(pong))
  }

  end(): Settled {
    return this.#run(() => this.handler.end?.())
  }

  close(record: CloseRecord): Settled {
    return this.#run(() => this.handler.close?.(record))
  }

  #run(hook: () => unknown): Settled {
    try {
      return this.#settled(hook())
    } catch (thrown) {
      this.#guard.fail(thrown)
      return undefined
    }
  }

  #settled(result: unknown): Settled {
    if (!isPromiseLike(result)) return undefined
    return Promise.resolve(result).then(
      () => {},
      (thrown) => this.#guard.fail(thrown),
    )
  }
}
