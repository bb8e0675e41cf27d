// Topics over HTTP on real sockets: what is let go of when clients leave, what slow clients cost, and how it ends.

import { connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type AnyTopic, HandshakeError, type Sendable, type Topic, topic, topics } from 'windsock'
import { HandshakeRequest } from '../../src/http/request.ts'
import { formatOffset } from '../../src/protocol/http-offset.ts'
import { TopicRequests } from '../../src/transport/topic-requests.ts'
import { CountedTopic } from '../property/support/asking.ts'
import { start } from './support/test-server.ts'

type Options = Partial<ConstructorParameters<typeof TopicRequests>[0]>

async function house(options: Options = {}, count = 1_000) {
  const news: Topic<Sendable> = topic('news', { history: { count, bytes: 256 * 1024 * 1024 } })
  const counted = new CountedTopic(news)
  const errors: unknown[] = []
  const requests = new TopicRequests({
    prefix: '/topics',
    topics: new Map([['news', counted]]),
    requestOf: (upgrade, captured) => new HandshakeRequest(upgrade, captured),
    report: (error) => errors.push(error),
    rules: { accept: (input) => input as Sendable },
    ...options,
  })
  const { server, port } = await start({ routes: [{ kind: 'requests', begin: () => requests }] })
  const url = `${server.url}/topics/news`
  return { server, port, url, news, counted, requests, errors }
}

/** A connection that says what it is told to and keeps what comes back. */
async function dial(port: number, text = ''): Promise<{ socket: Socket; got: () => string }> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let got = ''
  socket.setEncoding('latin1').on('data', (piece) => {
    got += piece
  })
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.write(text)
  return { socket, got: () => got }
}

/** By then the server has done all that it does for a peer that takes nothing. */
async function roundTrips(url: string): Promise<void> {
  for (let n = 0; n < 100; n++) await (await fetch(`${url}?offset=now`)).text()
}

const get = (path: string, ...headers: string[]) =>
  `${[`GET ${path} HTTP/1.1`, 'Host: 127.0.0.1', ...headers].join('\r\n')}\r\n\r\n`

describe('a topic over HTTP', () => {
  it('an onError that throws harms nobody: the request is answered', async () => {
    const throws = () => {
      throw new Error('mine')
    }
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => printed.mockRestore())
    const news: AnyTopic = topic('news', { history: { count: 1 } })
    const rules = { mayRead: throws, onError: throws }
    const { server } = await start({ routes: topics('/topics', [news], rules) })
    const { status } = await fetch(`${server.url}/topics/news`)
    expect(status).toBe(500)
    const heads = printed.mock.calls
      .map(([text]) => String(text))
      .filter((text) => text.startsWith('windsock: '))
    expect(heads).toHaveLength(2)
  })

  it('is written and read', async () => {
    const { url, news } = await house()
    const posted = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '["a",{"b":"é"}]',
    })
    expect(posted.status).toBe(204)
    const place = formatOffset({ epoch: news.epoch, offset: 2 })
    expect(posted.headers.get('stream-next-offset')).toBe(place)
    const polled = await fetch(url)
    expect(await polled.json()).toEqual(['a', { b: 'é' }])
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('stream-next-offset')]).toEqual([200, place])
    const text = { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: '[1]' }
    const [waited] = await Promise.all([
      fetch(`${url}?offset=${place}&live=long-poll`),
      fetch(url, text),
    ])
    expect(await waited.json()).toEqual(['[1]'])
    const known = polled.headers.get('etag') as string
    const same = await fetch(`${url}?offset=-1`, { headers: { 'If-None-Match': known } })
    expect(same.status).toBe(200)
  })

  it('has the content type that topics() is given for it, and no other is taken', async () => {
    const log = topic<string>('log', { history: { count: 10 } })
    const news = topic<string>('news', { history: { count: 10 } })
    const { server } = await start({
      routes: [
        topics('/topics', [log, news], {
          contentType: (name) =>
            name === 'log' ? 'text/plain; charset=utf-8' : 'application/json',
          accept: (input) => input as string,
        }),
      ],
    })
    const url = `${server.url}/topics/log`
    const post = (type: string, body: string) =>
      fetch(url, { method: 'POST', headers: { 'Content-Type': type }, body })
    expect((await post('text/plain; charset=utf-8', 'größer\n')).status).toBe(204)
    expect((await post('text/plain; charset=utf-8', 'größer\n')).status).toBe(204)
    expect((await post('application/octet-stream', 'x')).status).toBe(409)
    const read = await fetch(`${url}?offset=-1`)
    expect(read.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await read.text()).toBe('größer\ngrößer\n')
    expect(await (await fetch(`${server.url}/topics/news?offset=-1`)).json()).toEqual([])
  })

  it.each(['', 'text', 'text/', 'text/plain\r\nX: y', 7])(
    'has no content type that is none: %j',
    (type) => {
      const news = topic<string>('news', { history: { count: 10 } })
      const make = () => topics('/topics', [news], { contentType: () => type as string })
      expect(make).toThrow(expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' }))
    },
  )

  it('answers paths of its own, and leaves all others', async () => {
    const { server, port, url } = await house()
    const status = async (path: string) => (await fetch(`${server.url}${path}`)).status
    expect(await status('/topics')).toBe(404)
    expect(await status('/topics/')).toBe(404)
    expect(await status('/topics/news/more')).toBe(404)
    expect(await status('/topicsnews')).toBe(404)
    expect(await status('/topics/n%65ws?offset=-1')).toBe(200)
    expect(await status('/topics/%ff')).toBe(400)
    expect(await status(`/topics/${'n'.repeat(256)}`)).toBe(404)
    const absolute = await dial(port, get(url, 'Connection: close'))
    await vi.waitFor(() => expect(absolute.got()).toMatch(/^HTTP\/1.1 200 /))
  })

  it('keeps its connections, and their order', async () => {
    const { port } = await house()
    const { socket, got } = await dial(port)
    const methods = ['GET', 'HEAD', 'DELETE', 'POST', 'OPTIONS', 'GET']
    for (const method of methods) {
      socket.write(get('/topics/news', 'Content-Length: 0').replace('GET', method))
    }
    const statuses = () => [...got().matchAll(/HTTP\/1.1 (\d+)/g)].map(([, code]) => Number(code))
    await vi.waitFor(() => expect(statuses()).toEqual([200, 200, 405, 400, 204, 200]))
    expect(got()).not.toMatch(/connection: close/i)
    expect(socket.readyState).toBe('open')
  })

  it('speaks HTTP/1.0', async () => {
    const { port, news } = await house()
    news.publish('a')
    const { got } = await dial(port, 'GET /topics/news HTTP/1.0\r\n\r\n')
    await vi.waitFor(() => expect(got()).toMatch(/\r\n\r\n\["a"\]$/))
  })
})

