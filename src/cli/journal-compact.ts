// windsock journal compact: takes away what is old, and gives its space back to the disk.
//
// A journal that is in use keeps its bounds by itself, and has one writer: then this command refuses.

import { statSync } from 'node:fs'
import { openSqliteStore, type SqliteStore } from '../journal/sqlite-store.ts'
import { isTopicStream, type TrimOptions } from '../journal/store.ts'
import { liveClock } from '../transport/live-ports.ts'
import { readJournal } from './journal-file.ts'
import { progressOn } from './journal-progress.ts'
import { counted, grouped, print } from './terminal-text.ts'

export interface CompactOptions {
  /** Events of lives that stay, the newest; default: all. */
  readonly keepEvents?: number
  /** What is older goes, ms; default: nothing. */
  readonly maxAge?: number
  /** The same for topics, each by itself. */
  readonly topics?: boolean
}

/** @throws JournalError `ERR_WINDSOCK_JOURNAL_LOCKED` when a process has the journal open. */
export async function compactJournal(file: string, options: CompactOptions): Promise<void> {
  // Opening to write would make a journal of a file that is none.
  await readJournal(file, async () => {})
  const bytesBefore = sizeOf(file)
  const store = await openSqliteStore(file)
  const progress = progressOn(process.stderr)
  const lines: string[] = []
  try {
    const { keepEvents, maxAge } = options
    if (keepEvents !== undefined || maxAge !== undefined) {
      const notBeforeMs = maxAge === undefined ? undefined : liveClock.wallMs() - maxAge
      const told = (events: number) => progress.tell(events, undefined, 'events expired')
      const expired = await expire(store, keepEvents, notBeforeMs, told)
      lines.push(`${counted(expired, 'event')} of lives expired`)
      if (options.topics) {
        const trimmed = await trimTopics(store, keepEvents, notBeforeMs)
        lines.push(`${counted(trimmed, 'message')} of topics trimmed`)
      }
    } else {
      lines.push('nothing is taken away: that takes --keep-events or --max-age')
    }
    progress.tell(0, undefined, 'bytes to go: giving the space back')
    await store.compact()
  } finally {
    progress.end()
    await store.close()
  }
  const bytes = sizeOf(file)
  lines.push(`${file}: ${grouped(bytesBefore)} bytes before, ${grouped(bytes)} now`)
  await print(lines)
}

async function expire(
  store: SqliteStore,
  maxEvents = Number.MAX_SAFE_INTEGER,
  notBeforeMs = 0,
  told: (events: number) => void,
): Promise<number> {
  let expired = 0
  for (;;) {
    const some = await store.expire({ maxEvents, notBeforeMs })
    if (some === 0) return expired
    expired += some
    told(expired)
  }
}

async function trimTopics(
  store: SqliteStore,
  keep: number | undefined,
  notBeforeMs: number | undefined,
): Promise<number> {
  const options: TrimOptions = {
    ...(keep !== undefined && { keep }),
    ...(notBeforeMs !== undefined && { notBeforeMs }),
  }
  let trimmed = 0
  for (let after: string | undefined; ; ) {
    const names = await store.streams({ prefix: 'topic/', ...(after !== undefined && { after }) })
    if (names.length === 0) return trimmed
    for (const name of names.filter(isTopicStream)) {
      const before = await store.position(name)
      trimmed += (await store.trim(name, options)).floor - before.floor
    }
    after = names.at(-1)
  }
}

/** With what waits in the write-ahead log. */
function sizeOf(file: string): number {
  return ['', '-wal']
    .map((suffix) => statSync(file + suffix, { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size)
}
