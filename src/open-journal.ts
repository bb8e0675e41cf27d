// openJournal(): a journal in a file, with live time and chance.
//
// The stores stand in `journal/`; this is where they get their ports.

import { Journal, type JournalOptions } from './journal/journal.ts'
import { MemoryStore } from './journal/memory-store.ts'
import { openSqliteStore } from './journal/sqlite-store.ts'
import { liveClock, liveRandom } from './transport/live-ports.ts'

/**
 * Opens a journal in one SQLite file, which is made if it is not there.
 *
 * What is acknowledged is on disk. Lives that a process before this one left open are ended, as inferred.
 *
 * @throws JournalError when the file is no journal, is damaged, or another process has it open.
 */
export async function openJournal(file: string, options: JournalOptions = {}): Promise<Journal> {
  const journal = new Journal(await openSqliteStore(file), liveClock, options)
  await journal.endAbandoned()
  return journal
}

/** A journal in memory: what a server has that is given none. */
export function memoryJournal(options: JournalOptions = {}): Journal {
  return new Journal(new MemoryStore(liveRandom), liveClock, options)
}
