// Programs: the code of the documentation, as files that run.
//
// A fenced block whose info string ends in `run` is a whole program. An HTML comment that begins with `check` behind
// it, which no reader sees, talks to the program and closes what it opened; `call` and `assert` are there for it.
// Fixed ports, `port: 8888` and `listen(8888)`, become free ones, and windsock is not installed but this. A block with
// `file=<name>` is a file that the programs of its page read.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

export interface Program {
  /** The page, from the folder of the project, and the line of the fence. */
  readonly name: string
  /** Where it was written to. */
  readonly file: string
}

const BLOCK = /^```(tsx?|js|html) ?(run|file=\S+)?\n([^]*?)^```\n(?:\n?<!-- check\n([^]*?)-->)?/gm

/** Every page of Markdown that the project has, from its folder. */
export function pages(): string[] {
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
  const top = readdirSync(ROOT).filter((file) => file.endsWith('.md'))
  return [...top, ...docs.map((file) => `docs/${file.replaceAll('\\', '/')}`)]
    .filter((file) => file.endsWith('.md'))
    .sort()
}

export function textOf(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8')
}

/**
 * Writes the programs of a page to a folder of their own under `.build/`.
 *
 * @param check - what stands behind each program, in place of the page's own checks.
 */
export function writePrograms(page: string, under = 'docs', check?: string): Program[] {
  const folder = posix.join('.build', under, page.replace(/^docs\/|\.md$/g, ''))
  rmSync(join(ROOT, folder), { recursive: true, force: true })
  const programs: Program[] = []
  const text = textOf(page)
  for (const [block, language = '', role = '', code = '', own = ''] of text.matchAll(BLOCK)) {
    const line = text.slice(0, text.indexOf(block)).split('\n').length
    if (role.startsWith('file=')) {
      write(join(ROOT, folder, role.slice('file='.length)), code)
    } else if (role === 'run') {
      const file = join(ROOT, folder, `line-${line}.${language}`)
      const program = onFreePort(code).replaceAll('node_modules/windsock/', ROOT)
      write(file, `${own === '' ? '' : tools(folder)}${program}\n${check ?? own}`)
      programs.push({ name: `${page}:${line}`, file })
    }
  }
  return programs
}

function onFreePort(code: string): string {
  return code.replace(/\b(port: |listen\()\d+/, (_, before: string) => `${before}0`)
}

function tools(folder: string): string {
  const support = posix.relative(folder, 'test/integration/support')
  return [
    `import assert from 'node:assert/strict'`,
    `import { call } from '${support}/caller.ts'`,
    'void [assert, call]\n',
  ].join('\n')
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
