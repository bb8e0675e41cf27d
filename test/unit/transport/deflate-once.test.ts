// Deflate once: how often zlib is at work for a message that goes to many, and what of it is kept.
//
// Node tells of every zlib stream that is made (node:async_hooks), so what is counted here is the real thing.

import { createHook } from 'node:async_hooks'
import { describe, expect, it, onTestFinished } from 'vitest'
import { route, topic } from 'windsock'
import { RawClient } from '../../integration/support/raw-client.ts'
import { start } from '../../integration/support/test-server.ts'

const CLIENTS = 30

/** Counts the zlib streams that are made until the test is over. */
function zlibStreams(): { made: number } {
  const count = { made: 0 }
  const hook = createHook({
    init(_id, type) {
      if (type === 'ZLIB') count.made++
    },
  }).enable()
  onTestFinished(() => {
    hook.disable()
  })
  return count
}

async function audience(offers: readonly string[]) {
  const feed = topic<string | Uint8Array>('feed')
  const { port } = await start({ routes: [route('/', () => feed, { compression: true })] })
  const clients: RawClient[] = []
  for (let index = 0; index < CLIENTS; index++) {
    const client = await RawClient.connect(port)
    const offer = offers[index % offers.length] as string
    await client.upgrade({ headers: { 'Sec-WebSocket-Extensions': offer } })
    clients.push(client)
  }
  return { feed, clients }
}

const next = async (clients: readonly RawClient[]) =>
  Promise.all(clients.map(async (client) => (await client.next())?.payload.toString('base64')))

describe('a message of a topic', () => {
  it.each([
    ['short', 2_000],
    ['long', 200_000],
  ])('that is %s is deflated once, however many get it', async (_, size) => {
    const { feed, clients } = await audience(['permessage-deflate'])
    const zlib = zlibStreams()
    feed.publish('ab'.repeat(size / 2))
    const got = await next(clients)
    expect(new Set(got).size).toBe(1)
    expect(Buffer.from(got[0] as string, 'base64').byteLength).toBeLessThan(size / 10)
    expect(zlib.made).toBe(1)
  })

  it('is deflated once for each size of window that was agreed on', async () => {
    const { feed, clients } = await audience([
      'permessage-deflate; server_max_window_bits=10',
      'permessage-deflate',
      'permessage-deflate; server_max_window_bits=15; server_no_context_takeover',
    ])
    const zlib = zlibStreams()
    for (const _time of [1, 2, 3]) feed.publish(new Uint8Array(5_000))
    for (const _time of [1, 2, 3]) await next(clients)
    expect(zlib.made).toBe(3 * 2)
  })

  it('that no longer deflates to less is sent as it is, without a bit set', async () => {
    const { feed, clients } = await audience(['permessage-deflate'])
    const noise = crypto.getRandomValues(new Uint8Array(3_000))
    feed.publish(noise)
    const frame = await clients[0]?.next()
    expect(frame).toMatchObject({ rsv: 0, payload: Buffer.from(noise) })
  })
})
