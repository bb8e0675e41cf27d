// Changes the rules of the pure rooms, one place at a time, and sees whether the rooms' own tests notice.
//
//   npm run test:mutation                                        every room of tools/rooms.ts
//   npm run test:mutation -- machines                            one of them
//   npm run test:mutation -- protocol --only src/protocol/origin.ts
//
// Stryker makes the changes and counts. Below 90 % of a room the run fails. A room takes some minutes, a file seconds.

import { parseArgs } from 'node:util'
import { Stryker } from '@stryker-mutator/core'
import { ROOMS } from './rooms.ts'

const LEAST_PERCENT = 90

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' } },
})
const { only } = values

for (const name of positionals.length > 0 ? positionals : Object.keys(ROOMS)) {
  const room = ROOMS[name]
  if (room === undefined) throw new Error(`no room ${name}: ${Object.keys(ROOMS).join(', ')}`)
  console.log(`\n== ${name} ==`)
  // vitest.rooms.config.ts reads it, in the processes that Stryker starts. Stryker's own choice of test files is not
  // used: with it, a change to what is evaluated while a module loads counts as unnoticed.
  process.env['WINDSOCK_ROOM'] = name
  const options = {
    plugins: [
      '@stryker-mutator/vitest-runner',
      new URL('./mutation-prose.js', import.meta.url).href,
    ],
    testRunner: 'vitest',
    vitest: { configFile: 'vitest.rooms.config.ts', related: false },
    mutate: only === undefined ? [...room.sources] : [only],
    ignorers: ['prose'],
    concurrency: 2,
    // A machine with other work stalls. What loops without end is noticed sooner: by how often it is passed.
    timeoutMS: 20_000,
    // There is no such file: it would be read with an interface that TypeScript 7 does not have.
    tsconfigFile: 'none',
    tempDirName: '.build/mutation',
    ignorePatterns: ['/.build*', '/dist', '/coverage', '/bench', '/demo'],
    thresholds: { break: only === undefined ? LEAST_PERCENT : null },
    reporters: ['clear-text'],
    clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  }
  await new Stryker(options).runMutationTest()
}
