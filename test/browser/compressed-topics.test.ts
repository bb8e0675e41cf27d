// Chromium reads what was deflated once for all, between messages of its own.

import { expect, it } from 'vitest'
import { mixedFeed, printable } from '../integration/support/mixed-feed.ts'
import { describeInBrowser, visit } from './support/chromium.ts'

const LISTEN = `(url) => new Promise((resolve) => {
  const heard = []
  const socket = new WebSocket(url)
  socket.binaryType = 'arraybuffer'
  const hex = (byte) => byte.toString(16).padStart(2, '0')
  socket.onmessage = ({ data }) => {
    heard.push(typeof data === 'string' ? data : [...new Uint8Array(data)].map(hex).join(''))
  }
  socket.onclose = ({ code }) => resolve({ agreed: socket.extensions, heard, code })
})`

describeInBrowser('a topic with compression', () => {
  it('is read by a page as it was published, with its own in between', async () => {
    const { port, expected } = await mixedFeed(1)
    const page = await visit(`http://127.0.0.1:${port}/`)
    const heard = await page.evaluate(`(${LISTEN})('ws://127.0.0.1:${port}/')`)
    const wanted = printable(expected(0))
    expect(heard).toEqual({ agreed: 'permessage-deflate', heard: wanted, code: 1000 })
  })
})
