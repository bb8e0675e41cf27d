// SQLite tables: the store's contract over one open database, one call after the other.
//
// It runs in the worker thread and knows no messages and no queue; transactions are begun and ended by its caller.
// Every record carries a CRC-32 over itself and its predecessor's, which is checked whenever it is read.

import { randomBytes } from 'node:crypto'
import { newEpoch } from '../protocol/position.ts'
import { checked, checksum, nameOf, storable, textOf } from './checksum.ts'
import type { Driver, Row, Statement, Value } from './sqlite-driver.ts'
import { type OpenFile, UNENDED_OF_SCHEMA_1 } from './sqlite-schema.ts'
import {
  type Appended,
  conflict,
  DEFAULT_READ,
  isTopicStream,
  KEY_WINDOW,
  type Kept,
  type ListOptions,
  type ListPage,
  MAX_UNENDED,
  type NewEvent,
  type ReadOptions,
  type RecordedEvent,
  type Retention,
  type SavedSnapshot,
  type StreamPage,
  type StreamPosition,
  type StreamsOptions,
  type TrimOptions,
} from './store.ts'

/** What is known of a stream without asking the database. */
interface Stream {
  readonly name: string
  /** The topic's id; 0 for a life. */
  readonly topic: number
  readonly epoch: string
  head: number
  floor: number
  /** The checksum of its last record; 0 before the first. */
  crc: number
}

/** Lives that are kept in mind; those that ended are forgotten at once. */
const MAX_LIVES_IN_MIND = 100_000
/**
 * Rows that a look at the database brings: few at first, and then about as many as are left to be brought, so that a bound
 * in bytes does not load much that it leaves out. Pages of 64 KiB of messages of 32 KB took 12 ms with looks of 500.
 */
const FIRST_LOOK = 4
const LAST_LOOK = 500
/** Rows that one `expire` takes away at most; the next takes the next. */
const MAX_EXPIRED = 50_000
const KEYS_CHECKED_EVERY = 1_000

const random = { next: () => 0, bytes: (count: number) => randomBytes(count) }

export class SqliteTables {
  readonly #database: Driver
  readonly #statements = new Map<string, Statement>()
  #streams = new Map<string, Stream>()
  #livesEpoch: string
  readonly #readOnly: boolean
  readonly #unended: string
  #keysSinceCheck = 0

  /** @param readOnly - nothing may be made that is not there. */
  constructor({ database, schema }: OpenFile, readOnly: boolean) {
    this.#database = database
    this.#readOnly = readOnly
    const unended = schema === 1 ? UNENDED_OF_SCHEMA_1 : 'SELECT stream FROM unended ORDER BY began'
    this.#unended = `SELECT CAST(stream AS BLOB) AS stream FROM (${unended})`
    const [known] = this.#all("SELECT CAST(value AS BLOB) AS epoch FROM meta WHERE key = 'epoch'")
    this.#livesEpoch = known === undefined ? newEpoch(random) : textOf(known['epoch'])
    if (known === undefined && !readOnly) {
      this.#run("INSERT INTO meta(key, value) VALUES('epoch', ?)", this.#livesEpoch)
    }
  }

  /** After a rollback nothing that was kept in mind is true any more. */
  forget(): void {
    this.#streams = new Map()
  }

