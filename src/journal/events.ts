// Events: the vocabulary of a connection's life, in the past tense, and what each one is to the machine.
//
// The events of one life, folded through the connection machine, give its snapshot at every step. Timers that fired
// are events too, and times and sizes come inside them, so a fold needs no clock.
//
// By default no payload, no address, no query string and no header but Origin is kept. Shapes have a version; an old
// one is brought up to the present when it is read, never rewritten.

import type { ConnectionDeadlines } from '../machines/connection.ts'
import type { ConnectionEvent } from '../machines/effects.ts'
import type { CloseCause, CloseFrame, CloseRecord } from '../protocol/close-record.ts'
import { JournalError } from '../protocol/errors.ts'
import type { LaterEvent, NewEvent, RecordedEvent } from './store.ts'

export interface LifeEvents {
  /** The upgrade request came. */
  ConnectionStarted: {
    readonly connectionId: string
    readonly startedAtMs: number
    readonly deadlines: ConnectionDeadlines
    readonly pingTimeoutCode?: number | undefined
    /** The path, without the query. */
    readonly path: string
    readonly origin: string | null
    /** The route runs a machine with guards or delays of its own; folding takes that machine. */
    readonly ownMachine: boolean
  }
  HandshakeAccepted: Empty
  HandshakeRefused: { readonly status: number; readonly reason: string }
  UpgradeFailed: { readonly status: number; readonly reason: string }
  /** The handler's `open` has finished. */
  ConnectionOpened: Empty
  HandlerFailed: {
    readonly cause: 'handlerFailed' | 'handlerTimeout'
    readonly detail: string
  }
  /** A user's own guard or delay threw; our own machine has taken over. */
  MachineReplaced: Empty
  /** User code asked for the close. */
  CloseRequested: { readonly frame: CloseFrame }
  DrainStarted: { readonly frame: CloseFrame }
  LimitExceeded: {
    readonly cause: 'limitExceeded' | 'slowConsumer'
    readonly detail: string
  }
  PongReceived: Empty
  /** So many pings were sent and answered, and nothing else happened; one event instead of two for each. */
  HeartbeatsPassed: { readonly pings: number }
  InputPaused: Empty
  InputResumed: Empty
  TimerFired: { readonly timer: string }
  PeerClosed: { readonly frame: CloseFrame }
  ProtocolViolated: {
    readonly cause: CloseCause
    readonly sent: CloseFrame
    readonly detail: string
  }
  /** Anything else that the machine has taken. */
  MachineTold: { readonly event: { readonly type: string } }
  /** Only where the route asks for it; the payload only where it asks for that. */
  MessageReceived: MessageData
  MessageSent: MessageData
  /** The link is gone. */
  ConnectionClosed: {
    readonly record: CloseRecord
    /** Events of this life that could not be kept; with any, it cannot be folded. */
    readonly unrecorded: number
    /** Written by the next process, because the one that held the connection ended without a word. */
    readonly inferred: boolean
  }
}

type Empty = Readonly<Record<string, never>>

export interface MessageData {
  readonly kind: 'text' | 'binary'
  readonly bytes: number
  /** Text as it is, binary in base64. */
  readonly payload?: string
}

export type LifeEventType = keyof LifeEvents

/** One event of a life. */
export type LifeEvent = {
  [Type in LifeEventType]: { readonly type: Type; readonly data: LifeEvents[Type] }
}[LifeEventType]

/** An event as it was kept. */
export type RecordedLifeEvent = LifeEvent & {
  /** Its number in the life, from 1. */
  readonly version: number
  /** Wall-clock time, ms since 1970. */
  readonly atMs: number
}

/** What lives are written in, and how what was written before is read. */
export interface Vocabulary {
  /** The version of each shape as it is written. A field that is added needs no new one. */
  readonly schemas: Readonly<Record<LifeEventType, number>>
  /** Bring data of one shape to the next; keyed by type and the schema that they take, as `PeerClosed@1`. */
  readonly upcasters: Readonly<Record<string, (data: unknown) => unknown>>
}

