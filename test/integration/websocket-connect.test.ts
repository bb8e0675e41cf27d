// websocketConnect: Tornado's client function and its connection, row by row, over real sockets.

import { describe, expect, it, onTestFinished } from 'vitest'
import {
  HandshakeError,
  type Message,
  route,
  SettingError,
  WebSocketClosedError,
  type WebSocketError,
} from 'windsock'
import {
  WebSocketClientConnection,
  type WebsocketConnectOptions,
  websocketConnect,
} from 'windsock/tornado'
import { Mailbox } from './support/mailbox.ts'
import { rawServer, wsServer } from './support/raw-server.ts'
import { start } from './support/test-server.ts'

async function connect<Client extends WebSocketClientConnection>(
  url: string,
  options?: WebsocketConnectOptions<Client>,
): Promise<Client> {
  const client = await websocketConnect(url, options)
  onTestFinished(() => client.close())
  return client
}

async function echoServer() {
  const { server } = await start({ routes: [route('/', ({ messages$ }) => messages$)] })
  return server.url.replace('http', 'ws')
}

const thrownBy = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )

describe('readMessage', () => {
  it('gives null at the end, each time (T86)', async () => {
    const { server, url } = await wsServer()
    server.on('connection', (socket) => {
      socket.send('last')
      socket.close(1001, 'goodbye')
    })
    const client = await connect(url)
    expect([client.closeCode, client.closeReason]).toEqual([null, null])
    expect(await client.readMessage()).toBe('last')
    for (let time = 0; time < 3; time++) expect(await client.readMessage()).toBeNull()
    expect([client.closeCode, client.closeReason]).toEqual([1001, 'goodbye'])
  })

  it('gives null to everyone who waits when the link is lost, and there is no code (T85, T86)', async () => {
    const { url, peers } = await rawServer((peer) => peer.upgrade())
    const client = await connect(url)
    const reading = [client.readMessage(), client.readMessage()]
    ;(await peers.next()).socket.destroy()
    expect(await Promise.all(reading)).toEqual([null, null])
    expect([client.closeCode, client.closeReason]).toEqual([null, null])
  })

  it('serves several readers in their order (T86)', async () => {
    const client = await connect(await echoServer())
    const reading = [client.readMessage(), client.readMessage(), client.readMessage()]
    for (const text of ['one', 'two', 'three']) await client.writeMessage(text)
    expect(await Promise.all(reading)).toEqual(['one', 'two', 'three'])
  })

  it('reads nothing ahead: one message waits, then the server has to (T87)', async () => {
    const total = 64
    const chunk = new Uint8Array(1024 * 1024)
    const { server, url } = await wsServer()
    let taken = 0
    server.on('connection', (socket) => {
      for (let number = 0; number < total; number++) {
        chunk[0] = number
        socket.send(chunk.slice(), () => taken++)
      }
    })
    const client = await connect(url)
    // Round trips of another connection: time enough to have read everything, for whoever reads ahead.
    const other = await connect(await echoServer())
    for (let trip = 0; trip < 500; trip++) {
      await other.writeMessage('.')
      await other.readMessage()
    }
    expect(taken).toBeLessThan(total)
    expect(client.connection.state).toBe('open')
    for (let number = 0; number < total; number++) {
      expect(((await client.readMessage()) as Uint8Array)[0]).toBe(number)
    }
    expect(taken).toBe(total)
  })

  it('hands out the message that waits after the connection was closed (T86)', async () => {
    const { server, url } = await wsServer()
    server.on('connection', (socket) => socket.send('waits'))
    class Watching extends WebSocketClientConnection {
      readonly arrived = new Mailbox<Message>()
      override onMessage(message: Message) {
        this.arrived.put(message)
        return super.onMessage(message)
      }
    }
    const client = await connect(url, { connectionClass: Watching })
    await client.arrived.next()
    client.close()
    await client.connection.closed
    expect(await client.readMessage()).toBe('waits')
    expect(await client.readMessage()).toBeNull()
  })
})

