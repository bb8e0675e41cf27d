// The echo under a thousand scripts: each text gets its answer, in its order, whatever befalls the others.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { harness, laws } from 'windsock/testing'
import { scripts } from 'windsock/testing/arbitraries'
import { routes } from '../../examples/echo.ts'

it('answers what it heard and nothing else', async () => {
  const property = fc.asyncProperty(scripts(['/stream', '/class', '/actor']), async (script) => {
    const server = harness(routes)
    await server.run(script)
    laws.all(server)
    for (const { heard, sent } of server.lives) {
      const texts = heard.filter((message) => typeof message === 'string')
      expect(texts.map((text) => `You said: ${text}`).slice(0, sent.length)).toEqual(sent)
    }
  })
  await fc.assert(property, { numRuns: 1_000 })
})
