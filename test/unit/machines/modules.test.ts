// The modules of the room: each loads by itself, and loading builds the machines, which XState checks for targets that
// are not there. A test file that imports them at its top could not say so: it would have no tests.

import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'

const ROOM = new URL('../../../src/machines/', import.meta.url)

it.each(readdirSync(ROOM))('%s loads by itself', async (name) => {
  await expect(import(new URL(name, ROOM).pathname)).resolves.toBeDefined()
})
