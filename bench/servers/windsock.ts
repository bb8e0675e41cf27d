// windsock with all its defaults, the journal in memory among them.
//
// See `programs.ts`.

import { servePrograms } from './programs.ts'

await servePrograms({})
