// The page on porting: both halves of each program, Tornado's and ours, answer one conversation alike.
//
// The halves are read from the page. Ours runs in this process, Tornado's in a Python of its own; `docs.test.ts` runs ours
// too, and compiles it.

import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { requires } from '../support/requires.ts'
import { type Caller, call } from './support/caller.ts'
import { Command } from './support/command.ts'
import { ROOT, textOf } from './support/programs.ts'

const quiet = vi.spyOn(console, 'log').mockImplementation(() => {})
afterAll(() => quiet.mockRestore())

const PYTHON = '/usr/bin/python3'
const here = requires(
  'python3-tornado',
  () => spawnSync(PYTHON, ['-c', 'import tornado.websocket']).status === 0,
)

const FOLDER = join(ROOT, '.build/port-from-tornado')
const TELL_PORT =
  'print(next(iter(app.listen(0, "127.0.0.1")._sockets.values())).getsockname()[1], flush=True)'

/** A program of the page: Tornado's half, ours, and the template of each where they differ. */
interface Program {
  readonly name: string
  readonly python: string
  readonly ours: string
}

const page = textOf('docs/how-to/port-from-tornado.md')

const programs: readonly Program[] = [
  ...page.matchAll(/^```python\n(# (\w+)\.py\n[^]*?)^```\n[^]*?^```ts run\n([^]*?)^```\n/gm),
].map(([, python = '', name = '', ours = '']) => ({ name, python, ours }))

/** Where the halves find their templates. */
function writeTemplates(folder: string, whose: 'Tornado' | 'windsock'): void {
  mkdirSync(folder, { recursive: true })
  for (const [, file, html = ''] of page.matchAll(/^```html(?: file=(\S+))?\n([^]*?)^```\n/gm)) {
    const named = /^<!-- (\S+), for (\w+) -->/.exec(html)
    const name = named?.[1] ?? file
    if (name !== undefined && (named?.[2] ?? whose) === whose)
      writeFileSync(join(folder, name), html)
  }
}

async function startTornado({ name, python }: Program): Promise<string> {
  const folder = join(FOLDER, name, 'tornado')
  writeTemplates(folder, 'Tornado')
  const file = join(folder, `${name}.py`)
  writeFileSync(file, python.replace('app.listen(8888)', TELL_PORT))
  const command = new Command(PYTHON, [file])
  return `http://127.0.0.1:${(await command.line(/^\d+$/))[0]}`
}

async function startOurs({ name, ours }: Program): Promise<string> {
  const folder = join(FOLDER, name, 'windsock')
  writeTemplates(folder, 'windsock')
  const file = join(folder, `${name}.ts`)
  const stop = ours.includes('ticking') ? 'clearInterval(ticking); ' : ''
  writeFileSync(
    file,
    `${ours.replace('listen(8888)', 'listen(0)')}
export const { url } = server
export const stop = () => { ${stop}return app.stop() }
`,
  )
  const { url, stop: end } = await import(/* @vite-ignore */ file)
  onTestFinished(end)
  return url
}

const bodyOf = (text: string): string => JSON.parse(text).body

/** The next message that is no tick of the clock. */
async function answer(caller: Caller): Promise<unknown> {
  const text = await caller.next()
  return text.startsWith('{') ? JSON.parse(text).tabs : answer(caller)
}

const statusOf = (url: string) => call(url).then(String, (error: Error) => error.message)

/** What is said to each program, and all that comes back, save what is chance. */
const CONVERSATIONS: Readonly<Record<string, (url: string) => Promise<unknown>>> = {
  echo: async (url) => {
    const caller = await call(`${url}/websocket`)
    for (const word of ['hello', '', 'größer €𝄞']) caller.say(word)
    const said = [await caller.next(), await caller.next(), await caller.next()]
    await caller.hangUp(4000)
    return [said, await caller.ended, await statusOf(`${url}/elsewhere`)]
  },
  echo_with_page: async (url) => {
    const response = await fetch(url)
    const caller = await call(`${url}/socket`)
    caller.say('hello')
    const said = await caller.next()
    await caller.hangUp()
    // Tornado's templates drop blanks at the beginning of a line.
    const html = (await response.text()).replace(/^ +/gm, '')
    return [response.status, response.headers.get('content-type'), html, said]
  },
  clock: async (url) => {
    const html = await (await fetch(url)).text()
    const ids = [...html.matchAll(/Id=([0-9a-f-]{32,36})`/g)]
    const address = `${url}/websocket?Id=${ids[0]?.[1]}`
    const tabs = [await call(address), await call(address), await call(`${url}/websocket?Id=other`)]
    const ticks = []
    for (const tab of tabs) ticks.push(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\./.test(await tab.next()))
    for (const tab of tabs) tab.say('how many?')
    const counts = [await answer(tabs[0] as Caller), await answer(tabs[2] as Caller)]
    await tabs[1]?.hangUp()
    const refused = [await statusOf(`${url}/websocket`), await statusOf(`${url}/websocket?Id=`)]
    return [ids.length, ticks, counts, refused]
  },
  chat: async (url) => {
    const ann = await call(`${url}/chat`)
    ann.say('{"body":"anyone here?"}')
    const heard = [bodyOf(await ann.next())]
    const bob = await call(`${url}/chat`)
    heard.push(bodyOf(await bob.next()))
    bob.say('{"body":"me, </b> größer"}')
    for (const one of [ann, bob]) heard.push(bodyOf(await one.next()))
    await bob.hangUp()
    ann.say('{"body":"gone already?"}')
    heard.push(bodyOf(await ann.next()))
    return heard
  },
}

it('the page has these programs, and each has a conversation', () => {
  expect(programs.map(({ name }) => name)).toEqual(Object.keys(CONVERSATIONS))
})

it.runIf(here)('the Python halves compile', () => {
  const compile = 'import sys; compile(sys.stdin.read(), "page", "exec")'
  for (const { python } of programs) {
    const { stderr } = spawnSync(PYTHON, ['-c', compile], { input: python, encoding: 'utf8' })
    expect(stderr).toBe('')
  }
})

describe.runIf(here)('both halves answer alike', () => {
  const found = (name: string) => programs.find((program) => program.name === name) as Program
  const both = async (name: string) => {
    const converse = CONVERSATIONS[name] as (url: string) => Promise<unknown>
    const ours = await converse(await startOurs(found(name)))
    expect(ours).toEqual(await converse(await startTornado(found(name))))
    return ours
  }

  it.each(['echo', 'echo_with_page'])('%s (T113)', async (name) => {
    expect(JSON.stringify(await both(name))).toContain('You said: hello')
  })

  it('a clock whose tabs of one Id are one session (T113)', async () => {
    const refusal = 'Unexpected server response: 400'
    expect(await both('clock')).toEqual([1, [true, true, true], [2, 1], [refusal, refusal]])
  })

  it('a chat that tells a newcomer what was said lately (T110)', async () => {
    expect(await both('chat')).toEqual([
      'anyone here?',
      'anyone here?',
      'me, </b> größer',
      'me, </b> größer',
      'gone already?',
    ])
  })
})
