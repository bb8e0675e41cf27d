// One door for pages: what the server says of origins holds for topics over WebSocket and over HTTP alike.

import { describe, expect, it } from 'vitest'
import { type ServeOptions, topic, topics } from 'windsock'
import { RawClient } from './support/raw-client.ts'
import { start } from './support/test-server.ts'

const ALLOWED = 'https://allowed.test'
const FOREIGN = 'https://foreign.test'

/** The status that a page of `origin` gets by each way. */
async function statuses(origin: string | undefined, settings: Partial<ServeOptions>, own = {}) {
  const news = topic<string>('news', { history: { count: 10 } })
  const { server, port } = await start({ ...settings, routes: [topics('/topics', [news], own)] })
  const named = origin === undefined ? {} : { Origin: origin }
  const headers = { ...named, 'Sec-WebSocket-Protocol': 'windsock.v1.json' }
  const client = await RawClient.connect(port, true)
  const upgraded = await client.request({ path: '/topics', headers })
  client.destroy()
  const polled = await fetch(`${server.url}/topics/news?offset=-1`, { headers: named })
  return [upgraded.status, polled.status]
}

describe('the origin of a page that asks for a topic', () => {
  it('is let in by the server’s list, over WebSocket and over HTTP', async () => {
    const settings = { checkOrigin: [ALLOWED] }
    expect(await statuses(ALLOWED, settings)).toEqual([101, 200])
    expect(await statuses(FOREIGN, settings)).toEqual([403, 403])
  })

  it('has to be named where the server says so', async () => {
    expect(await statuses(undefined, { requireOrigin: true })).toEqual([403, 403])
    expect(await statuses(undefined, {})).toEqual([101, 200])
  })

  it('is let in by the topics’ own list before the server’s', async () => {
    const own = { checkOrigin: [FOREIGN] }
    expect(await statuses(FOREIGN, { checkOrigin: [ALLOWED] }, own)).toEqual([101, 200])
    expect(await statuses(ALLOWED, { checkOrigin: [ALLOWED] }, own)).toEqual([403, 403])
  })

  it('is let in as each of two servers says that serve the same topics', async () => {
    const news = topic<string>('news', { history: { count: 10 } })
    const routes = [topics('/topics', [news])]
    const strict = await start({ routes, checkOrigin: [ALLOWED], requireOrigin: true })
    const open = await start({ routes, checkOrigin: 'any' })
    const asked = [FOREIGN, ALLOWED, undefined].flatMap((origin) =>
      [strict, open].map(async ({ server }) => {
        const headers = origin === undefined ? {} : { Origin: origin }
        return (await fetch(`${server.url}/topics/news?offset=-1`, { headers })).status
      }),
    )
    expect(await Promise.all(asked)).toEqual([403, 200, 200, 200, 403, 200])
  })
})
