// Life story: a recorded life as steps: what happened when, where it led, and what was asked for.
//
// Pure: events in, data out; how it is shown is another's business. Not every life can be folded; one that cannot still
// has its events and their times, and says why it has no states.

import { type ConnectionMachine, connectionMachine } from '../machines/connection.ts'
import type { ConnectionEffect } from '../machines/effects.ts'
import type { ConnectionSnapshot } from '../machines/host.ts'
import type { CloseRecord } from '../protocol/close-record.ts'
import type { LifeEvents, RecordedLifeEvent } from './events.ts'
import { checkEvents, Fold } from './fold.ts'

/** One event of a life, and what it did. */
export interface LifeStep {
  readonly event: RecordedLifeEvent
  /** By the wall clock, ms; negative when that was set back. */
  readonly sinceStartMs: number
  readonly sincePreviousMs: number
  /** `undefined` before the first event, and in a life that cannot be folded. */
  readonly before: ConnectionSnapshot | undefined
  /** `undefined` in a life that cannot be folded. */
  readonly after: ConnectionSnapshot | undefined
  /** What the machine asked for then. */
  readonly effects: readonly ConnectionEffect[]
}

/**
 * Why a life has no states.
 *
 * `beginningGone`: it was older than what is kept. `unrecorded`: some of its events could not be kept. `ownMachine`: it
 * ran a machine of the route's own, which was not at hand.
 */
export type Unfoldable = 'beginningGone' | 'unrecorded' | 'ownMachine'

/**
 * A recorded life as steps, oldest first; `lifeStory()` tells it.
 *
 * Times are wall-clock ms. A life that cannot be folded has its events and no states; `unfoldable` says why.
 */
export interface LifeStory {
  /** Oldest first. */
  readonly steps: readonly LifeStep[]
  /** `undefined` where the beginning is gone. */
  readonly started: LifeEvents['ConnectionStarted'] | undefined
  /** `undefined` while it has not ended. */
  readonly closed: LifeEvents['ConnectionClosed'] | undefined
  readonly unfoldable: Unfoldable | undefined
  /** The record that the fold comes to: equal to the one that was kept, or one of the two is wrong. */
  readonly record: CloseRecord | undefined
}

/**
 * Tells the events of one life, as `journal.life()` gives them.
 *
 * @param machine - the one that the route ran, if it was not windsock's own.
 * @throws SettingError for what is no list of events; JournalError `ERR_WINDSOCK_JOURNAL_CORRUPT` when a second beginning
 *   stands among them.
 */
export function lifeStory(
  events: readonly RecordedLifeEvent[],
  machine?: ConnectionMachine,
): LifeStory {
  checkEvents('lifeStory', events)
  const [first] = events
  const last = events.at(-1)
  const started = first?.type === 'ConnectionStarted' ? first.data : undefined
  const closed = last?.type === 'ConnectionClosed' ? last.data : undefined
  const unfoldable = whyNot(started, closed, machine)
  const folding = unfoldable === undefined ? new Fold(machine ?? connectionMachine) : undefined
  const beganAtMs = first?.atMs ?? 0
  let previousAtMs = beganAtMs
  const steps = events.map((event): LifeStep => {
    const folded = folding?.apply(event)
    const { atMs } = event
    const sincePreviousMs = atMs - previousAtMs
    previousAtMs = atMs
    return {
      event,
      sinceStartMs: atMs - beganAtMs,
      sincePreviousMs,
      before: folded?.before,
      after: folded?.after,
      effects: folded?.effects ?? [],
    }
  })
  const record = folding?.snapshot?.context.record ?? undefined
  return { steps, started, closed, unfoldable, record }
}

/** Where a snapshot stands, from the outermost state in: `open.alive`. */
export function stateName({ value }: Pick<ConnectionSnapshot, 'value'>): string {
  return typeof value === 'string' ? value : Object.entries(value).flat().join('.')
}

function whyNot(
  started: LifeStory['started'],
  closed: LifeStory['closed'],
  machine: ConnectionMachine | undefined,
): Unfoldable | undefined {
  if (started === undefined) return 'beginningGone'
  if (closed !== undefined && closed.unrecorded > 0) return 'unrecorded'
  return started.ownMachine && machine === undefined ? 'ownMachine' : undefined
}
