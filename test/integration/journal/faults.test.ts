// What a journal in a file does when things go wrong: a clear error, nothing acknowledged lost, the rest goes on.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openJournal } from 'windsock'
import { codeOf, openDriver } from '../../../src/journal/sqlite-driver.ts'
import { openSqliteStore, type SqliteStore } from '../../../src/journal/sqlite-store.ts'
import type { NewEvent } from '../../../src/journal/store.ts'
import { requires } from '../../support/requires.ts'

/** The worker's. */
const CHECKPOINT_EVERY = 500
const TOPIC = 'topic/load'
const APPENDER = fileURLToPath(new URL('./support/appender.mjs', import.meta.url))
const OPEN_JOURNAL = pathToFileURL('dist/open-journal.js').href
const EVERYTHING = { maxEvents: 1_000_000, maxBytes: 2 ** 30 }

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

let folder: string
let file: string
const open: SqliteStore[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windsock-faults-'))
  file = join(folder, 'journal.db')
})

afterEach(async () => {
  for (const store of open.splice(0)) await store.close()
  rmSync(folder, { recursive: true })
})

async function store(options = {}, at = file): Promise<SqliteStore> {
  const opened = await openSqliteStore(at, options)
  open.push(opened)
  return opened
}

const text = (data: string): NewEvent => ({ type: 'text', schema: 1, atMs: 0, data })

/** Lets a process append until it has told of `count` acknowledgements, then kills it; the highest it told of. */
async function appendAndKill(count: number): Promise<number> {
  const child = spawn(process.execPath, [APPENDER, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  let told = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (chunk: string) => {
    told += chunk
    if (told.split('\n').length > count) child.kill('SIGKILL')
  })
  await once(child, 'close')
  const versions = told.split('\n').slice(0, -1).map(Number)
  return versions.at(-1) ?? 0
}

describe('a process that is killed while it appends', () => {
  it('loses nothing acknowledged, tears nothing, and reuses no version', async () => {
    let acknowledged = 0
    let epoch: string | undefined
    for (let round = 0; round < 3; round++) {
      const told = await appendAndKill(400)
      expect(told).toBeGreaterThan(acknowledged)
      acknowledged = told
      const after = await openSqliteStore(file)
      // Reading checks every record against its checksum and its predecessor's.
      const { events, head, epoch: now } = await after.read(TOPIC, EVERYTHING)
      await after.close()
      expect(head).toBeGreaterThanOrEqual(acknowledged)
      expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1))
      for (const { version, data } of events) {
        expect(data).toBe(`message ${version} ${'x'.repeat(version % 300)}`)
      }
      epoch ??= now
      expect(now).toBe(epoch)
    }
  })
})

const sqlite3 = requires('the command sqlite3', () => {
  execFileSync('sqlite3', ['--version'])
  return true
})

describe('a process that exits while it appends', () => {
  it('ends with its own code, whatever SQLite is doing', async () => {
    for (let round = 1; round <= 8; round++) {
      const given = [APPENDER, file, String(100 * round)]
      const child = spawn(process.execPath, given, { stdio: ['ignore', 'pipe', 'inherit'] })
      child.stdout.resume()
      expect(await once(child, 'close')).toEqual([7, null])
    }
  })
})

