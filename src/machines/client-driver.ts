// Client driver: steps one client through its machine, event by event, and keeps its timers.
//
// As `driver.ts` does for a connection, without what thousands of connections and guards of users need: it asks XState
// by the documented `transition()`, and a client takes an event now and then. Knows nothing of what the effects do.

import { initialTransition, type SnapshotFrom, transition } from 'xstate'
import type { Clock, TimerHandle } from '../protocol/ports.ts'
import { type ClientMachine, clientMachine } from './client.ts'
import type { ClientInput } from './client-context.ts'
import type { ClientEffect, ClientEvent } from './client-effects.ts'

export type ClientSnapshot = SnapshotFrom<ClientMachine>

export interface ClientDriverOptions {
  readonly clock: Pick<Clock, 'setTimeout' | 'clearTimeout'>
  readonly input: ClientInput
  perform(effect: ClientEffect): void
  /** Called after each event that changed something, before its effects are performed. */
  stepped(snapshot: ClientSnapshot): void
}

type Actions = readonly { readonly type: string; readonly params?: unknown }[]

export class ClientDriver {
  readonly #options: ClientDriverOptions
  readonly #queue: ClientEvent[] = []
  readonly #timers = new Map<string, TimerHandle>()
  #snapshot: ClientSnapshot
  #stepping = false

  constructor(options: ClientDriverOptions) {
    this.#options = options
    this.#snapshot = initialTransition(clientMachine, options.input)[0]
  }

  get snapshot(): ClientSnapshot {
    return this.#snapshot
  }

  /** Gives the machine an event; an event from inside an effect waits for its turn. */
  dispatch(event: ClientEvent): void {
    this.#queue.push(event)
    if (this.#stepping) return
    this.#stepping = true
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        this.#step(next)
      }
    } finally {
      this.#stepping = false
    }
  }

  #step(event: ClientEvent): void {
    const before = this.#snapshot
    const [after, actions] = transition(clientMachine, before, event)
    this.#snapshot = after
    if (after !== before) this.#options.stepped(after)
    for (const action of actions as Actions) this.#perform(action)
  }

  // XState expresses a delayed transition as a raise with a delay, and leaving its state as a cancel.
  #perform({ type, params }: Actions[number]): void {
    if (type === 'xstate.raise') {
      const { id, delay, event } = params as { id: string; delay: number; event: ClientEvent }
      const fire = () => {
        this.#timers.delete(id)
        this.dispatch(event)
      }
      this.#disarm(id)
      this.#timers.set(id, this.#options.clock.setTimeout(fire, delay))
    } else if (type === 'xstate.cancel') {
      this.#disarm((params as { sendId: string }).sendId)
    } else {
      this.#options.perform({ type, ...(params as object | undefined) } as ClientEffect)
    }
  }

  #disarm(id: string): void {
    this.#options.clock.clearTimeout(this.#timers.get(id))
    this.#timers.delete(id)
  }
}
