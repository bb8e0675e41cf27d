// windsock with its journal in a file, on a real disk, in a folder that goes with the process.
//
// See `programs.ts`.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openJournal } from 'windsock'
import { servePrograms } from './programs.ts'

const folder = mkdtempSync(join(tmpdir(), 'windsock-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
await servePrograms({ journal: await openJournal(join(folder, 'journal.db')) })
