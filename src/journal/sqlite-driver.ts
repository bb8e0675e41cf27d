// SQLite driver: the few calls that a journal makes of SQLite, over whichever SQLite there is.
//
// `node:sqlite` where the Node has it (22.13 and later, nothing to install), else the package `libsql`, which has
// prebuilt binaries and needs no install script. Both write the same file. What differs between them ends here: how a
// statement takes its values, how bytes come back, where an error keeps its number.

import { pathToFileURL } from 'node:url'
import { describe, JournalError } from '../protocol/errors.ts'

export type SqlValue = string | number | Uint8Array | null

/** One row, by the names of its columns. */
export type Row = Readonly<Record<string, SqlValue>>

export interface Statement {
  run(values: readonly SqlValue[]): void
  all(values: readonly SqlValue[]): Row[]
}

export interface Driver {
  /** How many rows an INSERT had best carry. */
  readonly rowsPerInsert: number
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

/** `write` makes the file; `immutable` reads a file that nobody can write, without the files beside it. */
export type OpenMode = 'write' | 'read' | 'immutable'

export type BackendName = 'node:sqlite' | 'libsql'

export interface Backend {
  readonly name: BackendName
  /** `path` is absolute: a relative one could be taken for an address. */
  open(path: string, mode: OpenMode): Driver
}

export const BACKENDS: readonly BackendName[] = ['node:sqlite', 'libsql']

/**
 * The SQLite that is here; `only` asks for one of the two.
 *
 * @throws JournalError that says what to install.
 */
export async function loadBackend(only?: BackendName): Promise<Backend> {
  const failures: unknown[] = []
  for (const name of BACKENDS) {
    if (only !== undefined && name !== only) continue
    try {
      return name === 'node:sqlite' ? await loadNodeSqlite() : await loadLibsql()
    } catch (cause) {
      failures.push(cause)
    }
  }
  throw new JournalError(
    'ERR_WINDSOCK_JOURNAL',
    `a journal in a file needs SQLite, and ${only ?? 'none'} is here (${failures.map(describe).join('; ')}): ` +
      'use Node 22.13 or later, or `npm install libsql`',
    failures.at(-1),
  )
}

/** SQLite's result code of what a driver threw, extended where there is one; `undefined` for other errors. */
export function resultCode(thrown: unknown): number | undefined {
  const { errcode, rawCode, message } = thrown as Partial<NodeSqliteError & LibsqlError>
  if (typeof errcode === 'number') return errcode
  if (typeof rawCode === 'number') return rawCode
  // libsql tells a failed open in words only.
  const code = /^ConnectionFailed\(.*: (\d+)"\)$/s.exec(String(message))?.[1]
  return code === undefined ? undefined : Number(code)
}

interface NodeSqliteError extends Error {
  readonly errcode: number
}

interface LibsqlError extends Error {
  readonly rawCode: number
}

interface NodeSqlite {
  readonly DatabaseSync: new (path: string | URL, options: { readOnly: boolean }) => NodeDatabase
}

interface NodeDatabase {
  exec(sql: string): void
  prepare(sql: string): {
    run(...values: readonly SqlValue[]): unknown
    all(...values: readonly SqlValue[]): Row[]
  }
  close(): void
}

async function loadNodeSqlite(): Promise<Backend> {
  // Not as a literal: the types of Node 20 do not know it, and bundlers would look for it.
  const specifier: string = 'node:sqlite'
  const { DatabaseSync } = (await import(specifier)) as NodeSqlite
  return {
    name: 'node:sqlite',
    open(path, mode) {
      const from = mode === 'immutable' ? immutable(path) : path
      const database = new DatabaseSync(from, { readOnly: mode !== 'write' })
      return {
        rowsPerInsert: 1,
        exec: (sql) => database.exec(sql),
        prepare(sql) {
          const statement = database.prepare(sql)
          return {
            run: (values) => void statement.run(...values),
            all: (values) => statement.all(...values),
          }
        },
        close: () => database.close(),
      }
    },
  }
}

interface LibsqlDatabase {
  exec(sql: string): void
  prepare(sql: string): {
    run(values: readonly SqlValue[]): unknown
    all(values: readonly SqlValue[]): Readonly<Record<string, SqlValue | ArrayBuffer>>[]
  }
  close(): void
}

async function loadLibsql(): Promise<Backend> {
  const { default: Database } = (await import('libsql')) as unknown as {
    readonly default: new (path: string) => LibsqlDatabase
  }
  return {
    name: 'libsql',
    open(path, mode) {
      const database = new Database(mode === 'write' ? path : addressOf(path, mode))
      return {
        // Fifty rows cost as much as thirty single ones.
        rowsPerInsert: 50,
        exec: (sql) => database.exec(sql),
        prepare(sql) {
          const statement = database.prepare(sql)
          return {
            run: (values) => void statement.run(values),
            all: (values) => statement.all(values).map(withBytes),
          }
        },
        close: () => database.close(),
      }
    },
  }
}

function addressOf(path: string, mode: OpenMode): string {
  return mode === 'immutable' ? immutable(path).href : `${pathToFileURL(path).href}?mode=ro`
}

function immutable(path: string): URL {
  return new URL('?immutable=1', pathToFileURL(path))
}

/** libsql gives bytes as an ArrayBuffer. */
function withBytes(row: Readonly<Record<string, SqlValue | ArrayBuffer>>): Row {
  for (const name in row) {
    const value = row[name]
    if (value instanceof ArrayBuffer) (row as Record<string, SqlValue>)[name] = new Uint8Array(value)
  }
  return row as Row
}
