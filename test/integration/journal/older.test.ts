// Journals of older versions: what was written once can be read, folded, replayed and written on.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fold, Journal, lifeStory, openJournal } from 'windsock'
import { VirtualClock } from 'windsock/testing'
import { VOCABULARY, type Vocabulary } from '../../../src/journal/events.ts'
import { openSqliteStore } from '../../../src/journal/sqlite-store.ts'
import { verify } from '../../../src/journal/verify.ts'
import { BEGAN_AT_MS, keep, wholeLife } from '../../unit/journal/support/lives.ts'
import { windsock } from '../support/command.ts'

/** Lives of the fixture that have not ended, in the order in which they began; by name it would be the other. */
const LEFT = ['connection/oACH-_dHnLht_nR9', 'connection/JBFNrKYdgoU2ykD9']

/** A file as a windsock of that schema left it. */
function journalOf(schema: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'windsock-older-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'journal.db')
  const database = new Database(file)
  database.exec(readFileSync(new URL(`./fixtures/journal-${schema}.sql`, import.meta.url), 'utf8'))
  database.close()
  return file
}

describe('a journal of schema 1', () => {
  it('is sound, and can be read as it is', async () => {
    const file = journalOf(1)
    const before = readFileSync(file)
    const store = await openSqliteStore(file, { readOnly: true })
    onTestFinished(() => store.close())
    expect(await verify(store)).toMatchObject({
      lives: 12,
      live: 2,
      agreeing: 10,
      topics: 1,
      damages: [],
    })
    expect(await store.unended()).toEqual(LEFT)
    expect(await store.read('topic/news')).toMatchObject({
      epoch: 'ffl0ite0ltom',
      floor: 1,
      events: [{ version: 2 }, { version: 3 }],
    })
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  it('is replayed by the command, states and all', async () => {
    const command = windsock('replay', journalOf(1), 'made-of-the-rest')
    expect((await command.exited).code).toBe(0)
    expect(command.lines.all.join('\n')).toMatch(/MachineReplaced[^]*DrainStarted[^]*→ closed/)
  })

  it('is written on, and stays readable', async () => {
    const file = journalOf(1)
    const journal = await openJournal(file)
    const { store } = journal
    expect(await store.unended()).toEqual([])
    const ended = await store.list({ type: 'ConnectionClosed', maxEvents: 2 })
    expect(ended.events.map(({ stream }) => stream)).toEqual(LEFT.toReversed())
    expect(lifeStory(await journal.life('oACH-_dHnLht_nR9')).closed?.inferred).toBe(true)
    const event = { type: 'text', schema: 1, atMs: 1, data: 'x' }
    for (const id of ['b', 'a']) await store.append(`connection/${id}`, [event])
    expect((await store.append('topic/news', [event])).head).toBe(4)
    await journal.close()

    const again = await openSqliteStore(file)
    onTestFinished(() => again.close())
    expect(await again.unended()).toEqual(['connection/b', 'connection/a'])
    expect(await again.position('topic/news')).toMatchObject({ epoch: 'ffl0ite0ltom', head: 4 })
  })
})

/** As a windsock of some later year has it: each close frame says which version of the protocol it is of. */
const LATER: Vocabulary = {
  schemas: { ...VOCABULARY.schemas, PeerClosed: 3 },
  upcasters: {
    'PeerClosed@1': (data) => ({ closing: (data as { frame: unknown }).frame }),
    'PeerClosed@2': (data) => ({ frame: (data as { closing: unknown }).closing, protocol: 13 }),
  },
}

const BYE = { type: 'PeerClosed', data: { frame: { code: 1000, reason: 'bye' } } } as const

describe('a later version of an event', () => {
  /** A file in which today's windsock has written a life, and the later one another. */
  async function journalOfBoth() {
    const folder = mkdtempSync(join(tmpdir(), 'windsock-later-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'journal.db')
    const today = await openSqliteStore(file)
    await keep(today, 'today', wholeLife([BYE]))
    await today.close()
    const store = await openSqliteStore(file)
    onTestFinished(() => store.close())
    const clock = new VirtualClock(BEGAN_AT_MS)
    const later = new Journal(store, clock, {}, LATER)
    const recorder = later.recorder('lifecycle', { path: '/', origin: null, ownMachine: false })
    recorder?.started({ connectionId: 'later', startedAtMs: BEGAN_AT_MS, deadlines: {} as never })
    await clock.settle()
    return { store, later }
  }

  it('is what the earlier ones are brought to when they are read, step by step', async () => {
    const { store, later } = await journalOfBoth()
    const life = await later.life('today')
    expect(life[3]).toEqual({
      type: 'PeerClosed',
      version: 4,
      atMs: BEGAN_AT_MS + 3_000,
      data: { ...BYE.data, protocol: 13 },
    })
    const { steps, record, closed } = lifeStory(life)
    expect(steps.map(({ after }) => after?.value).slice(3)).toEqual(['closing', 'closed'])
    expect(record).toEqual(closed?.record)
    expect(fold(life)?.output).toEqual(await later.closeRecord('today'))
    expect(await verify(store, undefined, LATER)).toMatchObject({ agreeing: 1, damages: [] })
    // What is kept stays as it was written.
    expect((await store.read('connection/today')).events[3]).toMatchObject({
      schema: 1,
      data: JSON.stringify(BYE.data),
    })
  })

  it('is refused by an earlier windsock, which names both and calls it no damage', async () => {
    const { store } = await journalOfBoth()
    const future = { type: 'PeerClosed', schema: 3, atMs: BEGAN_AT_MS, data: '{}' }
    await store.append('connection/later', [future])
    const today = new Journal(store, new VirtualClock())
    const refusal = {
      code: 'ERR_WINDSOCK_JOURNAL_NEWER',
      message: expect.stringMatching(/connection\/later, event 2 \(PeerClosed\).* 3.* 1/),
    }
    await expect(today.life('later')).rejects.toMatchObject(refusal)
    await expect(verify(store)).rejects.toMatchObject(refusal)
    expect(await today.life('today')).toHaveLength(5)
  })

  it.each([
    ['is missing', {}],
    [
      'throws',
      {
        'PeerClosed@1': () => {
          throw new Error('on purpose')
        },
      },
    ],
  ])('tells of an event when the way up to it %s', async (_why, upcasters) => {
    const { store } = await journalOfBoth()
    const journal = new Journal(store, new VirtualClock(), {}, { ...LATER, upcasters })
    await expect(journal.life('today')).rejects.toMatchObject({
      code: 'ERR_WINDSOCK_JOURNAL_CORRUPT',
      message: expect.stringContaining('connection/today, event 4 (PeerClosed)'),
    })
  })

  it('may be of every type: the journal of schema 1 is still sound', async () => {
    const store = await openSqliteStore(journalOf(1), { readOnly: true })
    onTestFinished(() => store.close())
    const types = Object.keys(VOCABULARY.schemas)
    const seen = new Set<string>()
    const upcasters = types.map((type) => [
      `${type}@1`,
      (data: unknown) => {
        seen.add(type)
        return data
      },
    ])
    const later = {
      schemas: Object.fromEntries(types.map((type) => [type, 2])) as Vocabulary['schemas'],
      upcasters: Object.fromEntries(upcasters),
    }
    expect(await verify(store, undefined, later)).toMatchObject({ agreeing: 10, damages: [] })
    expect([...seen].toSorted()).toEqual(types.toSorted())
  })
})
