// windsock journal: verify finds what is damaged, compact gives space back, and neither touches what it should not.

import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openJournal } from 'windsock'
import { openSqliteStore } from '../../../src/journal/sqlite-store.ts'
import { windsock } from '../support/command.ts'
import { type JournalFile, writeJournal } from './support/journals.ts'

let journal: JournalFile

beforeAll(async () => {
  journal = await writeJournal()
})
afterAll(() => journal.remove())

async function run(...args: string[]) {
  const command = windsock('journal', ...args)
  const { code } = await command.exited
  return { code, text: command.lines.all.join('\n'), errors: command.errors.all.join('\n') }
}

/** A copy of the journal, changed by `sql`. */
function copy(name: string, sql = ''): string {
  const file = join(journal.folder, `${name}.db`)
  copyFileSync(journal.file, file)
  const database = new Database(file)
  database.exec(sql)
  database.close()
  return file
}

describe('verify', () => {
  it('counts a sound journal, and changes nothing', async () => {
    const before = readFileSync(journal.file)
    const { code, text, errors } = await run('verify', journal.file)
    expect([code, errors]).toEqual([0, ''])
    expect(text).toMatch(
      /: sound\n8 lives with \d+ events, 1 of them not ended\n1 topic with 60 messages\n/,
    )
    expect(text).toMatch(/6 folded to the close record that was kept; 1 cannot be folded/)
    expect(readFileSync(journal.file).equals(before)).toBe(true)
  })

  it('reads beside the process that writes', async () => {
    const file = copy('in-use')
    const writer = await openJournal(file)
    onTestFinished(() => writer.close())
    await writer.store.append('topic/news', [{ type: 'text', schema: 1, atMs: 0, data: 'x' }])
    await writer.store.trim('topic/news', { keep: 5 })
    expect(await run('verify', file)).toMatchObject({
      code: 0,
      text: expect.stringContaining('5 messages'),
    })
  })

  const id = () => journal.ids['/clean'] as string
  it.each([
    [
      'a message that was changed',
      () => "UPDATE messages SET data = 'x' WHERE version = 33",
      () => 'topic/news, version 33',
    ],
    [
      'a message that is missing',
      () => 'DELETE FROM messages WHERE version = 33',
      () => 'topic/news, version 33',
    ],
    [
      'an event that was changed',
      () => `UPDATE events SET data = '{}' WHERE version = 1 AND stream = 'connection/${id()}'`,
      () => `connection/${id()}, version 1`,
    ],
  ])('finds %s', async (what, sql, place) => {
    const { code, text } = await run('verify', copy(what, sql()))
    expect(code).toBe(1)
    expect(text).toContain('DAMAGED')
    expect(text).toContain(`The first damage: ${place()}`)
    expect(text).toContain('What to do: ')
  })

  it('says which file is no journal, and which is empty or not there', async () => {
    const empty = join(journal.folder, 'empty.db')
    writeFileSync(empty, '')
    for (const file of ['package.json', '.', 'nowhere.db', empty]) {
      const { code, text, errors } = await run('verify', file)
      expect([code, text, errors]).toEqual([
        1,
        '',
        expect.stringMatching(/^windsock: .*ERR_WINDSOCK_JOURNAL/),
      ])
    }
  })
})

