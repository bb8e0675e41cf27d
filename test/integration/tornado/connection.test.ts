// An open WebSocketHandler: its hooks, what it sends, how it closes, as in Tornado or better.

import { describe, expect, it } from 'vitest'
import type { CloseRecord, WebSocketError } from 'windsock'
import { HTTPError, WebSocketHandler } from 'windsock/tornado'
import { startApplication } from '../support/application.ts'
import { Mailbox } from '../support/mailbox.ts'
import {
  BINARY,
  close,
  closeBody,
  frame,
  PING,
  PONG,
  RawClient,
  TEXT,
  text,
} from '../support/raw-client.ts'

const codeOf = (run: () => unknown): unknown => {
  try {
    run()
    return 'no error'
  } catch (error) {
    return (error as WebSocketError).code
  }
}

/** A connected client, and the log of what its handler was called with. */
async function connected(hooks: (handler: WebSocketHandler) => unknown = () => {}) {
  const log = new Mailbox<unknown>()
  class Logs extends WebSocketHandler {
    override open() {
      log.put('open')
      return hooks(this) as void
    }
    override onMessage(message: string | Uint8Array) {
      log.put(message)
    }
    override onPing(data: Uint8Array) {
      log.put(['ping', String(data)])
    }
    override onPong(data: Uint8Array) {
      log.put(['pong', String(data)])
    }
    override onClose() {
      log.put(['close', this.closeCode, this.closeReason])
    }
  }
  const app = await startApplication([['/', Logs]])
  return { ...app, log, client: await RawClient.open(app.port) }
}

