// Browser tests of the echo page: connect, send and close by hand, and the mistakes one makes.

import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
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
import { sharedDemo } from './support/demo-process.ts'

const MARKUP = '<img src=x onerror="globalThis.ran = true">'
const TEN_MIB = 10 * 1024 * 1024

async function closeWith(page: Page, code: string, reason: string): Promise<void> {
  await page.getByTestId('close-code-input').fill(code)
  await page.getByTestId('close-reason-input').fill(reason)
  await page.getByTestId('close').click()
}

describeInBrowser('the echo page', () => {
  const url = sharedDemo()

  const echoPage = () => visit(`${url()}/echo`)

  async function openEchoPage(): Promise<Page> {
    const page = await echoPage()
    await page.getByTestId('connect').click()
    await untilState(page, 'open')
    return page
  }

  it('connects, sends and closes by its buttons, and can do it again', async () => {
    const page = await openEchoPage()
    for (const round of ['once', 'twice']) {
      await page.getByTestId('message').fill(`hello ${round}`)
      await page.getByTestId('send').click()
      await eventually(() => lines(page)).toContain(`You said: hello ${round}`)
      await page.getByTestId('close').click()
      await untilState(page, 'closed')
      expect(await textOf(page, 'close-code')).toBe('1000')
      await page.getByTestId('connect').click()
      await untilState(page, 'open')
    }
  })

  it('closing with 4001 "bye" shows every state, the code and the reason', async () => {
    const page = await openEchoPage()
    await closeWith(page, '4001', 'bye')
    await untilState(page, 'closed')
    const shown = await moments(page)
    expect(shown.map(({ state }) => state).filter((state, i, all) => state !== all[i - 1])).toEqual(
      ['closed', 'connecting', 'open', 'closing', 'closed'],
    )
    expect(shown.at(-1)).toMatchObject({
      text: 'Closed by you (4001).',
      code: '4001',
      reason: 'bye',
    })
    expect(shown.filter(({ code }) => code !== '')).toHaveLength(1)
  })

  it('a close without a code shows 1005', async () => {
    const page = await openEchoPage()
    await closeWith(page, '', '')
    await untilState(page, 'closed')
    expect(await textOf(page, 'close-code')).toBe('1005')
  })

  it('a message of more than 10 MiB shows 1009, and the page does not try again', async () => {
    const page = await openEchoPage()
    await page.getByTestId('message').evaluate((input, length) => {
      input.value = 'a'.repeat(length)
    }, TEN_MIB + 1)
    await page.getByTestId('send').click()
    await untilState(page, 'closed')
    expect(await textOf(page, 'close-code')).toBe('1009')
    expect(await textOf(page, 'state')).toBe('Message too big (1009). Not reconnecting.')
  })

  it('spaces, emoji and nothing at all come back as they were sent', async () => {
    const page = await openEchoPage()
    const sent = ['  two  spaces  ', '🎏 👩‍👩‍👧 é', '']
    for (const text of sent) await say(page, text)
    await eventually(async () => (await lines(page)).length).toBe(6)
    const received = page.getByTestId('log').locator('[data-kind="received"]')
    expect(await received.allTextContents()).toEqual(sent.map((text) => `You said: ${text}`))
  })

  it('markup comes back as text', async () => {
    const page = await openEchoPage()
    await say(page, MARKUP)
    await eventually(() => lines(page)).toEqual([MARKUP, `You said: ${MARKUP}`])
    expect(await page.getByTestId('log').locator('img').count()).toBe(0)
    expect(await page.evaluate('globalThis.ran')).toBeUndefined()
  })

  it('a message sent before connecting is kept, and the page says what to do', async () => {
    const page = await echoPage()
    await say(page, 'too early')
    expect(await textOf(page, 'error')).toContain('Connect, then send again.')
    expect(await page.getByTestId('message').inputValue()).toBe('too early')
    await page.getByTestId('connect').click()
    await untilState(page, 'open')
    expect(await textOf(page, 'error')).toBe('')
    await page.getByTestId('message').press('Enter')
    await eventually(() => lines(page)).toContain('You said: too early')
  })

  it.each([
    ['1001', '', 'A page may only close with code 1000, or one from 3000 to 4999.'],
    ['4e3', '', 'A page may only close with code 1000, or one from 3000 to 4999.'],
    ['', 'bye', 'A reason needs a close code.'],
    ['1000', '🎏'.repeat(31), 'The reason takes 124 bytes; a close frame has room for 123.'],
  ])('closing with code "%s" and reason "%s" is explained, not done', async (code, reason, why) => {
    const page = await openEchoPage()
    await closeWith(page, code, reason)
    expect(await textOf(page, 'close-error')).toBe(why)
    await say(page, 'still here')
    await eventually(() => lines(page)).toContain('You said: still here')
  })
})
