// Browser tests of the documentation: its programs for pages are compiled, and run in Chromium.

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page as Tab } from 'playwright-core'
import { rolldown } from 'rolldown'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { page, type Server, serve, type Topic, topic, topics } from 'windsock'
import { ROOT, writePrograms } from '../integration/support/programs.ts'
import { describeInBrowser, eventually, visit } from './support/chromium.ts'

const PAGE = 'docs/how-to/use-the-client.md'
const FOLDER = join(ROOT, '.build/docs-in-browser/how-to/use-the-client')
const REACT_PAGE =
  '<!doctype html><meta charset="utf-8"><title>React</title><div id="root"></div><script type="module" src="/main.js"></script>'

interface Shown {
  readonly server: Server
  readonly chat: Topic<string>
}

/** What a reader does: reads what others say, says something, and goes on after the connection was lost. */
async function chatsIn(tab: Tab, { server, chat }: Shown): Promise<void> {
  const log = () => tab.locator('#log li').allTextContents()
  const state = () => tab.locator('#state').textContent()
  await eventually(state).toBe('open (websocket)')
  chat.publish('hello, page')
  await eventually(log).toEqual(['hello, page'])
  await tab.getByLabel('Message').fill('hello, server')
  await tab.getByLabel('Message').press('Enter')
  await eventually(log).toEqual(['hello, page', 'hello, server'])
  for (const connection of server.connections.values()) connection.close(1012)
  await eventually(state).not.toBe('open (websocket)')
  chat.publish('still there?')
  await eventually(log).toEqual(['hello, page', 'hello, server', 'still there?'])
}

describeInBrowser('the documentation of the client', () => {
  let programs: readonly { readonly file: string }[]

  beforeAll(() => {
    programs = writePrograms(PAGE, 'docs-in-browser', 'export { server, chat }')
  })

  it('has a plain page that reads, writes and comes back', async () => {
    const shown = (await import(/* @vite-ignore */ programs[0]?.file ?? '')) as Shown
    onTestFinished(() => shown.server.close())
    await chatsIn(await visit(shown.server.url), shown)
  })

  it('has a hook for React that reads, writes and comes back', async () => {
    const bundle = await rolldown({
      input: join(FOLDER, 'main.tsx'),
      platform: 'browser',
      resolve: { alias: { 'windsock/client': join(ROOT, 'src/client/index.ts') } },
      transform: {
        define: { 'process.env.NODE_ENV': '"development"' },
        jsx: { runtime: 'automatic' },
      },
    })
    await bundle.write({ file: join(FOLDER, 'main.js'), format: 'esm' })
    writeFileSync(join(FOLDER, 'react.html'), REACT_PAGE)
    const chat = topic<string>('chat', { history: { count: 1_000 } })
    const server = await serve({
      routes: [
        topics('/topics', [chat], { accept: (input) => input as string }),
        page('/', join(FOLDER, 'react.html')),
        page('/main.js', join(FOLDER, 'main.js')),
      ],
    })
    onTestFinished(() => server.close())
    await chatsIn(await visit(server.url), { server, chat })
  })

  it('compiles as strictly as the project does', () => {
    const config = join(FOLDER, 'tsconfig.json')
    const compilerOptions = {
      jsx: 'react-jsx',
      lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'],
      rootDir: ROOT,
    }
    const files = [join(FOLDER, 'main.tsx')]
    const options = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: [], files }
    writeFileSync(config, JSON.stringify(options))
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
    const { stdout } = spawnSync(process.execPath, [compiler, '-p', config], { encoding: 'utf8' })
    expect(stdout).toBe('')
  })
})
