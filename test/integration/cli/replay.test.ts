// windsock replay: the list, a life, a moment, a picture and a test of it, as the built command prints them.

import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectionMachine, fold, type LifeEvent, openJournal } from 'windsock'
import { Command, windsock } from '../support/command.ts'
import { EVIL, type JournalFile, writeJournal } from './support/journals.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

let journal: JournalFile
const id = (path: string) => journal.ids[path] as string

beforeAll(async () => {
  journal = await writeJournal()
})
afterAll(() => journal.remove())

async function run(...args: string[]) {
  const command = windsock(...args)
  const { code } = await command.exited
  const lines = command.lines.all
  for (const line of [...lines, ...command.errors.all]) expect(line).not.toMatch(CONTROL)
  return { code, lines, text: lines.join('\n'), errors: command.errors.all.join('\n') }
}

const list = (...args: string[]) => run('replay', journal.file, ...args)
/** An id may begin with a hyphen. */
const life = (path: string, ...args: string[]) =>
  run('replay', journal.file, ...args, '--', id(path))
const objects = (lines: readonly string[]) => lines.map((line) => JSON.parse(line))

describe('the list', () => {
  it('has every connection, what has not ended first, then by the end', async () => {
    const { code, lines } = await list()
    expect(code).toBe(0)
    const paths = ['/left', '/own', '/loud', '/breaks', '/refused', '/fails', '/vanishes', '/clean']
    expect(lines.slice(1, 9).map((line) => line.split(' ').at(-1))).toEqual(paths)
    expect(lines[1]).toMatch(/ live .* \/left$/)
    expect(lines[5]).toMatch(/ us +refused +HTTP 403 +- +0 +0 /)
    expect(lines[7]).toMatch(/ us +pingTimeout +/)
    expect(lines[8]).toMatch(
      /2026-01-01 00:00:00 +00:01:40 +1m40s +peer +peerClosed +1000 +1000 +0 +0 /,
    )
  })

  it('is JSON for programs', async () => {
    const rows = objects((await list('--json')).lines)
    expect(rows).toHaveLength(8)
    expect(rows[0]).toMatchObject({ connectionId: id('/left'), path: '/left', live: true })
    expect(rows[7]).toMatchObject({
      live: false,
      inferred: false,
      record: { cause: 'peerClosed', reason: `bye ${EVIL}` },
    })
  })

  it('is cut, and says how to see more', async () => {
    const { lines } = await list('--limit', '3')
    expect(lines.filter((line) => line.includes('2026-01-01'))).toHaveLength(3)
    expect(lines.at(-1)).toContain('--limit 0')
  })

  it('is of one cause, of one time, or of those that live', async () => {
    expect(objects((await list('--json', '--cause', 'pingTimeout')).lines)).toMatchObject([
      { connectionId: id('/vanishes') },
    ])
    expect(objects((await list('--json', '--ended', '2026-01-01T00:01:40')).lines)).toMatchObject([
      { connectionId: id('/clean') },
    ])
    expect(objects((await list('--json', '--live')).lines)).toMatchObject([
      { connectionId: id('/left') },
    ])
    const none = await list('--cause', 'slowConsumer')
    expect([none.code, none.lines.length]).toEqual([0, 1])
  })

  it('marks an end that was inferred', async () => {
    const file = (await writeJournal()).file
    await (await openJournal(file)).close()
    const { lines } = await run('replay', file, '--limit', '1')
    expect(lines[1]).toMatch(/ transportLost\* /)
    const [row] = objects((await run('replay', file, '--limit', '1', '--json')).lines)
    expect(row).toMatchObject({ inferred: true, path: '/left' })
    const { text } = await run('replay', file, '--', row.connectionId)
    expect(text).toMatch(/inferred/)
  })
})

