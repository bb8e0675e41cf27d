// Clients behind bad proxies and in front of servers that say what they want: which transport, when again, and when never.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createPlainServer, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ClientTransport, connect, connectPlain } from 'windsock/client'
import { WebSocketServer } from 'ws'
import { startProxy } from './support/proxy.ts'
import {
  readChat,
  startClient,
  startTopicServer,
  type TopicServer,
} from './support/topic-server.ts'

const TRANSPORTS: ClientTransport[] = ['websocket', 'sse', 'long-poll', 'poll']

const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 20_000, interval: 5 })

/** Publishes a number after the other until `until` is true; returns them. */
async function publishUntil(server: TopicServer, until: () => boolean): Promise<string[]> {
  const published: string[] = []
  while (!until()) {
    published.push(`${published.length + 1}`)
    await server.publish(`${published.length}`)
    // A store in memory is so quick that nothing else would get its turn.
    await nextTurn()
  }
  return published
}

describe('a proxy that refuses upgrades', () => {
  it('is got around, and the WebSocket comes back when it lets upgrades through', async () => {
    const server = await startTopicServer()
    const proxy = await startProxy(server.port, { refusesUpgrades: '403 Forbidden' })
    const { client, states } = startClient(proxy.url, { upgradeMs: 50 })
    const { got } = readChat(client)
    await eventually(() => states.at(-1)).toBe('open sse')
    expect(client.state.lastClose).toEqual({ code: 1006, reason: 'HTTP 403' })
    const refusedBefore = proxy.upgrades
    await eventually(() => proxy.upgrades).toBeGreaterThan(refusedBefore)
    expect(client.state).toMatchObject({ state: 'open', transport: 'sse' })
    proxy.habits.refusesUpgrades = undefined
    const published = await publishUntil(server, () => states.at(-1) === 'open websocket')
    await server.publish('the end')
    await eventually(() => got.at(-1)).toBe('the end')
    expect(got).toEqual([...published, 'the end'])
  })

  it('that swallows what comes after the upgrade is found out by the deadline', async () => {
    const server = await startTopicServer()
    const proxy = await startProxy(server.port, { swallowsUpgrades: true })
    const { client, states } = startClient(proxy.url, { connectTimeoutMs: 150 })
    await server.publish('one')
    const { got } = readChat(client)
    await eventually(() => got).toEqual(['one'])
    expect(states.at(-1)).toBe('open sse')
  })
})

describe.each(TRANSPORTS)('over %s', (transport) => {
  it('a proxy that cuts again and again costs nothing but time', async () => {
    const server = await startTopicServer()
    const proxy = await startProxy(server.port, { cutsAfter: 4 })
    const { client } = startClient(proxy.url, { transports: [transport] })
    const { got } = readChat(client, 1_000)
    const chat = client.topic<string>('chat')
    const texts = Array.from({ length: 60 }, (_, index) => `${index}`)
    const stored = texts.map((text) => chat.publish(text))
    await Promise.all(stored)
    await eventually(() => got.length).toBeGreaterThanOrEqual(60)
    expect(got).toEqual(texts)
    expect(await server.log()).toEqual(texts)
  })

  it('a server that falls silent is noticed within its heartbeat and the timeout', async () => {
    const server = await startTopicServer({
      heartbeatMs: 50,
      longPollMs: 50,
      eventStreamHeartbeatMs: 50,
    })
    const proxy = await startProxy(server.port)
    const { client, states } = startClient(proxy.url, {
      transports: [transport],
      heartbeatMs: 200,
      heartbeatTimeoutMs: 100,
    })
    const { got } = readChat(client)
    await eventually(() => states.at(-1)).toBe(`open ${transport}`)
    proxy.freeze()
    await eventually(() => states.some((state) => state.startsWith('waiting'))).toBe(true)
    await server.publish('still here')
    await eventually(() => got).toEqual(['still here'])
  })
})

