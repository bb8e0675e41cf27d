// Debian's Chromium for the tests of the pages: one browser for a file, a profile of its own for each test.

import { existsSync } from 'node:fs'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core'
import { beforeAll, describe, expect, onTestFinished } from 'vitest'
import { requires } from '../../support/requires.ts'

const CHROMIUM = '/usr/bin/chromium'
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const PATIENCE_MS = 20_000

const found = requires(`Chromium at ${CHROMIUM}`, () => existsSync(CHROMIUM))
let browser: Browser

/** `describe` for tests that need a browser: it is started for them, or they are skipped. */
export function describeInBrowser(name: string, tests: () => void): void {
  describe.skipIf(!found)(name, () => {
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS })
      return () => browser.close()
    })
    tests()
  })
}

/** What a page showed at one moment. */
export interface Moment {
  readonly state: string
  readonly text: string
  readonly code: string
  readonly reason: string
  readonly time: string
}

// Writes down each change of what the page shows, so that no test can come too late to see one.
const RECORDER = `{
  const find = (id) => document.querySelector('[data-testid="' + id + '"]')
  const text = (id) => find(id)?.textContent ?? ''
  globalThis.moments = []
  new MutationObserver(() => {
    const state = find('state')
    if (state === null) return
    const seen = {
      state: state.dataset.state,
      text: text('state'),
      code: text('close-code'),
      reason: text('close-reason'),
      time: text('time'),
    }
    if (JSON.stringify(seen) !== JSON.stringify(moments.at(-1))) moments.push(seen)
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true })
}`

/** A fresh profile; the end of the test closes it with all its tabs. */
export async function newProfile(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  // A windsock that flutters in a dozen tabs is painted all the time, by software.
  const profile = await browser.newContext({ reducedMotion: 'reduce', ...options })
  onTestFinished(() => profile.close())
  profile.setDefaultTimeout(PATIENCE_MS)
  await profile.addInitScript({ content: RECORDER })
  return profile
}

/** Opens `url` in a new tab, of a fresh profile unless one is given. */
export async function visit(url: string, profile?: BrowserContext): Promise<Page> {
  const page = await (profile ?? (await newProfile())).newPage()
  await page.goto(url)
  return page
}

/** Waits until the page shows that its connection is in `state`. */
export async function untilState(page: Page, state: string): Promise<void> {
  await page.locator(`[data-testid="state"][data-state="${state}"]`).waitFor()
}

/** Everything the page has shown so far, each change once. */
export async function moments(page: Page): Promise<Moment[]> {
  return (await page.evaluate('moments')) as Moment[]
}

export async function textOf(page: Page, testId: string): Promise<string> {
  return (await page.getByTestId(testId).textContent()) ?? ''
}

/** The lines of the page's log. */
export function lines(page: Page): Promise<string[]> {
  return page.getByTestId('log').locator('li').allTextContents()
}

/** Types a message and presses Enter. */
export async function say(page: Page, text: string): Promise<void> {
  await page.getByTestId('message').fill(text)
  await page.getByTestId('message').press('Enter')
}

/** Expects what `read` returns to become something, soon. */
export function eventually<T>(read: () => Promise<T> | T) {
  return expect.poll(read, { timeout: PATIENCE_MS, interval: 20 })
}