describe('compact', () => {
  it('takes away what is more than told, and gives the space back', async () => {
    const file = join(journal.folder, 'large.db')
    const store = await openSqliteStore(file)
    const data = 'x'.repeat(2_000)
    const event = { type: 'text', schema: 1, atMs: Date.now(), data }
    await store.append(
      'connection/a',
      Array.from({ length: 500 }, () => event),
    )
    await store.append(
      'topic/news',
      Array.from({ length: 500 }, () => event),
    )
    await store.close()
    const before = statSync(file).size
    const lives = await run('compact', file, '--keep-events', '10')
    expect([lives.code, lives.text]).toEqual([
      0,
      expect.stringContaining('490 events of lives expired'),
    ])
    const between = statSync(file).size
    expect(between).toBeLessThan(before * 0.6)
    const topics = await run('compact', file, '--keep-events', '10', '--topics')
    expect(topics.text).toContain('490 messages of topics trimmed')
    expect(statSync(file).size).toBeLessThan(between * 0.2)
    expect(await run('verify', file)).toMatchObject({
      code: 0,
      text: expect.stringMatching(/10 events[^]*10 messages/),
    })
  })

  it('takes away what is too old', async () => {
    // In virtual time the journal is from the first of January, and it is later now.
    const file = copy('old')
    const kept = await run('compact', file)
    expect([kept.code, kept.text]).toEqual([0, expect.not.stringContaining('expired')])
    expect((await run('compact', file, '--max-age', '1h')).text).toMatch(
      /^[1-9]\d* events of lives expired\n/,
    )
    expect((await run('verify', file)).text).toMatch(
      /0 lives with 0 events[^]*1 topic with 60 messages/,
    )
  })

  it('refuses while a process has it open', async () => {
    const file = copy('busy')
    const writer = await openJournal(file)
    onTestFinished(() => writer.close())
    expect(await run('compact', file)).toMatchObject({
      code: 1,
      errors: expect.stringContaining('ERR_WINDSOCK_JOURNAL_LOCKED'),
    })
  })

  it('makes no journal of what is none', async () => {
    for (const file of [join(journal.folder, 'new.db'), join(journal.folder, 'notes.txt')]) {
      if (file.endsWith('.txt')) writeFileSync(file, 'milk\n')
      expect((await run('compact', file)).code).toBe(1)
      expect(existsSync(`${file}.lock`)).toBe(false)
    }
    expect(existsSync(join(journal.folder, 'new.db'))).toBe(false)
  })

  it.each([
    ['--max-age', 'yesterday', /90s, 30m, 24h or 7d/],
    ['--keep-events', 'some', /whole number/],
  ])('says what %s takes', async (option, value, says) => {
    expect(await run('compact', journal.file, option, value)).toMatchObject({
      code: 1,
      errors: expect.stringMatching(says),
    })
  })
})

describe('new-epoch', () => {
  it('makes another log of each topic in a restored backup, and keeps what is in it', async () => {
    const file = copy('restored')
    const before = await openSqliteStore(file, { readOnly: true })
    const { epoch } = await before.position('topic/news')
    await before.close()
    expect(await run('new-epoch', file)).toMatchObject({
      code: 0,
      text: `${file}: a new epoch for 1 topic`,
    })
    const after = await openSqliteStore(file)
    onTestFinished(() => after.close())
    const position = await after.position('topic/news')
    expect(position).toMatchObject({ head: 60, floor: 0 })
    expect(position.epoch).not.toBe(epoch)
    expect((await after.position(`connection/${journal.ids['/clean']}`)).head).toBeGreaterThan(0)
  })

  it('is refused while a process has the journal open, and makes no file', async () => {
    const file = copy('open')
    const writer = await openSqliteStore(file)
    onTestFinished(() => writer.close())
    expect(await run('new-epoch', file)).toMatchObject({
      code: 1,
      errors: expect.stringContaining('ERR_WINDSOCK_JOURNAL_LOCKED'),
    })
    const nowhere = join(journal.folder, 'nowhere.db')
    expect((await run('new-epoch', nowhere)).code).toBe(1)
    expect(existsSync(nowhere)).toBe(false)
  })
})

describe('a reader beside the writer', () => {
  it('follows what that appends and takes away, and mistakes none of it for damage', async () => {
    const file = join(journal.folder, 'followed.db')
    const writer = await openSqliteStore(file)
    onTestFinished(() => writer.close())
    const reader = await openSqliteStore(file, { readOnly: true })
    onTestFinished(() => reader.close())
    const event = (atMs: number) => ({ type: 'text', schema: 1, atMs, data: 'x' })
    expect(await reader.position('connection/a')).toMatchObject({ head: 0 })
    expect(await reader.position('topic/t')).toMatchObject({ head: 0 })
    for (const stream of ['connection/a', 'topic/t']) {
      await writer.append(stream, [1, 2, 3, 4].map(event))
      expect(await reader.position(stream)).toMatchObject({ head: 4, floor: 0 })
      expect((await reader.read(stream)).events).toHaveLength(4)
    }
    await writer.trim('topic/t', { keep: 1 })
    await writer.expire({ maxEvents: 100, notBeforeMs: 4 })
    for (const stream of ['connection/a', 'topic/t']) {
      expect(await reader.read(stream)).toMatchObject({
        head: 4,
        floor: 3,
        events: [{ version: 4 }],
      })
    }
  })
})
