// Verify: reads a whole journal and holds it against what a journal promises.
//
// Every record is read, which checks its checksum and its place; every life that can be folded is, and the record that
// the fold comes to is compared with the one that was kept. Damage is counted and the search goes on: an operator wants
// to know how far it reaches. Memory is bounded, however large the journal.

import { isDeepStrictEqual } from 'node:util'
import type { CloseRecord } from '../protocol/close-record.ts'
import { describe, JournalError } from '../protocol/errors.ts'
import { decodeLifeEvent, type RecordedLifeEvent, VOCABULARY, type Vocabulary } from './events.ts'
import { Fold } from './fold.ts'
import { isTopicStream, type RecordedEvent, type Store } from './store.ts'

export interface Damage {
  readonly stream: string
  /** The first version that is not as it was. */
  readonly version: number
  readonly why: string
}

export interface Verified {
  lives: number
  /** Those of the lives that have not ended. */
  live: number
  /** Events of lives. */
  events: number
  topics: number
  messages: number
  /** Lives whose fold came to the record that was kept. */
  agreeing: number
  /** Lives that have an end and cannot be folded, which is no damage. */
  unfoldable: number
  damagedStreams: number
  /** The first damage of each stream, of the first few streams that have some. */
  readonly damages: Damage[]
}

/** How far it is; called after each batch. */
export type Told = (streams: number, ofStreams: number) => void

/** Streams that are read side by side, and how much of each at a time. */
const BATCH = 100
const PAGE = { maxEvents: 1_000, maxBytes: 256 * 1024 }
const MAX_DAMAGES = 10

/**
 * Reads everything.
 *
 * @throws JournalError when the store cannot be read at all, or was written by a newer windsock: that is no damage, and
 *   whether there is any only that one can tell.
 */
export async function verify(
  store: Store,
  told: Told = () => {},
  vocabulary = VOCABULARY,
): Promise<Verified> {
  const found: Verified = {
    lives: 0,
    live: 0,
    events: 0,
    topics: 0,
    messages: 0,
    agreeing: 0,
    unfoldable: 0,
    damagedStreams: 0,
    damages: [],
  }
  const names = await allStreams(store)
  for (let done = 0; done < names.length; done += BATCH) {
    told(done, names.length)
    await Promise.all(
      names.slice(done, done + BATCH).map((name) => check(store, name, found, vocabulary)),
    )
  }
  told(names.length, names.length)
  return found
}

async function allStreams(store: Store): Promise<readonly string[]> {
  const names: string[] = []
  for (;;) {
    const after = names.at(-1)
    const page = await store.streams({ maxStreams: 10_000, ...(after !== undefined && { after }) })
    if (page.length === 0) return names
    names.push(...page)
  }
}

async function check(
  store: Store,
  stream: string,
  found: Verified,
  vocabulary: Vocabulary,
): Promise<void> {
  const isTopic = isTopicStream(stream)
  const life = isTopic ? undefined : new Life(vocabulary)
  let reached: number | undefined
  let isDamaged = false
  try {
    for (;;) {
      // The last record is read again, so that the next one is held against it.
      const after = reached === undefined ? 0 : reached - 1
      const { events, head } = await store.read(stream, { after, ...PAGE })
      const before: number = reached ?? 0
      for (const event of events) {
        if (event.version <= before) continue
        found[isTopic ? 'messages' : 'events']++
        life?.take(event)
        reached = event.version
      }
      if (reached === undefined || reached === before || reached >= head) break
    }
    if (life?.hasEnded) found[life.agrees() ? 'agreeing' : 'unfoldable']++
  } catch (thrown) {
    isDamaged = true
    found.damagedStreams++
    const damage = await locate(store, stream, reached, thrown)
    if (found.damages.length < MAX_DAMAGES) found.damages.push(damage)
  }
  // What expired while we came to it is not there any more.
  if (reached === undefined && !isDamaged) return
  found[isTopic ? 'topics' : 'lives']++
  if (life !== undefined && !life.hasEnded && !isDamaged) found.live++
}

/** Where the damage is; a store says it of a page, so the records of that page are read one by one. */
async function locate(
  store: Store,
  stream: string,
  reached: number | undefined,
  thrown: unknown,
): Promise<Damage> {
  if (thrown instanceof Misfit) return { stream, version: thrown.version, why: thrown.message }
  const isDamage = thrown instanceof JournalError && thrown.code === 'ERR_WINDSOCK_JOURNAL_CORRUPT'
  if (!isDamage) throw thrown
  const { floor } = await store.position(stream)
  const first = (reached ?? floor) + 1
  const looks = await Promise.allSettled(
    Array.from({ length: PAGE.maxEvents }, (_, index) => {
      // Each together with the one before it, if that is kept: it has to follow it.
      const after = Math.max(floor, first + index - 2)
      return store.read(stream, { after, maxEvents: first + index - after })
    }),
  )
  const failed = looks.findIndex(({ status }) => status === 'rejected')
  return { stream, version: first + Math.max(0, failed), why: thrown.message }
}

/** One life as it is read: its fold, as far as there is one. */
class Life {
  hasEnded = false
  #folding: Fold | undefined = new Fold()
  #kept: CloseRecord | undefined
  #version = 0
  readonly #vocabulary: Vocabulary

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary
  }

  /**
   * @throws Misfit for an event that cannot be, or not there; JournalError `ERR_WINDSOCK_JOURNAL_NEWER` for one that only
   *   a newer windsock can read.
   */
  take(recorded: RecordedEvent): void {
    this.#version = recorded.version
    try {
      const event = decodeLifeEvent(recorded, this.#vocabulary)
      if (event !== undefined) this.#fold(event)
    } catch (thrown) {
      if (isNewer(thrown)) throw thrown
      throw new Misfit(this.#version, describe(thrown))
    }
  }

  /**
   * Whether it could be folded, and came to the record that was kept.
   *
   * @throws Misfit when it came to another.
   */
  agrees(): boolean {
    if (this.#folding === undefined) return false
    if (isDeepStrictEqual(this.#folding.snapshot?.output, this.#kept)) return true
    throw new Misfit(this.#version, 'the events lead to another close record than the one kept')
  }

  #fold(event: RecordedLifeEvent): void {
    if (event.type === 'ConnectionClosed') {
      this.hasEnded = true
      this.#kept = event.data.record
      if (event.data.unrecorded > 0) this.#folding = undefined
    }
    const isFirst = this.#folding?.snapshot === undefined
    const begins = event.type === 'ConnectionStarted' && !event.data.ownMachine
    if (isFirst && !begins) this.#folding = undefined
    this.#folding?.apply(event)
  }
}

function isNewer(thrown: unknown): boolean {
  return thrown instanceof JournalError && thrown.code === 'ERR_WINDSOCK_JOURNAL_NEWER'
}

/** What was kept well and says what cannot be. */
class Misfit extends Error {
  readonly version: number

  constructor(version: number, message: string) {
    super(message)
    this.version = version
  }
}
