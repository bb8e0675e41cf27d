// The chat under a thousand scripts: one order of lines for all who are in the room.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { harness, laws } from 'windsock/testing'
import { FAULTS, scripts } from 'windsock/testing/arbitraries'
import { routes } from '../../examples/chat.ts'

it('tells everyone the same, in the same order', async () => {
  const lines = fc.uuid()
  const property = fc.asyncProperty(
    scripts('/rooms/red', { faults: FAULTS, messages: lines }),
    async (script) => {
      const server = harness(routes)
      await server.run(script)
      laws.all(server)
      const heard = server.lives.map(({ client }) => client.messages)
      for (const one of heard) {
        const order = (line: unknown) => one.indexOf(line as string)
        for (const other of heard) {
          const places = other.map(order).filter((place) => place >= 0)
          expect(places).toEqual(places.toSorted((a, b) => a - b))
        }
      }
    },
  )
  await fc.assert(property, { numRuns: 1_000 })
})
