// Journals of older versions: what was written once can be read, folded, replayed and written on.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openJournal } from 'windsock'
import { lifeStory } from '../../../src/journal/life-story.ts'
import { openSqliteStore } from '../../../src/journal/sqlite-store.ts'
import { verify } from '../../../src/journal/verify.ts'
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
