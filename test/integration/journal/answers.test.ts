// How a store in a file answers: whoever appends much at once holds up nobody with the answers.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openSqliteStore } from '../../../src/journal/sqlite-store.ts'

/** Of one turn; the worker keeps them in one transaction. */
const MANY = 5_000
/** More of them than this in one turn would be felt by others. */
const MOST_A_TURN = 500

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windsock-answers-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function opened() {
  const store = await openSqliteStore(join(folder, 'journal.db'))
  const event = { type: 'text', schema: 1, atMs: 0, data: 'x' }
  return {
    store,
    append: (count: number) =>
      Array.from({ length: count }, () => store.append('topic/t', [event])),
  }
}

it('gives out the answers of a large commit over many turns, in their order', async () => {
  const { store, append } = await opened()
  const turns: number[] = [0]
  const heads: number[] = []
  const all = Promise.all(
    append(MANY).map(async (answer) => {
      const { head } = await answer
      heads.push(head)
      turns[turns.length - 1] = (turns.at(-1) ?? 0) + 1
    }),
  )
  while (heads.length < MANY) {
    turns.push(0)
    await nextTurn()
  }
  await all
  expect(heads).toEqual(heads.map((_, index) => index + 1))
  expect(Math.max(...turns)).toBeLessThanOrEqual(MOST_A_TURN)
  expect(store.backlog).toBe(0)
  await store.close()
})

it('gives out what was kept although its thread has ended meanwhile', async () => {
  const { store, append } = await opened()
  const all = append(20 * MANY)
  const closing = store.close()
  await all[0]
  // The worker lets go of the file last of all. This turn lasts until then, and most answers are still to be given out.
  while (existsSync(join(folder, 'journal.db-wal'))) continue
  await closing
  expect((await Promise.all(all)).map(({ head }) => head)).toEqual(all.map((_, index) => index + 1))
})

it.each([
  ['on the command line', []],
  ['in a process with options of its own', ['--max-old-space-size=512', '--expose-gc']],
])('answers a program that stands %s', (_, options) => {
  const program = `
    import { openJournal } from 'windsock'
    const journal = await openJournal(process.argv.at(-1))
    console.log((await journal.closeRecords()).records.length)
    await journal.close()`
  const given = [...options, '--input-type=module', '-e', program, join(folder, 'journal.db')]
  const { stdout, stderr } = spawnSync(process.execPath, given, { encoding: 'utf8' })
  expect([stdout, stderr]).toEqual(['0\n', ''])
})

it('answers a program in a file, in a process with options of its own', () => {
  const file = join(folder, 'program.mjs')
  const journal = JSON.stringify(pathToFileURL('dist/open-journal.js').href)
  writeFileSync(
    file,
    `import { openJournal } from ${journal}
    await (await openJournal(process.argv[2])).close()
    console.log('closed')`,
  )
  const given = ['--max-old-space-size=512', '--expose-gc', file, join(folder, 'journal.db')]
  const { stdout, stderr } = spawnSync(process.execPath, given, { encoding: 'utf8' })
  expect([stdout, stderr]).toEqual(['closed\n', ''])
})
