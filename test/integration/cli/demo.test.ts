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

/** Starts the demo in that project, ends it when it has said where it keeps things, and returns that line. */
async function look(folder: string, ...args: string[]): Promise<string> {
  const command = join(folder, 'node_modules/windsock/dist/cli/main.js')
  const demo = new Command(
    process.execPath,
    [command, 'demo', '--port', '0', ...args],
    'none',
    folder,
  )
  const [kept] = await demo.line(/^The chat is .*$/)
  demo.kill('SIGTERM')
  expect(await demo.exited).toEqual({ code: 0, signal: null })
  return kept
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

it('says with which command its echo answers in a terminal', async () => {
  const { demo } = await startDemo()
  const [, ...words] = await demo.line(/^In a terminal: windsock (\S+) (\S+)$/)
  const args = ['dist/cli/main.js', ...words]
  const client = new Command(process.execPath, args, 'piped')
  client.type('hello\n')
  await client.line(/You said: hello/)
})
