// Attacks on topics: each class tried by every way that reads one, or that writes one, with the same outcome by all.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AnyTopic,
  DurableTopic,
  HandshakeError,
  JournalError,
  type ServeOptions,
  type TopicCaller,
  type TopicsOptions,
  topic,
  topics,
  type WebSocketError,
} from 'windsock'
import { seededRandom } from 'windsock/testing'
import { MemoryStore } from '../../../src/journal/memory-store.ts'
import { formatOffset } from '../../../src/protocol/http-offset.ts'
import { liveClock } from '../../../src/transport/live-ports.ts'
import { RawClient, text } from '../support/raw-client.ts'
import { start } from '../support/test-server.ts'
import { ask, type Headers, SUBPROTOCOL, WAYS, WRITING_WAYS } from './support/ways.ts'

interface Said {
  readonly type: string
}

/** A server with the topics `news` and `other`, to which anyone may publish anything. */
async function house(
  options: TopicsOptions = {},
  settings: Partial<ServeOptions> = {},
  more: readonly AnyTopic[] = [],
) {
  const news = topic<object | string>('news', { history: { count: 1_000 } })
  const other = topic<object | string>('other', { history: { count: 1_000 } })
  const errors: WebSocketError[] = []
  const { server, port } = await start({
    ...settings,
    onError: (error) => errors.push(error),
    routes: [
      topics('/topics', [news as unknown as AnyTopic, other as unknown as AnyTopic, ...more], {
        accept: (input) => input as string,
        onError: (error) => errors.push(error),
        maxPublishesPerSecond: 1_000_000,
        ...options,
      }),
    ],
  })
  return { server, port, news, other, errors }
}

/** What each way of reading comes to. */
async function readBy(port: number, headers: Headers = {}, name = 'news') {
  return Promise.all(WAYS.map((way) => way.read(port, name, headers)))
}

const statuses = (outcomes: readonly { readonly status: number }[]) =>
  outcomes.map(({ status }) => status)
const all = <T>(ways: readonly unknown[], value: T): T[] => ways.map(() => value)

describe('a message that is nested deeply', () => {
  const brackets = fc.constantFrom<[string, string]>(['[', ']'], ['{"a":', '}'], ['["]{",', ']'])

  it.each(WRITING_WAYS)(
    'is taken up to 64 levels, with what carries it, and refused beyond: $name',
    async (way) => {
      const { port, news, errors } = await house()
      const depths = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(1_000, 8_000))
      await fc.assert(
        fc.asyncProperty(brackets, depths, async ([open, close], depth) => {
          const before = news.offset
          const json = open.repeat(depth) + '"]}"' + close.repeat(depth)
          const isTaken = depth <= 63
          expect((await way.write(port, 'news', json)).status).toBe(isTaken ? 204 : 400)
          expect(news.offset - before).toBe(isTaken ? 1 : 0)
        }),
        {
          numRuns: 60,
          examples: [
            [['[', ']'], 63],
            [['[', ']'], 64],
          ],
        },
      )
      expect(errors).toEqual([])
    },
  )
})