/** Today's. Nothing to bring up yet: every shape is still its first. */
export const VOCABULARY: Vocabulary = {
  schemas: {
    ConnectionStarted: 1,
    HandshakeAccepted: 1,
    HandshakeRefused: 1,
    UpgradeFailed: 1,
    ConnectionOpened: 1,
    HandlerFailed: 1,
    MachineReplaced: 1,
    CloseRequested: 1,
    DrainStarted: 1,
    LimitExceeded: 1,
    PongReceived: 1,
    HeartbeatsPassed: 1,
    InputPaused: 1,
    InputResumed: 1,
    TimerFired: 1,
    PeerClosed: 1,
    ProtocolViolated: 1,
    MachineTold: 1,
    MessageReceived: 1,
    MessageSent: 1,
    ConnectionClosed: 1,
  },
  upcasters: {},
}

const EMPTY: Empty = {}

/** What a machine's event is called when it has happened. */
export function toLifeEvent(event: ConnectionEvent | { readonly type: string }): LifeEvent {
  const known = event as ConnectionEvent
  switch (known.type) {
    case 'handshake.accepted':
      return { type: 'HandshakeAccepted', data: EMPTY }
    case 'handshake.refused': {
      const { status, reason } = known
      return { type: 'HandshakeRefused', data: { status, reason } }
    }
    case 'upgrade.failed': {
      const { status, reason } = known
      return { type: 'UpgradeFailed', data: { status, reason } }
    }
    case 'open.finished':
      return { type: 'ConnectionOpened', data: EMPTY }
    case 'handler.failed':
      return { type: 'HandlerFailed', data: { cause: known.cause, detail: known.detail } }
    case 'app.closed':
      return { type: 'CloseRequested', data: { frame: known.frame } }
    case 'server.draining':
      return { type: 'DrainStarted', data: { frame: known.frame } }
    case 'limit.exceeded':
      return { type: 'LimitExceeded', data: { cause: known.cause, detail: known.detail } }
    case 'pong.received':
      return { type: 'PongReceived', data: EMPTY }
    case 'input.paused':
      return { type: 'InputPaused', data: EMPTY }
    case 'input.resumed':
      return { type: 'InputResumed', data: EMPTY }
    case 'peer.closed':
      return { type: 'PeerClosed', data: { frame: known.frame } }
    case 'protocol.violated': {
      const { cause, sent, detail } = known
      return { type: 'ProtocolViolated', data: { cause, sent, detail } }
    }
    default:
      return event.type.startsWith('xstate.after.')
        ? { type: 'TimerFired', data: { timer: event.type } }
        : { type: 'MachineTold', data: { event } }
  }
}

/** What an event was to the machine; `undefined` for those that it never heard of. */
export function toMachineEvent(event: LifeEvent): { readonly type: string } | undefined {
  switch (event.type) {
    case 'HandshakeAccepted':
      return { type: 'handshake.accepted' }
    case 'HandshakeRefused':
      return machineEvent({ type: 'handshake.refused', ...event.data })
    case 'UpgradeFailed':
      return machineEvent({ type: 'upgrade.failed', ...event.data })
    case 'ConnectionOpened':
      return { type: 'open.finished' }
    case 'HandlerFailed':
      return machineEvent({ type: 'handler.failed', ...event.data })
    case 'CloseRequested':
      return machineEvent({ type: 'app.closed', ...event.data })
    case 'DrainStarted':
      return machineEvent({ type: 'server.draining', ...event.data })
    case 'LimitExceeded':
      return machineEvent({ type: 'limit.exceeded', ...event.data })
    case 'PongReceived':
      return { type: 'pong.received' }
    case 'InputPaused':
      return { type: 'input.paused' }
    case 'InputResumed':
      return { type: 'input.resumed' }
    case 'PeerClosed':
      return machineEvent({ type: 'peer.closed', ...event.data })
    case 'ProtocolViolated':
      return machineEvent({ type: 'protocol.violated', ...event.data })
    case 'TimerFired':
      return { type: event.data.timer }
    case 'MachineTold':
      return event.data.event
    case 'ConnectionClosed': {
      const { totals, durationMs, silentForMs, sent } = event.data.record
      return machineEvent({ type: 'transport.ended', totals, durationMs, silentForMs, sent })
    }
    default:
      return undefined
  }
}

