// Our client against servers that are not ours: Tornado itself, and Python's `websockets`.

import { spawnSync } from 'node:child_process'
import { describe, expect, it, onTestFinished } from 'vitest'
import { HandshakeError, WebSocketError } from 'windsock'
import { WebSocketClientConnection, websocketConnect } from 'windsock/tornado'
import { requires } from '../support/requires.ts'
import { Command } from './support/command.ts'

const PYTHON = '/usr/bin/python3'
const imports = (module: string) => () => spawnSync(PYTHON, ['-c', `import ${module}`]).status === 0

type Options = Parameters<typeof websocketConnect>[1]

/** Runs a server, and tells how to connect to it and what it has seen. */
async function run(script: string, ...args: string[]) {
  const command = new Command(PYTHON, [`test/integration/support/${script}`, ...args])
  const [, port = ''] = await command.line(/^listening on (\d+)$/)
  const url = `ws://127.0.0.1:${port}`
  return {
    url,
    connect: async (path: string, options?: Options) => {
      const client = await websocketConnect(url + path, options)
      onTestFinished(() => client.close())
      return client
    },
    /** The first line that names `key`. */
    seen: async (key: string) => {
      const [line] = await command.line(new RegExp(`^.*"${key}".*$`))
      return JSON.parse(line) as Record<string, unknown>
    },
  }
}

const TEXTS = ['hello', '', 'größer €𝄞', 'x'.repeat(70_000)]
const BYTES = [Uint8Array.of(), Uint8Array.of(0, 255, 128), new Uint8Array(300_000).fill(9)]

async function expectEchoes(client: WebSocketClientConnection): Promise<void> {
  for (const text of TEXTS) {
    await client.writeMessage(text)
    expect(await client.readMessage()).toBe(text)
  }
  for (const bytes of BYTES) {
    await client.writeMessage(bytes, true)
    expect(Buffer.from((await client.readMessage()) as Uint8Array).equals(bytes)).toBe(true)
  }
}

async function expectOneThousand(client: WebSocketClientConnection): Promise<void> {
  const numbers: unknown[] = []
  while (numbers.length < 1000) numbers.push(await client.readMessage())
  expect(numbers).toEqual(Array.from({ length: 1000 }, (_, number) => String(number)))
}