describe('names that every object has', () => {
  const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']

  it('are no topics, by any way', async () => {
    const { port, errors } = await house()
    for (const name of NAMES) {
      expect(statuses(await readBy(port, {}, name))).toEqual(all(WAYS, 404))
      for (const way of WRITING_WAYS)
        expect(await way.write(port, name, '1')).toEqual({ status: 404 })
    }
    expect(errors).toEqual([])
  })

  it('are topics like any other where the program makes them, by any way', async () => {
    const named = NAMES.map((name) => topic<string>(name, { history: { count: 10 } }))
    const { port } = await start({
      routes: [
        topics('/topics', named, {
          accept: (input) => input as string,
        }),
      ],
    })
    for (const name of NAMES) {
      for (const way of WRITING_WAYS) expect((await way.write(port, name, '"x"')).status).toBe(204)
      for (const { items } of await readBy(port, {}, name)) expect(items).toEqual(['x', 'x'])
    }
  })

  it('in what is published reach nobody’s prototype, and arrive as they were sent', async () => {
    const { port } = await house()
    const json = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'
    for (const way of WRITING_WAYS) expect((await way.write(port, 'news', json)).status).toBe(204)
    for (const { items } of await readBy(port)) {
      expect(JSON.stringify(items)).toBe(`[${json},${json}]`)
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

describe('a page', () => {
  const OWN = 'https://app.test'
  const settings = { checkOrigin: [OWN] }

  it.each([
    ['of another origin', { Origin: 'https://evil.test' }],
    ['of an origin without a name', { Origin: 'null' }],
    ['of a host that begins like the right one', { Origin: 'https://app.test.evil.test' }],
    ['whose name was led to this machine', { Host: 'evil.test', Origin: 'http://evil.test' }],
    [
      'so led, whose browser names no Origin',
      { Host: 'evil.test', 'Sec-Fetch-Site': 'same-origin' },
    ],
    ['that has its browser load the address', { 'Sec-Fetch-Site': 'cross-site' }],
  ] as const)('%s is let in by no way', async (_, headers) => {
    const { port, news } = await house({}, settings)
    news.publish('secret')
    // A browser names the Origin of every WebSocket; these requests say what the others would.
    const isWebSocketOfBrowser = 'Origin' in headers
    const ways = isWebSocketOfBrowser ? WAYS : WAYS.slice(1)
    const outcomes = await Promise.all(ways.map((way) => way.read(port, 'news', headers)))
    expect(outcomes).toEqual(all(ways, { status: 403 }))
    const writing = isWebSocketOfBrowser ? WRITING_WAYS : WRITING_WAYS.slice(1)
    for (const way of writing)
      expect((await way.write(port, 'news', '1', headers)).status).toBe(403)
    expect(news.offset).toBe(1)
  })

  it('that says nothing of where it comes from is let in by no way where an Origin is required', async () => {
    const { port } = await house({}, { requireOrigin: true })
    expect(statuses(await readBy(port))).toEqual(all(WAYS, 403))
    for (const way of WRITING_WAYS) expect((await way.write(port, 'news', '1')).status).toBe(403)
  })
})

describe('a position', () => {
  it('opens nothing: who may read is asked anew at each return, by any way', async () => {
    let mayRead = true
    const { port, news } = await house({
      mayRead: () => {
        if (!mayRead) throw new HandshakeError(401, 'logged out')
      },
    })
    news.publish('a')
    news.publish('b')
    const since = { epoch: news.epoch, offset: 1 }
    const back = () => Promise.all(WAYS.map((way) => way.read(port, 'news', {}, since)))
    expect(await back()).toEqual(all(WAYS, { status: 200, items: ['b'] }))
    mayRead = false
    expect(await back()).toEqual(all(WAYS, { status: 401 }))
  })

  it('of one topic is no place in another, nor one that was made up, by any way', async () => {
    const { port, news, other } = await house()
    for (const one of [news, other]) for (const item of ['a', 'b']) one.publish(item)
    const places = [
      { epoch: other.epoch, offset: 1 },
      { epoch: news.epoch, offset: 3 },
      { epoch: news.epoch, offset: 2 ** 53 - 1 },
      { epoch: 'made-up', offset: 0 },
    ]
    for (const since of places) {
      const back = await Promise.all(WAYS.map((way) => way.read(port, 'news', {}, since)))
      expect(back, formatOffset(since)).toEqual(all(WAYS, { status: 410 }))
    }
  })
})

describe('what never answers', () => {
  const never = () => new Promise<never>(() => {})
  const OVERDUE = { code: 'ERR_WINDSOCK_LIMIT', fault: 'local' }

  it.each([
    ['mayRead', { mayRead: never }, WAYS.length, 0],
    ['accept', { accept: never }, 0, WRITING_WAYS.length],
  ] as const)(
    'as the rule %s: whoever asks is told to come again by every way, and onError what hung',
    async (rule, rules, readers, writers) => {
      const { port, news, errors } = await house({ ...rules, answerTimeoutMs: 50 })
      if (readers > 0) expect(statuses(await readBy(port))).toEqual(all(WAYS, 503))
      const written = WRITING_WAYS.map((way) => way.write(port, 'news', '"x"'))
      expect(statuses(await Promise.all(written))).toEqual(
        all(WRITING_WAYS, writers > 0 ? 503 : 204),
      )
      expect(news.offset).toBe(WRITING_WAYS.length - writers)
      expect(errors).toMatchObject(Array.from({ length: readers + writers }, () => OVERDUE))
      const told = new RegExp(`^${rule} .*answerTimeoutMs, 50 ms`)
      expect(errors.filter(({ message }) => !told.test(message))).toEqual([])
    },
  )

  it.each(['position', 'append'] as const)(
    'as a store, on %s: whoever asks is told to come again by every way, and onError',
    async (step) => {
      class Stuck extends MemoryStore {}
      Stuck.prototype[step] = never
      const store = new Stuck(seededRandom(1))
      const ports = { clock: liveClock, random: seededRandom(2) }
      const stuck = new DurableTopic<string>('stuck', store, {}, ports)
      const { port, errors } = await house({ answerTimeoutMs: 50 }, {}, [stuck as AnyTopic])
      if (step === 'position') {
        expect(statuses(await readBy(port, {}, 'stuck'))).toEqual(all(WAYS, 503))
      }
      const written = WRITING_WAYS.map((way) => way.write(port, 'stuck', '"x"'))
      const expected = all(WRITING_WAYS, step === 'append' ? 503 : 204)
      expect(statuses(await Promise.all(written))).toEqual(expected)
      const late = step === 'append' ? WRITING_WAYS : WAYS
      expect(errors).toMatchObject(all(late, OVERDUE))
    },
  )

  it('keeps no other request of its session from its answer', async () => {
    const mayRead = ({ topic: name }: TopicCaller) => (name === 'other' ? never() : undefined)
    const { port, errors } = await house({ mayRead, answerTimeoutMs: 50 })
    const client = await RawClient.open(port, { path: '/topics', headers: SUBPROTOCOL })
    for (const [id, name] of ['other', 'news', 'other', 'news'].entries()) {
      client.write(text(JSON.stringify({ type: 'subscribe', id, topic: name })))
    }
    const answers: unknown[] = []
    while (answers.length < 5) answers.push(JSON.parse(await client.nextText()))
    const refused = { type: 'error', code: 'overloaded' }
    expect(answers).toMatchObject([
      { type: 'welcome' },
      { ...refused, id: 0 },
      { type: 'subscribed', id: 1 },
      { ...refused, id: 2 },
      { type: 'subscribed', id: 3 },
    ])
    expect(errors).toHaveLength(2)
    client.destroy()
  })

  it('closes a plain client with 1013, and what comes of it later is not published', async () => {
    let answer: (message: string) => void = () => {}
    const accept = () => new Promise<string>((resolve) => (answer = resolve))
    const { port, news, errors } = await house({ accept, answerTimeoutMs: 50 })
    const client = await RawClient.open(port, '/topics/news')
    client.write(text('x'))
    expect(await client.nextClose()).toMatchObject({ code: 1013 })
    answer('late')
    client.destroy()
    // Whatever came of it would be there by the time of an answer to a question.
    await ask(port, '/topics/news?offset=-1', {})
    expect(news.offset).toBe(0)
    expect(errors).toMatchObject([OVERDUE])
  })
})

describe('a rule that is told who joined and who left', () => {
  const BROKEN = { code: 'ERR_WINDSOCK_HANDLER' }

  it.each([
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
  ])('and %s: onError is told each time, and nobody who reads notices', async (_, broken) => {
    const rules = { joined: broken, left: broken, eventStreamGraceMs: 0 }
    const { port, news, other, errors } = await house(rules)
    const client = await RawClient.open(port, { path: '/topics', headers: SUBPROTOCOL })
    const plain = await RawClient.open(port, '/topics/news')
    const types: unknown[] = []
    const says = async () => types.push((JSON.parse(await client.nextText()) as Said).type)
    for (const [id, name] of ['news', 'other'].entries()) {
      client.write(text(JSON.stringify({ type: 'subscribe', id, topic: name, from: 'now' })))
    }
    while (types.length < 3) await says()
    news.publish('a')
    other.publish('b')
    while (types.length < 5) await says()
    expect(types).toEqual(['welcome', 'subscribed', 'subscribed', 'messages', 'messages'])
    expect(await plain.nextText()).toBe('a')
    expect((await readBy(port)).map(({ status }) => status)).toEqual(all(WAYS, 200))
    client.destroy()
    plain.destroy()
    // The session's two subscriptions and the plain one, one of each other way that stays; each came and went.
    await expect.poll(() => errors.length).toBe(2 * (2 + 1 + 2))
    expect(errors).toMatchObject(errors.map(() => BROKEN))
  })
})

describe('a store that refuses', () => {
  const SECRET = 'the disk of /var/lib/secret.db is full'

  it.each(['position', 'append'] as const)(
    'on %s: whoever asks is told to come again, not why; onError is told why, once by each way',
    async (step) => {
      class Refusing extends MemoryStore {}
      const refuse = () => Promise.reject(new JournalError('ERR_WINDSOCK_JOURNAL', SECRET))
      const store = new Refusing(seededRandom(1))
      const ports = { clock: liveClock, random: seededRandom(2) }
      const options = { history: { count: 1_000 } }
      if (step !== 'append') Refusing.prototype[step] = refuse
      const broken = new DurableTopic<string>('broken', store, options, ports)
      if (step === 'append') Refusing.prototype[step] = refuse
      const { port, errors } = await house({}, {}, [broken as AnyTopic])
      const client = await RawClient.open(port, { path: '/topics', headers: SUBPROTOCOL })
      const says = async () => JSON.parse(await client.nextText()) as Record<string, unknown>
      expect(await says()).toMatchObject({ type: 'welcome' })
      for (let id = 1; id <= 3; id++) {
        const frame =
          step === 'append'
            ? { type: 'publish', id, topic: 'broken', data: 'x' }
            : { type: 'subscribe', id, topic: 'broken', from: 'start' }
        client.write(text(JSON.stringify(frame)))
        const answer = await says()
        expect(answer).toMatchObject({ type: 'error', id, code: 'overloaded' })
        expect(JSON.stringify(answer)).not.toContain('secret')
      }
      const refused = { code: 'ERR_WINDSOCK_JOURNAL', message: SECRET }
      expect(errors).toMatchObject([refused])
      for (let n = 1; n <= 3; n++) {
        const post = { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: 'x' }
        const read = { method: 'GET' }
        const asked = step === 'append' ? post : read
        const { status, body } = await ask(port, '/topics/broken?offset=-1', asked)
        expect(status).toBe(503)
        expect(body).not.toContain('secret')
      }
      expect(errors).toMatchObject([refused, refused])
      client.destroy()
    },
  )

  it('when a subscription reads on: it ends, its client is not told why, and onError is, once', async () => {
    class Refusing extends MemoryStore {}
    const store = new Refusing(seededRandom(1))
    const ports = { clock: liveClock, random: seededRandom(2) }
    const history = { count: 1_000, bytes: 10 }
    const broken = new DurableTopic<string>('broken', store, { history }, ports)
    await broken.publish('x'.repeat(10))
    await broken.publish('y'.repeat(10))
    Refusing.prototype.read = () => Promise.reject(new JournalError('ERR_WINDSOCK_JOURNAL', SECRET))
    const { port, errors } = await house({}, {}, [broken as AnyTopic])
    const client = await RawClient.open(port, { path: '/topics', headers: SUBPROTOCOL })
    const says = async () => JSON.parse(await client.nextText()) as Record<string, unknown>
    expect(await says()).toMatchObject({ type: 'welcome' })
    for (let id = 1; id <= 3; id++) {
      client.write(text(JSON.stringify({ type: 'subscribe', id, topic: 'broken', from: 'start' })))
      const answers = [await says(), await says(), await says()]
      expect(answers).toMatchObject([
        { type: 'subscribed', id },
        { type: 'error', code: 'overloaded' },
        { type: 'unsubscribed', topic: 'broken' },
      ])
      expect(JSON.stringify(answers)).not.toContain('secret')
    }
    expect(errors).toMatchObject([{ message: SECRET }])
    client.destroy()
  })

  it('closes plain clients with 1013, each of them, and onError is told once', async () => {
    class Refusing extends MemoryStore {}
    const store = new Refusing(seededRandom(1))
    const ports = { clock: liveClock, random: seededRandom(2) }
    const broken = new DurableTopic<string>('broken', store, {}, ports)
    Refusing.prototype.append = () =>
      Promise.reject(new JournalError('ERR_WINDSOCK_JOURNAL', SECRET))
    const { port, errors } = await house({}, {}, [broken as AnyTopic])
    for (let n = 1; n <= 3; n++) {
      const client = await RawClient.open(port, '/topics/broken')
      client.write(text('x'))
      expect(await client.nextClose()).toMatchObject({ code: 1013 })
      client.destroy()
    }
    expect(errors).toMatchObject([{ message: SECRET }])
  })
})

describe('nonsense', () => {
  const scraps = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.json({ maxDepth: 3 }),
    fc
      .record({
        type: fc.constantFrom('publish', 'subscribe', 'unsubscribe', 'ping', '__proto__'),
        id: fc.oneof(fc.integer(), fc.constant(null), fc.double()),
        topic: fc.oneof(fc.string(), fc.constant('news'), fc.array(fc.nat())),
        since: fc.anything({ maxDepth: 1 }),
        last: fc.double(),
        key: fc.string({ maxLength: 300 }),
        data64: fc.string(),
      })
      .map((frame) => JSON.stringify(frame)),
  )
  // As it can be sent: without half a surrogate.
  const nonsense = scraps.map((said) => Buffer.from(said).toString())

  it('in frames is answered each time, on one connection, and is no error of ours', async () => {
    const { port, errors } = await house()
    const client = await RawClient.open(port, {
      path: '/topics',
      headers: { 'Sec-WebSocket-Protocol': 'windsock.v1.json' },
    })
    await client.nextText()
    await fc.assert(
      fc.asyncProperty(nonsense, async (said) => {
        client.write(text(said), text('{"type":"ping","id":9007}'))
        const answers: string[] = []
        for (;;) {
          const answer = await client.nextText()
          if (answer === '{"type":"pong","id":9007}') break
          answers.push(answer)
        }
        expect(answers.length).toBeLessThanOrEqual(3)
      }),
      { numRuns: 300 },
    )
    expect(errors).toEqual([])
  })

  it('in requests is answered each time, once, and is no error of ours', async () => {
    const { port, errors } = await house()
    const types = fc.constantFrom(
      'application/json',
      'text/plain',
      'multipart/form-data',
      '',
      ';;;',
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'POST', 'HEAD', 'DELETE', 'PUT', 'OPTIONS'),
        nonsense,
        types,
        async (method, said, type) => {
          const path = `/topics/news?${encodeURIComponent(Buffer.from(said).subarray(0, 60).toString()).replaceAll('%3D', '=').replaceAll('%26', '&')}`
          const headers = { ...(type !== '' && { 'Content-Type': type }) }
          const body = method === 'POST' || method === 'PUT' ? said : ''
          const { status } = await ask(port, path, { method, headers, body })
          expect(status).toBeGreaterThanOrEqual(200)
          expect(status).toBeLessThan(500)
        },
      ),
      { numRuns: 300 },
    )
    expect(errors).toEqual([])
  })
})