describe('onMessageCallback', () => {
  it('gets each message and a final null, and readMessage only the end (T88)', async () => {
    const { server, url } = await wsServer()
    server.on('connection', (socket) => {
      for (const text of ['one', 'two']) socket.send(text)
      socket.send(Uint8Array.of(3))
      socket.close()
    })
    const seen = new Mailbox<Message | null>()
    const client = await connect(url, { onMessageCallback: (message) => seen.put(message) })
    expect(await client.readMessage()).toBeNull()
    expect(seen.all).toEqual(['one', 'two', Buffer.of(3), null])
  })

  it('may use the connection, also for what came in one packet with the handshake (T88)', async () => {
    const { url } = await rawServer((peer) => {
      peer.socket.cork()
      peer.upgrade()
      peer.socket.write(Buffer.concat([Uint8Array.of(0x81, 5), Buffer.from('hello')]))
      peer.socket.uncork()
    })
    const seen = new Mailbox<unknown>()
    const client: WebSocketClientConnection = await connect(url, {
      onMessageCallback: (message) => seen.put([message, client.selectedSubprotocol]),
      onError: (error) => seen.put(error),
    })
    expect(await seen.next()).toEqual(['hello', null])
  })

  it('that throws ends this connection with 1011, is reported, and still gets its null (T88)', async () => {
    const url = await echoServer()
    const errors = new Mailbox<WebSocketError>()
    const seen: unknown[] = []
    const client = await connect(url, {
      onMessageCallback: (message) => {
        seen.push(message)
        if (message !== null) throw new Error('mine')
      },
      onError: (error) => errors.put(error),
    })
    await client.writeMessage('hello')
    expect(await client.connection.closed).toMatchObject({ sent: { code: 1011 } })
    expect(await errors.next()).toMatchObject({ code: 'ERR_WINDSOCK_HANDLER' })
    expect(seen).toEqual(['hello', null])
  })
})

describe('writeMessage, ping and close', () => {
  it('send text, JSON and binary, as on the server (T89)', async () => {
    const client = await connect(await echoServer())
    await client.writeMessage('text')
    await client.writeMessage({ a: '</script>' })
    await client.writeMessage('as bytes', true)
    await client.writeMessage(Uint8Array.of(1), true)
    expect(await client.readMessage()).toBe('text')
    expect(await client.readMessage()).toBe('{"a":"<\\/script>"}')
    expect(await client.readMessage()).toEqual(Buffer.from('as bytes'))
    expect(await client.readMessage()).toEqual(Buffer.of(1))
    const wrong = { code: 'ERR_WINDSOCK_MESSAGE_TYPE' }
    expect(() => client.writeMessage(Uint8Array.of(1))).toThrow(expect.objectContaining(wrong))
    expect(() => client.writeMessage([1])).toThrow(expect.objectContaining(wrong))
  })

  it('after close: WebSocketClosedError, and closing again is fine (T89)', async () => {
    const client = await connect(await echoServer())
    client.close(1001, 'goodbye')
    client.close()
    expect(() => client.ping('late')).toThrow(WebSocketClosedError)
    await expect(client.writeMessage('late')).rejects.toBeInstanceOf(WebSocketClosedError)
    expect(await client.readMessage()).toBeNull()
    client.close()
    expect([client.closeCode, client.closeReason]).toEqual([1001, 'goodbye'])
    await expect(client.writeMessage('late')).rejects.toBeInstanceOf(WebSocketClosedError)
  })

  it('a reason alone goes with 1000', async () => {
    const client = await connect(await echoServer())
    client.close(undefined, 'that is all')
    const sent = { code: 1000, reason: 'that is all' }
    expect(await client.connection.closed).toMatchObject({ sent })
  })
})

it('hooks of a subclass are called: onMessage, onPing, onPong (T91)', async () => {
  const { server, url } = await wsServer()
  const ponged = new Mailbox<string>()
  server.on('connection', (socket) => {
    socket.on('pong', (data: Buffer) => ponged.put(data.toString()))
    socket.ping('are you there')
    socket.send('hello')
  })
  const seen = new Mailbox<string>()
  class Mine extends WebSocketClientConnection {
    override onMessage(message: Message) {
      seen.put(`message ${String(message)}`)
    }
    override onPing(data: Uint8Array) {
      seen.put(`ping ${Buffer.from(data).toString()}`)
    }
    override onPong(data: Uint8Array) {
      seen.put(`pong ${Buffer.from(data).toString()}`)
    }
  }
  const client = await connect(url, { connectionClass: Mine })
  expect(client).toBeInstanceOf(Mine)
  client.ping('and you')
  await seen.atLeast(3)
  expect(seen.all).toEqual(['ping are you there', 'message hello', 'pong and you'])
  expect(await ponged.next()).toBe('are you there')
})

