// A journal that is only read: beside the process that writes it, and without a trace.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest'
import { fold, JournalError, openJournal, route, topic } from 'windsock'
import { connectionStream } from '../../../src/journal/store.ts'
import { RawClient, text } from '../support/raw-client.ts'
import { start } from '../support/test-server.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windsock-read-only-'))
  file = join(folder, 'journal.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

async function reader() {
  const journal = await openJournal(file, { readOnly: true })
  onTestFinished(() => journal.close())
  return journal
}

it('follows what another writes to the file, from the first event to the last', async () => {
  const writer = await openJournal(file)
  const { server, port } = await start({
    journal: writer,
    routes: [route('/', ({ messages$ }) => messages$, { journalLevel: 'sizes' })],
  })
  const client = await RawClient.open(port)
  const [id] = server.connections.keys()
  const journal = await reader()
  const followed = []
  let toSend = 3
  for await (const event of journal.follow(id as string)) {
    followed.push(event)
    const isNext = event.type === 'ConnectionOpened' || event.type === 'MessageSent'
    if (isNext && toSend-- > 0) client.write(text('on'))
    else if (isNext) client.destroy()
  }
  const life = await writer.life(id as string)
  expect(followed).toEqual(life)
  expect(life.filter(({ type }) => type === 'MessageSent')).toHaveLength(3)
  expect(fold(followed)?.output).toEqual(await journal.closeRecord(id as string))
  await server.close()
  await writer.close()
})

it('ends no life that was left, refuses what would be appended, and leaves the file as it was', async () => {
  const writer = await openJournal(file)
  const event = { type: 'ConnectionStarted', schema: 1, atMs: 1, data: '{}' }
  await writer.store.append(connectionStream('left'), [event])
  await writer.close()
  // SQLite's own files beside it come with a reader; whether they go with it is SQLite's matter, and differs by version.
  const names = () => readdirSync(folder).filter((name) => !/-(shm|wal)$/.test(name))
  const before = { names: names(), bytes: readFileSync(file) }

  const journal = await openJournal(file, { readOnly: true })
  expect(await journal.store.unended()).toEqual([connectionStream('left')])
  const refused = { code: 'ERR_WINDSOCK_JOURNAL' }
  await expect(journal.store.append(connectionStream('left'), [event])).rejects.toMatchObject(
    refused,
  )
  await expect(topic('news', { durable: journal }).publish('x')).rejects.toMatchObject(refused)
  expect(await journal.store.read('topic/news')).toMatchObject({ head: 0, events: [] })
  await journal.close()
  expect({ names: names(), bytes: readFileSync(file) }).toEqual(before)
})

it.each([
  ['is not there', () => join(folder, 'nowhere.db')],
  ['is in no folder', () => join(folder, 'no', 'where.db')],
  ['is a folder', () => folder],
])('says so of a journal that %s, and makes none', async (_what, place) => {
  const opening = openJournal(place(), { readOnly: true })
  await expect(opening).rejects.toBeInstanceOf(JournalError)
  await expect(opening).rejects.toMatchObject({ code: 'ERR_WINDSOCK_JOURNAL' })
  expect(readdirSync(folder)).toEqual([])
})
