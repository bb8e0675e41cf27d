// A process that has nothing of windsock but a client, and a subscriber in it that throws.

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { route, topic, topics } from 'windsock'
import { start } from './support/test-server.ts'

const CLIENT = new URL('../../dist/client/node.js', import.meta.url).href

/** What a program says that stands behind the import of both, and how it ends. */
async function run(program: string, url: string) {
  const source = `import { connect, connectPlain } from '${CLIENT}'\nconst url = '${url}'\n${program}`
  const child = execFile(process.execPath, ['--input-type=module', '-e', source])
  let [out, error] = ['', '']
  child.stdout?.on('data', (text) => {
    out += text
  })
  child.stderr?.on('data', (text) => {
    error += text
  })
  const [code] = await once(child, 'close')
  return { out, error, code }
}

const SUBSCRIBERS = `
  messages$.subscribe(() => { throw new Error('mine') })
  messages$.subscribe((message) => { if ((message.data ?? message) === 'two') void client.close() })
  await client.closed
  console.log('still here')`

async function served() {
  const chat = topic<string>('chat', { history: { count: 10 } })
  for (const text of ['one', 'two']) chat.publish(text)
  const echo = route('/echo', ({ messages$ }) => messages$)
  const { server } = await start({ routes: [topics('/topics', [chat]), echo] })
  return server.url
}

const PROGRAMS = [
  [
    'connect()',
    `const client = connect(url + '/topics')
     const { messages$ } = client.topic('chat', { from: 'start' })`,
  ],
  [
    'connectPlain()',
    `const client = connectPlain(url + '/echo')
     client.state$.subscribe(({ state }) => {
       if (state === 'open') for (const text of ['one', 'two']) client.send(text)
     })
     const { messages$ } = client`,
  ],
] as const

it.each(PROGRAMS)(
  'a subscriber that throws is printed, and ends no process: %s',
  async (_, made) => {
    const { out, error, code } = await run(made + SUBSCRIBERS, await served())
    expect(error).toMatch(/^windsock: ERR_WINDSOCK_UNHANDLED: .*mine\nError: mine\n +at /m)
    expect({ out, code }).toEqual({ out: 'still here\n', code: 0 })
  },
)

it.each(PROGRAMS)(
  'whoever has set what RxJS does then is asked, and nobody else: %s',
  async (_, made) => {
    const own = `
    const { config } = await import('rxjs')
    config.onUnhandledError = ({ message }) => console.log(message)
    ${made}${SUBSCRIBERS}`
    const { out, error } = await run(own, await served())
    expect(out.split('\n')).toEqual(expect.arrayContaining(['mine', 'still here']))
    expect(error).toBe('')
  },
)
