// Tornado's rows: what `docs/reference/tornado.md` promises of handlers, and the tests in `tornado/` leave open.
//
// Each title names its rows. Frames go over real sockets, written by hand; where time matters, it is virtual.

import { Socket } from 'node:net'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type CloseRecord,
  type WebSocketHandler as Handler,
  type Route,
  route,
  WebSocketClosedError,
  WebSocketError,
} from 'windsock'
import { harness } from 'windsock/testing'
import {
  Application,
  type RequestHandlerClass,
  WebSocketClientConnection,
  WebSocketHandler,
  websocketConnect,
} from 'windsock/tornado'
import { startApplication } from './support/application.ts'
import { Mailbox } from './support/mailbox.ts'
import {
  BINARY,
  CONTINUATION,
  close,
  frame,
  PING,
  PONG,
  RawClient,
  type RequestOptions,
  text,
} from './support/raw-client.ts'

type HandlerClass = RequestHandlerClass<Handler>

/** Answers each text with its length, so that a test can see that the connection works. */
class Measure extends WebSocketHandler {
  override onMessage(message: string | Uint8Array): unknown {
    return this.writeMessage(String(message.length))
  }
}

/** An application of one handler, and a client that is connected to it. */
async function pair(
  Class: HandlerClass,
  settings: Parameters<typeof startApplication>[1] = {},
  options: RequestOptions = {},
) {
  const served = await startApplication([['/', Class]], settings)
  const client = await RawClient.connect(served.port)
  await client.upgrade(options)
  return { ...served, client }
}

const coded = (code: string) => expect.objectContaining({ code })

/** What `act` throws, by its code; `none` when it does not. */
function codeOf(act: () => unknown): string {
  try {
    act()
    return 'none'
  } catch (thrown) {
    return (thrown as WebSocketError).code
  }
}

describe('hooks that fail', () => {
  const fail = () => {
    throw new Error('on purpose')
  }
  const hello = text('hello')
  it.each([
    ['open throws', { open: fail }, hello],
    ['open rejects', { open: async () => fail() }, hello],
    ['onMessage throws', { onMessage: fail }, hello],
    ['onMessage rejects', { onMessage: async () => fail() }, hello],
    ['onMessage is not overridden', {}, hello],
    ['onPing rejects', { onPing: async () => fail() }, frame({ opcode: PING })],
    ['onPong throws', { onPong: fail }, frame({ opcode: PONG })],
  ])('%s: 1011, then onClose, once (T27–T30, T32)', async (_what, hooks, trigger) => {
    const closed = new Mailbox<CloseRecord>()
    class Fails extends WebSocketHandler {
      override onClose(record: CloseRecord) {
        closed.put(record)
      }
    }
    Object.assign(Fails.prototype, hooks)
    const { client, records, errors } = await pair(Fails)
    client.write(trigger)
    expect(await client.nextClose()).toEqual({ code: 1011, reason: 'internal error' })
    client.write(close(1011))
    const record = await records.next()
    expect(record).toMatchObject({ cause: 'handlerFailed', wasClean: true })
    expect(closed.all).toEqual([record])
    expect(errors.all).toEqual([coded('ERR_WINDSOCK_HANDLER')])
  })
})

describe('hooks in order', () => {
  it('closeCode and closeReason are the peer’s, or null (T33, T67)', async () => {
    const closed = new Mailbox<unknown[]>()
    class Tells extends WebSocketHandler {
      override onMessage() {
        this.close(4999, 'mine')
      }
      override onClose({ sent }: CloseRecord) {
        closed.put([this.closeCode, this.closeReason, sent?.code])
      }
    }
    const { port, client } = await pair(Tells)
    client.write(close(4000, 'bye'))
    expect(await closed.next()).toEqual([4000, 'bye', 4000])
    ;(await RawClient.open(port)).reset()
    expect(await closed.next()).toEqual([null, null, undefined])
    const deaf = await RawClient.open(port)
    deaf.write(text('close, please'))
    expect((await deaf.nextClose())?.code).toBe(4999)
    deaf.reset()
    expect(await closed.next()).toEqual([null, null, 4999])
  })

  it('selectedSubprotocol is what was agreed, or null (T36)', async () => {
    class Chooses extends WebSocketHandler {
      override selectSubprotocol(offered: readonly string[]) {
        return offered.find((name) => name === 'v2') ?? null
      }
      override open() {
        return this.writeMessage(String(this.selectedSubprotocol))
      }
    }
    const { port } = await startApplication([['/', Chooses]])
    const offering = (names: string) => ({ headers: { 'Sec-WebSocket-Protocol': names } })
    expect(await (await RawClient.open(port, offering('v1, v2'))).nextText()).toBe('v2')
    expect(await (await RawClient.open(port, offering('v1'))).nextText()).toBe('null')
    expect(await (await RawClient.open(port)).nextText()).toBe('null')
  })
})

