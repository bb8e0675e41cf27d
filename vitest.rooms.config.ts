// The pure rooms, held by nothing but their own tests: all lines and branches, or `--coverage` fails.
//
// WINDSOCK_ROOM: only the room of that name.

import { defineConfig } from 'vitest/config'
import { ROOMS } from './tools/rooms.ts'
import base from './vitest.config.ts'

const only = process.env['WINDSOCK_ROOM']
const rooms = Object.entries(ROOMS).flatMap(([name, room]) =>
  (only ?? name) === name ? [room] : [],
)

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: rooms.flatMap(({ tests }) => tests),
    reporters: ['dot'],
    coverage: {
      include: rooms.flatMap(({ sources }) => sources),
      // The files that are not covered whole, if there are any.
      reporter: [['text', { skipFull: true }]],
      // Of functions there are a few that XState must be given and never calls.
      thresholds: { lines: 100, branches: 100, statements: 100 },
    },
  },
})