describe('a journal file', () => {
  it('has one writer, and says so to the second', async () => {
    await store()
    await expect(store()).rejects.toMatchObject({ code: 'ERR_WINDSOCK_JOURNAL_LOCKED' })
  })

  it('has one writer, by whatever name it is called', async () => {
    const link = join(folder, 'link.db')
    symlinkSync(file, link)
    const early = await store({}, link)
    await early.append(TOPIC, [text('a')])
    await expect(store()).rejects.toMatchObject({ code: 'ERR_WINDSOCK_JOURNAL_LOCKED' })
    await early.close()
    await store()
    const program = `
      import { openJournal } from ${JSON.stringify(OPEN_JOURNAL)}
      await openJournal(process.argv[1]).catch(({ code, message }) => console.log(code, message))
    `
    for (const name of [file, link, join(folder, '.', 'link.db')]) {
      const said = execFileSync(process.execPath, ['--input-type=module', '-e', program, name])
      expect(String(said)).toMatch(/^ERR_WINDSOCK_JOURNAL_LOCKED another process /)
    }
  })

  it('is a file, whatever SQLite makes of such a name', () => {
    const program = `
      import { openJournal } from ${JSON.stringify(OPEN_JOURNAL)}
      await (await openJournal(':memory:')).close()
    `
    const args = ['--input-type=module', '-e', program]
    execFileSync(process.execPath, args, { cwd: folder })
    expect(statSync(join(folder, ':memory:')).size).toBeGreaterThan(0)
  })

  it('may be named by a file: URL', async () => {
    const url = pathToFileURL(join(folder, 'by url #1.db'))
    await (await openJournal(url)).close()
    expect(statSync(join(folder, 'by url #1.db')).size).toBeGreaterThan(0)
    await (await openJournal(url, { readOnly: true })).close()
  })

  it('is not the text of such a URL, unless it begins with its folder', async () => {
    const texts = ['file:journal.db', 'FILE:///tmp/journal.db', pathToFileURL(file).href]
    for (const text of texts) {
      await expect(openJournal(text)).rejects.toMatchObject({ code: 'ERR_WINDSOCK_JOURNAL' })
    }
    await (await openJournal(join(folder, 'file:journal.db'))).close()
    const reader = await openJournal(join(folder, 'file:journal.db'), { readOnly: true })
    await reader.close()
  })

  it('that this process has open already is refused, and said to be', async () => {
    const first = await store()
    await expect(store()).rejects.toMatchObject({
      code: 'ERR_WINDSOCK_JOURNAL_LOCKED',
      message: expect.stringMatching(/^this process /),
    })
    await first.close()
    await (await store()).close()
    // Whoever was refused holds nothing.
    writeFileSync(`${file}-other`, 'this is a shopping list, and a long one at that'.repeat(40))
    for (let round = 0; round < 2; round++) {
      await expect(store({}, `${file}-other`)).rejects.toMatchObject({
        code: 'ERR_WINDSOCK_JOURNAL_CORRUPT',
      })
    }
  })

  it.each([
    ['below a file', () => join(file, 'journal.db')],
    ['where no folder can be made', () => '/proc/nowhere/journal.db'],
    ['with a name that is too long', () => join(folder, 'x'.repeat(300))],
    ['in a ring of links', () => join(folder, 'ring')],
  ])('is refused %s', async (_, place) => {
    writeFileSync(file, '')
    symlinkSync(join(folder, 'ring'), join(folder, 'ring'))
    await expect(store({}, place())).rejects.toMatchObject({ code: 'ERR_WINDSOCK_JOURNAL' })
  })

  it('has one writer over processes, and is free when that one is dead', async () => {
    const child = spawn(process.execPath, [APPENDER, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    child.stdout.resume()
    await expect(store()).rejects.toMatchObject({ code: 'ERR_WINDSOCK_JOURNAL_LOCKED' })
    child.kill('SIGKILL')
    await once(child, 'close')
    expect((await (await store()).position(TOPIC)).head).toBeGreaterThan(0)
  })

  it('is read beside its writer, and not written', async () => {
    const writer = await store()
    await writer.append(TOPIC, [text('a')])
    const reader = await store({ readOnly: true })
    expect((await reader.read(TOPIC)).events).toHaveLength(1)
    await writer.append(TOPIC, [text('b')])
    expect((await reader.read(TOPIC)).events).toHaveLength(2)
    await expect(reader.append(TOPIC, [text('c')])).rejects.toMatchObject({
      code: 'ERR_WINDSOCK_JOURNAL',
    })
  })

  it('is made with its folder when it is not there, except for reading', async () => {
    const deep = join(folder, 'a', 'b', 'journal.db')
    await expect(store({ readOnly: true }, deep)).rejects.toMatchObject({
      code: 'ERR_WINDSOCK_JOURNAL',
    })
    await store({}, deep)
    expect(existsSync(deep)).toBe(true)
  })

  it.each([
    ['taken away', () => rmSync(file)],
    ['moved', () => renameSync(file, `${file}.moved`)],
    [
      'replaced by a copy',
      () => {
        copyFileSync(file, `${file}.copy`)
        renameSync(`${file}.copy`, file)
      },
    ],
  ])(
    'that is %s while it is open acknowledges nothing more, until it is opened anew',
    async (_, spoil) => {
      const writer = await store()
      await writer.append(TOPIC, [text('a')])
      spoil()
      const refusal = { code: 'ERR_WINDSOCK_JOURNAL' }
      await expect(writer.append(TOPIC, [text('b')])).rejects.toMatchObject(refusal)
      await expect(writer.append(TOPIC, [text('c')])).rejects.toMatchObject(refusal)
      await writer.close()
      const anew = await store()
      const { head } = await anew.append(TOPIC, [text('d')])
      expect((await anew.read(TOPIC)).events.at(-1)).toMatchObject({ data: 'd', version: head })
    },
  )

  it('refuses what is more than it may hold back, and keeps the rest', async () => {
    const writer = await store()
    const half = Array.from({ length: 60_000 }, () => text('x'))
    const first = writer.append(TOPIC, half)
    expect(writer.backlog).toBe(60_000)
    await expect(writer.append(TOPIC, half)).rejects.toMatchObject({ code: 'ERR_WINDSOCK_JOURNAL' })
    expect((await first).head).toBe(60_000)
    expect(writer.backlog).toBe(0)
  })

  it('rejects while the disk is full, goes on reading, and writes again when there is room', async (context) => {
    const disk = join(folder, 'disk')
    mkdirSync(disk)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'ignore' })
    } catch {
      console.warn('skipped: a full disk needs the right to mount a small one, which is not here')
      return context.skip()
    }
    try {
      const writer = await openSqliteStore(join(disk, 'journal.db'))
      await writer.append(TOPIC, [text('a')])
      const filling = join(disk, 'filling')
      writeFileSync(filling, Buffer.alloc(600 * 1024))
      const big = text('x'.repeat(400 * 1024))
      await expect(writer.append(TOPIC, [big])).rejects.toMatchObject({
        code: 'ERR_WINDSOCK_JOURNAL',
      })
      expect((await writer.read(TOPIC)).events).toHaveLength(1)
      rmSync(filling)
      expect((await writer.append(TOPIC, [text('b')])).head).toBe(2)
      await writer.close()
    } finally {
      execFileSync('umount', [disk])
    }
  })
})

