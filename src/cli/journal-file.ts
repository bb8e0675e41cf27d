// Journal file: lends a journal to be read, beside whoever writes it, and finds a connection in it.
//
// An id with a letter too few gets an answer that says what to do.

import type { Journal } from '../journal/journal.ts'
import { connectionStream, type Store } from '../journal/store.ts'
import { openJournal } from '../open-journal.ts'
import { JournalError } from '../protocol/errors.ts'
import { printable } from '../protocol/printable.ts'

/** How many ids an answer lists. */
const MAX_LISTED = 5
/** Longer than any id; what is more is no near miss. */
const MAX_ID_LENGTH = 40

/**
 * Opens `file`, hands the journal to `use`, and lets go of it.
 *
 * @throws JournalError for a file that is not there, is a folder, is no journal, or is damaged.
 */
export async function readJournal<T>(
  file: string,
  use: (journal: Journal) => Promise<T>,
): Promise<T> {
  const journal = await openJournal(file, { readOnly: true })
  try {
    return await use(journal)
  } finally {
    await journal.close()
  }
}

/**
 * The whole id of the connection that `given` is, or is the only one to begin with.
 *
 * @throws JournalError `ERR_WINDSOCK_JOURNAL` when there is none, or more than one.
 */
export async function findConnection(store: Store, given: string): Promise<string> {
  const ids = given === '' ? [] : await idsFrom(store, given)
  const [only] = ids
  if (only !== undefined && (ids.length === 1 || only === given)) return only
  const shown = printable(given)
  if (only !== undefined) {
    throw unable(`more than one connection begins with ${shown}:${listed(ids)}`)
  }
  const near = await nearest(store, given)
  throw unable(
    near.length === 0
      ? `there is no connection ${shown}: leave the id out to see which there are`
      : `there is no connection ${shown}; near it are:${listed(near)}`,
  )
}

/** Ids that share the longest beginning with `given`. */
async function nearest(store: Store, given: string): Promise<readonly string[]> {
  for (let length = Math.min(given.length - 1, MAX_ID_LENGTH); length > 0; length--) {
    const ids = await idsFrom(store, given.slice(0, length))
    if (ids.length > 0) return ids
  }
  return []
}

/** In the store's order, in which what is the beginning of another comes before it. */
async function idsFrom(store: Store, beginning: string): Promise<readonly string[]> {
  const prefix = connectionStream(beginning)
  const streams = await store.streams({ prefix, maxStreams: MAX_LISTED + 1 })
  return streams.map((stream) => stream.slice(connectionStream('').length))
}

function listed(ids: readonly string[]): string {
  const more = ids.length > MAX_LISTED ? ['…'] : []
  return [...ids.slice(0, MAX_LISTED).map((id) => printable(id)), ...more]
    .map((id) => `\n  ${id}`)
    .join('')
}

function unable(message: string): JournalError {
  return new JournalError('ERR_WINDSOCK_JOURNAL', message)
}
