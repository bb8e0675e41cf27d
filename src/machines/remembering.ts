// Remembering host: what our own machine says in the same way to every connection, it is asked only once.
//
// Most steps of most lives are the same: connecting, accepted, opened, a pong, the peer's Close frame. XState takes 10 µs
// for one of them, which is half of what opening a connection costs beside the handshake, and an eighth of its whole life.
// Where a step of our machine leads depends on the state and the deadlines alone; it is kept, and given to the next
// connection around its own context. What an event changes there is told here, in the words of the machine; an event of
// which it is not told goes to XState each time.
//
// For machines with guards or delays of a user's, which may look at anything, there is no such host. A property holds
// its snapshots and effects equal to those of the host that it asks.

import {
  beginning,
  type ConnectionContext,
  type ConnectionDeadlines,
  closeRecord,
  type Ending,
  endedBy,
} from './connection.ts'
import type { ConnectionEffect, ConnectionEvent } from './effects.ts'
import type { ConnectionSnapshot, Host, Step } from './host.ts'

/** The context after an event, given the one before and the state. */
type After = (
  context: ConnectionContext,
  event: ConnectionEvent,
  state: string,
) => ConnectionContext

const same: After = (context) => context
const ended: After = (context, event) => ({ ...context, ...endedBy(event as Ending) })

/** The frequent events; of most of them nothing stays in the context. */
const REMEMBERED: Readonly<Record<string, After>> = {
  'handshake.accepted': same,
  'open.finished': same,
  'pong.received': same,
  'app.closed': ended,
  'peer.closed': (context, event, state) =>
    state === 'closing'
      ? { ...context, received: (event as ConnectionEvent & { type: 'peer.closed' }).frame }
      : ended(context, event, state),
  'transport.ended': (context, event) => ({ ...context, record: closeRecord(context, event) }),
}

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
    const next = new Map(Object.keys(REMEMBERED).map((type) => [type, new Map<string, Step>()]))
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
      const { context } = snapshot
      const state = innermost(snapshot)
      // A close that comes before there is a link is a refusal, in words of its own.
      const isRefusal = event.type === 'app.closed' && state === 'handshaking'
      if (steps === undefined || isRefusal) return host.next(snapshot, event)
      const after = REMEMBERED[event.type] as After
      const remembered = steps.get(state)
      if (remembered !== undefined) {
        return around(remembered, after(context, event as ConnectionEvent, state))
      }
      const step = host.next(snapshot, event)
      const saysWhatIsTold = after !== same || step.snapshot.context === context
      // An event that the state does not know gives the snapshot back itself, which is cheap as it is.
      if (saysWhatIsTold && step.snapshot !== snapshot) steps.set(state, step)
      return step
    },
  }
}

/** The same step for another connection: its own context, and what of that stands elsewhere in the step. */
function around({ snapshot, effects }: Step, context: ConnectionContext): Step {
  if (context.sent === null && context.record === null) {
    return { snapshot: { ...snapshot, context } as ConnectionSnapshot, effects }
  }
  const output = context.record ?? undefined
  return {
    snapshot: { ...snapshot, context, output } as ConnectionSnapshot,
    effects: effects.map((effect) => ownEffect(effect, context)),
  }
}

function ownEffect(effect: ConnectionEffect, { sent, record }: ConnectionContext) {
  if (effect.type === 'finish' && record !== null) return { ...effect, record }
  if (effect.type === 'sendClose' && sent !== null) return { ...effect, frame: sent }
  return effect
}

/** The innermost state, by a name that no other has. */
function innermost({ value }: ConnectionSnapshot): string {
  if (typeof value === 'string') return value
  return 'open' in value ? value.open : value.connecting
}
