// The clock under a thousand scripts: time goes forward for everyone, and nobody is told the same second twice.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { harness, laws } from 'windsock/testing'
import { FAULTS, scripts } from 'windsock/testing/arbitraries'
import { routes } from '../../examples/clock.ts'

it('only goes forward', async () => {
  const faults = FAULTS.filter((fault) => fault !== 'stepWall')
  const paths = ['/websocket?Id=1', '/websocket']
  const property = fc.asyncProperty(
    scripts(paths, { faults, longestWaitMs: 3_000 }),
    async (script) => {
      const server = harness(routes)
      await server.run(script)
      laws.all(server)
      for (const { client } of server.lives) {
        const times = client.messages.map(String)
        expect(times).toEqual([...new Set(times)].toSorted((a, b) => (a < b ? -1 : 1)))
      }
    },
  )
  await fc.assert(property, { numRuns: 1_000 })
})
