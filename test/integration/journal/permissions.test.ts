// A journal that the process may not use: said before anything is served, and not at the first message.

import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { openJournal } from 'windsock'

let folder: string
let file: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'windsock-permissions-'))
  file = join(folder, 'journal.db')
  await (await openJournal(file)).close()
})
afterEach(() => {
  chmodSync(folder, 0o700)
  rmSync(folder, { recursive: true })
})

const OPEN_JOURNAL = pathToFileURL('dist/open-journal.js').href
const PLACE = pathToFileURL('dist/journal/sqlite-place.js').href
const NOBODY = 65_534

/** Root may do everything: a process of nobody's, which has read the program before it became one. */
const PROGRAM = `
import { checkPlace } from ${JSON.stringify(PLACE)}
import { openJournal } from ${JSON.stringify(OPEN_JOURNAL)}
const [how, file, readOnly] = process.argv.slice(1)
if (process.getuid() === 0) {
  process.setgroups([])
  process.setgid(${NOBODY})
  process.setuid(${NOBODY})
}
try {
  if (how === 'open') await openJournal(file, { readOnly: readOnly === 'true' })
  else checkPlace(file, readOnly === 'true')
  console.log('{}')
} catch ({ code, message }) {
  console.log(JSON.stringify({ code, message }))
}
`

/** What a process that may not do everything is told when it opens a journal, or when it only asks whether it may. */
function told(how: 'open' | 'ask', path: string, { readOnly = false } = {}) {
  const args = ['--input-type=module', '-e', PROGRAM, how, path, String(readOnly)]
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(stderr).toBe('')
  return JSON.parse(stdout) as { code?: string; message?: string }
}

const refused = (says: RegExp) => ({
  code: 'ERR_WINDSOCK_JOURNAL',
  message: expect.stringMatching(says),
})

describe('a journal is refused, with what to do,', () => {
  it('when it may not be written', () => {
    chmodSync(file, 0o444)
    chmodSync(folder, 0o777)
    expect(told('open', file)).toEqual(refused(/read and write.*permissions/))
    expect(readdirSync(folder)).toEqual(['journal.db', 'journal.db.lock'])
  })

  it('when it may not be read', () => {
    chmodSync(file, 0o000)
    chmodSync(folder, 0o777)
    expect(told('open', file, { readOnly: true })).toEqual(refused(/may not read the journal/))
  })

  it('when nothing may be made in its folder, where writers and readers need files', () => {
    chmodSync(file, 0o666)
    chmodSync(folder, 0o555)
    expect(told('open', file)).toEqual(refused(/may not write to .*permissions/))
    expect(told('open', join(folder, 'new.db'))).toEqual(refused(/may not write to/))
    expect(told('open', file, { readOnly: true })).toEqual(refused(/copy the journal elsewhere/))
  })
})

it('a journal that may be read is read, whoever owns it', () => {
  chmodSync(file, 0o444)
  chmodSync(folder, 0o777)
  expect(told('ask', file, { readOnly: true })).toEqual({})
})

it('a reader takes what a writer has beside the file, also where nothing may be made', async () => {
  const writer = await openJournal(file)
  onTestFinished(() => writer.close())
  chmodSync(folder, 0o555)
  expect(told('ask', file, { readOnly: true })).toEqual({})
})

it('a journal that is not there is missed by whoever looks for it', () => {
  chmodSync(folder, 0o555)
  const nowhere = join(folder, 'nowhere.db')
  expect(told('ask', nowhere, { readOnly: true })).toEqual(refused(/there is no journal/))
})
