// Clients of topics over real sockets, in each of the four transports: what is read, published, lost and found again.

import { firstValueFrom } from 'rxjs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ConnectionRequest, HandshakeError, topic, topics } from 'windsock'
import { type ClientTransport, connect } from 'windsock/client'
import { start } from './support/test-server.ts'
import { readChat, startClient, startTopicServer } from './support/topic-server.ts'

const TRANSPORTS: ClientTransport[] = ['websocket', 'sse', 'long-poll', 'poll']

const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 20_000, interval: 5 })

describe.each(TRANSPORTS)('a client over %s', (transport) => {
  const only = { transports: [transport] }

  it('reads the last messages, then each later one, with its place and its time', async () => {
    const server = await startTopicServer()
    for (const text of ['one', 'two', 'three']) await server.publish(text)
    const { client, states } = startClient(server.url, only)
    const { got, events } = readChat(client, 2)
    await eventually(() => got).toEqual(['two', 'three'])
    await server.publish('four')
    await eventually(() => got).toEqual(['two', 'three', 'four'])
    expect(events.map((event) => event.type === 'message' && event.offset)).toEqual([2, 3, 4])
    expect(client.topic('chat').position).toMatchObject({ offset: 4 })
    expect(states).toEqual(
      ['connecting', 'resuming', 'open'].map((state) => `${state} ${transport}`),
    )
  })

  it('does not say that it resumes before a server has answered', async () => {
    const server = await startTopicServer()
    await server.stop()
    const { client, states } = startClient(server.url, only)
    readChat(client)
    await eventually(() => states.length).toBeGreaterThanOrEqual(4)
    const away = ['connecting', 'waiting'].map((state) => `${state} ${transport}`)
    expect(states.slice(0, 4)).toEqual([...away, ...away])
    await server.start()
    await eventually(() => client.state.state).toBe('open')
    expect(states.slice(-3)).toEqual(
      ['connecting', 'resuming', 'open'].map((state) => `${state} ${transport}`),
    )
  })

  it('resolves a publish with its place in the log', async () => {
    const server = await startTopicServer()
    const { client } = startClient(server.url, only)
    const chat = client.topic<string>('chat')
    const stored = await Promise.all(['a', 'b', 'c'].map((text) => chat.publish(text)))
    expect(stored.map(({ offset }) => offset)).toEqual([1, 2, 3])
    expect(await server.log()).toEqual(['a', 'b', 'c'])
  })

  it('rejects a publish that the server refuses, and goes on', async () => {
    const server = await startTopicServer({
      accept: (input) => {
        if (input === 'bad') throw new Error('never')
        return input as string
      },
    })
    const { client } = startClient(server.url, only)
    const chat = client.topic<string>('chat')
    const [refused, stored] = await Promise.allSettled([chat.publish('bad'), chat.publish('good')])
    expect(refused).toMatchObject({ reason: { code: 'ERR_WINDSOCK_REFUSED' } })
    expect(stored).toMatchObject({ value: { offset: 1 } })
    expect(client.state).toMatchObject({ state: 'open', lastClose: null })
  })

  it('has a publish that is too large refused alone, also in bytes, and those around it stored', async () => {
    const server = await startTopicServer()
    const { client, states } = startClient(server.url, only)
    const chat = client.topic<string>('chat')
    const texts = ['a', 'x'.repeat(70_000), 'b', '€'.repeat(30_000), 'c']
    const ends = await Promise.allSettled(texts.map((text) => chat.publish(text)))
    const tooLarge = { code: 'ERR_WINDSOCK_REFUSED', message: expect.stringMatching(/too_large/) }
    expect(ends.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
    for (const at of [1, 3]) expect(ends[at]).toMatchObject({ reason: tooLarge })
    expect(await server.log()).toEqual(['a', 'b', 'c'])
    expect(states.filter((state) => state.startsWith('open'))).toHaveLength(1)
  })

  it('ends no process by a publish that is refused, or closed over, while nobody looks at it', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    onTestFinished(() => void process.off('unhandledRejection', note))
    const server = await startTopicServer()
    const { client } = startClient(server.url, only)
    void client.topic('unknown').publish('nobody looks at this')
    void client.topic('chat').publish('x', { key: 'not a key' })
    await client.topic('chat').publish('after it')
    await server.stop()
    void client.topic('chat').publish('never stored')
    await client.close()
    void client.topic('chat').publish('too late')
    // Node tells of a rejection once the promise jobs are done.
    await new Promise(setImmediate)
    expect(unhandled).toEqual([])
  })

  it('goes on where it was after a restart: nothing lost, nothing twice, no gap', async () => {
    const server = await startTopicServer()
    const { client, states } = startClient(server.url, only)
    const { got } = readChat(client)
    await server.publish('before')
    await eventually(() => got).toEqual(['before'])
    await server.stop()
    await eventually(() => states.some((state) => state.startsWith('waiting'))).toBe(true)
    await server.start()
    await server.publish('meanwhile')
    await eventually(() => got).toEqual(['before', 'meanwhile'])
    await eventually(() => client.state.state).toBe('open')
    expect(client.state.lastClose).not.toBeNull()
  })

  it('says that there is a gap when the server has forgotten its log', async () => {
    const server = await startTopicServer({ forgets: true })
    const { client } = startClient(server.url, only)
    const { got, events } = readChat(client)
    await server.publish('before')
    await eventually(() => got).toEqual(['before'])
    await server.stop()
    await server.start()
    await server.publish('anew')
    await eventually(() => got).toEqual(['before', 'gap: epoch', 'anew'])
    expect(events[1]).toMatchObject({ from: { offset: 1 }, to: { offset: 0 } })
  })

  it('stores once, and in order, what is published while the server is away', async () => {
    const server = await startTopicServer()
    const { client } = startClient(server.url, only)
    const chat = client.topic<string>('chat')
    await chat.publish('0')
    await server.stop()
    const texts = Array.from({ length: 40 }, (_, index) => `${index + 1}`)
    const stored = texts.map((text) => chat.publish(text))
    expect(client.queued).toBe(40)
    await server.start()
    await Promise.all(stored)
    expect(await server.log()).toEqual(['0', ...texts])
  })

  it('is told of a topic that does not exist, by an error on it alone', async () => {
    const server = await startTopicServer()
    const { client } = startClient(server.url, only)
    const { got } = readChat(client)
    const refused = new Promise((resolve) => {
      client.topic('nothing').events$.subscribe({ error: (error) => resolve(error.code) })
    })
    expect(await refused).toBe('ERR_WINDSOCK_REFUSED')
    await server.publish('all the same')
    await eventually(() => got).toEqual(['all the same'])
  })

  it('asks for a topic while somebody listens, and keeps its place when nobody does', async () => {
    const server = await startTopicServer()
    const { client } = startClient(server.url, only)
    const chat = client.topic<string>('chat', { from: 'start' })
    const got: string[] = []
    const listen = () => chat.messages$.subscribe(({ data }) => got.push(data))
    const first = listen()
    await server.publish('one')
    await eventually(() => got).toEqual(['one'])
    first.unsubscribe()
    await server.publish('two')
    listen()
    await eventually(() => got).toEqual(['one', 'two'])
  })

  it('keeps for the next listener what came together with the last message of one that left', async () => {
    const server = await startTopicServer()
    const texts = ['one', 'two', 'three']
    for (const text of texts) await server.publish(text)
    const { client } = startClient(server.url, only)
    const { messages$ } = client.topic<string>('chat', { from: 'start' })
    const got: string[] = []
    for (const _ of texts) got.push((await firstValueFrom(messages$)).data)
    expect(got).toEqual(texts)
  })

  it('reads on after the server failed once to say who may read', async () => {
    let fails = false
    const server = await startTopicServer({
      mayRead() {
        if (!fails) return
        fails = false
        throw new Error('never')
      },
    })
    const { client } = startClient(server.url, { ...only, pollMs: 10 })
    const { got } = readChat(client)
    await server.publish('before')
    await eventually(() => got).toEqual(['before'])
    fails = true
    await server.publish('meanwhile')
    await server.publish('after')
    await eventually(() => got).toEqual(['before', 'meanwhile', 'after'])
  })

  it('stores in their order publishes of which some were refused for a moment', async () => {
    const refused = new Map([
      ['2', 503],
      ['7', 429],
      ['20', 503],
    ])
    const server = await startTopicServer({
      accept: (input) => {
        const status = refused.get(input as string)
        refused.delete(input as string)
        if (status !== undefined) throw new HandshakeError(status, 'not now')
        return input as string
      },
    })
    const { client } = startClient(server.url, only)
    const chat = client.topic<string>('chat')
    const texts = Array.from({ length: 30 }, (_, index) => `${index}`)
    await Promise.all(texts.map((text) => chat.publish(text)))
    expect(await server.log()).toEqual(texts)
    expect(refused.size).toBe(0)
  })

  it.each([
    ['a function, goes on with another', true],
    ['a text, is told of that after one more connection, and may read what it may', false],
  ])('whose token runs out, and whose address is %s', async (_how, isFresh) => {
    let token = 1
    const isKnown = ({ request }: { readonly request: ConnectionRequest }) => {
      if (request.query.get('token') !== `${token}`) throw new HandshakeError(401, 'not any more')
    }
    const server = await startTopicServer({
      // Who asks, is asked for a token: over WebSocket once, over HTTP again and again.
      mayRead: (asking) => (isFresh ? isKnown(asking) : undefined),
      accept: (input, asking) => {
        isKnown(asking)
        return input as string
      },
      ...{ longPollMs: 100, eventStreamMs: 1_000 },
    })
    const address = () => `${server.url}/topics?token=${token}`
    const options = { ...only, firstRetryMs: 20, maxRetryMs: 100, pollMs: 20, steadyMs: 0 }
    const client = connect(isFresh ? address : address(), options)
    onTestFinished(() => void client.close())
    const { got } = readChat(client)
    const chat = client.topic<string>('chat')
    const states: string[] = []
    client.state$.subscribe(({ state }) => states.push(state))
    await chat.publish('one')
    await eventually(() => got).toEqual(['one'])
    token++
    const two = chat.publish('two').then(
      () => 'stored',
      ({ code }) => code,
    )
    expect(await two).toBe(isFresh ? 'stored' : 'ERR_WINDSOCK_REFUSED')
    await server.publish('three')
    await eventually(() => got).toEqual(isFresh ? ['one', 'two', 'three'] : ['one', 'three'])
    if (!isFresh) expect(states.filter((state) => state === 'waiting')).toHaveLength(1)
  })

  it('reads and publishes although the rules did not answer the first time', async () => {
    const asked = new Set<string>()
    const hangsOnce = async (rule: string) => {
      const isFirst = !asked.has(rule)
      asked.add(rule)
      if (isFirst) await new Promise(() => {})
    }
    const server = await startTopicServer({
      mayRead: () => hangsOnce('mayRead'),
      accept: (input) => hangsOnce('accept').then(() => input as string),
      answerTimeoutMs: 50,
      onError: () => {},
    })
    const { client } = startClient(server.url, only)
    const { got } = readChat(client)
    expect(await client.topic<string>('chat').publish('one')).toMatchObject({ offset: 1 })
    await eventually(() => got).toEqual(['one'])
    expect(await server.log()).toEqual(['one'])
  })
})

