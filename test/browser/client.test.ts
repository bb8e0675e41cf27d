// Browser tests of the client in a page: without a network, behind a proxy that refuses upgrades, frozen in the background.

import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { startProxy } from '../integration/support/proxy.ts'
import {
  describeInBrowser,
  eventually,
  lines,
  moments,
  say,
  textOf,
  untilState,
  visit,
} from './support/chromium.ts'
import { startDemo } from './support/demo-process.ts'

const says = (text: string) => `[127.0.0.1] says: ${text}`

async function chatAt(url: string): Promise<Page> {
  const page = await visit(`${url}/chat-room`)
  await untilState(page, 'open')
  return page
}

/** What was said, without who came and went. */
async function said(page: Page): Promise<string[]> {
  return (await lines(page)).filter((line) => line.includes(' says: '))
}

describeInBrowser('the client in a page', () => {
  it('does not dial while the page is offline, and says and hears everything once it is back', async () => {
    const demo = await startDemo()
    const ann = await chatAt(demo.url)
    await say(ann, 'before')
    await eventually(() => said(ann)).toEqual([says('before')])
    await ann.context().setOffline(true)
    await demo.stop()
    await eventually(() => textOf(ann, 'state')).toBe(
      'You are offline. Reconnecting when you are back…',
    )
    await startDemo(demo.port)
    const bob = await chatAt(demo.url)
    await say(bob, 'meanwhile')
    await say(ann, 'from afar')
    expect(await textOf(ann, 'error')).toBe('Will be sent: 1 waiting.')
    await eventually(() => said(bob)).toEqual([says('before'), says('meanwhile')])
    await ann.context().setOffline(false)
    const all = ['before', 'meanwhile', 'from afar'].map(says)
    await eventually(() => said(ann)).toEqual(all)
    await eventually(() => said(bob)).toEqual(all)
    const texts = (await moments(ann)).map(({ text }) => text)
    expect(texts).toContain('Resuming where you were…')
  })

  it('tells that what was said is gone when the server has begun anew', async () => {
    const demo = await startDemo()
    const ann = await chatAt(demo.url)
    await say(ann, 'long ago')
    await eventually(() => said(ann)).toEqual([says('long ago')])
    await demo.stop()
    await untilState(ann, 'waiting')
    await startDemo(demo.port, true)
    await untilState(ann, 'open')
    await say(ann, 'anew')
    await eventually(() => said(ann)).toEqual([says('long ago'), says('anew')])
    const gaps = ann.getByTestId('log').locator('[data-kind="gap"]')
    expect(await gaps.allTextContents()).toEqual([
      'The server began anew: what was said before is gone.',
    ])
  })

  it('goes around a proxy that refuses upgrades', async () => {
    const demo = await startDemo()
    const proxy = await startProxy(demo.port, { refusesUpgrades: '403 Forbidden' })
    const ann = await chatAt(proxy.url)
    expect(await textOf(ann, 'state')).toBe('Open (event stream)')
    const bob = await chatAt(demo.url)
    await say(ann, 'through the wall')
    await say(bob, 'heard you')
    const all = ['through the wall', 'heard you'].map(says)
    for (const page of [ann, bob]) {
      await eventually(async () => (await said(page)).toSorted()).toEqual(all.toSorted())
    }
    expect(await said(ann)).toEqual(await said(bob))
  })

  it('frozen in the background, it misses nothing and shows nothing twice', async () => {
    const demo = await startDemo()
    const ann = await chatAt(demo.url)
    const bob = await chatAt(demo.url)
    const chromium = await ann.context().newCDPSession(ann)
    await say(bob, 'zero')
    await eventually(() => said(ann)).toEqual([says('zero')])
    await chromium.send('Page.setWebLifecycleState', { state: 'frozen' })
    for (const word of ['one', 'two', 'three']) await say(bob, word)
    await eventually(async () => (await said(bob)).length).toBe(4)
    await demo.stop()
    await startDemo(demo.port)
    await untilState(bob, 'open')
    await say(bob, 'four')
    const all = ['zero', 'one', 'two', 'three', 'four'].map(says)
    await eventually(() => said(bob)).toEqual(all)
    await chromium.send('Page.setWebLifecycleState', { state: 'active' })
    await eventually(() => said(ann)).toEqual(all)
  })
})
