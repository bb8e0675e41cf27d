// Fold: the events of one life, taken through the machine again.
//
// The same machine that ran live is stepped; its effects come back as data and nobody performs them, so nothing is
// sent, no timer is armed, and no clock is read. The snapshot after n events is the snapshot that was live then.

import {
  type ConnectionInput,
  type ConnectionMachine,
  connectionMachine,
} from '../machines/connection.ts'
import type { ConnectionEffect, ConnectionEvent } from '../machines/effects.ts'
import { type ConnectionSnapshot, createHost, type Host } from '../machines/host.ts'
import { JournalError, SettingError, show } from '../protocol/errors.ts'
import { type LifeEvent, toMachineEvent } from './events.ts'
import type { SavedSnapshot } from './store.ts'

/** The machine's shape; a snapshot that was saved under another is not used. Raise it when states or context change. */
export const MACHINE_SCHEMA = 1

/** What an event did. */
export interface FoldStep {
  /** `undefined` before the first event. */
  readonly before: ConnectionSnapshot | undefined
  readonly after: ConnectionSnapshot
  /** What was asked for then; nobody performs it now. */
  readonly effects: readonly ConnectionEffect[]
}

const stock = createHost(connectionMachine)

/**
 * One life, taken through the machine event by event; nothing is sent, no timer is armed, and no clock is read.
 *
 * `fold()` does it in one call. To look at each step, give `apply` the events in order, oldest first.
 */
export class Fold {
  #host: Host
  #snapshot: ConnectionSnapshot | undefined

  /** @param machine - the one that the route ran, if it was not our own. */
  constructor(machine: ConnectionMachine = connectionMachine) {
    this.#host = machine === connectionMachine ? stock : createHost(machine)
  }

  /** Where the life stands after the events so far. */
  get snapshot(): ConnectionSnapshot | undefined {
    return this.#snapshot
  }

  /** Goes on from a snapshot that was saved. */
  restore({ data }: SavedSnapshot): void {
    const { value, context } = JSON.parse(data) as Pick<ConnectionSnapshot, 'value' | 'context'>
    this.#snapshot = this.#host.adopt({ value, context } as ConnectionSnapshot)
  }

  /**
   * Takes one event.
   *
   * @throws JournalError `ERR_WINDSOCK_JOURNAL_CORRUPT` when the first is not `ConnectionStarted`, or another one is.
   */
  apply(event: LifeEvent): FoldStep {
    const before = this.#snapshot
    if ((event.type === 'ConnectionStarted') !== (before === undefined)) {
      throw new JournalError(
        'ERR_WINDSOCK_JOURNAL_CORRUPT',
        `a life begins with ConnectionStarted, once; this event is ${event.type}`,
      )
    }
    if (event.type === 'ConnectionStarted') return this.start(event.data)
    if (event.type === 'MachineReplaced') {
      this.#host = stock
      return this.#stay(stock.adopt(before as ConnectionSnapshot))
    }
    if (event.type === 'HeartbeatsPassed') {
      return this.#stay(this.#beat(before as ConnectionSnapshot, event.data.pings))
    }
    const machineEvent = toMachineEvent(event)
    return machineEvent === undefined
      ? this.#stay(before as ConnectionSnapshot)
      : this.tell(machineEvent)
  }

  /** The machine's beginning. */
  start({ connectionId, startedAtMs, deadlines, pingTimeoutCode }: ConnectionInput): FoldStep {
    const input = { connectionId, startedAtMs, deadlines, pingTimeoutCode }
    let step = this.#host.start(input)
    // A user's delay threw at once; live, our own machine had taken over.
    if (step.snapshot.status === 'error') step = stock.start(input)
    this.#snapshot = step.snapshot
    return { before: undefined, after: step.snapshot, effects: step.effects }
  }

  /** Steps the machine by one of its own events, after `start`. */
  tell(event: ConnectionEvent | { readonly type: string }): FoldStep {
    const before = this.#snapshot as ConnectionSnapshot
    const step = this.#host.next(before, event)
    this.#snapshot = step.snapshot
    return { before, after: step.snapshot, effects: step.effects }
  }

  /**
   * So many pings, each with its pong; in a step or two, however many there were.
   *
   * From `alive` a ping and its pong lead back there, with one more ping in the context. Anywhere else no ping is sent,
   * and the first pong leads to `alive`, or it changes nothing, and neither do the others.
   */
  #beat(from: ConnectionSnapshot, pings: number): ConnectionSnapshot {
    if (!(pings >= 1)) return from
    let snapshot = from
    let left = pings
    if (!isAlive(snapshot)) {
      snapshot = this.#host.next(snapshot, { type: 'pong.received' }).snapshot
      left--
    }
    if (!isAlive(snapshot)) return snapshot
    const context = { ...snapshot.context, pings: snapshot.context.pings + left }
    return this.#host.adopt({ ...snapshot, context })
  }

  #stay(after: ConnectionSnapshot): FoldStep {
    const before = this.#snapshot
    this.#snapshot = after
    return { before, after, effects: [] }
  }
}

function isAlive(snapshot: ConnectionSnapshot): boolean {
  return snapshot.matches({ open: 'alive' })
}

/** @throws SettingError for what is no list of events, such as the promise of one. */
export function checkEvents(name: string, events: unknown): void {
  if (typeof (events as Partial<Iterable<unknown>> | undefined)?.[Symbol.iterator] === 'function')
    return
  const what = events instanceof Promise ? 'a promise' : show(events)
  throw new SettingError(
    `${name}() was given ${what}: give it the events of a life, as in ${name}(await journal.life(id))`,
  )
}

/**
 * The snapshot after all of `events`; `undefined` for none.
 *
 * @throws SettingError for what is no list of events.
 */
export function fold(
  events: Iterable<LifeEvent>,
  machine?: ConnectionMachine,
): ConnectionSnapshot | undefined {
  checkEvents('fold', events)
  const folding = new Fold(machine)
  for (const event of events) folding.apply(event)
  return folding.snapshot
}

/** A snapshot as a store keeps it. */
export function saveable(snapshot: ConnectionSnapshot, version: number): SavedSnapshot {
  const { value, context } = snapshot
  return { version, schema: MACHINE_SCHEMA, data: JSON.stringify({ value, context }) }
}