describe('sending', () => {
  it('bytes without binary, and what is no message, throw and send nothing (T43, T44)', async () => {
    const codes = new Mailbox<string[]>()
    class Sends extends WebSocketHandler {
      override open() {
        const send = (message: unknown, binary?: boolean) => () =>
          this.writeMessage(message as object, binary)
        const wrong = [7, null, undefined, true, Symbol('x'), () => {}, ['list'], 7n].map((value) =>
          send(value),
        )
        const bytes = [Uint8Array.of(0xff), Buffer.from('x'), new ArrayBuffer(1)].map((value) =>
          send(value),
        )
        codes.put([...bytes, ...wrong].map(codeOf))
        void this.writeMessage(new Float64Array(1), true)
        void this.writeMessage(new DataView(new ArrayBuffer(3)), true)
        void this.writeMessage(new ArrayBuffer(2), true)
      }
    }
    const { client } = await pair(Sends)
    expect(new Set(await codes.next())).toEqual(new Set(['ERR_WINDSOCK_MESSAGE_TYPE']))
    expect(codes.all[0]).toHaveLength(11)
    for (const size of [8, 3, 2]) {
      expect(await client.next()).toMatchObject({ opcode: BINARY, payload: Buffer.alloc(size) })
    }
  })

  it('the promise of writeMessage rejects when the link ends meanwhile (T45)', async () => {
    const writes = new Mailbox<{ written: Promise<void> }>()
    class Floods extends WebSocketHandler {
      override open() {
        const chunk = new Uint8Array(64 * 1024)
        const write = () => {
          const written = this.writeMessage(chunk, true)
          if (this.connection.bufferedBytes >= 256 * 1024) writes.put({ written })
          else setImmediate(write)
        }
        write()
      }
    }
    const served = await startApplication([['/', Floods]])
    const client = await RawClient.open(served.port)
    client.pause()
    const { written } = await writes.next()
    client.reset()
    await expect(written).rejects.toBeInstanceOf(WebSocketClosedError)
  })

  it('once either side has begun to close: WebSocketClosedError (T46, T56)', async () => {
    const written = new Mailbox<Promise<void>>()
    class Writes extends WebSocketHandler {
      override onMessage() {
        this.close()
        written.put(this.writeMessage('late'))
      }
      override onClose() {
        written.put(this.writeMessage('much too late'))
      }
    }
    const { client, port } = await pair(Writes)
    client.write(text('close, please'))
    await expect(written.next()).rejects.toBeInstanceOf(WebSocketClosedError)
    client.write(close(1000))
    await expect(written.next()).rejects.toBeInstanceOf(WebSocketClosedError)
    const other = await RawClient.open(port)
    other.write(close(1000))
    await expect(written.next()).rejects.toBeInstanceOf(WebSocketError)
    expect(await other.nextClose()).toEqual({ code: 1000, reason: '' })
  })

  it('setNodelay reaches the socket, and needs a connection (T55)', async () => {
    const told = vi.spyOn(Socket.prototype, 'setNoDelay')
    onTestFinished(() => told.mockRestore())
    const early = new Mailbox<string>()
    class Delays extends WebSocketHandler {
      override prepare() {
        early.put(codeOf(() => this.setNodelay(true)))
      }
      override onMessage() {
        told.mockClear()
        this.setNodelay(false)
        return this.writeMessage('set')
      }
    }
    const { client } = await pair(Delays)
    expect(early.all).toEqual(['ERR_WINDSOCK_CLOSED'])
    client.write(text('set it'))
    expect(await client.nextText()).toBe('set')
    expect(told.mock.calls).toEqual([[false]])
  })

  it('WebSocketClosedError is a WebSocketError (T56)', () => {
    expect(new WebSocketClosedError()).toBeInstanceOf(WebSocketError)
    expect(new WebSocketClosedError()).toBeInstanceOf(Error)
  })
})

const deflating = (parameters = '') => ({
  headers: { 'Sec-WebSocket-Extensions': `permessage-deflate${parameters}` },
})
/** As one compressed message: without the four bytes that its end implies (RFC 7692 §7.2.1). */
const deflated = (data: string) => deflateRawSync(data, { finishFlush: 2 }).subarray(0, -4)
const inflated = (data: Buffer) =>
  inflateRawSync(Buffer.concat([data, Buffer.from([0, 0, 0xff, 0xff])]), { finishFlush: 2 })

