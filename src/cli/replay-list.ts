// Replay list: which connections a journal knows, as rows and as a table.
//
// Newest first: those that have not ended, then the others by their end, because an end is what people ask about.

import { decodeLifeEvent, type LifeEvents, type RecordedLifeEvent } from '../journal/events.ts'
import { connectionStream, type Store } from '../journal/store.ts'
import type { CloseCause, CloseRecord } from '../protocol/close-record.ts'
import { aligned, fitted, lasted, quoted, utc } from './terminal-text.ts'

/** Every cause, for those who may choose one. */
export const CAUSES = Object.keys({
  refused: true,
  handshakeTimeout: true,
  openTimeout: true,
  handlerTimeout: true,
  handlerFailed: true,
  appClosed: true,
  peerClosed: true,
  transportLost: true,
  pingTimeout: true,
  protocolError: true,
  invalidPayload: true,
  messageTooBig: true,
  limitExceeded: true,
  slowConsumer: true,
  draining: true,
} satisfies Record<CloseCause, true>)

export interface ListFilter {
  /** How many at most; 0: all. */
  readonly limit: number
  readonly cause?: string
  /** The beginning of the time of the end in UTC, with its day or without: `2026-11-20T14`, `14:03`. */
  readonly ended?: string
  /** Only those that have not ended. */
  readonly live?: boolean
}

/** One connection. */
export interface Listed {
  readonly connectionId: string
  readonly startedAtMs: number
  /** `undefined` where the beginning of the life is not kept any more. */
  readonly path: string | undefined
  /** `undefined` while it lives. */
  readonly endedAtMs: number | undefined
  readonly record: CloseRecord | undefined
  readonly inferred: boolean
}

export interface Listing {
  readonly rows: readonly Listed[]
  /** Whether there are more than `limit`. */
  readonly more: boolean
}

type Closed = RecordedLifeEvent & { readonly type: 'ConnectionClosed' }

const PAGE = 1_000

/** The connections that `filter` lets through, newest first. */
export async function listConnections(store: Store, filter: ListFilter): Promise<Listing> {
  const limit = filter.limit === 0 ? Number.POSITIVE_INFINITY : filter.limit
  const wantsLive = filter.cause === undefined && filter.ended === undefined
  const live = wantsLive ? await liveOnes(store) : []
  // However many are live, some of those that ended are shown.
  const shown = filter.live ? live : live.slice(0, Math.ceil(limit / 2))
  const rows = shown.slice(0, limit)
  let more = shown.length > rows.length || live.length > shown.length
  if (!filter.live) {
    const ended = await endedOnes(store, filter, limit - rows.length)
    rows.push(...ended.rows)
    more ||= ended.more
  }
  return { rows, more }
}

/** Those without an end, the newest beginning first. */
async function liveOnes(store: Store): Promise<Listed[]> {
  const ids = (await store.unended()).map((stream) => stream.slice(connectionStream('').length))
  const firsts = await firstEvents(store, ids)
  return ids
    .map((connectionId, index): Listed => {
      const first = firsts[index]
      return {
        connectionId,
        startedAtMs: first?.atMs ?? 0,
        path: pathOf(first),
        endedAtMs: undefined,
        record: undefined,
        inferred: false,
      }
    })
    .sort((a, b) => b.startedAtMs - a.startedAtMs)
}

async function endedOnes(store: Store, filter: ListFilter, limit: number): Promise<Listing> {
  const closed: Closed[] = []
  const isWanted = wanted(filter)
  const isAny = filter.cause === undefined && filter.ended === undefined
  for (let before: number | undefined; closed.length <= limit; ) {
    const { events, next } = await store.list({
      type: 'ConnectionClosed',
      maxEvents: isAny ? Math.min(PAGE, limit + 1) : PAGE,
      ...(before !== undefined && { before }),
    })
    for (const recorded of events) {
      const event = decodeLifeEvent(recorded)
      if (event?.type === 'ConnectionClosed' && isWanted(event)) closed.push(event)
    }
    if (next === undefined) break
    before = next
  }
  const rows: Listed[] = []
  const chosen = closed.slice(0, limit)
  for (let from = 0; from < chosen.length; from += PAGE) {
    const some = chosen.slice(from, from + PAGE)
    const firsts = await firstEvents(
      store,
      some.map(({ data }) => data.record.connectionId),
    )
    rows.push(...some.map((event, index) => rowOf(event, firsts[index])))
  }
  return { rows, more: closed.length > limit }
}

function rowOf({ data, atMs }: Closed, first: RecordedLifeEvent | undefined): Listed {
  const { record, inferred } = data
  const { connectionId, startedAtMs, durationMs } = record
  // An end that was inferred was written when the next process began; nobody knows when it was.
  const endedAtMs = inferred ? startedAtMs + durationMs : atMs
  return { connectionId, startedAtMs, path: pathOf(first), endedAtMs, record, inferred }
}