describe('hooks', () => {
  it('open that throws closes with 1011, and onClose runs (T27)', async () => {
    const { client, log, errors } = await connected(() => {
      throw new Error('broken')
    })
    expect((await client.nextClose())?.code).toBe(1011)
    client.destroy()
    await log.find((entry) => Array.isArray(entry))
    expect(log.all).toEqual(['open', ['close', null, null]])
    expect((await errors.next()).cause).toEqual(new Error('broken'))
  })

  it('open may return what is no promise, which means nothing', async () => {
    const { client, log } = await connected(() => new Set([1]))
    client.write(text('hello'), close(1000))
    expect((await client.nextClose())?.code).toBe(1000)
    await log.find((entry) => Array.isArray(entry))
    expect(log.all).toEqual(['open', 'hello', ['close', 1000, null]])
  })

  it('an HTTPError in open closes with 1008 when the peer is at fault, else with 1011 (T93)', async () => {
    for (const [status, code] of [
      [403, 1008],
      [503, 1011],
    ] as const) {
      const { client } = await connected(() => {
        throw new HTTPError(status)
      })
      expect((await client.nextClose())?.code).toBe(code)
      client.destroy()
    }
  })

  it.each(['at once', 'later'])(
    'onMessage that throws %s closes with 1011 (T29, T30)',
    async (when) => {
      const closed = new Mailbox<CloseRecord>()
      class Throws extends WebSocketHandler {
        override async onMessage() {
          if (when === 'later') await new Promise(setImmediate)
          throw new Error('broken')
        }
        override onClose(record: CloseRecord) {
          closed.put(record)
        }
      }
      const { port } = await startApplication([['/', Throws]])
      const client = await RawClient.open(port)
      client.write(text('x'))
      expect((await client.nextClose())?.code).toBe(1011)
      client.write(close(1011))
      expect(await closed.next()).toMatchObject({ cause: 'handlerFailed', wasClean: true })
    },
  )

  it('a value that onMessage returns means nothing (T30)', async () => {
    class Returns extends WebSocketHandler {
      override onMessage(message: string | Uint8Array) {
        void this.writeMessage(String(message))
        return 42
      }
    }
    const { port } = await startApplication([['/', Returns]])
    const client = await RawClient.open(port)
    client.write(text('a'), text('b'))
    expect([await client.nextText(), await client.nextText()]).toEqual(['a', 'b'])
  })

  it('onMessage has to be overridden: else 1011 (T28)', async () => {
    class Nothing extends WebSocketHandler {}
    const { port, errors } = await startApplication([['/', Nothing]])
    const client = await RawClient.open(port)
    client.write(text('x'))
    expect((await client.nextClose())?.code).toBe(1011)
    expect((await errors.next()).message).toContain('onMessage')
    client.destroy()
  })

  it('a slow onMessage does not keep pings waiting, messages wait their turn (T28, T31)', async () => {
    const log: string[] = []
    let finish = () => {}
    class Slow extends WebSocketHandler {
      override async onMessage(message: string | Uint8Array) {
        log.push(`begin ${String(message)}`)
        if (message === 'a') {
          await new Promise<void>((resolve) => {
            finish = resolve
          })
        }
        log.push(`end ${String(message)}`)
        await this.writeMessage('done')
      }
    }
    const { port } = await startApplication([['/', Slow]])
    const client = await RawClient.open(port)
    client.write(text('a'), text('b'), frame({ opcode: PING, payload: 'now' }))
    expect((await client.next())?.opcode).toBe(PONG)
    expect(log).toEqual(['begin a'])
    finish()
    await client.nextText()
    await client.nextText()
    expect(log).toEqual(['begin a', 'end a', 'begin b', 'end b'])
  })

  it('onPing after the pong, onPong for every pong (T34, T35)', async () => {
    const { client, log } = await connected()
    client.write(frame({ opcode: PING, payload: 'p' }), frame({ opcode: PONG, payload: 'q' }))
    expect(await client.next()).toMatchObject({ opcode: PONG, payload: Buffer.from('p') })
    await log.atLeast(3)
    expect(log.all).toEqual(['open', ['ping', 'p'], ['pong', 'q']])
  })

  it.each([
    ['a code and a reason', close(4000, 'bye'), [4000, 'bye']],
    ['no code', close(), [null, null]],
  ] as const)('closeCode and closeReason are the peer’s: %s (T33)', async (_, bytes, expected) => {
    const { client, log } = await connected()
    client.write(bytes)
    await log.atLeast(2)
    expect(log.all).toEqual(['open', ['close', ...expected]])
  })

  it('closeCode and closeReason are null when no frame came, and onClose runs once (T32, T33)', async () => {
    const { client, log, records } = await connected()
    client.reset()
    await records.next()
    expect(log.all).toEqual(['open', ['close', null, null]])
  })

  it('close takes the closeCode and closeReason that another connection ended without', async () => {
    class Leaves extends WebSocketHandler {
      override onMessage() {
        this.close(this.closeCode, this.closeReason)
      }
    }
    const { port, errors } = await startApplication([['/', Leaves]])
    const client = await RawClient.open(port)
    client.write(text('leave'))
    expect(await client.nextClose()).toEqual({ code: 1000, reason: '' })
    expect(errors.all).toEqual([])
  })

  it('logException is told of what is thrown on a connection, in place of onError (T38)', async () => {
    const logged = new Mailbox<unknown>()
    class Logs extends WebSocketHandler {
      override onMessage(message: string | Uint8Array) {
        throw new Error(String(message))
      }
      override logException(thrown: unknown) {
        logged.put(thrown)
        if ((thrown as Error).message === 'twice') throw new Error('again')
      }
    }
    const { port, errors } = await startApplication([['/', Logs]])
    for (const word of ['once', 'twice']) {
      const client = await RawClient.open(port)
      client.write(text(word))
      expect((await client.nextClose())?.code).toBe(1011)
      client.destroy()
    }
    expect(logged.all).toEqual([new Error('once'), new Error('twice')])
    expect(errors.all.map(({ cause }) => cause)).toEqual([new Error('twice'), new Error('again')])
  })

  it('onFinish runs right after the 101, before open (T37)', async () => {
    const log: string[] = []
    class Finishes extends WebSocketHandler {
      override onFinish() {
        log.push(`finish ${this.getStatus()}`)
      }
      override open() {
        log.push('open')
        this.close()
      }
    }
    const { port } = await startApplication([['/', Finishes]])
    await (await RawClient.open(port)).nextClose()
    expect(log).toEqual(['finish 101', 'open'])
  })
})