it('SQLite’s code for what cannot be opened is known, whichever library says it', async () => {
  const thrown: unknown = await openDriver(join(folder, 'nowhere', 'x.db'), false).catch(
    (error: unknown) => error,
  )
  expect(codeOf(thrown) & 0xff).toBe(14)
})

/** What is in the folder, but for what SQLite keeps beside a file until the last who had it open is collected. */
function ownFiles(): readonly string[] {
  return readdirSync(folder).filter((name) => !/-(wal|shm)$/.test(name))
}

describe.runIf(sqlite3)('a journal file under the command sqlite3', () => {
  it.each([
    [
      'is no database',
      'CORRUPT',
      () => writeFileSync(file, 'this is a shopping list, and a long one at that'.repeat(40)),
    ],
    [
      'is another database',
      'CORRUPT',
      () => execFileSync('sqlite3', [file, 'CREATE TABLE milk(litres)']),
    ],
    [
      'is from the future',
      'NEWER',
      async () => {
        await (await openSqliteStore(file)).close()
        execFileSync('sqlite3', [file, 'PRAGMA user_version = 99'])
      },
    ],
  ])('is refused, and left as it was, when it %s', async (_name, code, spoil) => {
    await Promise.resolve(spoil())
    const before = readFileSync(file)
    const beside = ownFiles()
    await expect(store()).rejects.toMatchObject({ code: `ERR_WINDSOCK_JOURNAL_${code}` })
    expect(readFileSync(file).equals(before)).toBe(true)
    expect(ownFiles()).toEqual(beside)
  })

  it.each([
    ['changed', "UPDATE messages SET data = 'b!' WHERE version = 2"],
    ['no UTF-8 any more', "UPDATE messages SET data = CAST(x'ff62' AS TEXT) WHERE version = 2"],
    ['of no known type', "UPDATE messages SET type = CAST(x'ff' AS TEXT) WHERE version = 2"],
    ['of numbers that are none', "UPDATE messages SET at = x'01' WHERE version = 2"],
    ['behind no checksum', 'UPDATE messages SET prev = 99345296983916 WHERE version = 2'],
    ['taken out', 'DELETE FROM messages WHERE version = 2'],
    [
      'put in another order',
      'UPDATE messages SET version = version + 1000; UPDATE messages SET version = CASE version WHEN 1001 THEN 2 WHEN 1002 THEN 1 ELSE 3 END',
    ],
  ])('tells of a record that was %s, and does not skip it', async (_name, sql) => {
    const writer = await openSqliteStore(file)
    await writer.append(TOPIC, ['a', 'b', 'c'].map(text))
    await writer.close()
    execFileSync('sqlite3', [file, sql])
    const reader = await store()
    await expect(reader.read(TOPIC)).rejects.toMatchObject({ code: 'ERR_WINDSOCK_JOURNAL_CORRUPT' })
  })

  it.each([
    ['topics', 'streams'],
    ['unended', 'unended'],
  ] as const)(
    'says of a name in %s that is no UTF-8 any more that it is damaged',
    async (table, ask) => {
      const writer = await openSqliteStore(file)
      await writer.append(TOPIC, [text('a')])
      await writer.append('life', [text('b')])
      await writer.close()
      execFileSync('sqlite3', [file, `UPDATE ${table} SET stream = CAST(x'7400ff' AS TEXT)`])
      const reader = await store()
      await expect(reader[ask]()).rejects.toMatchObject({ code: 'ERR_WINDSOCK_JOURNAL_CORRUPT' })
    },
  )

  it('is opened and read though an epoch or a snapshot is no UTF-8 any more', async () => {
    const writer = await openSqliteStore(file)
    await writer.append(TOPIC, [text('a')])
    await writer.saveSnapshot('life', { version: 1, schema: 1, data: '{}' })
    await writer.close()
    const broken = "CAST(x'ff62' AS TEXT)"
    const sql = `UPDATE topics SET epoch = ${broken}; UPDATE meta SET value = ${broken}; UPDATE snapshots SET data = ${broken}`
    execFileSync('sqlite3', [file, sql])
    const reader = await store()
    expect((await reader.read(TOPIC)).events).toHaveLength(1)
    expect(await reader.loadSnapshot('life')).toMatchObject({ data: '\ufffdb' })
  })

  it('is read by the sqlite3 command while it is written', async () => {
    const writer = await store()
    await writer.append(TOPIC, ['a', 'b'].map(text))
    const said = execFileSync('sqlite3', ['-readonly', file, 'SELECT data FROM messages'], {
      encoding: 'utf8',
    })
    expect(said).toBe('a\nb\n')
    await writer.append(TOPIC, [text('c')])
    expect((await writer.read(TOPIC)).events).toHaveLength(3)
  })

  it('is written on while someone keeps reading an old state of it, and its log begins anew afterwards', async () => {
    const writer = await store()
    const commits = async (count: number) => {
      for (let n = 0; n < count; n++) await writer.append(TOPIC, [text('x'.repeat(500))])
      return statSync(`${file}-wal`).size
    }
    await commits(1)
    const reader = spawn('sqlite3', ['-readonly', file], { stdio: ['pipe', 'pipe', 'inherit'] })
    const asked = async (sql: string) => {
      const said = once(reader.stdout, 'data')
      reader.stdin.write(`${sql};\n`)
      return String((await said)[0]).trim()
    }
    expect(await asked('BEGIN; SELECT count(*) FROM messages')).toBe('1')
    // Longer than the worker goes without a checkpoint, which can bring nothing home while the reader is there.
    const held = await commits(CHECKPOINT_EVERY + 10)
    expect(await asked('SELECT count(*) FROM messages')).toBe('1')
    reader.stdin.end()
    await once(reader, 'close')
    const whole = await commits(CHECKPOINT_EVERY)
    expect(whole).toBeGreaterThan(held)
    expect(await commits(100)).toBe(whole)
    const { events } = await writer.read(TOPIC, EVERYTHING)
    expect(events).toHaveLength(1 + CHECKPOINT_EVERY + 10 + CHECKPOINT_EVERY + 100)
  })
})

it('a page is let go of when whoever read it has it', async () => {
  const written = await store()
  await written.append(TOPIC, [text('a'.repeat(1_000_000))])
  const pages: WeakRef<object>[] = []
  for (let reads = 0; reads < 20; reads++) {
    pages.push(new WeakRef(await written.read(TOPIC)))
  }
  await vi.waitFor(() => {
    collect()
    // The last ones may be on a stack still.
    expect(pages.filter((page) => page.deref() !== undefined).length).toBeLessThan(5)
  })
})

describe('a journal', () => {
  it('ends the lives that a killed process left open', async () => {
    const writer = await openSqliteStore(file)
    const started = {
      connectionId: 'left',
      startedAtMs: 5,
      deadlines: {},
      path: '/',
      origin: null,
      ownMachine: false,
    }
    const data = JSON.stringify(started)
    await writer.append('connection/left', [
      { type: 'ConnectionStarted', schema: 1, atMs: 5, data },
    ])
    await writer.close()
    const journal = await openJournal(file)
    expect(await journal.closeRecord('left')).toMatchObject({
      connectionId: 'left',
      startedAtMs: 5,
    })
    await journal.close()
  })
})
