// The rules of topics(): what they say, and forget to say, holds for every way to a topic.

import { describe, expect, it } from 'vitest'
import { type Sendable, topic, topics, type WebSocketError } from 'windsock'
import { harness } from 'windsock/testing'
import { start } from './support/test-server.ts'

const SESSION = { 'sec-websocket-protocol': 'windsock.v1.json' }
const news = () => topic<string>('news', { history: { count: 10 } })

describe('a mayRead that returns false', () => {
  it.each([
    ['at once', () => false],
    ['later', () => Promise.resolve(false)],
  ])('%s lets nobody read: not over HTTP, not in a session, not plain', async (_, mayRead) => {
    const list = [news()]
    const { server } = await start({ routes: [topics('/topics', list, { mayRead })] })
    expect((await fetch(`${server.url}/topics/news`)).status).toBe(403)

    await using inMemory = harness(topics('/topics', list, { mayRead }))
    expect((await inMemory.connect('/topics/news')).status).toBe(403)
    const peer = await inMemory.connect('/topics', { headers: SESSION })
    peer.send('{"type":"subscribe","id":1,"topic":"news","from":"start"}')
    await inMemory.advance(10)
    expect(JSON.parse(String(peer.messages.at(-1)))).toMatchObject({
      type: 'error',
      id: 1,
      code: 'forbidden',
    })
  })

  it('is no other answer: true, and nothing, let in', async () => {
    for (const mayRead of [() => true, () => {}]) {
      await using server = harness(topics('/topics', [news()], { mayRead }))
      expect((await server.connect('/topics/news')).status).toBe(101)
    }
  })
})

it('an accept that returns nothing is told to onError, and nothing is published', async () => {
  const list = [news()]
  const accept = (() => {}) as unknown as () => Sendable
  const told: string[] = []
  const onError = ({ code }: WebSocketError) => told.push(code)
  const { server } = await start({ routes: [topics('/topics', list, { accept, onError })] })
  const headers = { 'Content-Type': 'text/plain' }
  const posted = await fetch(`${server.url}/topics/news`, {
    method: 'POST',
    headers,
    body: 'hello',
  })
  expect(posted.status).toBe(500)
  expect(told).toEqual(['ERR_WINDSOCK_HANDLER'])

  await using inMemory = harness(topics('/topics', list, { accept }))
  const peer = await inMemory.connect('/topics', { headers: SESSION })
  peer.send('{"type":"publish","id":1,"topic":"news","data":"hello"}')
  await inMemory.advance(10)
  expect(JSON.parse(String(peer.messages.at(-1)))).toMatchObject({ id: 1, code: 'internal' })
  expect(inMemory.errors[0]?.code).toBe('ERR_WINDSOCK_HANDLER')
  expect(list[0]?.offset).toBe(0)
})