describe('settings', () => {
  it('no pings, no compression, no subprotocols unless given (T81, T90)', async () => {
    const { url, peers } = await rawServer((peer) => peer.upgrade())
    const client = await connect(url)
    const peer = await peers.next()
    expect(peer.header('Sec-WebSocket-Extensions')).toBeUndefined()
    expect(peer.header('Sec-WebSocket-Protocol')).toBeUndefined()
    expect(client.selectedSubprotocol).toBeNull()
    await connect(url, { compressionOptions: {}, subprotocols: ['a', 'b'] })
    const second = await peers.next()
    expect(second.header('Sec-WebSocket-Extensions')).toBe(
      'permessage-deflate; client_max_window_bits',
    )
    expect(second.header('Sec-WebSocket-Protocol')).toBe('a, b')
  })

  it('maxMessageSize is 10 MiB by default (T81)', async () => {
    const { server, url } = await wsServer()
    server.on('connection', (socket) => {
      socket.send(new Uint8Array(10 * 1024 * 1024))
      socket.send(new Uint8Array(10 * 1024 * 1024 + 1))
    })
    const client = await connect(url)
    expect((await client.readMessage())?.length).toBe(10 * 1024 * 1024)
    expect(await client.readMessage()).toBeNull()
    expect(await client.connection.closed).toMatchObject({ sent: { code: 1009 } })
  })

  it('pingTimeout defaults to the interval; no pong ends the connection (T70, T72)', async () => {
    const { url } = await wsServer({ autoPong: false } as never)
    const client = await connect(url, { pingInterval: 0.005 })
    expect(await client.readMessage()).toBeNull()
    expect(await client.connection.closed).toMatchObject({ cause: 'pingTimeout' })
  })

  it('a pingTimeout of 0 waits for ever, and the pings go on (T70)', async () => {
    const { server, url } = await wsServer({ autoPong: false } as never)
    const pings = new Mailbox<string>()
    server.on('connection', (socket) => socket.on('ping', (data) => pings.put(String(data))))
    const client = await connect(url, { pingInterval: 0.005, pingTimeout: 0 })
    await pings.atLeast(4)
    expect(client.connection.state).toBe('open')
  })

  it('a request has its own connectTimeout; one beside it is an error (T84)', async () => {
    const { url, peers } = await rawServer(() => {})
    const both = websocketConnect({ url }, { connectTimeout: 1 })
    expect(await thrownBy(both)).toBeInstanceOf(SettingError)
    expect(peers.all).toHaveLength(0)
    for (const attempt of [
      () => websocketConnect({ url, connectTimeout: 0.02 }, { connectTimeout: null }),
      () => websocketConnect(url, { connectTimeout: 0.02 }),
    ]) {
      expect(await thrownBy(attempt())).toMatchObject({ code: 'ERR_WINDSOCK_DIAL' })
      await (await peers.next()).gone
    }
  })

  it.each<[string, string, object]>([
    ['http:', 'http://127.0.0.1/', {}],
    ['wss without the colon', 'wss//127.0.0.1', {}],
    ['a negative interval', 'ws://127.0.0.1/', { pingInterval: -1 }],
    ['a timeout that is no number', 'ws://127.0.0.1/', { connectTimeout: '20' }],
    ['no time at all', 'ws://127.0.0.1/', { connectTimeout: 0 }],
    ['an unknown option', 'ws://127.0.0.1/', { resolver: {} }],
    ['an unknown compression option', 'ws://127.0.0.1/', { compressionOptions: { level: 1 } }],
    [
      'a compression level out of range',
      'ws://127.0.0.1/',
      { compressionOptions: { memLevel: 0 } },
    ],
  ])('a mistake rejects with SettingError: %s (T82)', async (_title, url, options) => {
    expect(await thrownBy(websocketConnect(url, options))).toBeInstanceOf(SettingError)
  })
})

it('a refused or failed handshake says which (T82, T83)', async () => {
  const { url, peers } = await rawServer((peer) => {
    const status = /status=(\d+)/.exec(peer.request[0] ?? '')?.[1]
    peer.answer(`${status} So`, 'Content-Length: 0', 'Location: /?status=101')
  })
  for (const status of [301, 401, 403, 404, 500]) {
    const error = await thrownBy(websocketConnect(`${url}?status=${status}`))
    expect(error).toBeInstanceOf(HandshakeError)
    expect(error).toMatchObject({ httpStatus: status })
  }
  const ok = await thrownBy(websocketConnect(`${url}?status=200`))
  expect(ok).not.toBeInstanceOf(HandshakeError)
  expect(ok).toMatchObject({ name: 'WebSocketError', code: 'ERR_WINDSOCK_HANDSHAKE' })
  expect(peers.all).toHaveLength(6)
  expect(await thrownBy(websocketConnect('ws://127.0.0.1:1/'))).toMatchObject({
    code: 'ERR_WINDSOCK_DIAL',
    cause: { code: 'ECONNREFUSED' },
  })
})