describe('sending', () => {
  it('text, bytes, and objects as JSON that may stand in a page (T42, T48)', async () => {
    const { client } = await connected((handler) => {
      void handler.writeMessage('größer')
      void handler.writeMessage('größer', true)
      void handler.writeMessage({ a: '</b>' })
      void handler.writeMessage(Uint8Array.of(255, 0), true)
    })
    const frames = [await client.next(), await client.next(), await client.next()]
    expect(frames.map((one) => [one?.opcode, one?.fin, String(one?.payload)])).toEqual([
      [TEXT, true, 'größer'],
      [BINARY, true, 'größer'],
      [TEXT, true, '{"a":"<\\/b>"}'],
    ])
    expect(await client.next()).toMatchObject({ opcode: BINARY, payload: Buffer.from([255, 0]) })
  })

  it('anything else is told, bytes as text too, and the connection stays (T43, T44)', async () => {
    const { client } = await connected((handler) => {
      const inexpressible = [{ a: 1n }, { toJSON() {} }]
      const none = [1, null, undefined, true, [1], Uint8Array.of(255), () => {}]
      const odd: unknown[] = [...none, ...inexpressible]
      const codes = odd.map((one) => codeOf(() => handler.writeMessage(one as object)))
      void handler.writeMessage({ codes })
    })
    const { codes } = JSON.parse(await client.nextText())
    expect(codes).toEqual(Array(9).fill('ERR_WINDSOCK_MESSAGE_TYPE'))
  })

  it('can be awaited, and rejects with WebSocketClosedError once closing began (T45, T46)', async () => {
    const rejected = new Mailbox<unknown>()
    const { client } = await connected(async (handler) => {
      await handler.writeMessage('sent')
      handler.close(1000)
      await handler.writeMessage('late').catch((error: unknown) => rejected.put(error))
    })
    expect(await client.nextText()).toBe('sent')
    expect((await client.nextClose())?.code).toBe(1000)
    expect(await rejected.next()).toMatchObject({ name: 'WebSocketClosedError' })
    client.destroy()
  })

  it('there is nothing to send on before open (T46)', async () => {
    const codes: unknown[] = []
    class Early extends WebSocketHandler {
      override prepare() {
        codes.push(codeOf(() => this.writeMessage('early')))
        codes.push(codeOf(() => this.ping()))
      }
      override open() {
        this.close()
      }
    }
    const { port } = await startApplication([['/', Early]])
    await (await RawClient.open(port)).nextClose()
    expect(codes).toEqual(['ERR_WINDSOCK_CLOSED', 'ERR_WINDSOCK_CLOSED'])
  })

  it('pings of text or bytes, at most 125 (T49)', async () => {
    const { client } = await connected((handler) => {
      handler.ping('größer')
      handler.ping(Uint8Array.of(1))
      handler.ping()
      void handler.writeMessage(String(codeOf(() => handler.ping('x'.repeat(126)))))
    })
    const pings = [await client.next(), await client.next(), await client.next()]
    expect(pings.map((one) => [one?.opcode, String(one?.payload)])).toEqual([
      [PING, 'größer'],
      [PING, '\u0001'],
      [PING, ''],
    ])
    expect(await client.nextText()).toBe('ERR_WINDSOCK_CONTROL_PAYLOAD')
  })

  it('a ping on a connection that is closing throws (T49)', async () => {
    const codes: unknown[] = []
    const { client } = await connected(async (handler) => {
      handler.close()
      await Promise.resolve()
      codes.push(codeOf(() => handler.ping()))
    })
    await client.nextClose()
    expect(codes).toEqual(['ERR_WINDSOCK_CLOSED'])
  })

  it('setNodelay takes on and off (T55)', async () => {
    const { client } = await connected((handler) => {
      handler.setNodelay(true)
      handler.setNodelay(false)
      void handler.writeMessage('sent')
    })
    expect(await client.nextText()).toBe('sent')
  })
})

describe('closing', () => {
  it.each([
    [[undefined, 'why'], { code: 1000, reason: 'why' }],
    [[4321, 'größer'], { code: 4321, reason: 'größer' }],
    [[4000], { code: 4000, reason: '' }],
    [[], { code: 1000, reason: '' }],
  ] as const)('close(%j) once, and again does nothing (T50)', async (args, expected) => {
    const { client, records } = await connected((handler) => {
      handler.close(args[0], args[1])
      handler.close(4999, 'again')
    })
    const seen = await client.next()
    expect(seen && closeBody(seen)).toEqual(expected)
    client.write(close(expected.code))
    expect(await records.next()).toMatchObject({ cause: 'appClosed', wasClean: true })
    expect(await client.next()).toBeUndefined()
  })

  it('a code or a reason that cannot be sent throws, and the connection stays (T51, T52)', async () => {
    const { client } = await connected((handler) => {
      const codes = [0, 999, 1005, 1006, 5000, 65_536, 1.5].map((code) =>
        codeOf(() => handler.close(code)),
      )
      codes.push(codeOf(() => handler.close(1000, 'x'.repeat(124))))
      void handler.writeMessage({ codes })
    })
    expect(JSON.parse(await client.nextText()).codes).toEqual([
      ...Array(7).fill('ERR_WINDSOCK_CLOSE_CODE'),
      'ERR_WINDSOCK_CLOSE_REASON',
    ])
  })

  it('after our close() no message is delivered any more (T53)', async () => {
    const { client, log } = await connected((handler) => handler.close(1000))
    expect((await client.nextClose())?.code).toBe(1000)
    client.write(text('late'), frame({ opcode: PING }), close(1000))
    await log.find((entry) => Array.isArray(entry))
    expect(log.all).toEqual(['open', ['close', 1000, null]])
  })
})
