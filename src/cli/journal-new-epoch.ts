// windsock journal new-epoch: says of a journal that was restored from a backup that it is another log.
//
// A copy of a file has the epochs of the file, so a reader that had read further could take new messages for those it
// knows. With new epochs it is told that it may have missed some, and begins with what is kept.

import { openSqliteStore } from '../journal/sqlite-store.ts'
import { readJournal } from './journal-file.ts'
import { counted, print } from './terminal-text.ts'

/** @throws JournalError `ERR_WINDSOCK_JOURNAL_LOCKED` when a process has the journal open. */
export async function renewEpochs(file: string): Promise<void> {
  // Opening to write would make a journal of a file that is none.
  await readJournal(file, async () => {})
  const store = await openSqliteStore(file)
  try {
    const topics = await store.newEpochs()
    await print([`${file}: a new epoch for ${counted(topics, 'topic')}`])
  } finally {
    await store.close()
  }
}
