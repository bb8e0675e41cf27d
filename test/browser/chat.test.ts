// Browser tests of the chat page: one room, one order, and text that stays text.

import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import {
  describeInBrowser,
  eventually,
  lines,
  say,
  textOf,
  untilState,
  visit,
} from './support/chromium.ts'
import { startDemo } from './support/demo-process.ts'

const MARKUP = '<img src=x onerror="globalThis.ran = true">'
const JOINED = '[127.0.0.1] joined the chat'
const LEFT = '[127.0.0.1] left the chat'

const says = (text: string) => `[127.0.0.1] says: ${text}`

async function join(url: string): Promise<Page> {
  const page = await visit(`${url}/chat-room`)
  await eventually(() => lines(page)).toContain(JOINED)
  return page
}

describeInBrowser('the chat page', () => {
  it('two tabs see who joined, spoke and left in one order, the speaker included', async () => {
    const { url } = await startDemo()
    const ann = await join(url)
    const bob = await join(url)
    const words = ['one', 'two', 'three', 'four', 'five']
    const speak = async (page: Page, name: string) => {
      for (const word of words) await say(page, `${name} ${word}`)
    }
    await Promise.all([speak(ann, 'ann'), speak(bob, 'bob')])
    await eventually(async () => (await lines(bob)).length).toBe(2 + 2 * words.length)
    const heard = await lines(bob)
    // A newcomer is shown what was said before, and here that is who came before him.
    expect(heard.slice(0, 2)).toEqual([JOINED, JOINED])
    for (const name of ['ann', 'bob']) {
      const own = heard.filter((line) => line.includes(name))
      expect(own).toEqual(words.map((word) => says(`${name} ${word}`)))
    }
    await bob.close()
    await eventually(() => lines(ann)).toEqual([...heard, LEFT])
  })

  it('one who leaves by the button is seen leaving, and hears nothing more', async () => {
    const { url } = await startDemo()
    const ann = await join(url)
    const bob = await join(url)
    await bob.getByTestId('close').click()
    await untilState(bob, 'closed')
    await say(ann, 'alone now')
    await eventually(() => lines(ann)).toEqual([JOINED, JOINED, LEFT, says('alone now')])
    await bob.getByTestId('connect').click()
    // He goes on where he was, and hears what he missed.
    const missed = [LEFT, says('alone now')]
    await eventually(() => lines(bob)).toEqual([JOINED, JOINED, ...missed, JOINED])
  })

  it('a newcomer is shown the last 50 messages', async () => {
    const { url } = await startDemo()
    const ann = await join(url)
    for (let number = 1; number <= 60; number++) await say(ann, `message ${number}`)
    await eventually(() => lines(ann)).toContain(says('message 60'))
    const bob = await join(url)
    await eventually(async () => (await lines(bob)).length).toBe(51)
    expect((await lines(bob))[0]).toBe(says('message 11'))
  })

  it('markup is shown as text and creates no element', async () => {
    const { url } = await startDemo()
    const ann = await join(url)
    const bob = await join(url)
    await say(ann, MARKUP)
    for (const page of [ann, bob]) {
      await eventually(() => lines(page)).toContain(says(MARKUP))
      expect(await page.getByTestId('log').locator('img').count()).toBe(0)
      expect(await page.evaluate('globalThis.ran')).toBeUndefined()
    }
  })

  it('text that looks like a line of the room is still something said', async () => {
    const { url } = await startDemo()
    const page = await join(url)
    await say(page, LEFT)
    await eventually(() => lines(page)).toEqual([JOINED, says(LEFT)])
    expect(await page.locator('[data-kind="left"]').count()).toBe(0)
  })

  it('a message of nothing but spaces is not sent, and the page says why', async () => {
    const { url } = await startDemo()
    const page = await join(url)
    await say(page, '   ')
    expect(await textOf(page, 'error')).toBe('Nothing to send: write a message first.')
    await say(page, 'better')
    await eventually(() => lines(page)).toEqual([JOINED, says('better')])
    expect(await textOf(page, 'error')).toBe('')
  })

  it('pasting too much is refused whole, and the page says why', async () => {
    const { url } = await startDemo()
    const page = await join(url)
    await page.getByTestId('message').fill('so far')
    await page.evaluate(`{
      const clipboardData = new DataTransfer()
      clipboardData.setData('text/plain', 'x'.repeat(4_000))
      const paste = { clipboardData, bubbles: true, cancelable: true }
      document.querySelector('[data-testid=message]').dispatchEvent(new ClipboardEvent('paste', paste))
    }`)
    expect(await textOf(page, 'error')).toBe(
      'Too long: a message may have at most 4000 characters. What you pasted would make it 4006.',
    )
    expect(await page.getByTestId('message').inputValue()).toBe('so far')
  })
})
