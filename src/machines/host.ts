// Host: runs many connections through one machine definition, each holding no more than its snapshot.
//
// An XState actor per connection costs 3.5–4.4 KiB and 45–110 µs to start; `transition()` builds an inert actor
// a call (20–38 k/s). A host keeps one inert scope for all and calls the machine's own `transition`
// with it: about 4 µs an event, the same snapshots, the same actions. That scope is not a documented contract
// of XState, so it is probed once: where it does not work the host falls back to `transition()`, and
// a property holds the two ways equal.
//
// Nothing is executed here: actions come back as effects, timers included.

import {
  type AnyActorScope,
  createActor,
  type ExecutableActionObject,
  initialTransition,
  type SnapshotFrom,
  transition,
} from 'xstate'
import { SettingError, show } from '../protocol/errors.ts'
import { type ConnectionInput, type ConnectionMachine, NEVER_MS } from './connection.ts'
import type { ConnectionEffect, ConnectionEvent } from './effects.ts'

export type ConnectionSnapshot = SnapshotFrom<ConnectionMachine>

/** A snapshot, and what is to be done to get there; perform the effects in order. */
export interface Step {
  readonly snapshot: ConnectionSnapshot
  readonly effects: readonly ConnectionEffect[]
}

/** Steps connections through one machine. */
export interface Host {
  /** The first step. What a user's own delay throws is in its snapshot, as XState has it: it is in no state then. */
  start(input: ConnectionInput): Step
  /**
   * The step that `event` causes; an event that the state does not know gives the same snapshot, no effects.
   *
   * @throws whatever a user's own guard or delay throws, and SettingError for a delay that is none; the snapshot handed in
   *   stays valid.
   */
  next(snapshot: ConnectionSnapshot, event: ConnectionEvent | { readonly type: string }): Step
  /** The same state and context under this host's machine; for one that differs only in what it `provide`s. */
  adopt(snapshot: ConnectionSnapshot): ConnectionSnapshot
}

/** Makes a host, in the fast form where this XState allows it. */
export function createHost(machine: ConnectionMachine): Host {
  return sharedScopeHost(machine) ?? transitionHost(machine)
}

/** The documented way: slower, and the measure that the fast one is held to. */
export function transitionHost(machine: ConnectionMachine): Host {
  return {
    start: (input) => begin(() => toStep(initialTransition(machine, input))),
    next: (snapshot, event) => toStep(transition(machine, snapshot, event as ConnectionEvent)),
    adopt: (snapshot) => adopt(machine, snapshot),
  }
}

const PROBE: ConnectionInput = {
  connectionId: 'probe',
  startedAtMs: 0,
  deadlines: {
    handshakeTimeoutMs: 1,
    openTimeoutMs: 1,
    pingIntervalMs: 1,
    pingTimeoutMs: 1,
    closeTimeoutMs: 1,
  },
}

function sharedScopeHost(machine: ConnectionMachine): Host | undefined {
  let actions: ExecutableActionObject[] = []
  try {
    const self = createActor(machine, { input: PROBE })
    const scope: AnyActorScope = {
      self,
      id: '',
      sessionId: '',
      system: self.system,
      logger: () => {},
      defer: () => {},
      emit: () => {},
      stopChild: () => {},
      actionExecutor: (action) => {
        actions.push(action)
      },
    }
    const run = (take: () => ConnectionSnapshot): Step => {
      actions = []
      const snapshot = take()
      return toStep([snapshot, actions])
    }
    const host: Host = {
      start: (input) =>
        begin(() =>
          run(() => machine.getInitialSnapshot(scope as never, input) as ConnectionSnapshot),
        ),
      next: (snapshot, event) =>
        run(() => machine.transition(snapshot, event as ConnectionEvent, scope as never)),
      adopt: (snapshot) => adopt(machine, snapshot),
    }
    const probe = host.start(PROBE)
    return probe.snapshot.matches('connecting') && probe.effects.length === 1 ? host : undefined
  } catch {
    return undefined
  }
}

function begin(first: () => Step): Step {
  try {
    return first()
  } catch (error) {
    return { snapshot: { status: 'error', error } as ConnectionSnapshot, effects: [] }
  }
}

function adopt(machine: ConnectionMachine, snapshot: ConnectionSnapshot): ConnectionSnapshot {
  return machine.resolveState({ value: snapshot.value, context: snapshot.context })
}

type Actions = readonly { readonly type: string; readonly params?: unknown }[]

function toStep([snapshot, actions]: readonly [ConnectionSnapshot, Actions]): Step {
  const effects: ConnectionEffect[] = []
  for (const action of actions) {
    const effect = toEffect(action)
    if (effect !== undefined) effects.push(effect)
  }
  return { snapshot, effects }
}

// XState expresses a delayed transition as a raise with a delay, and leaving its state as a cancel.
function toEffect({ type, params }: Actions[number]): ConnectionEffect | undefined {
  switch (type) {
    case 'xstate.raise': {
      const { id, delay, event } = params as {
        id: string
        delay: number | undefined
        event: { type: string }
      }
      if (delay === undefined || delay >= NEVER_MS) return undefined
      // A timer of Node would take it for 1 ms.
      if (typeof delay !== 'number' || !(delay >= 0)) {
        throw new SettingError(
          `a delay of the machine is ${show(delay)}: it must be 0 or more, in ms`,
        )
      }
      return { type: 'armTimer', id, delayMs: delay, event }
    }
    case 'xstate.cancel':
      return { type: 'disarmTimer', id: (params as { sendId: string }).sendId }
    default:
      return { type, ...(params as object | undefined) } as ConnectionEffect
  }
}
