// Browser tests of the client behind proxies that cut, and of what is announced when a topic keeps too little.

import type { Page as Tab } from 'playwright-core'
import { expect, it } from 'vitest'
import { page } from 'windsock'
import type { ClientTransport, TopicEvent } from 'windsock/client'
import { type ProxyHabits, startProxy } from '../integration/support/proxy.ts'
import { startTopicServer } from '../integration/support/topic-server.ts'
import { describeInBrowser, eventually, visit } from './support/chromium.ts'

const TRANSPORTS: ClientTransport[] = ['websocket', 'sse', 'long-poll', 'poll']

/** Nobody listens there. */
const CLOSED_PORT = 1

interface Seen {
  readonly events: readonly TopicEvent<string>[]
  readonly states: readonly string[]
}

/** A server, a proxy before it, and a tab that reads its topic through that. */
async function behindProxy(transports: readonly string[], habits: ProxyHabits, keep?: number) {
  const file = (path: string) => new URL(path, import.meta.url)
  const server = await startTopicServer({
    ...(keep !== undefined && { keep, forgets: true }),
    pages: [
      page('/', file('support/client.html')),
      page('/client.js', file('support/client.js')),
      page('/windsock-client.js', file('../../dist/client/windsock-client.js')),
    ],
  })
  const proxy = await startProxy(server.port, habits)
  const tab = await visit(`${proxy.url}/?transports=${transports.join(',')}`)
  await eventually(async () => (await seenIn(tab)).states.at(-1)).toBe(`open ${transports.at(-1)}`)
  return { server, proxy, tab }
}

async function seenIn(tab: Tab): Promise<Seen> {
  return ((await tab.evaluate('globalThis.seen')) ?? { events: [], states: [] }) as Seen
}

/** The texts that a tab has read; a gap as `gap: <reason> <from>-<to>`. */
async function read(tab: Tab): Promise<string[]> {
  return (await seenIn(tab)).events.map((event) =>
    event.type === 'gap'
      ? `gap: ${event.reason} ${event.from?.offset}-${event.to.offset}`
      : event.data,
  )
}

const publish = (tab: Tab, text: string) => tab.evaluate(`publish(${JSON.stringify(text)})`)

describeInBrowser('a page behind a proxy', () => {
  it.each(TRANSPORTS)(
    'that cuts ten times a second loses and repeats nothing over %s',
    async (transport) => {
      const { server, proxy, tab } = await behindProxy([transport], {})
      proxy.cutEvery(100)
      let count = 0
      while (proxy.cuts < 8 || count < 50) {
        await server.publish(`server ${++count}`)
        await publish(tab, `page ${count}`)
      }
      proxy.cutEvery(undefined)
      await eventually(async () => (await read(tab)).length).toBe(2 * count)
      const numbers = Array.from({ length: count }, (_, index) => index + 1)
      expect(await read(tab)).toEqual(numbers.flatMap((one) => [`server ${one}`, `page ${one}`]))
    },
  )

  it('that refuses upgrades and cuts goes on over the next transport, and misses nothing', async () => {
    const habits = { refusesUpgrades: '403 Forbidden' }
    const { server, proxy, tab } = await behindProxy(['websocket', 'sse'], habits)
    for (const number of [1, 2, 3]) {
      await server.publish(`before cut ${number}`)
      proxy.cut()
      await publish(tab, `after cut ${number}`)
    }
    await eventually(() => read(tab)).toEqual(await server.log())
    expect(await read(tab)).toHaveLength(6)
  })

  it.each(TRANSPORTS)(
    'is told how much is missing, when the topic has not kept it, over %s',
    async (transport) => {
      const { server, proxy, tab } = await behindProxy([transport], {}, 3)
      await server.publish('1')
      await eventually(() => read(tab)).toEqual(['1'])
      proxy.upstreamPort = CLOSED_PORT
      proxy.cut()
      await eventually(async () => (await seenIn(tab)).states).toContain(`waiting ${transport}`)
      for (const text of ['2', '3', '4', '5', '6']) await server.publish(text)
      proxy.upstreamPort = server.port
      await eventually(() => read(tab)).toEqual(['1', 'gap: trimmed 1-3', '4', '5', '6'])
      await server.publish('7')
      await eventually(async () => (await read(tab)).at(-1)).toBe('7')
    },
  )
})
