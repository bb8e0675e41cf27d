// Checksum: what tells a record that is as it was written from one that is not.
//
// SQLite checks the pages of its write-ahead log, and not those of the file itself. Records are chained, so that one
// that was taken out of the middle shows, too.

import { crc32 } from 'node:zlib'
import { JournalError, show } from '../protocol/errors.ts'
import type { Row } from './sqlite-driver.ts'
import type { NewEvent, RecordedEvent } from './store.ts'

/** Ends the type of a text that stands in the file as bytes. */
const AS_BYTES = '/utf8'

/** An event's type and data as they stand in the file: a text that holds NUL would be cut there, so it goes as bytes. */
export function storable({ type, data }: Pick<NewEvent, 'type' | 'data'>) {
  const cut = typeof data === 'string' && data.includes('\u0000')
  return cut ? { type: type + AS_BYTES, data: Buffer.from(data) } : { type, data }
}

/** The CRC-32 of one record and, through `prev`, of everything before it in its stream. */
export function checksum(
  version: number,
  type: string,
  schema: number,
  atMs: number,
  data: string | Uint8Array,
  prev: number,
): number {
  return crc32(data, crc32(`${version} ${type} ${schema} ${atMs}\n`, prev))
}

/**
 * A row as the event that it is.
 *
 * @param before - the row before it; `undefined` when that is not at hand.
 * @param reached - the version before it; `undefined` when any will do.
 * @throws JournalError `ERR_WINDSOCK_JOURNAL_CORRUPT` for a record that is not as it was written, or missing.
 */
export function checked(
  stream: string,
  row: Row,
  before: Row | undefined,
  reached: number | undefined,
): RecordedEvent {
  const {
    version,
    at: atMs,
    schema,
    prev,
    crc,
  } = row as {
    version: number
    at: number
    schema: number
    prev: number
    crc: number
  }
  const expected = reached === undefined ? version : reached + 1
  const isRecord = [version, atMs, schema, crc].every(Number.isFinite) && isCrc(prev)
  if (!isRecord) throw damaged(stream, expected, 'what stands in it is no record')
  const type = textOf(row['type'])
  const data = row['form'] === 'text' ? textOf(row['data']) : bytesOf(row['data'])
  if (version !== expected) throw damaged(stream, expected, 'it is missing')
  if (checksum(version, type, schema, atMs, data, prev) !== crc) {
    throw damaged(stream, version, 'its checksum is wrong')
  }
  if (before !== undefined && before['crc'] !== prev) {
    throw damaged(stream, version, 'it does not follow the one before it')
  }
  if (type.endsWith(AS_BYTES)) {
    return {
      stream,
      version,
      type: type.slice(0, -AS_BYTES.length),
      schema,
      atMs,
      data: textOf(data),
    }
  }
  return { stream, version, type, schema, atMs, data }
}

function isCrc(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xff_ff_ff_ff
}

/** libsql gives bytes as an ArrayBuffer, `node:sqlite` as a Uint8Array. */
function bytesOf(value: unknown): Uint8Array {
  return value instanceof ArrayBuffer ? new Uint8Array(value) : (value as Uint8Array)
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const strictDecoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })

/** The text of a column that was read as its bytes. */
export function textOf(value: unknown): string {
  return decoder.decode(bytesOf(value))
}

/**
 * The name in a row of streams.
 *
 * @throws JournalError `ERR_WINDSOCK_JOURNAL_CORRUPT` for one that is no text any more: who asks for what comes behind
 *   it would get it again and again.
 */
export function nameOf({ stream }: Row): string {
  try {
    return strictDecoder.decode(bytesOf(stream))
  } catch (cause) {
    throw new JournalError(
      'ERR_WINDSOCK_JOURNAL_CORRUPT',
      `the journal is damaged: the name of a stream is no text any more (${show(textOf(stream))}); restore a copy, or begin a new journal`,
      cause,
    )
  }
}

function damaged(stream: string, version: number, why: string): JournalError {
  return new JournalError(
    'ERR_WINDSOCK_JOURNAL_CORRUPT',
    `the journal is damaged at ${stream}, version ${version}: ${why}; restore a copy, or begin a new journal`,
  )
}
