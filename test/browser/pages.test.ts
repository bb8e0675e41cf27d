// Browser tests of what holds for every page: links, a clean console, phones, accessibility.

import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { describeInBrowser, newProfile, textOf, untilState, visit } from './support/chromium.ts'
import { sharedDemo } from './support/demo-process.ts'

const PAGES = ['/', '/echo', '/chat-room', '/clock']
const PROGRAMS = PAGES.slice(1)
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
const UNBROKEN = 'w'.repeat(3_000)

/** Everything that went wrong in the page, from before it loads. */
function problemsOf(page: Page): string[] {
  const problems: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('requestfailed', (request) => problems.push(`no answer: ${request.url()}`))
  page.on('response', (response) => {
    if (!response.ok()) problems.push(`${response.status()}: ${response.url()}`)
  })
  return problems
}

/** Uses the page as it is meant: whatever connection it has is open afterwards. */
async function use(page: Page, path: string): Promise<void> {
  if (path === '/') return
  if (path === '/echo') await page.getByTestId('connect').click()
  await untilState(page, 'open')
}

describeInBrowser('the pages of the demo', () => {
  const url = sharedDemo()

  it('the front page links to the three programs', async () => {
    const page = await visit(url())
    for (const [name, path] of [
      ['Echo', '/echo'],
      ['Chat', '/chat-room'],
      ['Clock', '/clock'],
    ] as const) {
      await page.goto(url())
      await page.getByRole('main').getByRole('link', { name }).click()
      await page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
      expect(new URL(page.url()).pathname).toBe(path)
    }
  })

  it.each(PAGES)('%s loads and connects without a word in the console', async (path) => {
    const page = await (await newProfile()).newPage()
    const problems = problemsOf(page)
    await page.goto(url() + path)
    await use(page, path)
    expect(problems).toEqual([])
  })

  it('an inline script does not run, and the console says so', async () => {
    const page = await visit(url())
    const problems = problemsOf(page)
    const refused = page.waitForEvent('console')
    await page.evaluate(`{
      const script = document.createElement('script')
      script.textContent = 'globalThis.ran = true'
      document.body.append(script)
    }`)
    await refused
    expect(problems.join()).toContain('Content Security Policy')
    expect(await page.evaluate('globalThis.ran')).toBeUndefined()
  })

  it.each(PAGES)('%s fits a phone without scrolling sideways', async (path) => {
    const page = await visit(url() + path, await newProfile(PHONE))
    const width = () => page.evaluate('document.documentElement.scrollWidth')
    expect(await width()).toBe(PHONE.viewport.width)
    await use(page, path)
    expect(await width()).toBe(PHONE.viewport.width)
    if ((await page.getByTestId('message').count()) === 0) return
    await page.getByTestId('message').fill(UNBROKEN)
    await page.getByTestId('send').tap()
    await page.getByTestId('log').getByText(UNBROKEN.slice(0, 2_000)).first().waitFor()
    expect(await width()).toBe(PHONE.viewport.width)
  })

  it.each(PROGRAMS)(
    '%s keeps its controls within their cards where it is narrowest',
    async (path) => {
      const narrow = { viewport: { width: 280, height: 653 }, isMobile: true }
      const page = await visit(url() + path, await newProfile(narrow))
      const outside =
        await page.evaluate(`[...document.querySelectorAll('.card')].flatMap((card) => {
      const right = card.getBoundingClientRect().right - parseFloat(getComputedStyle(card).paddingRight)
      return [...card.querySelectorAll('button, input, select')]
        .filter((control) => control.getBoundingClientRect().right > right)
        .map((control) => control.outerHTML)
    })`)
      expect(outside).toEqual([])
    },
  )

  it.each(PROGRAMS)('%s says that it needs JavaScript where there is none', async (path) => {
    const page = await visit(url() + path, await newProfile({ javaScriptEnabled: false }))
    expect(await page.locator('noscript .state').isVisible()).toBe(true)
    expect(await page.getByRole('button', { disabled: false }).count()).toBe(0)
  })

  it('a long close reason does not widen a phone either', async () => {
    const page = await visit(`${url()}/echo`, await newProfile(PHONE))
    await use(page, '/echo')
    const reason = 'w'.repeat(123)
    await page.getByTestId('close-reason-input').fill(reason)
    await page.getByTestId('close').tap()
    await untilState(page, 'closed')
    expect(await textOf(page, 'close-reason')).toBe(reason)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  })

  it.each(PAGES)('%s can be read by those who do not see it', async (path) => {
    const page = await visit(url() + path)
    const lacking = await page.evaluate(`({
      language: document.documentElement.lang,
      headings: document.querySelectorAll('h1').length,
      unlabelled: [...document.querySelectorAll('input, select, textarea')]
        .filter((field) => ![...field.labels].some((label) => label.textContent.trim() !== ''))
        .map((field) => field.outerHTML),
      unnamed: [...document.querySelectorAll('button, a')]
        .filter((control) => control.textContent.trim() === '')
        .map((control) => control.outerHTML),
      undescribed: [...document.querySelectorAll('img:not([alt])')].map((image) => image.src),
      silent: [...document.querySelectorAll('[data-testid=log]')]
        .filter((log) => log.closest('[aria-live=polite]') === null)
        .map((log) => log.outerHTML),
    })`)
    expect(lacking).toEqual({
      language: 'en',
      headings: 1,
      unlabelled: [],
      unnamed: [],
      undescribed: [],
      silent: [],
    })
    const isProgram = path !== '/'
    expect(await page.getByRole('status').count()).toBe(isProgram ? 1 : 0)
  })
})
