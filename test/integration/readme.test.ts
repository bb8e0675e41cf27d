// The README: its first program works as pasted.

import { afterAll, describe, expect, it, vi } from 'vitest'
import type { Server } from 'windsock'
import { call } from './support/caller.ts'
import { textOf, writePrograms } from './support/programs.ts'

const quiet = vi.spyOn(console, 'log').mockImplementation(() => {})
afterAll(() => quiet.mockRestore())

describe('the first program of the README', () => {
  const [first] = /^```ts.*\n([^]*?)^```/m.exec(textOf('README.md'))?.slice(1) ?? []

  it('has twelve lines at most', () => {
    expect(first?.trimEnd().split('\n').length).toBeLessThanOrEqual(12)
  })

  it('echoes', async () => {
    const [program] = writePrograms('README.md')
    const { server } = (await import(/* @vite-ignore */ program?.file ?? '')) as { server: Server }
    const caller = await call(`${server.url}/echo`)
    caller.say('hello')
    expect(await caller.next()).toBe('You said: hello')
    await server.close()
    expect(await caller.ended).toBe(1001)
  })
})
