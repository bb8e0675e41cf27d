// The documentation: every program in it runs and compiles, every link in it leads somewhere.

import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { pages, ROOT, textOf, writePrograms } from './support/programs.ts'

const quiet = vi.spyOn(console, 'log').mockImplementation(() => {})
afterAll(() => quiet.mockRestore())

const programs = pages()
  .filter((page) => page !== 'README.md')
  .flatMap((page) => writePrograms(page))

describe('a program in the documentation', () => {
  it('is there to be looked at', () => {
    expect(programs.length).toBeGreaterThan(5)
  })

  for (const { name, file } of programs) {
    it(`runs: ${name}`, async () => {
      await import(/* @vite-ignore */ file)
    })
  }

  it('compiles as strictly as the project does', () => {
    const files = programs.map(({ file }) => file).filter((file) => file.endsWith('.ts'))
    expect(compile(files)).toBe('')
  })
})

describe('a link in the documentation', () => {
  for (const page of pages()) {
    it(`leads to a file: ${page}`, () => {
      const broken = linksOf(page).filter((link) => !existsSync(join(ROOT, link)))
      expect(broken).toEqual([])
    })
  }
})

/** What the compiler has to say about these files; empty when nothing. */
function compile(files: readonly string[]): string {
  const config = join(ROOT, '.build/docs/tsconfig.json')
  const options = { noUnusedLocals: false, rootDir: '../..' }
  writeFileSync(
    config,
    JSON.stringify({
      extends: '../../tsconfig.json',
      compilerOptions: options,
      include: [],
      files,
    }),
  )
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', config], { encoding: 'utf8' })
  return stdout
}

/** Relative links and pictures of a page, as paths from the folder of the project, without anchors. */
function linksOf(page: string): string[] {
  const prose = textOf(page).replace(/^```[^]*?^```/gm, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g), ...prose.matchAll(/(?:src|href)="([^"]+)"/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^(https?:|mailto:|#)/.test(link))
    .map((link) => posix.join(posix.dirname(page), link.replace(/#.*/, '')))
}
