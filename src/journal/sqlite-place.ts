// SQLite place: whether a journal can stand where it is asked for, looked at before a thread is begun for it.
//
// The commonest mistakes get an answer that says what to do. What SQLite would take for a name of its own (`:memory:`) is
// a path like any other here; the text of a `file:` URL is none, since whoever gives it means another file than its path.

import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { JournalError } from '../protocol/errors.ts'

/**
 * The file that `file` names, absolute and without links: however it is called, it has one lock.
 *
 * @throws JournalError when it is none, is not there to be read, or this process may not use it or what SQLite makes beside it.
 */
export function checkPlace(file: string, readOnly: boolean): string {
  if (/^file:/i.test(file)) {
    throw failed(
      `${file} is the text of a URL, and no path: give the path, or new URL(…); of a file that is called so, ./${file}`,
    )
  }
  const place = realPath(file)
  checkAccess(place, readOnly)
  const found = statSync(place, { throwIfNoEntry: false })
  if (found === undefined && readOnly) {
    throw failed(`there is no journal ${file}: is the path right?`)
  }
  if (found?.isFile() === false) throw failed(`${file} is no file: name the journal in it`)
  return place
}

/** SQLite opens a file that it may not write, to read, and says so at the first message that is to be kept. */
function checkAccess(file: string, readOnly: boolean): void {
  const { R_OK, W_OK, X_OK } = constants
  const folder = dirname(file)
  if (!mayUse(file, readOnly ? R_OK : R_OK | W_OK)) {
    throw failed(
      `this process may not ${readOnly ? 'read' : 'read and write'} the journal ${file}: change its owner or its permissions, or choose another file`,
    )
  }
  // Whoever writes has the journal's index beside it; a reader takes that, or has to make it.
  if (readOnly && (!existsSync(file) || existsSync(`${file}-shm`))) return
  if (mayUse(folder, W_OK | X_OK)) return
  throw failed(
    `this process may not write to ${folder}, where the journal ${file} needs files beside it: ${readOnly ? 'copy the journal elsewhere and read the copy' : "change the folder's permissions, or choose another file"}`,
  )
}

/** Makes a folder and those above it. `mkdir` of Node does, and never returns where none can be made, as in /proc. */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder)
  } catch (thrown) {
    // Somebody else was faster.
    if (!existsSync(folder)) throw thrown
  }
}

function mayUse(path: string, how: number): boolean {
  try {
    accessSync(path, how)
    return true
  } catch (thrown) {
    return !['EACCES', 'EPERM', 'EROFS'].includes(codeOf(thrown))
  }
}

function realPath(file: string): string {
  const path = resolve(file)
  try {
    return realpathSync(path)
  } catch (thrown) {
    const code = codeOf(thrown)
    // What may not be looked at is told below.
    if (code === 'EACCES') return path
    if (code !== 'ENOENT') {
      throw failed(
        `${file} names no file that could be there (${code}): is the path right?`,
        thrown,
      )
    }
  }
  // A link to what is not there yet: SQLite makes that.
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
  return isLink ? realPath(resolve(dirname(path), readlinkSync(path))) : path
}

function codeOf(thrown: unknown): string {
  return String((thrown as NodeJS.ErrnoException).code)
}

function failed(message: string, cause?: unknown): JournalError {
  return new JournalError('ERR_WINDSOCK_JOURNAL', message, cause)
}
