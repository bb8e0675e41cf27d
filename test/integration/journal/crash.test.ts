// A short version of `npm run test:crash`: the demo killed under load, and nothing acknowledged lost.

import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { Command } from '../support/command.ts'

const CRASH = fileURLToPath(new URL('../../../tools/crash.mjs', import.meta.url))

it('a demo that is killed under load loses nothing acknowledged, tears nothing, and gives no offset twice', async () => {
  const crash = new Command(process.execPath, [CRASH, '--rounds', '3', '--seed', '1'])
  expect(await crash.exited).toEqual({ code: 0, signal: null })
  expect(crash.lines.all.at(-1)).toMatch(/none lost, none torn, no offset given twice$/)
})
