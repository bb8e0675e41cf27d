// The actor: any XState actor logic, run from `open` to the end of the connection.
//
// Each message arrives as the event `{ type: 'message', data }`. Whatever the actor emits is sent: of an emitted
// `{ type: 'message', data }` the data, any other event as JSON text. When the actor is done the connection closes
// with 1000; when it fails, by a throw in a guard, an action or an invoked promise, with 1011. Its input is
// `{ connection }`. A peer cannot forge other events: everything it says is data inside a `message`.

import { type AnyActorLogic, type AnyActorRef, createActor } from 'xstate'
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
    const actor = createActor(this.#logic, { input: { connection }, clock: xstateClock(clock) })
    this.#actor = actor
    // Without an error observer XState would throw the actor's failure at the process.
    actor.subscribe({ error: fail, complete: () => connection.close() })
    actor.on('*', (emitted: unknown) => {
      try {
        void connection.send(toSendable(emitted))
      } catch (thrown) {
        fail(thrown)
      }
    })
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
