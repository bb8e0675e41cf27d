// windsock, the command, without a subcommand: what it says of itself, and of what it does not know.

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { windsock } from '../support/command.ts'

async function run(...args: string[]) {
  const command = windsock(...args)
  const { code } = await command.exited
  return { code, text: command.lines.all.join('\n'), errors: command.errors.all.join('\n') }
}

describe('the command', () => {
  it('tells the version of its package', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    expect(await run('--version')).toEqual({ code: 0, text: version, errors: '' })
  })

  it('names each subcommand where it is asked for help', async () => {
    const { code, text } = await run('--help')
    expect(code).toBe(0)
    for (const name of ['demo', 'connect', 'replay', 'journal']) expect(text).toContain(name)
  })

  it('tells a misspelt subcommand in an error, and the one that may be meant', async () => {
    const { code, errors } = await run('demmo')
    expect(code).toBe(1)
    expect(errors).toContain('demo')
  })

  it.each([[['nonsense']], [['replay']], [['demo', '--nonsense']], [['connect', 'a', 'b']]])(
    'says after %j where it is told what can be written',
    async (args) => {
      const { code, errors } = await run(...args)
      expect([code, errors]).toEqual([1, expect.stringContaining('--help')])
    },
  )
})