describe('use()', () => {
  it('changes the transport while messages flow, and loses and repeats nothing', async () => {
    const server = await startTopicServer()
    const { client, states } = startClient(server.url)
    const { got } = readChat(client, 1_000)
    await eventually(() => states.at(-1)).toBe('open websocket')
    const published: string[] = []
    for (const transport of [...TRANSPORTS.toReversed(), ...TRANSPORTS]) {
      client.use(transport)
      const some = await publishUntil(server, () => states.at(-1) === `open ${transport}`)
      published.push(...some)
    }
    await server.publish('the end')
    await eventually(() => got.at(-1)).toBe('the end')
    expect(got).toEqual([...published, 'the end'])
  })

  it('refuses what is no transport', () => {
    const client = connect('http://127.0.0.1:9/topics')
    expect(() => client.use('pigeon' as never)).toThrow(
      expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' }),
    )
    expect(() => client.use()).toThrow(expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' }))
    return client.close()
  })
})

it.each([
  ['one in a text', 'chat', 'chat'],
  ['several', ['other', 'chat'], 'other,chat'],
  ['none', [], undefined],
  ['null, which is none', null, undefined],
])('a plain client offers its subprotocols: %s', async (_what, protocols, offered) => {
  const server = createServer()
  const asked = once(server, 'upgrade')
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = connectPlain(url, { protocols: protocols as string[] })
  const [{ headers }, socket] = await asked
  expect(headers['sec-websocket-protocol']).toBe(offered)
  socket.destroy()
  await client.close()
})

it('publishes also where null stands for no options', async () => {
  const server = await startTopicServer()
  const { client } = startClient(server.url)
  const stored = client.topic<string>('chat').publish('one', null as never)
  expect(await stored).toMatchObject({ offset: 1 })
})

describe('what the server says about coming back', () => {
  /** A WebSocket server that closes each connection with this. */
  async function closingServer(code: number, reason: string) {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    let connections = 0
    server.on('connection', (socket) => {
      connections++
      socket.close(code, reason)
    })
    await once(server, 'listening')
    onTestFinished(() => server.close())
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
    const client = connectPlain(url, { firstRetryMs: 1, maxRetryMs: 1 })
    onTestFinished(() => void client.close())
    return { client, connections: () => connections }
  }

  it('a window in the reason is obeyed: it waits somewhere within it', async () => {
    const { client, connections } = await closingServer(1012, 'restarting; retry=300s')
    const askedMs = Date.now()
    await eventually(() => client.state.state).toBe('waiting')
    const { retryAtMs } = client.state
    expect(retryAtMs).toBeGreaterThanOrEqual(askedMs)
    expect(retryAtMs).toBeLessThanOrEqual(Date.now() + 300_000)
    expect(connections()).toBe(1)
    client.retry()
    await eventually(connections).toBe(2)
  })

  it('Retry-After is obeyed: it waits that long at least, on every transport', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(503, { 'Retry-After': '100' }).end()
    })
    server.on('upgrade', (_request, socket) => {
      socket.end('HTTP/1.1 503 Busy\r\nRetry-After: 100\r\nConnection: close\r\n\r\n')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    for (const transport of TRANSPORTS) {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/topics`
      const client = connect(url, { transports: [transport] })
      const askedMs = Date.now()
      client.topic('chat').events$.subscribe()
      await eventually(() => client.state.state).toBe('waiting')
      const waitMs = (client.state.retryAtMs ?? 0) - askedMs
      expect(waitMs).toBeGreaterThanOrEqual(100_000)
      expect(waitMs).toBeLessThanOrEqual(200_000 + (Date.now() - askedMs))
      await client.close()
    }
  })

  it.each(['sse', 'long-poll', 'poll'] as const)(
    'over %s it says in words of ours what went wrong',
    async (transport) => {
      const habits: Record<string, (socket: Socket) => void> = {
        'the server cannot be reached': (socket) => socket.destroy(),
        'the server has fallen silent': () => {},
        'the answer is not one of a topic': (socket) => {
          const type = transport === 'sse' ? 'text/event-stream' : 'text/html'
          socket.end(
            `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nConnection: close\r\n\r\n` +
              'event: data\ndata: <p>Hello!</p>\n\n',
          )
        },
        'the answer was cut off': (socket) => {
          socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n')
          socket.end('Content-Length: 1000\r\n\r\n[')
        },
      }
      for (const [words, habit] of Object.entries(habits)) {
        const server = createPlainServer((socket) => {
          socket.on('error', () => {}).once('data', () => habit(socket))
          onTestFinished(() => void socket.destroy())
        }).listen(0, '127.0.0.1')
        await once(server, 'listening')
        onTestFinished(() => void server.close())
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/topics`
        const numbers = { heartbeatMs: 100, heartbeatTimeoutMs: 100 }
        const client = connect(url, { transports: [transport], ...numbers })
        client.topic('chat').events$.subscribe()
        await eventually(() => client.state.lastClose).toEqual({ code: 1006, reason: words })
        await client.close()
      }
    },
  )

  it.each([
    ['a line', 'x'],
    ['a page of messages', `event: data\ndata: [{"data":"${'x'.repeat(100_000)}"}]\n\n`],
  ])('an event stream that does not end %s is left after 64 MiB', async (_, text) => {
    const piece = Buffer.from(text.repeat(2 ** 20 / text.length))
    let pieces = 0
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).on('error', () => {})
      const pour = () => {
        while (++pieces < 100 && response.write(piece));
      }
      pour()
      response.on('drain', pour)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/topics`
    const client = connect(url, { transports: ['sse'], firstRetryMs: 300_000, maxRetryMs: 300_000 })
    onTestFinished(() => void client.close())
    client.topic('chat').events$.subscribe()
    await eventually(() => client.state.state).toBe('waiting')
    expect(client.state.lastClose?.code).toBe(1006)
    expect(pieces).toBeLessThan(90)
  })

  it.each([4001, 1008, 1002])('%i is final: it fails, and dials no more', async (code) => {
    const { client, connections } = await closingServer(code, 'no')
    expect(await client.closed).toMatchObject({
      state: 'failed',
      lastClose: { code, reason: 'no' },
    })
    expect(connections()).toBe(1)
  })

  it.each(['{"type":"welcome"}', 'null', 'hello'])('%s is no frame: it fails', async (text) => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => server.close())
    server.on('connection', (socket) => socket.send(text))
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/topics`
    const client = connect(url, { transports: ['websocket'] })
    expect(await client.closed).toMatchObject({ state: 'failed', lastClose: { code: 1002 } })
  })

  it('1000 is the end, and no failure', async () => {
    const { client } = await closingServer(1000, 'that was all')
    expect(await client.closed).toMatchObject({ state: 'closed' })
  })

  it.each([1001, 1011, 1012, 1013])('%i invites back', async (code) => {
    const { connections } = await closingServer(code, '')
    await eventually(connections).toBeGreaterThan(2)
  })
})