describe('a client that leaves', () => {
  it('in the middle of a long poll leaves nothing behind', async () => {
    const { url, counted, requests, news } = await house()
    const leaving = new AbortController()
    const asked = fetch(`${url}?offset=now&live=long-poll`, { signal: leaving.signal })
    const ended = asked.catch(() => 'left')
    await vi.waitFor(() => expect([counted.watchers, requests.underWay]).toEqual([1, 1]))
    leaving.abort()
    expect(await ended).toBe('left')
    await vi.waitFor(() => expect([counted.watchers, requests.underWay]).toEqual([0, 0]))
    news.publish('nobody')
  })

  it('in the middle of an event stream leaves nothing behind', async () => {
    const { url, counted, requests } = await house()
    const leaving = new AbortController()
    const response = await fetch(`${url}?offset=now&live=sse`, { signal: leaving.signal })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    await vi.waitFor(() => expect([counted.watchers, requests.underWay]).toEqual([1, 1]))
    leaving.abort()
    await vi.waitFor(() => expect([counted.watchers, requests.underWay]).toEqual([0, 0]))
  })

  it('in the middle of a POST has published nothing', async () => {
    const { port, news, requests } = await house()
    const { socket } = await dial(
      port,
      'POST /topics/news HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nhal',
    )
    await vi.waitFor(() => expect(requests.underWay).toBe(1))
    socket.destroy()
    await vi.waitFor(() => expect(requests.underWay).toBe(0))
    expect(news.offset).toBe(0)
  })

  it('with several requests on one connection leaves nothing behind of any', async () => {
    const { port, counted, requests } = await house()
    const poll = get('/topics/news?offset=now&live=long-poll')
    const { socket } = await dial(port, poll.repeat(3))
    await vi.waitFor(() => expect([counted.watchers, requests.underWay]).toEqual([3, 3]))
    socket.destroy()
    await vi.waitFor(() => expect([counted.watchers, requests.underWay]).toEqual([0, 0]))
  })
})

it('a reader who comes back when its event stream has ended is told of once, until it leaves', async () => {
  const told: string[] = []
  const joined = vi.fn(() => void told.push('joined'))
  const left = vi.fn(() => void told.push('left'))
  const { url } = await house({ eventStreamMs: 20, rules: { joined, left } })
  const stream = `${url}?offset=now&live=sse`
  for (let times = 0; times < 3; times++) {
    expect(await (await fetch(stream)).text()).toContain('upToDate')
  }
  expect(told).toEqual(['joined'])
  const leaving = new AbortController()
  const { url: longer } = await house({ rules: { joined, left } })
  await fetch(`${longer}?offset=now&live=sse`, { signal: leaving.signal })
  leaving.abort()
  await vi.waitFor(() => expect(left).toHaveBeenCalledTimes(1))
  expect(told).toEqual(['joined', 'joined', 'left'])
})

