// windsock with its journal off, to measure what a journal costs.
//
// See `programs.ts`.

import { servePrograms } from './programs.ts'

await servePrograms({ journalLevel: 'off' })
