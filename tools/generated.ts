// Generated: files that a tool writes from the source, and the check that they are what it would write now.
//
// A tool hands over its files; with `--check` nothing is written, and a file that differs is named together
// with the command that renews it.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the project; tools run from `.build/tools/`. */
const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Contents by path, the path from the project's folder. */
export type GeneratedFiles = Readonly<Record<string, string>>

/**
 * Writes `files`, or with `--check` among the arguments compares them.
 *
 * @param command - what renews the files, as a person types it.
 * @returns the exit code: 1 when a file is stale, 2 for an argument that is unknown.
 */
export function settle(files: GeneratedFiles, command: string, args: readonly string[]): number {
  const unknown = args.find((arg) => arg !== '--check')
  if (unknown !== undefined) {
    console.error(`${command}: unknown argument ${unknown}; the only one there is is --check`)
    return 2
  }
  const stale = Object.entries(files).filter(([path, text]) => textOf(path) !== text)
  if (args.includes('--check')) {
    for (const [path] of stale) {
      console.error(`${path} is stale: run \`${command}\` and commit what it writes`)
    }
    if (stale.length === 0) console.log(`up to date: ${Object.keys(files).join(', ')}`)
    return stale.length === 0 ? 0 : 1
  }
  for (const [path, text] of stale) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true })
    writeFileSync(join(ROOT, path), text)
  }
  for (const path of Object.keys(files)) {
    console.log(`${stale.some(([name]) => name === path) ? 'written   ' : 'unchanged '} ${path}`)
  }
  return 0
}

function textOf(path: string): string | undefined {
  const file = join(ROOT, path)
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