  append(name: string, events: readonly NewEvent[], expectedVersion: number | undefined): Appended {
    const stream = this.#stream(name)
    if (expectedVersion !== undefined && expectedVersion !== stream.head) {
      throw conflict(name, expectedVersion, stream.head)
    }
    const kept = events.map((event) => this.#keep(stream, event))
    return { ...positionOf(stream), kept }
  }

  read(name: string, options: ReadOptions): StreamPage {
    const { after, maxEvents, maxBytes } = { ...DEFAULT_READ, ...options }
    const stream = this.#find(name)
    if (stream === undefined) return { ...this.#nowhere(), events: [] }
    const events: RecordedEvent[] = []
    let bytes = 0
    let reached = Math.max(after, stream.floor)
    let before: Row | undefined
    let look = FIRST_LOOK
    while (events.length < maxEvents) {
      const count = Math.min(look, maxEvents - events.length)
      const rows = this.#rowsAfter(stream, reached, count)
      for (const row of rows) {
        const event = checked(name, row, before, reached)
        bytes += event.data.length
        if (bytes > maxBytes && events.length > 0) return { ...positionOf(stream), events }
        events.push(event)
        before = row
        reached = event.version
      }
      if (rows.length < count) break
      const average = Math.max(1, bytes / events.length)
      look = Math.min(LAST_LOOK, 4 * look, Math.ceil((maxBytes - bytes) / average) || 1)
    }
    return { ...positionOf(stream), events }
  }

  position(name: string): StreamPosition {
    const stream = this.#readOnly ? this.#find(name) : this.#stream(name)
    return stream === undefined ? this.#nowhere() : positionOf(stream)
  }

  list({ type, before = Number.MAX_SAFE_INTEGER, maxEvents = 100 }: ListOptions): ListPage {
    const rows =
      type === undefined
        ? this.#all(`${EVENTS} WHERE pos < ? ORDER BY pos DESC LIMIT ?`, before, maxEvents)
        : this.#all(
            `${EVENTS} WHERE pos < ? AND type = ? ORDER BY pos DESC LIMIT ?`,
            before,
            type,
            maxEvents,
          )
    const events = rows.map((row) => checked(textOf(row['stream']), row, undefined, undefined))
    const last = rows.at(-1)
    const next = rows.length < maxEvents || last === undefined ? undefined : (last['pos'] as number)
    return { events, next }
  }

  streams({ prefix = '', after = '', maxStreams = 1_000 }: StreamsOptions): readonly string[] {
    // No name that begins so comes behind the prefix and the last character that there is.
    const bounds = [after > prefix ? after : prefix, `${prefix}\u{10ffff}`, after]
    return this.#all(STREAMS, ...bounds, ...bounds, maxStreams).map(nameOf)
  }

  unended(): readonly string[] {
    return this.#all(`${this.#unended} LIMIT ${MAX_UNENDED}`).map(nameOf)
  }

  trim(name: string, { keep, notBeforeMs }: TrimOptions): StreamPosition {
    const stream = this.#find(name)
    if (stream === undefined) return this.#nowhere()
    let floor = stream.floor
    if (keep !== undefined) floor = Math.max(floor, stream.head - keep)
    if (notBeforeMs !== undefined) floor = Math.max(floor, this.#lastBefore(stream, notBeforeMs))
    if (floor === stream.floor) return positionOf(stream)
    if (stream.topic === 0) {
      this.#run('DELETE FROM events WHERE stream = ? AND version <= ?', name, floor)
      this.#run('UPDATE unended SET head = ? WHERE stream = ?', stream.head, name)
    } else {
      this.#run('DELETE FROM messages WHERE topic = ? AND version <= ?', stream.topic, floor)
      this.#run('UPDATE topics SET floor = ? WHERE id = ?', floor, stream.topic)
    }
    stream.floor = floor
    return positionOf(stream)
  }

  expire({ maxEvents, notBeforeMs }: Retention): number {
    const tooMany = this.#number(
      'SELECT pos FROM events ORDER BY pos DESC LIMIT 1 OFFSET ?',
      maxEvents,
    )
    const young = this.#number(
      'SELECT pos FROM events WHERE at >= ? ORDER BY pos LIMIT 1',
      notBeforeMs,
    )
    const newest = this.#number('SELECT max(pos) FROM events') ?? 0
    const oldest = this.#number('SELECT min(pos) FROM events') ?? 0
    const tooOld = (young ?? newest + 1) - 1
    const last = Math.min(Math.max(tooMany ?? 0, tooOld), oldest + MAX_EXPIRED - 1)
    if (newest === 0 || last < oldest) return 0
    this.#run(
      'UPDATE unended SET head = (SELECT max(version) FROM events WHERE events.stream = unended.stream) ' +
        'WHERE stream IN (SELECT stream FROM events WHERE pos <= ?)',
      last,
    )
    this.#run(
      'DELETE FROM snapshots WHERE stream IN (SELECT stream FROM events WHERE pos <= ?)',
      last,
    )
    const count = this.#number('SELECT count(*) FROM events WHERE pos <= ?', last) ?? 0
    this.#run('DELETE FROM events WHERE pos <= ?', last)
    // Their floors have moved; they are looked up again.
    for (const [name, { topic }] of this.#streams) if (topic === 0) this.#streams.delete(name)
    return count
  }

  newEpochs(): number {
    const topics = this.#all('SELECT id FROM topics')
    for (const { id } of topics) {
      this.#run('UPDATE topics SET epoch = ? WHERE id = ?', newEpoch(random), id as number)
    }
    this.#livesEpoch = newEpoch(random)
    this.#run("UPDATE meta SET value = ? WHERE key = 'epoch'", this.#livesEpoch)
    this.forget()
    return topics.length
  }

  saveSnapshot(name: string, { version, schema, data }: SavedSnapshot): void {
    this.#run('INSERT OR REPLACE INTO snapshots VALUES(?, ?, ?, ?)', name, version, schema, data)
  }

  loadSnapshot(name: string): SavedSnapshot | undefined {
    const [row] = this.#all(SNAPSHOT, name)
    if (row === undefined) return undefined
    const { version, schema, data } = row
    return { version: version as number, schema: schema as number, data: textOf(data) }
  }

  #keep(stream: Stream, event: NewEvent): Kept {
    const { schema, atMs, key, ends } = event
    const { type, data } = storable(event)
    const known = key === undefined ? undefined : this.#versionOf(stream, key, atMs)
    if (known !== undefined) return { version: known, duplicate: true }
    const version = stream.head + 1
    const prev = stream.crc
    const crc = checksum(version, type, schema, atMs, data, prev)
    if (stream.topic === 0) {
      this.#run(INSERT_EVENT, stream.name, version, atMs, type, schema, data, prev, crc)
      if (version === 1 && ends !== true)
        this.#run('INSERT INTO unended(stream, head) VALUES(?, 0)', stream.name)
      else if (version > 1 && ends === true)
        this.#run('DELETE FROM unended WHERE stream = ?', stream.name)
    } else {
      this.#run(INSERT_MESSAGE, stream.topic, version, atMs, type, schema, data, prev, crc)
    }
    if (key !== undefined) {
      this.#run('INSERT OR REPLACE INTO keys VALUES(?, ?, ?, ?)', stream.topic, key, version, atMs)
    }
    stream.head = version
    stream.crc = crc
    if (ends === true) this.#streams.delete(stream.name)
    return { version, duplicate: false }
  }

  #versionOf({ topic }: Stream, key: string, nowMs: number): number | undefined {
    if (++this.#keysSinceCheck >= KEYS_CHECKED_EVERY) {
      this.#keysSinceCheck = 0
      this.#run('DELETE FROM keys WHERE at < ?', nowMs - KEY_WINDOW.ms)
    }
    const row = this.#all('SELECT version, at FROM keys WHERE topic = ? AND key = ?', topic, key)[0]
    if (row === undefined || nowMs - (row['at'] as number) > KEY_WINDOW.ms) return undefined
    return row['version'] as number
  }

  #stream(name: string): Stream {
    const found = this.#find(name)
    if (found !== undefined) return found
    const isTopic = isTopicStream(name)
    const epoch = isTopic ? newEpoch(random) : this.#livesEpoch
    if (isTopic) this.#run('INSERT INTO topics(stream, epoch, floor) VALUES(?, ?, 0)', name, epoch)
    const topic = isTopic
      ? (this.#number('SELECT id FROM topics WHERE stream = ?', name) as number)
      : 0
    return this.#remember({ name, topic, epoch, head: 0, floor: 0, crc: 0 })
  }

  #find(name: string): Stream | undefined {
    const known = this.#streams.get(name)
    if (known !== undefined) return known
    return isTopicStream(name) ? this.#findTopic(name) : this.#findLife(name)
  }

  #findTopic(name: string): Stream | undefined {
    const [row] = this.#all(TOPIC, name)
    if (row === undefined) return undefined
    const epoch = textOf(row['epoch'])
    const { id, floor } = row as { id: number; floor: number }
    const [last] = this.#all(
      'SELECT version, crc FROM messages WHERE topic = ? ORDER BY version DESC LIMIT 1',
      id,
    )
    const head = (last?.['version'] as number | undefined) ?? floor
    const crc = (last?.['crc'] as number | undefined) ?? 0
    return this.#remember({ name, topic: id, epoch, head, floor, crc })
  }

  #findLife(name: string): Stream | undefined {
    const [last] = this.#all(
      'SELECT version, crc FROM events WHERE stream = ? ORDER BY version DESC LIMIT 1',
      name,
    )
    const [first] = this.#all('SELECT min(version) AS first FROM events WHERE stream = ?', name)
    const gone = this.#number('SELECT head FROM unended WHERE stream = ?', name)
    if (last === undefined && gone === undefined) return undefined
    const head = (last?.['version'] as number | undefined) ?? gone ?? 0
    const floor = last === undefined ? head : (first?.['first'] as number) - 1
    const crc = (last?.['crc'] as number | undefined) ?? 0
    return this.#remember({ name, topic: 0, epoch: this.#livesEpoch, head, floor, crc })
  }

  #remember(stream: Stream): Stream {
    if (this.#streams.size > MAX_LIVES_IN_MIND) {
      for (const [name, { topic }] of this.#streams) if (topic === 0) this.#streams.delete(name)
    }
    this.#streams.set(stream.name, stream)
    return stream
  }

  #rowsAfter({ name, topic }: Stream, after: number, count: number): Row[] {
    return topic === 0
      ? this.#all(
          `${EVENTS} WHERE stream = ? AND version > ? ORDER BY version LIMIT ?`,
          name,
          after,
          count,
        )
      : this.#all(
          `${MESSAGES} WHERE topic = ? AND version > ? ORDER BY version LIMIT ?`,
          topic,
          after,
          count,
        )
  }

  /** The last version before the first one that is young enough. */
  #lastBefore({ name, topic, head }: Stream, notBeforeMs: number): number {
    const young =
      topic === 0
        ? this.#number(
            'SELECT version FROM events WHERE stream = ? AND at >= ? ORDER BY version LIMIT 1',
            name,
            notBeforeMs,
          )
        : this.#number(
            'SELECT version FROM messages WHERE topic = ? AND at >= ? ORDER BY version LIMIT 1',
            topic,
            notBeforeMs,
          )
    return young === undefined ? head : young - 1
  }

  #nowhere(): StreamPosition {
    return { epoch: this.#livesEpoch, head: 0, floor: 0 }
  }

  #number(sql: string, ...values: Value[]): number | undefined {
    const row = this.#all(sql, ...values)[0]
    const value = row === undefined ? undefined : Object.values(row)[0]
    return typeof value === 'number' ? value : undefined
  }

  #all(sql: string, ...values: Value[]): Row[] {
    return this.#prepared(sql).all(...values)
  }

  #run(sql: string, ...values: Value[]): void {
    this.#prepared(sql).run(...values)
  }

  #prepared(sql: string): Statement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}

