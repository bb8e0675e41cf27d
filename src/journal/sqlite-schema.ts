// SQLite schema: the tables of a journal file, and how one is opened for writing or for reading.
//
// Messages of topics stand clustered by topic, because they are trimmed by topic; events of lives stand in the order
// they came, because they are trimmed from the front. Each row carries the checksum of the one before it and its own.
// `sqlite3 -readonly <file>` reads all of it, also while it is written.

import { existsSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { JournalError } from '../protocol/errors.ts'
import { codeOf, type Driver, openDriver } from './sqlite-driver.ts'
import { makeFolder } from './sqlite-place.ts'

/** Says in the file's header that it is ours: `wsok`. */
const APPLICATION_ID = 0x77_73_6f_6b
/** Of the tables; the shapes of events have versions of their own. */
const SCHEMA_VERSION = 2

const TABLES = `
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE topics(
  id INTEGER PRIMARY KEY, stream TEXT UNIQUE NOT NULL, epoch TEXT NOT NULL, floor INTEGER NOT NULL);
CREATE TABLE messages(
  topic INTEGER NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL, type TEXT NOT NULL, schema INTEGER NOT NULL,
  data NOT NULL, prev INTEGER NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY(topic, version)) WITHOUT ROWID;
CREATE TABLE keys(
  topic INTEGER NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(topic, key)) WITHOUT ROWID;
CREATE TABLE events(
  pos INTEGER PRIMARY KEY, stream TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL, type TEXT NOT NULL,
  schema INTEGER NOT NULL, data NOT NULL, prev INTEGER NOT NULL, crc INTEGER NOT NULL, UNIQUE(stream, version));
CREATE TABLE unended(began INTEGER PRIMARY KEY, stream TEXT UNIQUE NOT NULL, head INTEGER NOT NULL);
CREATE TABLE snapshots(
  stream TEXT PRIMARY KEY, version INTEGER NOT NULL, schema INTEGER NOT NULL, data TEXT NOT NULL) WITHOUT ROWID;
`

/** Schema 1 did not keep the order in which lives began; it is that of their first events which are kept. */
export const UNENDED_OF_SCHEMA_1 =
  'SELECT stream, head FROM unended ORDER BY (SELECT min(pos) FROM events WHERE events.stream = unended.stream)'

/** What makes the tables of each schema those of the next, from schema 1 on. */
const UPGRADES: readonly string[] = [
  `
CREATE TABLE begun(began INTEGER PRIMARY KEY, stream TEXT UNIQUE NOT NULL, head INTEGER NOT NULL);
INSERT INTO begun(stream, head) ${UNENDED_OF_SCHEMA_1};
DROP TABLE unended;
ALTER TABLE begun RENAME TO unended;
`,
]

const NO_JOURNAL = 'ERR_WINDSOCK_JOURNAL_CORRUPT'

const BUSY = 5
const READONLY = 8
const CANTOPEN = 14
const NOTADB = 26

/** A journal file that is open; `release` lets go of the file and of the lock. */
export interface OpenFile {
  readonly database: Driver
  /** Of its tables; a file that is opened to write has the present one. */
  readonly schema: number
  /**
   * What is written goes into the file that was opened, also when that has no name any more. SQLite looks after that in
   * its other modes, and not with a write-ahead log.
   *
   * @throws JournalError when it is not the one that is there now.
   */
  checkInPlace(): void
  release(): void
}

/**
 * Opens a journal, and makes it if it is not there. An older one is brought to the present schema when it is opened to
 * write.
 *
 * @param file - as `checkPlace` gives it.
 * @throws JournalError: `…_LOCKED`, `…_CORRUPT`, `…_NEWER`, or `ERR_WINDSOCK_JOURNAL` when it cannot be opened.
 */
export async function openFile(file: string, readOnly: boolean): Promise<OpenFile> {
  const hadLock = existsSync(lockOf(file))
  let lock: Driver | undefined
  let database: Driver | undefined
  let schema: number
  try {
    if (!readOnly) {
      makeFolder(dirname(file))
      lock = await lockFor(file)
    }
    database = await openDriver(file, readOnly)
    database.exec('PRAGMA busy_timeout = 5000')
    // Before anything is written: what is not ours stays as it is.
    schema = schemaOf(database, file)
    if (readOnly && schema === 0)
      throw corrupt(`${file} is empty: no journal was written to it yet`)
    if (!readOnly) {
      prepareToWrite(database)
      bringUp(database, schema)
      schema = SCHEMA_VERSION
    }
  } catch (thrown) {
    database?.close()
    const error = explain(thrown, file)
    if (lock !== undefined && !hadLock && error.code === NO_JOURNAL) removeLock(file)
    lock?.close()
    throw error
  }
  const opened = identityOf(file)
  return {
    database,
    schema,
    checkInPlace: () => {
      if (identityOf(file) === opened) return
      throw failed(
        `the journal ${file} was taken away or replaced while it was open: nothing is acknowledged until it is opened anew`,
      )
    },
    release: () => {
      database.close()
      lock?.close()
    },
  }
}

/**
 * Keeps other writers out for as long as this process lives.
 *
 * A lock of SQLite's own on a file beside the journal: the system takes it away with the process, however that ends,
 * and it leaves the journal itself open for reading.
 */
async function lockFor(file: string): Promise<Driver> {
  const lock = await openDriver(lockOf(file), false)
  try {
    lock.exec('PRAGMA busy_timeout = 0')
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (thrown) {
    lock.close()
    if ((codeOf(thrown) & 0xff) !== BUSY) throw thrown
    throw new JournalError(
      'ERR_WINDSOCK_JOURNAL_LOCKED',
      `another process has the journal ${file} open: a journal has one writer, so end that one, or choose another file`,
    )
  }
}

function identityOf(file: string): string | undefined {
  const found = statSync(file, { throwIfNoEntry: false })
  return found && `${found.dev}/${found.ino}`
}

function lockOf(file: string): string {
  return `${file}.lock`
}

/**
 * Takes away the lock that was made beside a file which is no journal; to be called while it is held.
 *
 * Who has opened the same lock meanwhile will refuse the file as well.
 */
function removeLock(file: string): void {
  try {
    rmSync(lockOf(file), { force: true })
  } catch {
    // Windows removes no file that is open; it is empty, and in nobody's way.
  }
}

function prepareToWrite(database: Driver): void {
  database.exec('PRAGMA journal_mode = WAL')
  // Acknowledged means on disk, also when the power fails: NORMAL would sync at checkpoints only.
  database.exec('PRAGMA synchronous = FULL')
  database.exec('PRAGMA journal_size_limit = 67108864')
  // The worker checkpoints between transactions; this is for those that are so large that it cannot keep up.
  database.exec('PRAGMA wal_autocheckpoint = 4000')
}

/** @returns 0 when nothing is in it yet. */
function schemaOf(database: Driver, file: string): number {
  const pragma = (name: string) => database.prepare(`PRAGMA ${name}`).all()[0]?.[name]
  const [{ tables } = { tables: 0 }] = database
    .prepare('SELECT count(*) AS tables FROM sqlite_schema')
    .all()
  if (tables === 0) return 0
  if (pragma('application_id') !== APPLICATION_ID) {
    throw corrupt(`${file} is a database, but no journal of windsock's: choose another file`)
  }
  const schema = Number(pragma('user_version'))
  if (schema >= 1 && schema <= SCHEMA_VERSION) return schema
  throw new JournalError(
    'ERR_WINDSOCK_JOURNAL_NEWER',
    `${file} was written by a newer windsock (schema ${schema}, this one knows up to ${SCHEMA_VERSION}): use that one`,
  )
}

/** Makes the tables, or makes those of an older schema the present ones; all of it or nothing. */
function bringUp(database: Driver, schema: number): void {
  if (schema === SCHEMA_VERSION) return
  database.exec('BEGIN IMMEDIATE')
  for (const sql of schema === 0 ? [TABLES] : UPGRADES.slice(schema - 1)) database.exec(sql)
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
  database.exec('COMMIT')
}

function corrupt(message: string, cause?: unknown): JournalError {
  return new JournalError(NO_JOURNAL, message, cause)
}

/** What SQLite says, in words that tell what to do. */
export function explain(thrown: unknown, file: string): JournalError {
  if (thrown instanceof JournalError) return thrown
  const said = thrown instanceof Error ? thrown.message : String(thrown)
  switch (codeOf(thrown) & 0xff) {
    case NOTADB:
      return corrupt(`${file} is no journal: choose another file`, thrown)
    case 11:
      return corrupt(
        `the journal ${file} is damaged (${said}): move it away and restore a copy, or begin a new one`,
        thrown,
      )
    case 13:
      return failed(
        `the disk that holds the journal ${file} is full: free some space; nothing acknowledged is lost`,
        thrown,
      )
    case READONLY:
      return failed(
        `the journal ${file} cannot be written: the file or its disk is read-only`,
        thrown,
      )
    case CANTOPEN:
      return failed(
        `the journal ${file} cannot be opened: is its folder there, and may it be written?`,
        thrown,
      )
    default:
      return failed(`the journal ${file} failed: ${said}`, thrown)
  }
}

function failed(message: string, cause?: unknown): JournalError {
  return new JournalError('ERR_WINDSOCK_JOURNAL', message, cause)
}