function machineEvent(event: ConnectionEvent): ConnectionEvent {
  return event
}

/** As a store takes it. */
export function encodeLifeEvent(
  { type, data }: LifeEvent,
  atMs: number,
  { schemas }: Vocabulary = VOCABULARY,
): NewEvent {
  const text = data === EMPTY ? '{}' : JSON.stringify(data)
  return { type, schema: schemas[type], atMs, data: text, ends: type === 'ConnectionClosed' }
}

/** As `appendNow` of a store takes it: how lives begin, and mostly how they end, is not written out before somebody asks. */
export function encodeLater(event: LifeEvent, atMs: number, vocabulary: Vocabulary): LaterEvent {
  const { type, data } = event
  if (data === EMPTY) return saidAt(atMs, event, vocabulary)
  const schema = vocabulary.schemas[type]
  switch (event.type) {
    case 'ConnectionStarted':
      return { type, schema, atMs, data, ends: false }
    case 'ConnectionClosed':
      // A detail may be a slice of a longer text, such as a message, and would keep all of it.
      if (event.data.record.detail !== '') return encodeLifeEvent(event, atMs, vocabulary)
      return { type, schema, atMs, data: ownClosed(event.data), ends: true }
    default:
      return encodeLifeEvent(event, atMs, vocabulary)
  }
}

// User code is given the record, too, and what it does to it is not what happened.
function ownClosed(closed: LifeEvents['ConnectionClosed']): LifeEvents['ConnectionClosed'] {
  const { sent, received, totals } = closed.record
  const record = {
    ...closed.record,
    sent: sent === null ? null : { ...sent },
    received: received === null ? null : { ...received },
    totals: { ...totals },
  }
  return { ...closed, record }
}

/** What says nothing but its type and its time: one object for all lives that say it in one millisecond. */
const saidLast = new Map<string, NewEvent>()

function saidAt(atMs: number, event: LifeEvent, vocabulary: Vocabulary): NewEvent {
  const last = saidLast.get(event.type)
  if (last?.atMs === atMs && last.schema === vocabulary.schemas[event.type]) return last
  const said = encodeLifeEvent(event, atMs, vocabulary)
  saidLast.set(event.type, said)
  return said
}

/**
 * As it was before it was stored, in today's shape; `undefined` for a type that this version does not know.
 *
 * @throws JournalError `ERR_WINDSOCK_JOURNAL_NEWER` for a shape from the future, `…_CORRUPT` for data that is no JSON or
 *   that cannot be brought up.
 */
export function decodeLifeEvent(
  recorded: RecordedEvent,
  { schemas, upcasters }: Vocabulary = VOCABULARY,
): RecordedLifeEvent | undefined {
  const { type, version, atMs } = recorded
  const present = schemas[type as LifeEventType]
  if (present === undefined) return undefined
  if (recorded.schema > present) {
    const versions = `its schema is ${recorded.schema}, and this windsock knows up to ${present}`
    throw unreadable('ERR_WINDSOCK_JOURNAL_NEWER', recorded, `${versions}: use a newer one`)
  }
  let data: unknown
  try {
    data = JSON.parse(recorded.data as string)
  } catch (cause) {
    throw unreadable('ERR_WINDSOCK_JOURNAL_CORRUPT', recorded, 'its data is no JSON', cause)
  }
  for (let schema = recorded.schema; schema < present; schema++) {
    const upcast = upcasters[`${type}@${schema}`]
    const why = `its schema ${recorded.schema} cannot be brought to ${present}`
    try {
      if (upcast === undefined) throw new Error(`nothing reads schema ${schema}`)
      data = upcast(data)
    } catch (cause) {
      throw unreadable('ERR_WINDSOCK_JOURNAL_CORRUPT', recorded, why, cause)
    }
  }
  return { type, data, version, atMs } as RecordedLifeEvent
}

function unreadable(
  code: 'ERR_WINDSOCK_JOURNAL_CORRUPT' | 'ERR_WINDSOCK_JOURNAL_NEWER',
  { stream, version, type }: RecordedEvent,
  why: string,
  cause?: unknown,
): JournalError {
  return new JournalError(code, `${stream}, event ${version} (${type}): ${why}`, cause)
}