// Texts come as their bytes: libsql ends the whole process over one that is no UTF-8 any more.
const RECORD =
  'version, at, CAST(type AS BLOB) AS type, schema, typeof(data) AS form, CAST(data AS BLOB) AS data, prev, crc'
const EVENTS = `SELECT pos, CAST(stream AS BLOB) AS stream, ${RECORD} FROM events`
const MESSAGES = `SELECT ${RECORD} FROM messages`
const INSERT_EVENT =
  'INSERT INTO events(stream, version, at, type, schema, data, prev, crc) VALUES(?, ?, ?, ?, ?, ?, ?, ?)'
const INSERT_MESSAGE = 'INSERT INTO messages VALUES(?, ?, ?, ?, ?, ?, ?, ?)'

const TOPIC = 'SELECT id, CAST(epoch AS BLOB) AS epoch, floor FROM topics WHERE stream = ?'
const SNAPSHOT =
  'SELECT version, schema, CAST(data AS BLOB) AS data FROM snapshots WHERE stream = ?'

const STREAMS = `
SELECT CAST(stream AS BLOB) AS stream FROM (
  SELECT stream FROM events WHERE stream >= ? AND stream < ? AND stream <> ?
  UNION
  SELECT stream FROM topics WHERE stream >= ? AND stream < ? AND stream <> ?
    AND EXISTS (SELECT 1 FROM messages WHERE topic = topics.id)
  ORDER BY stream LIMIT ?)`

function positionOf({ epoch, head, floor }: Stream): StreamPosition {
  return { epoch, head, floor }
}
