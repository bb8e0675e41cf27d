// SQLite calls: what the store and its worker say to each other.
//
// Calls go over in batches, one a turn of the event loop, and come back in the same order.

import type { ErrorCode } from '../protocol/errors.ts'
import type {
  ListOptions,
  NewEvent,
  ReadOptions,
  Retention,
  SavedSnapshot,
  StreamsOptions,
  TrimOptions,
} from './store.ts'

/** One call of a `Store`, by its name. */
export type Call =
  | readonly ['append', string, readonly NewEvent[], number | undefined]
  | readonly ['read', string, ReadOptions]
  | readonly ['position', string]
  | readonly ['list', ListOptions]
  | readonly ['streams', StreamsOptions]
  | readonly ['unended']
  | readonly ['trim', string, TrimOptions]
  | readonly ['expire', Retention]
  | readonly ['saveSnapshot', string, SavedSnapshot]
  | readonly ['loadSnapshot', string]
  | readonly ['newEpochs']
  | readonly ['compact']

/** An error, as it crosses between threads. */
export interface CallFailure {
  readonly code: ErrorCode
  readonly message: string
}

export type CallResult = { readonly value: unknown } | { readonly failure: CallFailure }

/** Results as they cross: as many as `count` says, the first, then each one version higher (sqlite-results.ts). */
export interface ResultRun {
  readonly first: CallResult
  count: number
}

/** Places in the memory that the store and its worker share: whether SQLite runs now, and whether it may not any more. */
export const BUSY = 0
export const STOPPED = 1

export interface WorkerOptions {
  /** Two 32-bit integers: `BUSY` and `STOPPED`. */
  readonly shared: SharedArrayBuffer
  readonly file: string
  readonly readOnly: boolean
}

export type ToWorker = { readonly calls: readonly Call[] } | 'close'

/** `opened` or `failed` comes first, once; then results; `closed` is the last. */
export type FromWorker =
  | 'opened'
  | { readonly failed: CallFailure }
  | { readonly results: readonly ResultRun[] }
  | 'closed'
