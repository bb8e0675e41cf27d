// Browser tests of the four ways to the chat: the same room in each, and nothing lost or twice when one is changed.

import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { describeInBrowser, eventually, lines, say, untilState, visit } from './support/chromium.ts'
import { startDemo } from './support/demo-process.ts'

const WAYS = ['websocket', 'sse', 'long-poll', 'poll']
const says = (text: string) => `[127.0.0.1] says: ${text}`

/** The chat page in `way`. */
async function chatIn(url: string, way: string): Promise<Page> {
  const page = await visit(`${url}/chat-room`)
  await untilState(page, 'open')
  await take(page, way)
  return page
}

async function take(page: Page, way: string): Promise<void> {
  await page.getByTestId('way').selectOption(way)
  await untilState(page, 'open')
}

/** What was said, without who came and went. */
async function said(page: Page): Promise<string[]> {
  return (await lines(page)).filter((line) => line.includes(' says: '))
}

describeInBrowser('the chat in four ways', () => {
  it('is one room: everyone hears everyone, in one order', async () => {
    const { url } = await startDemo()
    const pages = await Promise.all(WAYS.map((way) => chatIn(url, way)))
    for (const [index, page] of pages.entries()) await say(page, `hello by ${WAYS[index]}`)
    for (const page of pages) {
      await eventually(async () => (await said(page)).length).toBe(WAYS.length)
    }
    const [first, ...others] = await Promise.all(pages.map(said))
    for (const other of others) expect(other).toEqual(first)
    expect(first?.toSorted()).toEqual(WAYS.map((way) => says(`hello by ${way}`)).toSorted())
  })

  it('loses nothing and repeats nothing when the way is changed while others talk', async () => {
    const { url } = await startDemo()
    const ann = await chatIn(url, 'websocket')
    const bob = await chatIn(url, 'websocket')
    let number = 0
    for (const way of [...WAYS, ...WAYS]) {
      await say(bob, `message ${++number}`)
      const changed = take(ann, way)
      await say(bob, `message ${++number}`)
      await changed
      await say(bob, `message ${++number}`)
    }
    const all = Array.from({ length: number }, (_, index) => says(`message ${index + 1}`))
    await eventually(() => said(ann)).toEqual(all)
    expect(await said(bob)).toEqual(all)
  })

  it.each(WAYS)('%s goes on after a restart, where it was', async (way) => {
    const demo = await startDemo()
    const ann = await chatIn(demo.url, way)
    await say(ann, 'before')
    await eventually(() => said(ann)).toEqual([says('before')])
    await demo.stop()
    await startDemo(demo.port)
    const bob = await chatIn(demo.url, 'websocket')
    await say(bob, 'meanwhile')
    await eventually(() => said(ann)).toEqual([says('before'), says('meanwhile')])
    await eventually(() => ann.getByTestId('state').getAttribute('data-state')).toBe('open')
  })
})
