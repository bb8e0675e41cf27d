// openJournal(): a journal in a file, with live time and chance.
//
// The stores stand in `journal/`; this is where they get their ports.

import { fileURLToPath } from 'node:url'
import { Journal, type JournalOptions } from './journal/journal.ts'
import { MemoryStore } from './journal/memory-store.ts'
import { openSqliteStore } from './journal/sqlite-store.ts'
import { SettingError, show } from './protocol/errors.ts'
import { checkNames } from './protocol/setting-names.ts'
import { liveClock, liveRandom } from './transport/live-ports.ts'

/** What `openJournal()` takes: bounds of what is kept, and whether it only reads. */
export interface OpenJournalOptions extends JournalOptions {
  /**
   * Read a journal that is there, beside the process that writes it, if any, and change nothing: no life is ended, and
   * whatever would be appended is refused. For tools and audits. Default false.
   */
  readonly readOnly?: boolean
}

const JOURNAL_NAMES = Object.keys({
  maxEvents: true,
  maxAgeMs: true,
  redact: true,
  onError: true,
} satisfies Record<keyof JournalOptions, true>)

/**
 * Opens a journal in one SQLite file, which is made if it is not there.
 *
 * What is acknowledged is on disk. Lives that a process before this one left open are ended, as inferred.
 *
 * @param file - a path or `file:` URL; beside it SQLite keeps files of its own.
 * @throws SettingError for an option that is none or out of range (this and what follows reject the promise).
 * @throws JournalError when the file is no journal, is damaged, was written by a newer windsock, may not be read or written,
 *   or is written already, by another process or this one; with `readOnly` also when it is not there.
 */
export async function openJournal(
  file: string | URL,
  { readOnly = false, ...options }: OpenJournalOptions = {},
): Promise<Journal> {
  const path = pathOf(file)
  if (typeof path !== 'string' || path === '') {
    throw new SettingError(
      `the file of a journal is ${show(file)}: it must be a path or a file: URL of this machine`,
    )
  }
  checkNames(options, ['readOnly', ...JOURNAL_NAMES])
  const journal = new Journal(await openSqliteStore(path, { readOnly }), liveClock, options)
  if (!readOnly) await journal.endAbandoned()
  return journal
}

function pathOf(file: unknown): unknown {
  if (!(file instanceof URL)) return file
  try {
    return fileURLToPath(file)
  } catch {
    return undefined
  }
}

/**
 * Checks that the setting `name` is a journal: whoever forgets to await `openJournal()` has a promise of one.
 *
 * @throws SettingError naming the setting and what is there.
 */
export function checkJournal(name: string, journal: unknown): void {
  if (journal instanceof Journal && journal.isClosed) {
    throw new SettingError(`${name} is a journal that is closed: open another`)
  }
  if (journal === undefined || journal instanceof Journal) return
  const what = journal instanceof Promise ? 'a promise' : show(journal)
  throw new SettingError(
    `${name} is ${what}: it must be a journal, as in { ${name}: await openJournal(file) }`,
  )
}

/** A journal in memory: what a server has that is given none. */
export function memoryJournal(options: JournalOptions = {}): Journal {
  checkNames(options, JOURNAL_NAMES)
  return new Journal(new MemoryStore(liveRandom), liveClock, options)
}
