// Save: keeps what a run found. A run of some cases renews those, and leaves the others as they were.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CASES } from './cases.ts'
import { filesOf, RESULTS_FILE } from './page.ts'
import type { Results } from './results.ts'
import { ROOT } from './subjects.ts'

/** Writes the results, the page and the picture; says which files. */
export async function save(found: Results): Promise<void> {
  const results = joined(kept(), found)
  const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8')
  const files = await filesOf(results, textOf)
  for (const [path, text] of Object.entries(files)) writeFileSync(join(ROOT, path), text)
  console.error(`written: ${Object.keys(files).join(', ')}`)
}

/** What was saved last; undefined when nothing was. */
export function kept(): Results | undefined {
  const file = join(ROOT, RESULTS_FILE)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : undefined
}

/** `found`, and of `before` the rows of cases that `found` does not have. */
function joined(before: Results | undefined, found: Results): Results {
  if (before === undefined) return found
  const isOf = (name: string, caseName: string) => {
    return name === caseName || name.startsWith(`${caseName}:`)
  }
  const rows = CASES.flatMap(({ name }) => {
    const own = found.rows.filter((row) => isOf(row.name, name))
    return own.length > 0 ? own : before.rows.filter((row) => isOf(row.name, name))
  })
  return { ...found, versions: { ...before.versions, ...found.versions }, rows }
}
