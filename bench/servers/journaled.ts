// windsock with its journal in a file, on a real disk, in a folder that goes with the process.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openJournal } from 'windsock'
import type { Listen } from './main.ts'
import { listenWith } from './windsock.ts'

export const listen: Listen = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'windsock-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return listenWith({ journal: await openJournal(join(folder, 'journal.db')) })
}
