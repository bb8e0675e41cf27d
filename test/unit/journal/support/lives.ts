// Lives: made up for tests, whole ones, event by event.

import {
  encodeLifeEvent,
  type LifeEvent,
  type LifeEvents,
  type RecordedLifeEvent,
} from '../../../../src/journal/events.ts'
import { fold } from '../../../../src/journal/fold.ts'
import { connectionStream, type Store } from '../../../../src/journal/store.ts'
import { NO_TOTALS } from '../../../../src/machines/connection.ts'
import type { CloseRecord } from '../../../../src/protocol/close-record.ts'

const DEADLINES = {
  handshakeTimeoutMs: 10_000,
  openTimeoutMs: 10_000,
  pingIntervalMs: 30_000,
  pingTimeoutMs: 10_000,
  closeTimeoutMs: 5_000,
}

/** 2026-01-01T00:00Z. */
export const BEGAN_AT_MS = 1_767_225_600_000

export function startedEvent(data: Partial<LifeEvents['ConnectionStarted']> = {}): LifeEvent {
  return {
    type: 'ConnectionStarted',
    data: {
      connectionId: 'someone',
      startedAtMs: BEGAN_AT_MS,
      deadlines: DEADLINES,
      path: '/chat',
      origin: null,
      ownMachine: false,
      ...data,
    },
  }
}

/** The events of a life and the end that they lead to, one each second. */
export function wholeLife(
  middle: readonly LifeEvent[],
  started: Partial<LifeEvents['ConnectionStarted']> = {},
  closed: Partial<LifeEvents['ConnectionClosed']> = {},
): RecordedLifeEvent[] {
  const before = [
    startedEvent(started),
    { type: 'HandshakeAccepted', data: {} } as const,
    { type: 'ConnectionOpened', data: {} } as const,
    ...middle,
  ]
  const end = { totals: NO_TOTALS, durationMs: before.length * 1_000, silentForMs: 5, sent: null }
  const data = { record: end as unknown as CloseRecord, unrecorded: 0, inferred: false }
  const record = fold([...before, { type: 'ConnectionClosed', data }])?.output as CloseRecord
  return recorded([...before, { type: 'ConnectionClosed', data: { ...data, record, ...closed } }])
}

/** As a journal gives them back, one each second. */
export function recorded(events: readonly LifeEvent[]): RecordedLifeEvent[] {
  return events.map((event, index) => ({
    ...event,
    version: index + 1,
    atMs: BEGAN_AT_MS + index * 1_000,
  }))
}

/** Puts a life into a store. */
export async function keep(
  store: Store,
  connectionId: string,
  events: readonly RecordedLifeEvent[],
): Promise<void> {
  const encoded = events.map((event) => encodeLifeEvent(event, event.atMs))
  await store.append(connectionStream(connectionId), encoded)
}
