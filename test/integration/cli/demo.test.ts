// windsock demo, installed: it serves from its package, and leaves nothing there that was not asked for.

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { Command, startDemo } from '../support/command.ts'

/** A project in which the package is installed, as far as the demo needs it. */
function project(): string {
  const folder = mkdtempSync(join(tmpdir(), 'windsock-project-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const installed = join(folder, 'node_modules/windsock')
  mkdirSync(installed, { recursive: true })
  for (const part of ['dist', 'demo', 'package.json']) {
    cpSync(part, join(installed, part), { recursive: true })
  }
  symlinkSync(join(process.cwd(), 'node_modules'), join(installed, 'node_modules'))
  return folder
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
}

/** Starts the demo in that project. */
function demoIn(folder: string, port: number, ...args: string[]): Command {
  const command = join(folder, 'node_modules/windsock/dist/cli/main.js')
  const words = [command, 'demo', '--port', String(port), ...args]
  return new Command(process.execPath, words, 'none', folder)
}

/** Starts it, ends it when it has said where it keeps things, and returns what it has said until then. */
async function look(folder: string, ...args: string[]): Promise<string> {
  const demo = demoIn(folder, 0, ...args)
  await demo.line(/^The chat is .*$/)
  demo.kill('SIGTERM')
  expect(await demo.exited).toEqual({ code: 0, signal: null })
  return demo.lines.all.join('\n')
}

it('leaves no file, neither in the package nor where it was started, and says so', async () => {
  const folder = project()
  const before = filesOf(folder)
  expect(await look(folder)).toMatch(/in memory.*--journal/)
  expect(filesOf(folder)).toEqual(before)
})

it('keeps the chat in the file that is named, from where it was started, and says in which', async () => {
  const folder = project()
  expect(await look(folder, '--journal', 'chat.db')).toContain('chat.db')
  expect(existsSync(join(folder, 'chat.db'))).toBe(true)
})

it('says which folder it has made for that file, and of one that was there nothing', async () => {
  const folder = project()
  const file = join('new', 'folder', 'chat.db')
  expect(await look(folder, '--journal', file)).toMatch(/^Made the folder .*new.folder$/m)
  expect(await look(folder, '--journal', file)).not.toContain('Made')
})

it('makes nothing where it cannot listen', async () => {
  const folder = project()
  const before = filesOf(folder)
  const { port } = await startDemo()
  const other = demoIn(folder, port, '--journal', join('new', 'chat.db'))
  expect((await other.exited).code).toBe(1)
  expect(other.errors.all.join('\n')).toContain('ERR_WINDSOCK_LISTEN')
  expect(filesOf(folder)).toEqual(before)
})

it('says with which command its echo answers in a terminal', async () => {
  const { demo } = await startDemo()
  const [, ...words] = await demo.line(/^In a terminal: windsock (\S+) (\S+)$/)
  const args = ['dist/cli/main.js', ...words]
  const client = new Command(process.execPath, args, 'piped')
  client.type('hello\n')
  await client.line(/You said: hello/)
})
