// Fuzzes for as long as is asked for: the parsers of what peers and files say, with inputs that are nearly right.
//
//   npm run test:fuzz                        a minute for each sentence of test/property/fuzz-*
//   npm run test:fuzz -- --minutes 60
//   npm run test:fuzz -- --minutes 5 -t offset    the sentences whose names have that in them
//
// What is found is printed small, with what plays it again.

import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    testNamePattern: { type: 'string', short: 't' },
  },
})
const minutes = Number(values.minutes)
if (!(minutes > 0 && minutes <= 10_000)) {
  console.error(`--minutes is ${values.minutes}: it must be a number above 0, at most 10,000`)
  process.exit(2)
}

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { testNamePattern } = values
const named = testNamePattern === undefined ? [] : ['-t', testNamePattern]
const { status } = spawnSync(
  process.execPath,
  [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'test/property/fuzz-', ...named],
  { cwd: root, stdio: 'inherit', env: { ...process.env, FUZZ_MINUTES: String(minutes) } },
)
process.exitCode = status ?? 1
