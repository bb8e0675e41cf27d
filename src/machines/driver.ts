// Driver: steps one connection through its machine, event by event, and keeps its timers.
//
// Effects may cause events; those wait until the effects of the present one are done. Timers arrive as effects
// and leave as events. What the effects do, the driver does not know.

import type { ConnectionInput } from './connection.ts'
import type { ConnectionEffect, ConnectionEvent } from './effects.ts'
import type { ConnectionSnapshot, Host } from './host.ts'
import { Timer, type TimerOwner, type Timers } from './timers.ts'

type AnyEvent = ConnectionEvent | { readonly type: string }
type TimerEffect = Extract<ConnectionEffect, { type: 'armTimer' | 'disarmTimer' }>

/** What remains of the effects when the driver has taken the timers out. */
export type PerformedEffect = Exclude<ConnectionEffect, TimerEffect>

/** Hears what happens to the machine, before the effects of it are performed; must not throw. */
export interface Witness {
  started(input: ConnectionInput): void
  /** The machine has taken `event`, and it was not nothing to it. */
  took(event: AnyEvent, after: ConnectionSnapshot): void
  /** A user's own guard or delay threw; `fallbackHost` goes on from the same state. */
  machineReplaced(): void
}

/** Whoever drives: does what the machine says. */
export interface DriverOwner {
  perform(effect: PerformedEffect): void
  /** Called after each event that the machine has taken, its effects done. */
  stepped(): void
  /** Reports what user code threw, here a user's own guard or delay; the event returned goes to the machine next. */
  failure(thrown: unknown): AnyEvent
}

/** What many connections share. */
export interface DriverSetup {
  readonly host: Host
  /** Takes over when a user's own guard or delay throws inside `host`. */
  readonly fallbackHost: Host
  readonly timers: Timers
}

export class Driver implements TimerOwner {
  readonly #setup: DriverSetup
  readonly #owner: DriverOwner
  readonly #witness: Witness | undefined
  /** Events that wait for the effects of the one before; most connections never have any. */
  #queue: AnyEvent[] | undefined
  /** The first of one or two. */
  #first: Timer | undefined
  #host: Host
  #snapshot: ConnectionSnapshot
  #stepping = false
  #ignored = 0

  constructor(setup: DriverSetup, input: ConnectionInput, owner: DriverOwner, witness?: Witness) {
    this.#setup = setup
    this.#owner = owner
    this.#witness = witness
    this.#host = setup.host
    witness?.started(input)
    let step = this.#host.start(input)
    if (step.snapshot.status === 'error') {
      // XState keeps what a user's delay throws at the start. As in `#step`, our own machine takes over.
      this.#later(owner.failure(step.snapshot.error))
      witness?.machineReplaced()
      this.#host = setup.fallbackHost
      step = this.#host.start(input)
    }
    this.#snapshot = step.snapshot
    for (const effect of step.effects) this.#perform(effect)
  }

  get snapshot(): ConnectionSnapshot {
    return this.#snapshot
  }

  /** The name of the outermost state. */
  get state(): 'connecting' | 'open' | 'closing' | 'closed' {
    const { value } = this.#snapshot
    return typeof value === 'string' ? value : 'open' in value ? 'open' : 'connecting'
  }

  /** Timers armed now; none once the machine is in `closed`. */
  get timerCount(): number {
    let count = 0
    for (let timer = this.#first; timer !== undefined; timer = timer.next) count++
    return count
  }

  /** Events that changed nothing: unknown in their state, or after the end. */
  get ignoredEvents(): number {
    return this.#ignored
  }

  /** Gives the machine an event; an event from inside an effect waits for its turn. */
  dispatch(event: AnyEvent): void {
    if (this.#stepping || this.#queue !== undefined) this.#later(event)
    if (this.#stepping) return
    this.#stepping = true
    if (this.#queue === undefined) this.#step(event)
    for (let next = this.#queue?.shift(); next !== undefined; next = this.#queue?.shift()) {
      this.#step(next)
    }
    this.#queue = undefined
    this.#stepping = false
    this.setTimers()
  }

  /**
   * Sets the timers that are armed and not set yet.
   *
   * `dispatch` does so itself. Who makes a driver calls it once: after the events of the same turn, if there are any, since
   * the timers of a start that is over at once need not be set at all.
   */
  setTimers(): void {
    for (let timer = this.#first; timer !== undefined; timer = timer.next) {
      if (timer.list === undefined) this.#setup.timers.set(timer)
    }
  }

  /** A timer has fired; told by `Timers`. */
  due(timer: Timer): void {
    this.#forget(timer.id)
    this.dispatch(timer.event)
  }

  #later(event: AnyEvent): void {
    this.#queue ??= []
    this.#queue.push(event)
  }

  #step(event: AnyEvent): void {
    // XState would take events after the end, too, when it is asked without an actor.
    if (this.#snapshot.status === 'done') {
      this.#ignored++
      return
    }
    let step: ReturnType<Host['next']>
    try {
      step = this.#host.next(this.#snapshot, event)
    } catch (thrown) {
      // Our own machine, whose guards do not throw, takes the connection to its end.
      this.#witness?.machineReplaced()
      this.#host = this.#setup.fallbackHost
      step = this.#host.next(this.#host.adopt(this.#snapshot), event)
      this.#later(this.#owner.failure(thrown))
    }
    if (step.snapshot === this.#snapshot && step.effects.length === 0) this.#ignored++
    else this.#witness?.took(event, step.snapshot)
    this.#snapshot = step.snapshot
    for (const effect of step.effects) this.#perform(effect)
    this.#owner.stepped()
  }

  #perform(effect: ConnectionEffect): void {
    if (effect.type === 'armTimer') this.#arm(effect)
    else if (effect.type === 'disarmTimer') this.#disarm(effect.id)
    else this.#owner.perform(effect)
  }

  #arm({ id, delayMs, event }: TimerEffect & { type: 'armTimer' }): void {
    this.#disarm(id)
    this.#first = new Timer(this, id, delayMs, event, this.#first)
  }

  #disarm(id: string): void {
    const timer = this.#forget(id)
    if (timer !== undefined) this.#setup.timers.clear(timer)
  }

  #forget(id: string): Timer | undefined {
    let before: Timer | undefined
    for (let timer = this.#first; timer !== undefined; timer = timer.next) {
      if (timer.id === id) {
        if (before === undefined) this.#first = timer.next
        else before.next = timer.next
        return timer
      }
      before = timer
    }
    return undefined
  }
}
