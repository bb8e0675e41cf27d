// The door, second half: what user code and the server's own state decide about an upgrade request.

import { describe, expect, it } from 'vitest'
import {
  type ConnectionRequest,
  HandshakeError,
  route,
  topic,
  topics,
  WebSocketHandler,
} from 'windsock'
import { Application, RequestHandler } from 'windsock/tornado'
import { ask, expectEcho, house } from './support/house.ts'
import { Mailbox } from './support/mailbox.ts'
import { RawClient, type RequestOptions, requestBytes } from './support/raw-client.ts'
import { start, type TestServer } from './support/test-server.ts'

describe('policy', () => {
  it('prepare refuses with the status of a HandshakeError', async () => {
    const { port, records, opened } = await house({
      prepare: () => {
        throw new HandshakeError(401, 'log in first')
      },
    })
    const response = await ask(port, {})
    expect(response.status).toBe(401)
    expect(response.body).toBe('log in first\n')
    expect(await records.next()).toMatchObject({ cause: 'refused', status: 401 })
    expect(opened()).toBe(0)
  })

  it.each([
    ['at once', () => false],
    ['later', () => Promise.resolve(false)],
  ])('prepare that returns false, %s, refuses with 403', async (_, prepare) => {
    const { port, records, opened } = await house({ prepare })
    expect((await ask(port, {})).status).toBe(403)
    expect(await records.next()).toMatchObject({ cause: 'refused', status: 403 })
    expect(opened()).toBe(0)
  })

  it('prepare that returns true or nothing lets in', async () => {
    for (const answer of [true, undefined]) {
      const { port } = await house({ prepare: () => answer as boolean })
      await expectEcho(port)
    }
  })

  it.each([null, 0, '', 'bob', {}])('prepare that returns %j lets nobody in', async (answer) => {
    const { port, errors, opened } = await house({ prepare: () => answer as never })
    expect((await ask(port, {})).status).toBe(500)
    expect(String(await errors.next())).toContain('return nothing or true to let in')
    expect(opened()).toBe(0)
  })

  it.each([101, 200, 99, 304, 404.5, 600, '401' as never])(
    'a HandshakeError(%s) is no refusal: 500, and onError is told of the bug',
    async (status) => {
      const { port, records, errors, opened } = await house({
        prepare: () => {
          throw new HandshakeError(status, 'on purpose', { headers: { 'X-Mine': '1' } })
        },
      })
      const response = await ask(port, {})
      expect(response).toMatchObject({ status: 500, body: 'internal error\n' })
      expect(response.headers).not.toHaveProperty('x-mine')
      expect(await records.next()).toMatchObject({ cause: 'handlerFailed', status: 500 })
      const error = await errors.next()
      expect(error).toMatchObject({ code: 'ERR_WINDSOCK_HANDLER', fault: 'bug' })
      expect(error.cause).toBeInstanceOf(HandshakeError)
      expect(error.message).toContain(String(status))
      expect(opened()).toBe(0)
    },
  )

  it('requireOrigin refuses whoever sends no Origin with 403, and lets pages in (T17)', async () => {
    const { port, records } = await house({ requireOrigin: true })
    expect((await ask(port, {})).status).toBe(403)
    expect(await records.next()).toMatchObject({ cause: 'refused', status: 403 })
    const page = { Origin: 'http://windsock.test' }
    expect((await (await RawClient.connect(port)).request({ headers: page })).status).toBe(101)
  })

  it('an offer of compression that breaks RFC 7692 is 400, and the record says so', async () => {
    const { port, records, opened } = await house({ compression: true })
    const headers = {
      'Sec-WebSocket-Extensions': 'permessage-deflate; server_max_window_bits=99',
    }
    expect((await ask(port, { headers })).status).toBe(400)
    expect(await records.next()).toMatchObject({
      cause: 'refused',
      status: 400,
      initiator: 'local',
      sent: null,
    })
    expect(opened()).toBe(0)
  })

  it('a trusted proxy says who asks; nobody else does', async () => {
    const seen: string[] = []
    const prepare = ({ remoteAddress, secure }: ConnectionRequest) => {
      seen.push(`${remoteAddress} ${secure}`)
    }
    const headers = { 'X-Forwarded-For': '192.0.2.66, 203.0.113.9', 'X-Forwarded-Proto': 'https' }
    const proxied = await house({ prepare, trustedProxies: ['127.0.0.0/8'] })
    await ask(proxied.port, { headers, method: 'GET' }).then(
      () => {},
      () => {},
    )
    const direct = await house({ prepare })
    await ask(direct.port, { headers }).then(
      () => {},
      () => {},
    )
    expect(seen).toEqual(['203.0.113.9 true', '127.0.0.1 false'])
  })

  it('prepare that never resolves: 503 after handshakeTimeoutMs (T15)', async () => {
    const { port, records, errors, opened } = await house({
      handshakeTimeoutMs: 50,
      prepare: () => new Promise(() => {}),
    })
    expect((await ask(port, {})).status).toBe(503)
    expect(await records.next()).toMatchObject({ cause: 'handshakeTimeout', status: 503 })
    expect(await errors.next()).toMatchObject({ code: 'ERR_WINDSOCK_HANDLER', fault: 'bug' })
    expect(errors.all[0]?.message).toMatch(/prepare.*handshakeTimeoutMs, 50 ms/)
    expect(opened()).toBe(0)
  })

  it('a peer that goes away during prepare leaves one record, and open never runs', async () => {
    let release = () => {}
    const asked = new Promise<void>((entered) => {
      release = entered
    })
    let decide = () => {}
    const { port, records, opened } = await house({
      prepare: () => {
        release()
        return new Promise((resolve) => {
          decide = resolve
        })
      },
    })
    const client = await RawClient.connect(port)
    client.write(requestBytes())
    await asked
    client.reset()
    expect(await records.next()).toMatchObject({ cause: 'transportLost', initiator: 'network' })
    decide()
    await ask(port, { method: 'POST' }) // a turn or two later
    expect(records.all).toHaveLength(2)
    expect(opened()).toBe(0)
  })

  it.each(['prepare of the route', 'prepare', 'checkOrigin'])(
    'nothing is asked of user code any more when the peer has gone during %s',
    async (hook) => {
      const asked = new Mailbox<() => void>()
      const called: string[] = []
      const call = (name: string) => {
        called.push(name)
        return name === hook ? new Promise<void>((decide) => asked.put(decide)) : undefined
      }
      class Asked extends WebSocketHandler {
        override async checkOrigin() {
          await call('checkOrigin')
          return true
        }
        override async prepare() {
          await call('prepare')
        }
        override selectSubprotocol() {
          called.push('selectSubprotocol')
          return undefined
        }
      }
      const prepare = async () => {
        await call('prepare of the route')
      }
      const { port, records } = await start({ routes: [route('/', Asked, { prepare })] })
      const client = await RawClient.connect(port)
      client.write(requestBytes({ headers: { Origin: 'http://a.example' } }))
      const decide = await asked.next()
      client.reset()
      await records.next()
      decide()
      await ask(port, { method: 'POST' }) // a turn or two later
      const order = ['checkOrigin', 'prepare of the route', 'prepare', 'selectSubprotocol']
      expect(called).toEqual(order.slice(0, order.indexOf(hook) + 1))
    },
  )

  it('who is closed during prepare gets 403, and open never runs', async () => {
    const asked = new Mailbox<() => void>()
    const { server, port, records, opened } = await house({
      prepare: () => new Promise<void>((decide) => asked.put(decide)),
    })
    const answer = ask(port, {})
    const decide = await asked.next()
    const [connection] = server.connections.values()
    await expect(connection?.send('x')).rejects.toMatchObject({ code: 'ERR_WINDSOCK_CLOSED' })
    connection?.close(4001, 'banned')
    expect((await answer).status).toBe(403)
    decide()
    const record = await records.next()
    expect(record).toMatchObject({
      cause: 'appClosed',
      initiator: 'local',
      status: 403,
      sent: null,
    })
    expect(record.detail).toMatch(/4001 banned$/)
    await ask(port, { method: 'POST' }) // a turn or two later
    expect(opened()).toBe(0)
  })

  it('CR and LF in a refusal stay in its body', async () => {
    const { port } = await house({
      prepare: ({ query }) => {
        throw new HandshakeError(400, `bad id ${query.get('id')}`)
      },
    })
    const response = await ask(port, { path: '/?id=%0d%0aX-Evil:%201%0d%0a%0d%0a<script>' })
    expect(response.status).toBe(400)
    expect(response.headerNames).toEqual(['connection', 'content-type', 'content-length'])
    expect(response.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(response.body).toContain('X-Evil: 1')
  })
})

describe('a request that is not finished', () => {
  it.each([
    ['says nothing', ''],
    ['stops in its headers', 'GET / HTTP/1.1\r\nHost: windsock.test\r\nX-Slow: '],
  ])('is ended by headersTimeoutMs when it %s', async (_, beginning) => {
    const server = await start({
      headersTimeoutMs: 200,
      routes: [route('/', ({ messages$ }) => messages$)],
    })
    const client = await RawClient.connect(server.port)
    if (beginning !== '') client.write(Buffer.from(beginning))
    expect((await client.response()).status).toBe(408)
    await client.ended
    expect(server.records.all).toEqual([])
  })

  class Form extends RequestHandler {
    override post(): void {
      this.write('thank you')
    }
  }
  const news = topic<string>('news', { history: { count: 10 } })
  const accept = (input: unknown) => input as string
  it.each([
    ['a topic', 204, topics('/', [news], { accept, bodyTimeoutMs: 600_000 })],
    ['an application', 200, new Application([['/news', Form]], { requestTimeout: 600 }).routes],
  ])('has as long for its body as %s says', async (_, status, routes) => {
    const { port } = await start({ headersTimeoutMs: 200, routes })
    const slow = await RawClient.connect(port)
    const head = 'POST /news HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n'
    slow.write(Buffer.from(`${head}Content-Length: 5\r\n\r\nhel`))
    const later = await RawClient.connect(port)
    later.write(Buffer.from('GET / HTTP/1.1\r\n'))
    expect((await later.response()).status).toBe(408)
    slow.write(Buffer.from('lo'))
    expect((await slow.response()).status).toBe(status)
    slow.destroy()
  })
})

describe('room', () => {
  it('maxConnections: 503 with Retry-After, until one has gone', async () => {
    const server = await start({
      maxConnections: 2,
      routes: [route('/', ({ messages$ }) => messages$)],
    })
    const first = await RawClient.open(server.port)
    await RawClient.open(server.port)
    const refused = await ask(server.port, {})
    expect(refused.status).toBe(503)
    expect(refused.headers['retry-after']).toMatch(/^\d+$/)
    expect(server.server.counts).toEqual({ accepted: 2, closed: 0, turnedAway: 1 })
    first.reset()
    await server.records.next()
    await expectEcho(server.port)
  })

  it('draining: 503 for a handshake that was late', async () => {
    const { port, records, server } = await house({ closeTimeoutMs: 5_000 })
    const witness = await RawClient.open(port)
    const late = await RawClient.connect(port)
    const request = requestBytes()
    late.write(request.subarray(0, 20))
    await expectEcho(port) // by now the server has seen the late one begin
    await records.next()
    const closed = server.close()
    expect(await witness.nextClose()).toEqual({ code: 1001, reason: 'going away' })
    late.write(request.subarray(20))
    const refused = await late.response()
    expect(refused.status).toBe(503)
    expect(refused.headers['retry-after']).toMatch(/^\d+$/)
    witness.destroy()
    await closed
    expect(records.all.map(({ cause }) => cause)).toEqual(['transportLost', 'draining'])
  })
})

describe('subprotocol', () => {
  const offer = (names: string): RequestOptions => ({
    headers: { 'Sec-WebSocket-Protocol': names },
  })

  async function chosenBy(
    server: TestServer,
    options: RequestOptions,
  ): Promise<string | undefined> {
    const client = await RawClient.connect(server.port)
    return (await client.upgrade(options)).headers['sec-websocket-protocol']
  }

  it('is chosen in the order of the server', async () => {
    const server = await house({ subprotocols: ['v2', 'v1'] })
    expect(await chosenBy(server, offer('v1, v2'))).toBe('v2')
    expect(await chosenBy(server, offer('v0, v1'))).toBe('v1')
    expect(await chosenBy(server, offer('v0'))).toBeUndefined()
    expect(await chosenBy(server, {})).toBeUndefined()
  })

  it('is none by default, whatever is offered (T75)', async () => {
    expect(await chosenBy(await house(), offer('v1, v2'))).toBeUndefined()
  })

  it('selectSubprotocol is asked once, with [] when none was offered (T75)', async () => {
    const asked: (readonly string[])[] = []
    class Chooser extends WebSocketHandler {
      override async selectSubprotocol(offered: readonly string[]) {
        asked.push(offered)
        await Promise.resolve()
        return offered.at(-1) ?? null
      }
    }
    const server = await start({ routes: [route('/', Chooser)] })
    expect(await chosenBy(server, {})).toBeUndefined()
    expect(await chosenBy(server, offer('a, b'))).toBe('b')
    expect(asked).toEqual([[], ['a', 'b']])
  })

  it.each(['c', 'a\r\nX-Evil: 1', ''])(
    'choosing %j, which was not offered: 500 (T76)',
    async (choice) => {
      let opened = 0
      class Liar extends WebSocketHandler {
        override selectSubprotocol() {
          return choice
        }
        override open() {
          opened++
        }
      }
      const server = await start({ routes: [route('/', Liar)] })
      const response = await ask(server.port, offer('a, b'))
      expect(response.status).toBe(500)
      expect(response.headers['x-evil']).toBeUndefined()
      expect((await server.errors.next()).code).toBe('ERR_WINDSOCK_SUBPROTOCOL')
      expect(await server.records.next()).toMatchObject({ cause: 'handlerFailed', status: 500 })
      expect(opened).toBe(0)
    },
  )
})
