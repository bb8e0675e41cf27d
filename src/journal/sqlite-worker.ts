// SQLite worker: the thread that owns the journal's file.
//
// SQLite waits for the disk inside its calls; here nobody else waits with it. Calls that came while a transaction was
// under way go into the next one together: one sync for all of them. A worker that was idle begins at once; one that
// is busy begins every few milliseconds, because a sync for each message would take a core.

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { JournalError, WebSocketError } from '../protocol/errors.ts'
import {
  BUSY,
  type Call,
  type CallFailure,
  type CallResult,
  type FromWorker,
  STOPPED,
  type ToWorker,
  type WorkerOptions,
} from './sqlite-calls.ts'
import { codeOf } from './sqlite-driver.ts'
import { packed } from './sqlite-results.ts'
import { explain, type OpenFile, openFile } from './sqlite-schema.ts'
import { SqliteTables } from './sqlite-tables.ts'

/** Between the beginnings of two transactions, while there is work; a third of the default bound for an answer. */
const COMMIT_EVERY_MS = 2
/**
 * Commits between two checkpoints, some 13 MB at 5,000 events a second. SQLite's own come inside a commit, and its
 * acknowledgements wait for two syncs more; these come behind them. With 5 ms a sync the 99th percentile of 5,000
 * publishes a second was 22 ms, and is 13 ms.
 */
const CHECKPOINT_EVERY = 500
const IOERR = 10

const port = parentPort as NonNullable<typeof parentPort>
const { file, readOnly, shared } = workerData as WorkerOptions
const state = new Int32Array(shared)

let open: OpenFile
let tables: SqliteTables
/** After an error of the disk's own, or without the file, nothing is acknowledged any more: what was written may not be there. */
let broken: CallFailure | undefined
let waiting: Call[] = []
let closing = false
let scheduled = false
let begunAtMs = 0
let commits = 0

try {
  open = await openFile(file, readOnly)
  tables = new SqliteTables(open, readOnly)
  port.on('message', take)
  tell('opened')
} catch (thrown) {
  tell({ failed: failureOf(thrown) })
  port.close()
}

function take(message: ToWorker): void {
  if (message === 'close') closing = true
  else waiting.push(...message.calls)
  if (scheduled) return
  scheduled = true
  const idleForMs = performance.now() - begunAtMs
  if (closing || idleForMs >= COMMIT_EVERY_MS) setImmediate(work)
  else setTimeout(work, COMMIT_EVERY_MS - idleForMs)
}

/** A thread that is taken away inside SQLite aborts the process: `process.exit()` waits for this to be over. */
function work(): void {
  scheduled = false
  Atomics.store(state, BUSY, 1)
  if (Atomics.load(state, STOPPED) === 0) workNow()
  Atomics.store(state, BUSY, 0)
  Atomics.notify(state, BUSY)
}

function workNow(): void {
  begunAtMs = performance.now()
  for (;;) {
    const more = receiveMessageOnPort(port) as { message: ToWorker } | undefined
    if (more === undefined) break
    if (more.message === 'close') closing = true
    else waiting.push(...more.message.calls)
  }
  const calls = waiting
  waiting = []
  const results: CallResult[] = []
  if (readOnly && calls.length > 0) readTogether(calls, results)
  while (results.length < calls.length) runTogether(calls, results)
  if (results.length > 0) tell({ results: packed(results) })
  if (commits >= CHECKPOINT_EVERY) checkpoint()
  if (closing) end()
}

/** A reader sees one state of the file in all calls of a turn, and what it saw before may have changed since. */
function readTogether(calls: readonly Call[], results: CallResult[]): void {
  tables.forget()
  const begun = attempt(() => open.database.exec('BEGIN'))
  for (const call of calls) {
    results.push('failure' in begun ? begun : attempt(() => perform(call)))
  }
  if ('value' in begun) attempt(() => open.database.exec('COMMIT'))
}

/** Runs calls that write in one transaction, up to the next that only reads; that one by itself. */
function runTogether(calls: readonly Call[], results: CallResult[]): void {
  const first = results.length
  if (!writes(calls[first] as Call)) {
    results.push(attempt(() => perform(calls[first] as Call)))
    return
  }
  let last = first
  while (last < calls.length && writes(calls[last] as Call)) last++
  const batch = calls.slice(first, last)
  results.push(...(broken === undefined ? transact(batch) : batch.map(() => refusal(broken))))
}

function transact(batch: readonly Call[]): CallResult[] {
  const results: CallResult[] = []
  try {
    open.database.exec('BEGIN IMMEDIATE')
    for (const call of batch) results.push(performOrRefuse(call))
    open.database.exec('COMMIT')
    commits++
    open.checkInPlace()
    return results
  } catch (thrown) {
    rollBack(thrown)
    const failure = failureOf(thrown)
    return batch.map(() => ({ failure }))
  }
}

/** Brings what is in the log into the file. The answers are out already, and the log can begin anew. */
function checkpoint(): void {
  commits = 0
  try {
    open.database.exec('PRAGMA wal_checkpoint(PASSIVE)')
  } catch (thrown) {
    distrust(thrown)
  }
}

/** A call that breaks the contract is refused by itself; what SQLite throws ends the whole transaction. */
function performOrRefuse(call: Call): CallResult {
  try {
    return { value: perform(call) }
  } catch (thrown) {
    if (!(thrown instanceof JournalError)) throw thrown
    return { failure: failureOf(thrown) }
  }
}

function rollBack(thrown: unknown): void {
  tables.forget()
  distrust(thrown)
  try {
    open.database.exec('ROLLBACK')
  } catch {
    // SQLite has rolled back by itself.
  }
}

function distrust(thrown: unknown): void {
  if (thrown instanceof JournalError) broken = failureOf(thrown)
  if ((codeOf(thrown) & 0xff) !== IOERR) return
  broken = {
    code: 'ERR_WINDSOCK_JOURNAL',
    message: `the disk failed under the journal ${file}, so what it holds is not sure any more: nothing is acknowledged until it is opened anew`,
  }
}

function perform(call: Call): unknown {
  switch (call[0]) {
    case 'append':
      return tables.append(call[1], call[2], call[3])
    case 'read':
      return tables.read(call[1], call[2])
    case 'position':
      return tables.position(call[1])
    case 'list':
      return tables.list(call[1])
    case 'streams':
      return tables.streams(call[1])
    case 'unended':
      return tables.unended()
    case 'trim':
      return tables.trim(call[1], call[2])
    case 'expire':
      return tables.expire(call[1])
    case 'saveSnapshot':
      return tables.saveSnapshot(call[1], call[2])
    case 'loadSnapshot':
      return tables.loadSnapshot(call[1])
    case 'newEpochs':
      return tables.newEpochs()
    case 'compact':
      open.database.exec('VACUUM')
      open.database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      return undefined
  }
}

function writes([name]: Call): boolean {
  return (
    name !== 'read' &&
    name !== 'list' &&
    name !== 'streams' &&
    name !== 'unended' &&
    name !== 'loadSnapshot' &&
    name !== 'compact'
  )
}

function attempt(act: () => unknown): CallResult {
  try {
    return { value: act() }
  } catch (thrown) {
    return { failure: failureOf(thrown) }
  }
}

function refusal(failure: CallFailure | undefined): CallResult {
  return { failure: failure as CallFailure }
}

function failureOf(thrown: unknown): CallFailure {
  const { code, message } = thrown instanceof WebSocketError ? thrown : explain(thrown, file)
  return { code, message }
}

function end(): void {
  open.release()
  tell('closed')
  port.close()
}

function tell(message: FromWorker): void {
  port.postMessage(message)
}