function wanted({ cause, ended }: ListFilter): (event: Closed) => boolean {
  return (event) => {
    if (cause !== undefined && event.data.record.cause !== cause) return false
    if (ended === undefined) return true
    const at = utc(rowOf(event, undefined).endedAtMs ?? 0)
    const asked = ended.replace('T', ' ')
    return at.startsWith(asked) || at.includes(` ${asked}`)
  }
}

/** The event that each life begins with, in the order of the ids; `undefined` where it is not kept. */
async function firstEvents(
  store: Store,
  ids: readonly string[],
): Promise<(RecordedLifeEvent | undefined)[]> {
  const pages = await Promise.all(
    ids.map((id) => store.read(connectionStream(id), { maxEvents: 1 })),
  )
  return pages.map(({ events: [first] }) => first && decodeLifeEvent(first))
}

function pathOf(
  first: RecordedLifeEvent | undefined,
): LifeEvents['ConnectionStarted']['path'] | undefined {
  return first?.type === 'ConnectionStarted' ? first.data.path : undefined
}

const WHO: Readonly<Record<string, string>> = { local: 'us', peer: 'peer', network: 'network' }

/** A path gets so many columns, or as many as it needs, before a row takes two lines. */
const MIN_PATH = 24

/** The rows under each other; where they are wider than `width`, on two lines each. */
export function connectionTable(rows: readonly Listed[], width: number): string[] {
  const idLength = shortestIds(rows)
  const dropped = rows.some(({ record }) => (record?.totals.messagesDropped ?? 0) > 0)
  const times = [
    ['ID', 'STARTED (UTC)', 'ENDED', 'LASTED'],
    ...rows.map((row) => timesOf(row, idLength)),
  ]
  const ends = [
    ['BY', 'CAUSE', 'SENT', 'RECEIVED', 'IN', 'OUT', ...(dropped ? ['DROPPED'] : [])],
    ...rows.map((row) => endOf(row, dropped)),
  ]
  const paths = ['PATH', ...rows.map(({ path }) => (path === undefined ? '?' : quoted(path)))]
  const cells = times.map((cell, index) => [...cell, ...(ends[index] as string[])])
  const wide = aligned(cells, new Set([3, 6, 7, 8, 9, 10]))
  const room = width - widest(wide) - 2
  if (room >= Math.min(MIN_PATH, widest(paths))) return beside(wide, paths, room)
  const above = aligned(times, new Set([3]))
  const below = aligned(ends, new Set([2, 3, 4, 5, 6]))
  const indent = ' '.repeat(idLength + 2)
  return beside(above, paths, width - widest(above) - 2).flatMap((line, index) => [
    line,
    indent + below[index],
  ])
}

function beside(lines: readonly string[], paths: readonly string[], room: number): string[] {
  const width = widest(lines) + 2
  return lines.map((line, index) => line.padEnd(width) + fitted(paths[index] as string, room))
}

function widest(lines: readonly string[]): number {
  return lines.reduce((width, { length }) => Math.max(width, length), 0)
}

function timesOf(
  { connectionId, startedAtMs, endedAtMs, record }: Listed,
  idLength: number,
): string[] {
  const started = utc(startedAtMs)
  const ended = endedAtMs === undefined ? '-' : utc(endedAtMs)
  // The day is said once, if it is the same.
  const sameDay = ended.slice(0, 10) === started.slice(0, 10)
  return [
    quoted(connectionId.slice(0, idLength)),
    started,
    sameDay ? ended.slice(11) : ended,
    record === undefined ? '-' : lasted(record.durationMs),
  ]
}

function endOf({ record, inferred }: Listed, dropped: boolean): string[] {
  if (record === undefined) return ['-', 'live', '-', '-', '-', '-', ...(dropped ? ['-'] : [])]
  const { initiator, cause, sent, received, status, totals } = record
  return [
    WHO[initiator] ?? quoted(initiator),
    `${quoted(cause)}${inferred ? '*' : ''}`,
    status === null ? String(sent?.code ?? '-') : `HTTP ${status}`,
    String(received?.code ?? '-'),
    String(totals.messagesReceived),
    String(totals.messagesSent),
    ...(dropped ? [String(totals.messagesDropped)] : []),
  ]
}

/** How many characters of their ids tell these apart; 8 where that is enough. */
function shortestIds(rows: readonly Listed[]): number {
  for (let length = 8; ; length++) {
    const short = new Set(rows.map(({ connectionId }) => connectionId.slice(0, length)))
    const isLongest = rows.every(({ connectionId }) => connectionId.length <= length)
    if (short.size === rows.length || isLongest) return length
  }
}