describe.runIf(requires('python3-tornado', imports('tornado.websocket')))(
  'a Tornado server',
  () => {
    const tornado = () => run('tornado_server.py')

    it('echoes text and binary, and both sides close cleanly (T80, T89)', async () => {
      const { connect, seen } = await tornado()
      const client = await connect('/echo')
      await expectEchoes(client)
      client.close(4321, 'goodbye, größer')
      expect(await client.readMessage()).toBeNull()
      expect(await seen('code')).toEqual({ code: 4321, reason: 'goodbye, größer' })
      expect(await client.connection.closed).toMatchObject({ wasClean: true, cause: 'appClosed' })
    })

    it.each([
      ['4001', 'goodbye', 4001, 'goodbye'],
      ['1001', '', 1001, null],
      ['', '', null, null],
    ])(
      'closes with code "%s" and reason "%s" (T85)',
      async (code, reason, seenCode, seenReason) => {
        const { connect } = await tornado()
        const client = await connect(`/close/${code}/${reason}`)
        expect(await client.readMessage()).toBeNull()
        expect(client.closeCode).toBe(seenCode)
        expect(client.closeReason).toBe(seenReason)
        expect(await client.connection.closed).toMatchObject({
          cause: 'peerClosed',
          wasClean: true,
        })
      },
    )

    it('sends 1,000 messages in order, then null for ever (T86, T87)', async () => {
      const { connect } = await tornado()
      const client = await connect('/burst')
      await expectOneThousand(client)
      for (let time = 0; time < 3; time++) expect(await client.readMessage()).toBeNull()
      expect([client.closeCode, client.closeReason]).toEqual([1000, 'that was all'])
    })

    it('chooses a subprotocol, or none of those offered (T85)', async () => {
      const { connect, seen } = await tornado()
      const client = await connect('/echo', { subprotocols: ['other', 'chosen'] })
      expect(client.selectedSubprotocol).toBe('chosen')
      expect((await seen('offered'))['offered']).toEqual(['other', 'chosen'])
      const plain = await connect('/echo', { subprotocols: ['other'] })
      expect(plain.selectedSubprotocol).toBeNull()
      await plain.writeMessage('hello')
      expect(await plain.readMessage()).toBe('hello')
    })

    it.each([
      ['/echo', undefined, false],
      ['/echo', {}, false],
      ['/compressed', undefined, false],
      ['/compressed', {}, true],
      ['/compressed', { compressionLevel: 1, memLevel: 9 }, true],
    ])('%s with compressionOptions %j (T90)', async (path, compressionOptions, agreed) => {
      const { connect } = await tornado()
      const client = await connect(path, { compressionOptions })
      expect('sec-websocket-extensions' in client.headers).toBe(agreed)
      await expectEchoes(client)
    })

    it('pings us, is pinged by us, and stays with a keepalive (T69, T91)', async () => {
      const { connect, seen } = await tornado()
      const client = await connect('/ping')
      expect(await seen('pong')).toEqual({ pong: 'from Tornado' })
      const ponged = new Promise((resolve) => {
        client.onPong = (data) => resolve(Buffer.from(data).toString())
      })
      client.ping('from us')
      expect(await ponged).toBe('from us')
      const kept = await connect('/echo', { pingInterval: 0.005, pingTimeout: 0 })
      for (let pongs = 0; pongs < 3; pongs++) {
        await new Promise<void>((resolve) => {
          kept.onPong = () => resolve()
        })
      }
      expect(kept.connection.state).toBe('open')
    })

    it('gets our headers, and its own are told (T84, T85)', async () => {
      const { url, seen } = await tornado()
      const client = await websocketConnect({
        url: `${url}/headers`,
        headers: { Authorization: 'Bearer x', 'X-Mine': 'yes' },
      })
      expect(await client.readMessage()).toBe('{"x": "yes"}')
      expect(await seen('authorization')).toEqual({ authorization: 'Bearer x' })
      expect(client.headers).toMatchObject({ 'x-served-by': 'Tornado', upgrade: 'websocket' })
      expect(client.headers['set-cookie']).toContain('name=value')
      client.close()
    })

    it('refuses us: 401, 403, 404 and a redirect are HandshakeErrors, 200 is not (T82, T83)', async () => {
      const { connect } = await tornado()
      for (const [path, status] of [
        ['/status/401', 401],
        ['/status/403', 403],
        ['/nowhere', 404],
        ['/redirect', 302],
      ] as const) {
        const error: unknown = await connect(path).catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(HandshakeError)
        expect(error).toMatchObject({ httpStatus: status })
      }
      const error: unknown = await connect('/status/200').catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(WebSocketError)
      expect(error).not.toBeInstanceOf(HandshakeError)
    })

    it('ends a connection that sends too much, and so do we (T81)', async () => {
      const { connect } = await tornado()
      const ours = await connect('/echo', { maxMessageSize: 1024 })
      await ours.writeMessage('x'.repeat(1024))
      expect(await ours.readMessage()).toHaveLength(1024)
      await ours.writeMessage('x'.repeat(1025))
      expect(await ours.readMessage()).toBeNull()
      expect(await ours.connection.closed).toMatchObject({
        cause: 'messageTooBig',
        sent: { code: 1009 },
      })
      const theirs = await connect('/small')
      await theirs.writeMessage('x'.repeat(1024))
      expect(await theirs.readMessage()).toHaveLength(1024)
      await theirs.writeMessage('x'.repeat(1025))
      expect(await theirs.readMessage()).toBeNull()
      expect(theirs.closeCode).toBe(1009)
    })
  },
)

describe.runIf(requires('python3-websockets', imports('websockets')))('a websockets server', () => {
  const websockets = (mode = 'plain') => run('websockets_server.py', mode)

  it.each([
    ['plain', undefined],
    ['plain', {}],
    ['deflate', undefined],
    ['deflate', {}],
  ])('%s, echoes with compressionOptions %j', async (mode, compressionOptions) => {
    const { connect, seen } = await websockets(mode)
    const client = await connect('/', { compressionOptions })
    expect('sec-websocket-extensions' in client.headers).toBe(
      mode === 'deflate' && compressionOptions !== undefined,
    )
    await expectEchoes(client)
    client.close(4321, 'goodbye')
    expect(await client.readMessage()).toBeNull()
    expect(await seen('code')).toEqual({ code: 4321, reason: 'goodbye' })
  })

  it.each([undefined, {}])('sends fragments, with compressionOptions %j', async (options) => {
    const { connect } = await websockets('deflate')
    const client = await connect('/fragments', { compressionOptions: options })
    expect(await client.readMessage()).toBe('one two three')
    expect(await client.readMessage()).toEqual(Buffer.of(0, 1, 2, 255))
  })

  it('chooses a subprotocol, closes with code and reason, pings, and sends in order', async () => {
    const { connect, seen } = await websockets()
    const chosen = await connect('/', { subprotocols: ['first', 'second'] })
    expect(['first', 'second']).toContain(chosen.selectedSubprotocol)
    const closing = await connect('/close/4001/goodbye')
    expect(await closing.readMessage()).toBeNull()
    expect([closing.closeCode, closing.closeReason]).toEqual([4001, 'goodbye'])
    await connect('/ping')
    expect(await seen('pong')).toEqual({ pong: 'mine' })
    await expectOneThousand(await connect('/burst'))
  })

  it('ends a connection that sends too much', async () => {
    const { connect } = await websockets()
    const client = await connect('/')
    void client.writeMessage('x'.repeat(2 ** 20 + 1)).catch(() => {})
    expect(await client.readMessage()).toBeNull()
    expect(client.closeCode).toBe(1009)
  })
})
