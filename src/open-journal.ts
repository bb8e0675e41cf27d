// openJournal(): a journal in a file, with live time and chance.
//
// The stores stand in `journal/`; this is where they get their ports.

import { Journal, type JournalOptions } from './journal/journal.ts'
import { MemoryStore } from './journal/memory-store.ts'
import { openSqliteStore } from './journal/sqlite-store.ts'
import { liveClock, liveRandom } from './transport/live-ports.ts'

export interface OpenJournalOptions extends JournalOptions {
  /**
   * Read a journal that is there, beside the process that writes it, if any, and change nothing: no life is ended, and
   * whatever would be appended is refused. For tools and audits. Default false.
   */
  readonly readOnly?: boolean
}

/**
 * Opens a journal in one SQLite file, which is made if it is not there.
 *
 * What is acknowledged is on disk. Lives that a process before this one left open are ended, as inferred.
 *
 * @throws JournalError when the file is no journal, is damaged, was written by a newer windsock, or another process writes
 *   it; with `readOnly` also when it is not there.
 */
export async function openJournal(
  file: string,
  { readOnly = false, ...options }: OpenJournalOptions = {},
): Promise<Journal> {
  const journal = new Journal(await openSqliteStore(file, { readOnly }), liveClock, options)
  if (!readOnly) await journal.endAbandoned()
  return journal
}

/** A journal in memory: what a server has that is given none. */
export function memoryJournal(options: JournalOptions = {}): Journal {
  return new Journal(new MemoryStore(liveRandom), liveClock, options)
}
