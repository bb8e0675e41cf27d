// Browser tests of the clock page: the time moves, in every tab.

import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import {
  describeInBrowser,
  eventually,
  moments,
  newProfile,
  textOf,
  untilState,
  visit,
} from './support/chromium.ts'
import { sharedDemo } from './support/demo-process.ts'

const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/

const ticks = async (page: Page) => Number(await textOf(page, 'ticks'))

async function untilTicks(page: Page, count: number): Promise<void> {
  await eventually(() => ticks(page)).toBeGreaterThanOrEqual(count)
}

describeInBrowser('the clock page', () => {
  const url = sharedDemo()

  it('shows the time of the server, another one each second', async () => {
    const page = await visit(`${url()}/clock`)
    await untilTicks(page, 3)
    const shown = (await moments(page)).map(({ time }) => time).filter((time) => TIME.test(time))
    const seconds = [...new Set(shown)].map((time) => Date.parse(`${time.replace(' ', 'T')}Z`))
    expect(seconds.length).toBeGreaterThanOrEqual(3)
    expect(seconds).toEqual(seconds.toSorted((a, b) => a - b))
    expect(await textOf(page, 'time')).toMatch(TIME)
    expect(Math.abs(Date.now() - (seconds.at(-1) ?? 0))).toBeLessThan(5_000)
  })

  it('two tabs with one Id both tick, and closing one leaves the other ticking', async () => {
    const profile = await newProfile()
    const first = await visit(`${url()}/clock`, profile)
    // A tab opened by a page begins with a copy of its storage, as a duplicated tab does.
    const opened = profile.waitForEvent('page')
    await first.evaluate("void window.open('/clock')")
    const second = await opened
    await untilState(second, 'open')
    expect(await textOf(second, 'id')).toBe(await textOf(first, 'id'))
    await Promise.all([untilTicks(first, 1), untilTicks(second, 1)])
    await second.close()
    await untilTicks(first, (await ticks(first)) + 2)
    expect(await textOf(first, 'state')).toBe('Open (WebSocket)')
  })

  it('each tab of its own has an Id of its own', async () => {
    const profile = await newProfile()
    const first = await visit(`${url()}/clock`, profile)
    const second = await visit(`${url()}/clock`, profile)
    expect(await textOf(first, 'id')).toMatch(/^[0-9a-f]{8}$/)
    expect(await textOf(second, 'id')).not.toBe(await textOf(first, 'id'))
  })
})
