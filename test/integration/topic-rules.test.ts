// The rules of topics(): what they say, and forget to say, holds for every way to a topic.

import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type ErrorListener,
  route,
  type Sendable,
  serve,
  type TopicCaller,
  type TopicRules,
  topic,
  topics,
  type WebSocketError,
} from 'windsock'
import { harness } from 'windsock/testing'
import { Application, RequestHandler, websocketConnect } from 'windsock/tornado'
import { Mailbox } from './support/mailbox.ts'
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

  it.each([null, 0, '', 'bob'])(
    'is not %j, which is an error and lets nobody in',
    async (answer) => {
      const mayRead = () => answer as never
      await using server = harness(topics('/topics', [news()], { mayRead }))
      expect((await server.connect('/topics/news')).status).toBe(500)
      expect(String(server.errors[0])).toContain('mayRead returned')
    },
  )
})

it('what has no onError of its own tells the server, whatever carries it', async () => {
  const broken = () => {
    throw new Error('broken')
  }
  class Broken extends RequestHandler {
    override get = broken
  }
  const own: string[] = []
  const told: string[] = []
  const entries = (onError?: ErrorListener) => [
    ...topics('/topics', [news()], { mayRead: broken, ...(onError && { onError }) }),
    ...new Application([['/broken', Broken]], onError && { onError }).routes,
  ]
  const onError = ({ code }: WebSocketError) => told.push(code)
  await using quiet = await serve({ routes: entries(() => own.push('own')), onError })
  await using server = await serve({ routes: entries(), onError })
  for (const { url } of [quiet, server]) {
    for (const path of ['/topics/news', '/broken']) {
      expect((await fetch(`${url}${path}`)).status).toBe(500)
    }
  }
  expect(own).toEqual(['own', 'own'])
  expect(told).toEqual(['ERR_WINDSOCK_HANDLER', 'ERR_WINDSOCK_HANDLER'])
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

it('without accept nobody may publish, and is told so in the same words whatever way was taken', async () => {
  const list = [news()]
  const { server } = await start({ routes: [topics('/topics', list)] })
  const posted = await fetch(`${server.url}/topics/news`, { method: 'POST', body: 'hello' })
  expect(posted.status).toBe(403)

  await using inMemory = harness(topics('/topics', list))
  const peer = await inMemory.connect('/topics', { headers: SESSION })
  peer.send('{"type":"publish","id":1,"topic":"news","data":"hello"}')
  await inMemory.advance(10)
  const message = (await posted.text()).trim()
  const refused = { id: 1, code: 'forbidden', message }
  expect(JSON.parse(String(peer.messages.at(-1)))).toMatchObject(refused)
  expect(list[0]?.offset).toBe(0)
})

describe.each(['joined', 'left'] as const)('a %s that fails', (rule) => {
  it.each([
    [
      'at once',
      () => {
        throw new Error('never')
      },
    ],
    ['later', () => Promise.reject(new Error('never'))],
  ])('%s is told to onError; everyone reads on, and every other is told', async (_, fails) => {
    const told: string[] = []
    const list = [news(), topic<string>('more', { history: { count: 10 } })]
    const say: Pick<TopicRules, 'joined' | 'left'> = {
      [rule]: ({ topic: name }: TopicCaller) => {
        told.push(name)
        return fails()
      },
    }
    await using server = harness(topics('/topics', list, say))
    const session = await server.connect('/topics', { headers: SESSION })
    session.send('{"type":"subscribe","id":1,"topic":"news","from":"start"}')
    session.send('{"type":"subscribe","id":2,"topic":"more","from":"start"}')
    const plain = await server.connect('/topics/news')
    await server.advance(10)
    list[0]?.publish('hello')
    await server.advance(10)
    expect(plain.messages).toEqual(['hello'])
    expect(JSON.parse(String(session.messages.at(-1)))).toMatchObject({ type: 'messages' })
    session.close()
    plain.close()
    await server.advance(10)
    expect(told.toSorted()).toEqual(['more', 'news', 'news'])
    expect(server.errors.map(({ code }) => code)).toEqual(Array(3).fill('ERR_WINDSOCK_HANDLER'))
  })

  it('is told to the onError of topics() where an event stream is read, and the stream goes on', async () => {
    const told = new Mailbox<string>()
    const fails = () => Promise.reject(new Error('never'))
    const onError = ({ code }: WebSocketError) => told.put(code)
    const list = [news()]
    const { server } = await start({
      routes: [topics('/topics', list, { [rule]: fails, onError })],
    })
    const gone = new AbortController()
    const address = `${server.url}/topics/news?offset=-1&live=sse`
    const stream = await fetch(address, { signal: gone.signal })
    list[0]?.publish('hello')
    let read = ''
    for await (const piece of stream.body ?? []) {
      read += new TextDecoder().decode(piece)
      if (read.includes('hello')) break
    }
    gone.abort()
    expect(await told.next()).toBe('ERR_WINDSOCK_HANDLER')
  })
})

it('an onError whose promise rejects hurts nobody', async () => {
  const onError = (() => Promise.reject(new Error('never'))) as () => void
  const rejected: unknown[] = []
  const listen = (reason: unknown) => rejected.push(reason)
  process.on('unhandledRejection', listen)
  onTestFinished(() => void process.off('unhandledRejection', listen))
  const list = [news()]
  const rules = topics('/topics', list, { mayRead: () => Promise.reject(new Error('no')), onError })
  const failing = route('/fails', () => Promise.reject(new Error('no')))
  const { server, records } = await start({ routes: [rules, failing], onError })
  expect((await fetch(`${server.url}/topics/news`)).status).toBe(500)
  const client = await websocketConnect(`${server.url.replace('http', 'ws')}/fails`)
  expect(await client.readMessage()).toBe(null)
  expect((await records.next()).cause).toBe('handlerFailed')
  await new Promise(setImmediate)
  expect(rejected).toEqual([])
})

it('what a plain client says is published as it is, bytes too', async () => {
  const log = topic<Sendable>('log', { history: { count: 10 } })
  await using server = harness(topics('/topics', [log], { accept: (input) => input as Sendable }))
  const peer = await server.connect('/topics/log')
  peer.send('text')
  peer.send(Uint8Array.of(1, 2))
  await server.advance(10)
  expect(peer.messages).toEqual(['text', Uint8Array.of(1, 2)])
})
