// The actor: any XState actor logic, run from `open` to the end of the connection.
//
// Each message arrives as the event `{ type: 'message', data }`. Whatever the actor emits is sent: of an emitted
// `{ type: 'message', data }` the data, any other event as JSON text. When the actor is done the connection closes
// with 1000; when it fails, by a throw in a guard, an action or an invoked promise, with 1011. Its input is
// `{ connection }`. A peer cannot forge other events: everything it says is data inside a `message`.

import {
  type AnyActorLogic,
  type AnyActorRef,
  type AnyActorScope,
  createActor,
  type EventObject,
  type Snapshot,
} from 'xstate'
import type { Message, Sendable } from '../protocol/message.ts'
import type { Connection, Handler, HandlerContext, HandlerFactory } from './handler.ts'

/** The event that a message becomes. */
export interface MessageEvent {
  readonly type: 'message'
  /** Text is a string, binary a `Uint8Array`. */
  readonly data: Message
}

/** The handler that actor logic becomes. */
export function actorHandler(logic: AnyActorLogic): HandlerFactory {
  return () => new ActorHandler(logic)
}

class ActorHandler implements Handler {
  readonly #logic: AnyActorLogic
  #actor: AnyActorRef | undefined

  constructor(logic: AnyActorLogic) {
    this.#logic = logic
  }

  open(connection: Connection, { clock, fail }: HandlerContext): void {
    const logic = new SendingLogic(this.#logic, connection, fail)
    const options = { input: { connection }, clock: xstateClock(clock), src: this.#logic }
    const actor = createActor(logic, options)
    this.#actor = actor
    // Without an error observer XState would throw the actor's failure at the process.
    actor.subscribe({ error: fail, complete: () => connection.close() })
    actor.start()
  }

  message(data: Message): void {
    const event: MessageEvent = { type: 'message', data }
    this.#actor?.send(event)
  }

  end(): void {
    this.#actor?.stop?.()
  }
}

// The same logic, whose `emit` also sends. For a listener by `actor.on` XState makes lists of its listeners at each event,
// which costs an echo a tenth.
class SendingLogic implements AnyActorLogic {
  readonly #logic: AnyActorLogic
  readonly #connection: Connection
  readonly #fail: HandlerContext['fail']
  /** The actor's own, but for `emit`. */
  #scope: AnyActorScope | undefined

  constructor(logic: AnyActorLogic, connection: Connection, fail: HandlerContext['fail']) {
    this.#logic = logic
    this.#connection = connection
    this.#fail = fail
  }

  getInitialSnapshot(scope: AnyActorScope, input: unknown): Snapshot<unknown> {
    return this.#logic.getInitialSnapshot(this.#sending(scope), input)
  }

  start(snapshot: Snapshot<unknown>, scope: AnyActorScope): void {
    this.#logic.start?.(snapshot, this.#sending(scope))
  }

  transition(
    snapshot: Snapshot<unknown>,
    event: EventObject,
    scope: AnyActorScope,
  ): Snapshot<unknown> {
    return this.#logic.transition(snapshot, event, this.#sending(scope))
  }

  getPersistedSnapshot(snapshot: Snapshot<unknown>, options?: unknown): Snapshot<unknown> {
    return this.#logic.getPersistedSnapshot(snapshot, options)
  }

  #sending(scope: AnyActorScope): AnyActorScope {
    return (this.#scope ??= {
      ...scope,
      emit: (emitted: EventObject) => {
        scope.emit(emitted)
        try {
          void this.#connection.send(toSendable(emitted))
        } catch (thrown) {
          this.#fail(thrown)
        }
      },
    })
  }
}

function toSendable(emitted: unknown): Sendable {
  const event = emitted as { type: string; data?: Sendable }
  return event.type === 'message' && event.data !== undefined ? event.data : event
}

function xstateClock(clock: HandlerContext['clock']) {
  return {
    setTimeout: (callback: () => void, delayMs: number) => clock.setTimeout(callback, delayMs),
    clearTimeout: (handle: unknown) => clock.clearTimeout(handle),
  }
}
