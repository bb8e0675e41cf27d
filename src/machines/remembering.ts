// Remembering host: what our own machine says in the same way to every connection, it is asked only once.
//
// Most steps of most lives are the same: connecting, accepted, opened, a pong. XState takes 10 µs for one of them,
// which is half of what opening a connection costs beside the handshake. A step of our machine whose event says
// nothing but its type, and after which the context is the one before, depends on the state and the deadlines
// alone; it is kept, and given to the next connection around its own context. So is the last step, around the
// connection's own close record. All others go to XState each time.
//
// For machines with guards or delays of a user's, which may look at anything, there is no such host. A property holds
// its snapshots and effects equal to those of the host that it asks.

import { beginning, type ConnectionDeadlines, closeRecord } from './connection.ts'
import type { ConnectionEvent } from './effects.ts'
import type { ConnectionSnapshot, Host, Step } from './host.ts'

/** The frequent events that say nothing but their type, and the last, whose record is all that it says. */
const REMEMBERED = ['handshake.accepted', 'open.finished', 'pong.received', 'transport.ended']

/** What is known for one set of deadlines. */
interface Known {
  start: Step | undefined
  /** By event, then by state. */
  readonly next: ReadonlyMap<string, Map<string, Step>>
}

/** A host in front of `host`, which must be one of our own machine as it is. */
export function rememberingHost(host: Host): Host {
  const knownFor = new WeakMap<ConnectionDeadlines, Known>()

  function known(deadlines: ConnectionDeadlines): Known {
    const found = knownFor.get(deadlines)
    if (found !== undefined) return found
    const next = new Map(REMEMBERED.map((type) => [type, new Map<string, Step>()]))
    const made: Known = { start: undefined, next }
    knownFor.set(deadlines, made)
    return made
  }

  return {
    adopt: (snapshot) => host.adopt(snapshot),

    start(input) {
      const memory = known(input.deadlines)
      memory.start ??= host.start(input)
      return around(memory.start, beginning(input))
    },

    next(snapshot, event) {
      const steps = known(snapshot.context.deadlines).next.get(event.type)
      if (steps === undefined) return host.next(snapshot, event)
      const isEnd = event.type === 'transport.ended'
      const state = innermost(snapshot)
      const remembered = steps.get(state)
      if (remembered !== undefined) {
        return isEnd
          ? ended(remembered, snapshot, event as ConnectionEvent)
          : around(remembered, snapshot.context)
      }
      const step = host.next(snapshot, event)
      const saysTheSameToAll = isEnd || step.snapshot.context === snapshot.context
      // An event that the state does not know gives the snapshot back itself, which is cheap as it is.
      if (saysTheSameToAll && step.snapshot !== snapshot) steps.set(state, step)
      return step
    },
  }
}

/** The last step, with this connection's own record in the three places where it stands. */
function ended(step: Step, { context }: ConnectionSnapshot, event: ConnectionEvent): Step {
  const record = closeRecord(context, event)
  const { snapshot } = around(step, { ...context, record })
  return {
    snapshot: { ...snapshot, output: record } as ConnectionSnapshot,
    effects: step.effects.map((effect) =>
      effect.type === 'finish' ? { type: 'finish', record } : effect,
    ),
  }
}

/** The same step for another connection; the effects of such a step carry nothing of any connection. */
function around({ snapshot, effects }: Step, context: ConnectionSnapshot['context']): Step {
  return { snapshot: { ...snapshot, context } as ConnectionSnapshot, effects }
}

/** The innermost state, by a name that no other has. */
function innermost({ value }: ConnectionSnapshot): string {
  if (typeof value === 'string') return value
  return 'open' in value ? value.open : value.connecting
}