describe('a slow client', () => {
  const MESSAGE = 'x'.repeat(256 * 1024)

  it('of an event stream costs a page, and gets everything when it reads', async () => {
    const { port, url, news, counted } = await house()
    let reads = 0
    const read = counted.read.bind(counted)
    counted.read = (offset, bounds) => {
      reads++
      return read(offset, bounds)
    }
    const { socket, got } = await dial(port)
    socket.pause()
    socket.write(get('/topics/news?offset=-1&live=sse', 'Connection: close'))
    await vi.waitFor(() => expect(counted.watchers).toBe(1))
    for (let n = 0; n < 200; n++) news.publish(`${n}:${MESSAGE}`)
    await roundTrips(url)
    // What the kernel takes in, and a page.
    expect(reads).toBeLessThan(100)
    socket.resume()
    const begins = () => [...got().matchAll(/data:\["(\d+):/g)].map(([, n]) => Number(n))
    await vi.waitFor(() => expect(begins()).toHaveLength(200), { timeout: 10_000, interval: 100 })
    expect(begins()).toEqual(Array.from({ length: 200 }, (_, n) => n))
  })

  for (const live of ['&live=sse', '']) {
    it(`that takes nothing is cut off${live}`, async () => {
      const { port, news, requests } = await house({
        stallTimeoutMs: 300,
        pageBytes: 64 * 1024 * 1024,
      })
      for (let n = 0; n < 200; n++) news.publish(`${n}:${MESSAGE}`)
      const { socket } = await dial(port)
      socket.pause()
      socket.write(get(`/topics/news?offset=-1${live}`))
      await vi.waitFor(() => expect(requests.underWay).toBe(1), { interval: 5 })
      await vi.waitFor(() => expect(requests.underWay).toBe(0), { timeout: 5_000 })
    })
  }

  it('with its body gets 408, and is closed', async () => {
    const { port, news } = await house({ bodyTimeoutMs: 100 })
    const { socket, got } = await dial(
      port,
      'POST /topics/news HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nhal',
    )
    await vi.waitFor(() => expect(got()).toMatch(/^HTTP\/1.1 408 [^]*\nConnection: close\r\n/))
    socket.write('f word')
    await new Promise((resolve) => socket.once('close', resolve))
    expect(news.offset).toBe(0)
  })
})

describe('too much', () => {
  it('of a body gets 413, whether it is told before or not, and is closed', async () => {
    const { port, news } = await house({ maxBodyBytes: 10 })
    const head = 'POST /topics/news HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n'
    for (const [first, rest] of [
      ['Content-Length: 11\r\n\r\n', 'hello world'],
      ['Transfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n', '0\r\n\r\n'],
    ] as const) {
      const { socket, got } = await dial(port, head + first)
      await vi.waitFor(() => expect(got()).toMatch(/^HTTP\/1.1 413 [^]*\nConnection: close\r\n/))
      socket.write(rest)
      await new Promise((resolve) => socket.once('close', resolve))
    }
    expect(news.offset).toBe(0)
    const just = await fetch(`http://127.0.0.1:${port}/topics/news`, {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain' },
      body: 'x'.repeat(10),
    })
    expect(just.status).toBe(204)
  })

  for (const options of [{ maxRequests: 2 }, { maxRequestsPerAddress: 2 }] as const) {
    it(`at a time gets 503, and a hint when to come again: ${Object.keys(options).join()}`, async () => {
      const { url, news, requests } = await house(options)
      const polls = [1, 2].map(() => fetch(`${url}?offset=now&live=long-poll`))
      await vi.waitFor(() => expect(requests.underWay).toBe(2))
      const refused = await fetch(url)
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
      news.publish('a')
      expect((await Promise.all(polls)).map(({ status }) => status)).toEqual([200, 200])
      await vi.waitFor(async () => expect((await fetch(url)).status).toBe(200))
    })
  }

  it('on one connection gets 503', async () => {
    const { port, requests, news } = await house()
    const poll = get('/topics/news?offset=now&live=long-poll')
    const { got } = await dial(port, poll.repeat(9))
    await vi.waitFor(() => expect(requests.underWay).toBe(8))
    news.publish('a')
    await vi.waitFor(() => expect(got().match(/HTTP\/1.1 \d+/g)).toHaveLength(9))
    expect(got().match(/HTTP\/1.1 503/g)).toHaveLength(1)
  })
})

describe('user code', () => {
  it('that gives a header which cannot be written gets 500', async () => {
    const mayRead = () => {
      throw new HandshakeError(401, 'who?', { headers: { 'X-Mine': 'a\r\nb: c' } })
    }
    const { url, errors } = await house({ rules: { mayRead } })
    expect((await fetch(url)).status).toBe(500)
    expect(errors).toHaveLength(1)
  })

  it('of the program that cannot make a request of it gets 500', async () => {
    const requestOf = () => {
      throw new Error('a bug')
    }
    const { url, errors } = await house({ requestOf })
    expect((await fetch(url)).status).toBe(500)
    expect(errors).toHaveLength(1)
  })

  it('tells each of two servers that serve the same topics of its own errors', async () => {
    const mayRead = () => {
      throw new Error('mine')
    }
    const news: AnyTopic = topic('news', { history: { count: 1 } })
    const routes = topics('/topics', [news], { mayRead })
    const [first, second] = [await start({ routes }), await start({ routes })]
    expect((await fetch(`${first.server.url}/topics/news?offset=-1`)).status).toBe(500)
    expect([first.errors.all.length, second.errors.all.length]).toEqual([1, 0])
  })

  it('goes on at one of two servers that serve the same topics when the other closes', async () => {
    const news: Topic<Sendable> = topic('news', { history: { count: 10 } })
    const seen: string[] = []
    const mayRead = ({ request }: { request: { url: string } }) => seen.push(request.url) > 0
    const routes = topics('/topics', [news], { mayRead, longPollMs: 600_000 })
    const [first, second] = [await start({ routes }), await start({ routes })]
    const held = [first, second].map(({ server }) =>
      fetch(`${server.url}/topics/news?offset=now&live=long-poll`),
    )
    await vi.waitFor(() => expect(seen).toHaveLength(2))
    await first.server.close()
    expect((await held[0])?.status).toBe(204)
    news.publish('hello')
    expect(await (await held[1])?.json()).toEqual(['hello'])
  })

  it('is told of mistakes in the options when the entry is made', () => {
    const make = (options: object) => () =>
      new TopicRequests({ prefix: '/t', topics: new Map(), report: () => {}, ...options } as never)
    for (const options of [
      { prefix: 'topics' },
      { prefix: '/topics/' },
      { checkOrigin: 'somebody' },
      { longPollMs: 0 },
    ]) {
      expect(make(options)).toThrow(expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' }))
    }
  })
})

describe('a drain', () => {
  it('answers long polls, ends event streams, and waits until that has been sent', async () => {
    // Longer than a test may take: a drain that waits for their own end is found out.
    const { url, requests, counted, server } = await house({
      longPollMs: 300_000,
      eventStreamMs: 300_000,
    })
    const polls = [1, 2].map(() => fetch(`${url}?offset=now&live=long-poll`))
    const stream = await fetch(`${url}?offset=now&live=sse`)
    await vi.waitFor(() => expect(counted.watchers).toBe(3))
    await requests.close()
    expect(requests.underWay).toBe(0)
    for (const poll of await Promise.all(polls)) {
      expect([poll.status, poll.headers.get('connection')]).toEqual([204, 'close'])
    }
    expect(await stream.text()).toContain('event: control')
    await server.close()
  })

  it('tells what comes meanwhile to come again', async () => {
    let letGo: () => void = () => {}
    const mayRead = () =>
      new Promise<void>((resolve) => {
        letGo = resolve
      })
    const { url, requests } = await house({ rules: { mayRead } })
    const first = fetch(url)
    await vi.waitFor(() => expect(requests.underWay).toBe(1))
    const closed = requests.close()
    const late = await fetch(url)
    expect([late.status, late.headers.get('connection')]).toEqual([503, 'close'])
    letGo()
    expect((await first).status).toBe(200)
    await closed
    const after = fetch(url)
    await vi.waitFor(() => expect(requests.underWay).toBe(1))
    letGo()
    expect((await after).status).toBe(200)
  })

  it('cuts off an event stream that is not read', async () => {
    const { port, url, news, requests } = await house()
    for (let n = 0; n < 100; n++) news.publish('x'.repeat(256 * 1024))
    const { socket } = await dial(port)
    socket.pause()
    socket.write(get('/topics/news?offset=-1&live=sse'))
    await vi.waitFor(() => expect(requests.underWay).toBe(1))
    await roundTrips(url)
    await requests.close()
    expect(requests.underWay).toBe(0)
  })

  it('is part of the close of a server', async () => {
    const { url, counted, server } = await house()
    const poll = fetch(`${url}?offset=now&live=long-poll`)
    const stream = await fetch(`${url}?offset=now&live=sse`)
    await vi.waitFor(() => expect(counted.watchers).toBe(2))
    await server.close()
    expect((await poll).status).toBe(204)
    expect(await stream.text()).toContain('event: control')
  })

  it('with nothing under way is over at once', async () => {
    const { requests } = await house()
    await requests.close()
  })
})