describe('a life', () => {
  it('is told step by step, and how it ended', async () => {
    const { code, text } = await life('/vanishes')
    expect(code).toBe(0)
    for (const part of [
      `Connection ${id('/vanishes')}`,
      'path     /vanishes',
      '→ connecting.handshaking',
      'connecting.opening → open.alive',
      'TimerFired  pingInterval',
      'open.alive → open.awaitingPong',
      'sendPing 1',
      'open.overdue → closing',
      'sendClose 1011 "ping timed out"',
      'by us: pingTimeout',
      'received     no Close frame',
      '1006 abnormal closure',
    ]) {
      expect(text).toContain(part)
    }
  })

  it('is told of one that was refused, and of one that goes on', async () => {
    expect((await life('/refused')).text).toMatch(/refuse 403 "members only"[^]*answered +HTTP 403/)
    expect((await life('/left')).text).toMatch(/open\.alive[^]*has not ended/)
  })

  it('shows what peers wrote as text', async () => {
    const escaped = 'x\\u{1b}]0;owned\\u{7}\\u{9b}31m\\u{202e}y'
    expect((await life('/clean')).text).toContain(`"bye ${escaped}"`)
    expect((await life('/loud')).text).toContain(`payload "say ${escaped}"`)
    expect((await life('/fails')).text).toContain(escaped)
    expect((await life('/breaks')).text).toContain(escaped)
  })

  it('is JSON for programs, and what they fold it to is its record', async () => {
    const steps = objects((await life('/vanishes', '--json')).lines)
    expect(steps.map(({ after }) => after)).toContain('open.awaitingPong')
    const { record } = steps.at(-1).data
    expect(fold(steps as LifeEvent[])?.output).toEqual(record)
  })

  it('is found by a beginning of its id, and a wrong one gets near ones', async () => {
    const whole = id('/clean')
    const { text } = await run('replay', journal.file, '--', whole.slice(0, 9))
    expect(text).toContain(`Connection ${whole}`)
    const { code, errors } = await run('replay', journal.file, '--', `${whole.slice(0, 9)}!`)
    expect([code, errors]).toEqual([1, expect.stringContaining(whole)])
  })

  it('on a machine of its own says how to replay it, and that works', async () => {
    const { code, text } = await life('/own')
    expect(code).toBe(0)
    expect(text).toContain('fold(events, machine)')
    expect(text).not.toContain('open.alive')
    const events = objects((await life('/own', '--json')).lines)
    const machine = connectionMachine.provide({ delays: { pingInterval: 12_345 } })
    expect(fold(events, machine)?.output).toEqual(events.at(-1).data.record)
    for (const option of ['--mermaid', '--test', '--at=2']) {
      const refused = await life('/own', option)
      expect([refused.code, refused.errors]).toEqual([
        1,
        expect.stringContaining('machine of its own'),
      ])
    }
  })
})

describe('a moment of a life', () => {
  it('has its state, its timers, what could come, and what came', async () => {
    const { text } = await life('/vanishes', '--at', '4')
    expect(text).toMatch(/state +open\.awaitingPong/)
    expect(text).toMatch(/pings +1$/m)
    expect(text).toMatch(/pingTimeout: 10\.0s, since event 4/)
    expect(text).toMatch(/pong\.received +→ open\.alive/)
    expect(text).toMatch(/What came, .* later: 5 TimerFired\n {2}pingTimeout\n/)
  })

  it('is JSON for programs', async () => {
    const [moment] = objects((await life('/vanishes', '--at', '4', '--json')).lines)
    expect(moment).toMatchObject({
      state: 'open.awaitingPong',
      context: { pings: 1 },
      timers: [{ name: 'pingTimeout', delayMs: 10_000 }],
      next: { version: 5 },
    })
  })

  it('is over after the last event', async () => {
    const { text } = await life('/refused', '--at', '3')
    expect(text).toMatch(/nothing: it is over[^]*Nothing came after it/)
  })
})

describe('the picture of a life', () => {
  it('is the one of the documentation, with marks', async () => {
    const { lines } = await life('/vanishes', '--mermaid')
    expect(lines).toContain('    awaitingPong --> overdue : (5) after pingTimeout')
    expect(lines).toContain('  class closed last')
    const plain = readFileSync(join(ROOT, 'docs/diagrams/connection.mmd'), 'utf8')
      .trimEnd()
      .split('\n')
    const unmarked = lines.map((line) => line.replace(/\([\d, ×…]+\) /g, ''))
    expect(unmarked.slice(1, plain.length)).toEqual(plain.slice(1))
  })
})

