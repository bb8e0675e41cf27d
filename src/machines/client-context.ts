// Client context: what the client machine remembers, and what a lost link makes of that.
//
// Rules that live here: how long to wait after a loss, and when a transport is given up for the next one. What this file
// refuses to know: states, and the order of events; those are in `client.ts`.

import { type Backoff, backoffMs } from '../protocol/backoff.ts'
import type { CloseFrame } from '../protocol/close-record.ts'
import { hintedMs } from '../protocol/retry-hint.ts'
import type { ClientTransport, LinkClosed } from './client-effects.ts'

/** The deadlines of the machine, in ms. */
export interface ClientDeadlines {
  /** From the dial until messages flow. */
  readonly connectTimeoutMs: number
  /** A link that was open this long has proven itself: what comes after is a new story, with the first backoff. */
  readonly steadyMs: number
  /** How long it holds a transport that is not the first one, before it tries that again; at most `steadyMs` where it seeks soon. */
  readonly upgradeMs: number
  readonly closeTimeoutMs: number
}

export interface ClientInput {
  readonly deadlines: ClientDeadlines
  readonly backoff: Backoff
  /** In the order of preference; one at least. */
  readonly transports: readonly ClientTransport[]
  readonly online: boolean
}

export interface ClientContext extends ClientInput {
  /** Of the present link, or the one being dialed; 0: none. */
  readonly link: number
  /** Of a link that is dialed beside the present one, to take its place; 0: none. */
  readonly candidate: number
  /** Links dialed so far. */
  readonly links: number
  /** Which of the transports is in use, or next. */
  readonly index: number
  /** Whether that one has been open. */
  readonly proven: boolean
  /** Times in a row that it could not be opened, or not held for `steadyMs`. */
  readonly failures: number
  /** Whether the present link was open for `steadyMs`. */
  readonly isSteady: boolean
  /** Whether a link was, and the first transport has not been tried beside another since. */
  readonly seeksSoon: boolean
  /** Attempts since the client was open for long. */
  readonly attempt: number
  /** How long `waiting` takes, ms. */
  readonly delayMs: number
  /** When it ends, in monotonic ms. */
  readonly dueMs: number
  /** Whether the server asked for that. */
  readonly hinted: boolean
  readonly lastClose: CloseFrame | null
}

/** A transport that has been open before is given up only after so many failures: more often the server is away. */
const FAILURES_OF_A_PROVEN_TRANSPORT = 3

/** Of a client that has not begun. */
export function contextOf(input: ClientInput): ClientContext {
  return {
    ...input,
    link: 0,
    candidate: 0,
    links: 0,
    index: 0,
    proven: false,
    failures: 0,
    isSteady: false,
    seeksSoon: false,
    attempt: 0,
    delayMs: 0,
    dueMs: 0,
    hinted: false,
    lastClose: null,
  }
}

/** How long to wait after the present link was lost, and over which transport it goes on. */
export function afterLoss(
  context: ClientContext,
  { frame, hint, chance, nowMs }: LinkClosed,
): Partial<ClientContext> {
  const { backoff, attempt } = context
  const delayMs = hint === undefined ? backoffMs(backoff, attempt, chance) : hintedMs(hint, chance)
  return {
    lastClose: frame,
    delayMs,
    dueMs: nowMs + delayMs,
    hinted: hint !== undefined,
    attempt: attempt + 1,
    ...transportAfterLoss(context),
  }
}

function transportAfterLoss(context: ClientContext): Partial<ClientContext> {
  const { proven, transports, index, isSteady, candidate } = context
  // The first was being dialed already: a link that does not last longer must not keep it from that.
  if (candidate > 0) return { index: 0, proven: false, failures: 0 }
  // One that opens and then breaks each time is no better than one that does not open.
  const failures = isSteady ? 0 : context.failures + 1
  if (failures < (proven ? FAILURES_OF_A_PROVEN_TRANSPORT : 1)) return { failures }
  return { index: (index + 1) % transports.length, proven: false, failures: 0 }
}
