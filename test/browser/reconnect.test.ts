// Browser tests of what the pages do when the server goes: they come back by themselves, unless told not to.

import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import {
  describeInBrowser,
  eventually,
  lines,
  moments,
  newProfile,
  say,
  textOf,
  untilState,
  visit,
} from './support/chromium.ts'
import { type Demo, startDemo } from './support/demo-process.ts'

const PROGRAMS = ['/echo', '/chat-room', '/clock']

/** Opens a program's page and its connection. */
async function connected(demo: Demo, path: string): Promise<Page> {
  const page = await visit(demo.url + path)
  if (path === '/echo') await page.getByTestId('connect').click()
  await untilState(page, 'open')
  return page
}

/** As `connected`, with a time of the page's own that stands still and a jitter that is always near its maximum. */
async function connectedInHeldTime(demo: Demo, path: string): Promise<Page> {
  const profile = await newProfile()
  await profile.addInitScript({ content: 'Math.random = () => 0.99' })
  const page = await profile.newPage()
  await page.clock.install({ time: 0 })
  await page.goto(demo.url + path)
  // Time jumps before it is held, and a connection under way would be past its deadline.
  if (path !== '/echo') await untilState(page, 'open')
  await page.clock.pauseAt(60_000)
  if (path === '/echo') await page.getByTestId('connect').click()
  await untilState(page, 'open')
  return page
}

/** The states shown, each change once. */
async function statesOf(page: Page): Promise<string[]> {
  const states = (await moments(page)).map(({ state }) => state)
  return states.filter((state, i) => state !== states[i - 1])
}

describeInBrowser('a page whose server goes away', () => {
  it.each(PROGRAMS)('%s says so, counts down, and opens again by itself', async (path) => {
    const demo = await startDemo()
    const page = await connected(demo, path)
    const before = (await moments(page)).length
    expect(await demo.stop()).toBe(0)
    await eventually(async () => (await moments(page)).map(({ code }) => code)).toContain('1001')
    const [first] = (await moments(page)).slice(before).filter(({ state }) => state !== 'open')
    expect(first).toMatchObject({
      state: 'waiting',
      text: 'Server going away (1001). Reconnecting in 1 s…',
      code: '1001',
    })
    await startDemo(demo.port)
    await untilState(page, 'open')
    expect((await statesOf(page)).slice(-2)).toEqual(['connecting', 'open'])
  })

  it('the echo echoes, the chat talks and the clock ticks after a restart', async () => {
    const demo = await startDemo()
    const echo = await connected(demo, '/echo')
    const ann = await connected(demo, '/chat-room')
    const bob = await connected(demo, '/chat-room')
    const clock = await connected(demo, '/clock')
    const pages = [echo, ann, bob, clock]
    await demo.stop()
    for (const page of pages) await eventually(() => statesOf(page)).toContain('waiting')
    await startDemo(demo.port)
    await Promise.all(pages.map((page) => untilState(page, 'open')))
    const ticks = Number(await textOf(clock, 'ticks'))
    await say(echo, 'still there?')
    await eventually(() => lines(echo)).toContain('You said: still there?')
    await say(ann, 'here again')
    await eventually(() => lines(bob)).toContain('[127.0.0.1] says: here again')
    await say(bob, 'me too')
    await eventually(() => lines(ann)).toContain('[127.0.0.1] says: me too')
    expect((await lines(ann)).slice(-2)).toEqual((await lines(bob)).slice(-2))
    await eventually(async () => Number(await textOf(clock, 'ticks'))).toBeGreaterThan(ticks)
  })

  it('the chat page misses nothing of what was said while it was away, and shows nothing twice', async () => {
    const demo = await startDemo()
    const ann = await connectedInHeldTime(demo, '/chat-room')
    await say(ann, 'before')
    await eventually(() => lines(ann)).toContain('[127.0.0.1] says: before')
    await demo.stop()
    await untilState(ann, 'waiting')
    await startDemo(demo.port)
    const bob = await connected(demo, '/chat-room')
    for (const word of ['one', 'two', 'three']) await say(bob, word)
    await eventually(() => lines(bob)).toContain('[127.0.0.1] says: three')
    await ann.getByRole('button', { name: 'Retry now' }).click()
    await eventually(() => lines(ann)).toContain('[127.0.0.1] says: three')
    // Ann's page has all that Bob's has, from the same log: once, and in the same order.
    await say(ann, 'and I am back')
    await eventually(() => lines(bob)).toContain('[127.0.0.1] says: and I am back')
    await eventually(() => lines(ann)).toEqual(await lines(bob))
  })

  it('waits longer after each failure, and counts the seconds down', async () => {
    const demo = await startDemo()
    const page = await connectedInHeldTime(demo, '/clock')
    const text = () => textOf(page, 'state')
    await demo.stop()
    await eventually(text).toBe('Server going away (1001). Reconnecting in 1 s…')
    for (const [waitedMs, seconds] of [
      [500, 1],
      [1_000, 2],
      [2_000, 4],
    ] as const) {
      await page.clock.runFor(waitedMs)
      await eventually(text).toBe(`Server not reachable (1006). Reconnecting in ${seconds} s…`)
    }
    for (const seconds of [3, 2, 1]) {
      await page.clock.runFor(1_000)
      await eventually(text).toBe(`Server not reachable (1006). Reconnecting in ${seconds} s…`)
    }
    await startDemo(demo.port)
    await page.clock.runFor(1_000)
    await untilState(page, 'open')
  })

  it('"Retry now" does not wait for the countdown', async () => {
    const demo = await startDemo()
    const page = await connectedInHeldTime(demo, '/chat-room')
    await demo.stop()
    await untilState(page, 'waiting')
    await startDemo(demo.port)
    await page.getByRole('button', { name: 'Retry now' }).click()
    await untilState(page, 'open')
  })

  it('a server that is down when Connect is pressed is waited for', async () => {
    const demo = await startDemo()
    const page = await visit(`${demo.url}/echo`)
    await demo.stop()
    await page.getByTestId('connect').click()
    await untilState(page, 'waiting')
    expect(await textOf(page, 'state')).toContain('Server not reachable (1006). Reconnecting in')
    await startDemo(demo.port)
    await untilState(page, 'open')
  })

  it.each(PROGRAMS)('%s never reconnects after the user has pressed close', async (path) => {
    const page = await connectedInHeldTime(await startDemo(), path)
    await page.getByTestId('close').click()
    await untilState(page, 'closed')
    await page.clock.runFor('01:00:00')
    expect(await statesOf(page)).toEqual(['closed', 'connecting', 'open', 'closing', 'closed'])
    expect(await textOf(page, 'state')).toBe('Closed by you (1000).')
  })

  it('gives up when the user stops it from waiting', async () => {
    const demo = await startDemo()
    const page = await connectedInHeldTime(demo, '/chat-room')
    await demo.stop()
    await untilState(page, 'waiting')
    await page.getByRole('button', { name: 'Stop' }).click()
    await startDemo(demo.port)
    await page.clock.runFor('01:00:00')
    expect(await statesOf(page)).toEqual(['closed', 'connecting', 'open', 'waiting', 'closed'])
    expect(await textOf(page, 'state')).toBe('Stopped reconnecting.')
  })
})