it('a client over websocket takes a message that the server has stored, be it of 11 MiB', async () => {
  const server = await startTopicServer()
  const { client, states } = startClient(server.url, { transports: ['websocket'] })
  const { got } = readChat(client)
  await server.publish('x'.repeat(11 * 2 ** 20))
  await server.publish('after it')
  await eventually(() => got.map((text) => text.length)).toEqual([11 * 2 ** 20, 8])
  expect(states).toEqual(['connecting', 'resuming', 'open'].map((state) => `${state} websocket`))
})

it('a client over websocket is open, and reads its other topics, where the rule for one never answers', async () => {
  const history = { count: 10 }
  const [chat, secret] = [topic<string>('chat', { history }), topic<string>('secret', { history })]
  const { server, errors } = await start({
    routes: [
      topics('/topics', [chat, secret], {
        mayRead: ({ topic: name }) => (name === 'chat' ? undefined : new Promise(() => {})),
        answerTimeoutMs: 50,
      }),
    ],
  })
  const { client, states } = startClient(server.url, { transports: ['websocket'] })
  client.topic('secret').messages$.subscribe()
  const { got } = readChat(client)
  await eventually(() => client.state.state).toBe('open')
  chat.publish('one')
  await eventually(() => got).toEqual(['one'])
  // The pause is over, and it was asked for again.
  await errors.next()
  await errors.next()
  expect(states).toEqual(['connecting', 'resuming', 'open'].map((state) => `${state} websocket`))
})