describe('bounds', () => {
  it('publishes wait within a bound; the next is rejected, and nothing else is lost', async () => {
    const server = await startTopicServer()
    await server.stop()
    const { client } = startClient(server.url, { maxQueued: 3 })
    const chat = client.topic<string>('chat')
    const kept = ['a', 'b', 'c'].map((text) => chat.publish(text))
    await expect(chat.publish('d')).rejects.toMatchObject({ code: 'ERR_WINDSOCK_LIMIT' })
    await server.start()
    await Promise.all(kept)
    expect(await server.log()).toEqual(['a', 'b', 'c'])
  })

  it('what waits when the client is closed is rejected', async () => {
    const server = await startTopicServer()
    await server.stop()
    const { client } = startClient(server.url)
    const waiting = client
      .topic('chat')
      .publish('never')
      .catch((error) => error.code)
    await client.close()
    expect(await waiting).toBe('ERR_WINDSOCK_CLOSED')
    await expect(client.topic('chat').publish('late')).rejects.toMatchObject({
      code: 'ERR_WINDSOCK_CLOSED',
    })
  })

  it.each([
    { connectTimeoutMs: 0 },
    { maxQueued: 1.5 },
    { transports: [] },
    { transports: ['poll', 'poll'] },
    { typo: 1 },
    { withCredentials: 'no' },
    ...[[], () => {}, null, 5],
  ])('%o is refused at once', (options) => {
    const make = () => {
      const client = connect('http://127.0.0.1:9', options as never)
      onTestFinished(() => void client.close())
    }
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' }))
  })

  it.each([{ protocols: 'a b' }, { protocols: ['a', 'a'] }, { protocols: 5 }, { protocols: '' }])(
    '%o is refused at once for a plain client, as it can never be offered',
    (options) => {
      const make = () => {
        const client = connectPlain('http://127.0.0.1:9', options as never)
        onTestFinished(() => void client.close())
      }
      expect(make).toThrow(expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' }))
    },
  )

  it.each(['', '.', '..', 'a\ud800', '\udc00b', 'x'.repeat(256), 5])(
    'a topic cannot be called %j',
    (name) => {
      const client = connect('http://127.0.0.1:9')
      onTestFinished(() => void client.close())
      const refused = expect.objectContaining({ code: 'ERR_WINDSOCK_TOPIC' })
      expect(() => client.topic(name as string)).toThrow(refused)
    },
  )

  it.each(['...', '.a', 'a/b', '%2e', ' ', 'ü', '\u{1f600}', 'x'.repeat(255)])(
    'a topic may be called %j',
    (name) => {
      const client = connect('http://127.0.0.1:9')
      onTestFinished(() => void client.close())
      expect(client.topic(name).name).toBe(name)
    },
  )

  it.each([{ last: -1 }, { from: 'end' }, { since: 5 }, 'start', { last: 5, from: 'start' }, {}])(
    'the beginning %j is refused at once, also of a topic that is there already',
    (begin) => {
      const client = connect('http://127.0.0.1:9')
      onTestFinished(() => void client.close())
      const refused = expect.objectContaining({ code: 'ERR_WINDSOCK_TOPIC' })
      expect(() => client.topic('news', begin as never)).toThrow(refused)
      const news = client.topic('news', { last: 5 })
      expect(() => client.topic('news', begin as never)).toThrow(refused)
      expect(client.topic('news')).toBe(news)
    },
  )
})