class Compressing extends Measure {
  override getCompressionOptions() {
    return {}
  }
}

describe('receiving', () => {
  it('payloads of pings do not count as a message (T59)', async () => {
    const { client } = await pair(Measure, { websocketMaxMessageSize: 10 })
    const ping = frame({ opcode: PING, payload: 'x'.repeat(11) })
    client.write(frame({ payload: 'x'.repeat(5), fin: false }), ping, ping)
    client.write(frame({ opcode: CONTINUATION, payload: 'x'.repeat(5) }))
    expect((await client.next())?.opcode).toBe(PONG)
    expect((await client.next())?.opcode).toBe(PONG)
    expect(await client.nextText()).toBe('10')
  })

  it('a ping between compressed fragments is answered, and the message goes on (T68)', async () => {
    const { client } = await pair(Compressing, {}, deflating('; server_no_context_takeover'))
    const whole = deflated('hello '.repeat(100))
    client.write(
      frame({ payload: whole.subarray(0, 5), fin: false, rsv: 4 }),
      frame({ opcode: PING, payload: 'between' }),
      frame({ opcode: CONTINUATION, payload: whole.subarray(5) }),
    )
    expect(await client.next()).toMatchObject({ opcode: PONG, payload: Buffer.from('between') })
    const answer = await client.next()
    expect(answer?.rsv).toBe(4)
    expect(String(inflated(answer?.payload as Buffer))).toBe('600')
  })
})

describe('keepalive', () => {
  /** A peer of `Class`, in virtual time: pings each second, and a second for the pong. */
  async function inMemory(Class: HandlerClass) {
    const { routes } = new Application([['/', Class]], { websocketPingInterval: 1 })
    const server = harness(routes.filter((entry): entry is Route => entry.kind === 'route'))
    onTestFinished(() => server[Symbol.asyncDispose]())
    return { server, peer: await server.connect('/') }
  }

  it('a healthy peer is kept while onMessage takes long, and its Close is answered (T31, T71)', async () => {
    class Slow extends WebSocketHandler {
      override onMessage() {
        return new Promise<void>(() => {})
      }
    }
    const { server, peer } = await inMemory(Slow)
    peer.send('hello')
    await server.advance(20_000)
    expect(peer.wire.filter(({ item }) => item.kind === 'ping').length).toBeGreaterThan(10)
    expect(server.records).toEqual([])
    peer.close(4000)
    await server.advance(100)
    expect(peer.closeFrames).toEqual([{ code: 4000, reason: '' }])
  })

  it('only pongs are proof of life, messages are none (T72, T73)', async () => {
    const { server, peer } = await inMemory(Measure)
    peer.answersPings = false
    for (let tenths = 0; tenths < 50; tenths++) {
      peer.send('I am alive')
      await server.advance(100)
    }
    expect(peer.closeFrames).toEqual([{ code: 1011, reason: 'ping timed out' }])
    expect(server.records).toMatchObject([{ cause: 'pingTimeout' }])
  })

  it('where the route says so, anything that comes is proof of life (T73)', async () => {
    const server = harness([
      route('/', () => undefined, {
        pingIntervalMs: 1_000,
        pingTimeoutMs: 500,
        proofOfLife: 'anything',
      }),
    ])
    const peer = await server.connect('/')
    peer.answersPings = false
    for (let tenths = 0; tenths < 50; tenths++) {
      peer.send('I am alive')
      await server.advance(100)
    }
    expect(peer.closeFrames).toEqual([])
    expect(peer.wire.filter(({ item }) => item.kind === 'ping').length).toBeGreaterThan(2)
    await server.advance(2_000)
    expect(peer.closeFrames).toEqual([{ code: 1011, reason: 'ping timed out' }])
  })

  it('both sides ping, by the same rules (T74)', async () => {
    const pongs = new Mailbox<string>()
    class Server extends WebSocketHandler {
      override onPong() {
        pongs.put('server')
      }
    }
    class Client extends WebSocketClientConnection {
      override onPong() {
        pongs.put('client')
      }
    }
    const { server } = await startApplication([['/', Server]], {
      websocketPingInterval: 0.02,
      websocketPingTimeout: 0,
    })
    const client = await websocketConnect(server.url.replace('http', 'ws'), {
      pingInterval: 0.02,
      pingTimeout: 0,
      connectionClass: Client,
    })
    await Promise.all(['server', 'client'].map((side) => pongs.find((one) => one === side)))
    client.close()
    expect(await client.readMessage()).toBeNull()
  })
})