describe('the test of a life', () => {
  it('passes, for each way to end and for none', async () => {
    const folder = join(journal.folder, 'tests')
    mkdirSync(folder)
    const paths = ['/vanishes', '/refused', '/clean', '/loud', '/left', '/fails', '/breaks']
    for (const path of paths) {
      const file = join(folder, `${path.slice(1)}.test.ts`)
      expect((await life(path, `--test=${file}`)).code).toBe(0)
      expect(readFileSync(file, 'utf8')).not.toMatch(/MessageReceived|say x/)
    }
    const { code, text } = await vitest(folder)
    expect([code, text]).toEqual([0, expect.stringMatching(/Tests +7 passed/)])
  })

  it('fails when a state or the record is another', async () => {
    const folder = join(journal.folder, 'test-changed')
    mkdirSync(folder)
    const file = join(folder, 'life.test.mjs')
    expect((await life('/vanishes', `--test=${file}`)).code).toBe(0)
    const text = readFileSync(file, 'utf8')
    expect(text).not.toContain('RecordedLifeEvent')
    for (const [from, to] of [
      ['"open":"overdue"', '"open":"alive"'],
      ['const record = {', 'const record = {"more":1,'],
    ] as const) {
      expect(text).toContain(from)
      writeFileSync(file, text.replace(from, to))
      expect((await vitest(folder)).code).toBe(1)
    }
  })

  it('is written into a folder that is not there yet', async () => {
    const file = join(journal.folder, 'new/test/life.test.ts')
    expect((await life('/clean', `--test=${file}`)).code).toBe(0)
    expect(existsSync(file)).toBe(true)
  })

  it('is never written over a file that is there', async () => {
    const file = join(journal.folder, 'mine.test.ts')
    writeFileSync(file, 'mine')
    const { code, errors } = await life('/clean', `--test=${file}`)
    expect([code, errors]).toEqual([1, expect.stringContaining('is there already')])
    expect(readFileSync(file, 'utf8')).toBe('mine')
  })
})

/** Runs the tests of a folder as its owner would, with windsock installed beside them. */
async function vitest(folder: string) {
  for (const name of ['windsock', 'vitest']) {
    const link = join(folder, 'node_modules', name)
    if (existsSync(link)) continue
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(name === 'windsock' ? ROOT : join(ROOT, 'node_modules', name), link, 'dir')
  }
  const program = join(ROOT, 'node_modules/vitest/vitest.mjs')
  const command = new Command(process.execPath, [program, 'run', '--root', folder])
  const { code } = await command.exited
  const text = [...command.lines.all, ...command.errors.all].join('\n')
  return { code, text: stripVTControlCharacters(text) }
}

describe('what cannot work is told in a line, and ends with 1', () => {
  it.each([
    [['nowhere.db'], /no journal nowhere\.db/],
    [['.'], /no file/],
    [['package.json'], /no journal.*ERR_WINDSOCK_JOURNAL_CORRUPT/],
    [[], /missing required argument/],
    [['x.db', '--cause', 'boredom'], /Allowed choices are .*pingTimeout/],
    [['x.db', '--limit', '-1'], /whole number/],
    [['x.db', '--ended', 'noon'], /must be a day, a time/],
    [['x.db', '--ended', '25:03'], /must be a day, a time/],
    [['x.db', '--ended', '2026-02-30'], /must be a day, a time/],
    [['x.db', '--at', '3'], /add its id/],
    [['x.db', 'abc', '--cause', 'refused'], /leave the id out/],
    [['x.db', 'abc', '--json', '--test'], /cannot be used with/],
    [['x.db', '-abc'], /goes behind --/],
  ])('%j', async (args, says) => {
    const { code, lines, errors } = await run('replay', ...args)
    expect([code, lines]).toEqual([1, []])
    expect(errors).toMatch(says)
    expect(errors).not.toMatch(/\n\s+at /)
  })

  it('an event that is not there', async () => {
    const { code, errors } = await life('/clean', '--at', '99')
    expect([code, errors]).toEqual([1, expect.stringContaining('no event 99')])
  })
})
