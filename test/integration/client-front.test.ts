// Clients in front of whose server another one stands: it redirects, and answers in its place while it is away.

import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Topic, topic, topics } from 'windsock'
import type { ClientTransport } from 'windsock/client'
import { start } from './support/test-server.ts'
import { readChat, startClient } from './support/topic-server.ts'

const OVER_HTTP: ClientTransport[] = ['sse', 'long-poll', 'poll']
const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 20_000, interval: 5 })

/** What stands in front; `true`: it has answered. */
type Habit = (request: IncomingMessage, response: ServerResponse) => boolean

async function startFront(port: number, habits: { now: Habit }): Promise<string> {
  const front = createServer((incoming, outgoing) => {
    if (habits.now(incoming, outgoing)) return
    const { method, headers, url } = incoming
    const upstream = request({ port, method, headers, path: url, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
      outgoing.once('close', () => answer.destroy())
    })
    upstream.on('error', () => outgoing.destroy())
    incoming.pipe(upstream)
  })
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    front.closeAllConnections()
    front.close()
  })
  return `http://127.0.0.1:${(front.address() as AddressInfo).port}`
}

const PASS: Habit = () => false

async function startChat(options: { kept?: number; contentType?: string } = {}) {
  const { kept = 1_000, contentType = 'application/json' } = options
  const chat: Topic<never> = topic('chat', { history: { count: kept } })
  const routes = topics('/topics', [chat], {
    accept: (input) => input as string,
    contentType: () => contentType,
  })
  const { port } = await start({ routes })
  return { chat, port }
}

describe.each(OVER_HTTP)('over %s', (transport) => {
  it('a publish that is redirected is stored, and acknowledged only then', async () => {
    const { chat, port } = await startChat()
    const moved = await startFront(port, { now: PASS })
    const old = await startFront(port, {
      now: ({ url }, response) => {
        response.writeHead(301, { Location: `${moved}${url}` }).end()
        return true
      },
    })
    const { client } = startClient(old, { transports: [transport] })
    const { got } = readChat(client)
    const stored = await client.topic('chat').publish('hello')
    expect(stored).toMatchObject({ offset: 1, duplicate: false })
    expect(chat.offset).toBe(1)
    await eventually(() => got).toEqual(['hello'])
  })

  it.each([400, 403, 404, 500, 503])(
    'a page of status %i from what stands before it is not its last word',
    async (status) => {
      const { chat, port } = await startChat()
      const habits = { now: PASS }
      const front = await startFront(port, habits)
      const { client } = startClient(front, { transports: [transport] })
      const { got } = readChat(client)
      await eventually(() => client.state.state).toBe('open')
      let answered = 0
      habits.now = (_, response) => {
        answered++
        response
          .writeHead(status, { 'Content-Type': 'text/html' })
          .end('<html>default backend</html>')
        return true
      }
      const stored = client.topic('chat').publish('meanwhile')
      await eventually(() => answered).toBeGreaterThan(1)
      habits.now = PASS
      expect(await stored).toMatchObject({ offset: 1 })
      expect(chat.offset).toBe(1)
      await eventually(() => got).toEqual(['meanwhile'])
    },
  )

  it('a refusal of the server itself is', async () => {
    const { port } = await startChat()
    const front = await startFront(port, { now: PASS })
    const { client } = startClient(front, { transports: [transport] })
    await expect(client.topic('nothing').publish('x')).rejects.toMatchObject({
      code: 'ERR_WINDSOCK_REFUSED',
      message: expect.stringContaining('topic_not_found'),
    })
  })

  it('one request that has to wait does not end the others', async () => {
    const { chat, port } = await startChat()
    const habits = { now: PASS }
    const front = await startFront(port, habits)
    const { client, states } = startClient(front, { transports: [transport] })
    const { got } = readChat(client)
    await eventually(() => client.state.state).toBe('open')
    const before = states.length
    let refused = 0
    habits.now = ({ method }, response) => {
      if (method !== 'POST' || ++refused > 1) return false
      response.writeHead(429, { 'Retry-After': '0', 'Windsock-Error': 'rate_limited' }).end()
      return true
    }
    await client.topic('chat').publish('after all')
    expect(refused).toBe(2)
    expect(chat.offset).toBe(1)
    await eventually(() => got).toEqual(['after all'])
    expect(states).toHaveLength(before)
  })

  it('bytes, texts and objects are published to a topic of any content type', async () => {
    const { chat, port } = await startChat({ contentType: 'text/plain' })
    const front = await startFront(port, { now: PASS })
    const { client } = startClient(front, { transports: [transport] })
    const { publish } = { publish: (data: unknown) => client.topic('chat').publish(data) }
    await publish(new Uint8Array([0, 255]))
    await publish(new Uint16Array([513]).buffer)
    await publish('text')
    await publish({ some: ['object'] })
    const { items } = chat.read(0, { maxItems: 10, maxBytes: 1_000 })
    expect(items.map(({ message }) => message)).toEqual([
      new Uint8Array([0, 255]),
      new Uint8Array([1, 2]),
      'text',
      '{"some":["object"]}',
    ])
  })

  it('a publish whose answer was lost is told to have been there', async () => {
    const { chat, port } = await startChat()
    const habits = { now: PASS }
    const front = await startFront(port, habits)
    const { client } = startClient(front, { transports: [transport] })
    let lost = 0
    habits.now = (incoming, response) => {
      if (incoming.method !== 'POST' || ++lost > 1) return false
      const { headers, url } = incoming
      const upstream = request({ port, method: 'POST', headers, path: url }, () =>
        response.destroy(),
      )
      incoming.pipe(upstream)
      return true
    }
    const { duplicate } = await client.topic('chat').publish('once')
    expect({ duplicate, offset: chat.offset, lost }).toEqual({
      duplicate: true,
      offset: 1,
      lost: 2,
    })
  })
})

describe('an answer that a place is gone, whatever is asked', () => {
  it.each(OVER_HTTP)('is asked for again after a pause over %s', async (transport) => {
    const front = await startFront(9, {
      now: (_, response) => {
        const oldest = 'epoch_0000000000000001'
        response.writeHead(410).end(JSON.stringify({ reason: 'trimmed', oldest }))
        return true
      },
    })
    const { client } = startClient(front, { transports: [transport] })
    client.topic('chat', { from: 'start' }).events$.subscribe()
    await eventually(() => client.state.lastClose?.reason).toMatch(/start of the topic is gone/)
  })
})

describe('a topic of which more comes than is kept between two requests', () => {
  it.each(['long-poll', 'poll'] as const)('is read on with gaps over %s', async (transport) => {
    const { chat, port } = await startChat({ kept: 2 })
    const publish = () => chat.publish(`${chat.offset + 1}` as never)
    const front = await startFront(port, {
      now: ({ method }) => {
        // By the time that it is asked, what the answer before named is gone.
        if (method === 'GET') for (let count = 0; count < 5; count++) publish()
        return false
      },
    })
    publish()
    const { client } = startClient(front, { transports: [transport], pollMs: 10 })
    const told: string[] = []
    client.topic<string>('chat', { from: 'start' }).events$.subscribe((event) => {
      told.push(event.type === 'gap' ? 'gap' : event.data)
    })
    await eventually(() => told.filter((one) => one !== 'gap').length).toBeGreaterThan(5)
    const offsets = told.filter((one) => one !== 'gap').map(Number)
    expect(offsets).toEqual([...new Set(offsets)].sort((one, other) => one - other))
    expect(told).toContain('gap')
  })
})
