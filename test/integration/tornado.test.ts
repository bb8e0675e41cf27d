// Tornado's own client against the demo: the programs that its users know answer as they expect.

import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { requires } from '../support/requires.ts'
import { Command, startDemo } from './support/command.ts'

const PYTHON = '/usr/bin/python3'
const here = requires(
  'python3-tornado',
  () => spawnSync(PYTHON, ['-c', 'import tornado.websocket']).status === 0,
)

const client = (mode: 'all' | 'hold', url: string) =>
  new Command(PYTHON, ['test/integration/support/tornado_client.py', mode, url])

const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/

describe.runIf(here)('Tornado’s client', () => {
  it('talks to echo, clock and chat, and is refused where it should be', async () => {
    const { demo, url } = await startDemo()
    const python = client('all', url)
    expect(await python.exited).toEqual({ code: 0, signal: null })
    expect(python.errors.all).toEqual([])
    const { clock, clock_shared: shared, chat, ...seen } = JSON.parse(python.lines.all[0] ?? '')
    expect(seen).toEqual({
      echo: [
        'You said: hello',
        'You said: größer €𝄞',
        'You said: ',
        `You said: ${'x'.repeat(70_000)}`,
        'You said: '.length + 10 * 1024 * 1024,
      ],
      pings: { payload: expect.any(String), reply: 'You said: still here' },
      close_by_client: { code: 4321, reason: 'goodbye, größer' },
      too_big: { code: 1009, reason: null },
      refusals: {
        'no id': 400,
        'empty id': 400,
        'foreign origin': 403,
        'own origin': 101,
        'unknown path': 404,
      },
    })

    const everyTick: string[] = [...clock, ...shared]
    for (const tick of everyTick) expect(tick).toMatch(TIME)
    expect(clock).toHaveLength(2)
    expect(clock[1] > clock[0]).toBe(true)
    expect(shared[0]).toBe(shared[1])

    const me = '[127.0.0.1]'
    expect(chat.first.slice(0, 2)).toEqual([`${me} joined the chat`, `${me} joined the chat`])
    expect(chat.first.slice(1, 4)).toEqual(chat.second)
    expect(chat.second).toHaveLength(3)
    expect(chat.second).toContain(`${me} says: from first`)
    expect(chat.second).toContain(`${me} says: from second`)
    expect(chat.first[4]).toBe(`${me} left the chat`)

    await demo.line(/^pong from 127\.0\.0\.1 after \d+\.\d ms$/)
    expect(demo.errors.all).toEqual([])
  })

  it('hears 1001 when the demo goes away', async () => {
    const { demo, url } = await startDemo()
    const python = client('hold', url)
    await python.line(/^connected$/)
    demo.kill('SIGTERM')
    expect(await demo.exited).toEqual({ code: 0, signal: null })
    expect(await python.exited).toEqual({ code: 0, signal: null })
    const gone = { code: 1001, reason: 'going away' }
    expect(JSON.parse(python.lines.all.at(-1) ?? '')).toEqual([gone, gone, gone])
  })
})
