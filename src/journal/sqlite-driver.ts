// SQLite driver: the few calls that the store needs, over whichever SQLite this Node can load.
//
// `node:sqlite` where it is built in (Node 22.13 and later), else the package `libsql`. Both write the same file.
// Used in the store's worker thread alone.

import { JournalError } from '../protocol/errors.ts'

export type Value = string | number | null | Uint8Array
export type Row = Readonly<Record<string, Value>>

export interface Statement {
  run(...values: Value[]): void
  all(...values: Value[]): Row[]
}

export interface Driver {
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

/** What both libraries offer; their own types differ where it does not matter here. */
interface Library {
  exec(sql: string): unknown
  prepare(sql: string): { run(...values: Value[]): unknown; all(...values: Value[]): unknown[] }
  close(): void
}

/**
 * Opens a database file, which is made if it is not there.
 *
 * @throws JournalError when this Node has no SQLite; whatever the library throws otherwise, see `codeOf`.
 */
export async function openDriver(file: string, readOnly: boolean): Promise<Driver> {
  const library = (await openBuiltIn(file, readOnly)) ?? (await openLibsql(file, readOnly))
  if (library !== undefined) return library as Driver
  throw new JournalError(
    'ERR_WINDSOCK_JOURNAL',
    'a journal in a file needs SQLite: use Node 22.13 or later, or install the package libsql (npm install libsql)',
  )
}

async function openBuiltIn(file: string, readOnly: boolean): Promise<Library | undefined> {
  const name = 'node:sqlite'
  // It works, and says at each start that it may change; users of a journal cannot do anything about that.
  const emitWarning = process.emitWarning.bind(process)
  process.emitWarning = (warning, ...rest) => {
    if (!String(warning).includes('SQLite')) emitWarning(warning, ...(rest as []))
  }
  try {
    const { DatabaseSync } = (await import(name)) as {
      DatabaseSync: new (file: string, options: object) => Library
    }
    return new DatabaseSync(file, { readOnly })
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code !== 'ERR_UNKNOWN_BUILTIN_MODULE') throw thrown
    return undefined
  } finally {
    process.emitWarning = emitWarning
  }
}

async function openLibsql(file: string, readOnly: boolean): Promise<Library | undefined> {
  let Database: new (file: string) => Library
  try {
    Database = (await import('libsql')).default as unknown as typeof Database
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw thrown
    return undefined
  }
  const database = new Database(file)
  // It knows no read-only opening; this refuses every write just as well.
  if (readOnly) database.exec('PRAGMA query_only = ON')
  return database
}

/** SQLite's own result code of what a library threw, extended; 0 when it is none of SQLite's. */
export function codeOf(thrown: unknown): number {
  const { errcode, rawCode, message } = (thrown ?? {}) as Readonly<Record<string, unknown>>
  if (typeof errcode === 'number') return errcode
  if (typeof rawCode === 'number') return rawCode
  // libsql says in words alone why a file does not open.
  const [, code = '0'] = /^ConnectionFailed\(.*: (\d+)"\)$/s.exec(String(message)) ?? []
  return Number(code)
}
