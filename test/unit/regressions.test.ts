// Regressions: what a law once found, in its smallest form. Each begins with the law's number.

import { describe, expect, it } from 'vitest'
import { type Connection, route, WebSocketHandler } from 'windsock'
import { type HarnessOptions, harness } from 'windsock/testing'
import type { HandlerForm } from '../../src/handlers/form.ts'

async function connect(form: HandlerForm, options: HarnessOptions = {}) {
  const server = harness([route('/', form)], { latencyMs: 0, pingIntervalMs: 0, ...options })
  const peer = await server.connect('/')
  return { server, peer }
}

/** Answers each message with 20 bytes. */
const answering = (connection: Connection) => {
  connection.messages$.subscribe(() => void connection.send('x'.repeat(20)))
}

describe('the Close frame in the record', () => {
  it('is the answer on the wire, though the handler was asked to close meanwhile (I-3)', async () => {
    const { server, peer } = await connect(async (_connection, { clock }) => {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 10))
    })
    peer.send('held')
    peer.close(1000)
    await server.advance(1)
    await server.close()
    expect(peer.closeFrames).toEqual([{ code: 1000, reason: '' }])
    expect(server.records).toMatchObject([
      { cause: 'draining', sent: { code: 1000 }, received: { code: 1000 }, wasClean: true },
    ])
  })

  it('is none where ours never left (I-3)', async () => {
    const { server, peer } = await connect(answering, { bufferBytes: 1, closeTimeoutMs: 10 })
    peer.stall()
    for (const text of ['a', 'b']) peer.send(text)
    await server.advance(1)
    await server.close()
    expect(server.records).toMatchObject([{ cause: 'draining', sent: null, wasClean: false }])
  })
})

describe('bytes that were accepted', () => {
  it('and waited when the peer closed are unsent, not sent (I-49)', async () => {
    const { server, peer } = await connect(answering, { bufferBytes: 1 })
    peer.stall()
    for (const text of ['a', 'b', 'c']) peer.send(text)
    await server.advance(1)
    peer.close()
    peer.resume()
    await server.advance(1)
    expect(peer.messages).toHaveLength(1)
    expect(server.records[0]?.totals).toMatchObject({ messagesSent: 1, bytesSent: 20 })
    expect(server.records[0]?.totals.bytesUnsent).toBeGreaterThanOrEqual(40)
  })

  it('after the link has ended, by a handler that is still at work, are unsent (I-49)', async () => {
    class Late extends WebSocketHandler {
      override async onMessage() {
        await new Promise<void>((resolve) => server.clock.setTimeout(resolve, 10))
        await this.writeMessage('x'.repeat(20))
      }
    }
    const { server, peer } = await connect(Late)
    peer.send('a')
    await server.advance(1)
    peer.cut()
    await server.advance(20)
    expect(server.records).toMatchObject([
      { cause: 'transportLost', totals: { messagesSent: 0, bytesUnsent: 20 } },
    ])
    expect(server.errors).toEqual([])
  })

  it('and were lost with a link destroyed are unsent (I-49)', async () => {
    const { server, peer } = await connect(answering, { bufferBytes: 1, closeTimeoutMs: 10 })
    peer.stall()
    for (const text of ['a', 'b']) peer.send(text)
    await server.advance(1)
    await server.close()
    expect(server.records[0]?.totals).toMatchObject({ messagesSent: 1, bytesUnsent: 40 })
  })
})

describe('a pong that waits', () => {
  it('carries what its ping did, whatever a handler does with what it was given (I-33)', async () => {
    class Scribbling extends WebSocketHandler {
      override onPing(data: Uint8Array) {
        data.fill(0)
      }
      override async onMessage() {
        await this.writeMessage('x'.repeat(20))
      }
    }
    const { server, peer } = await connect(Scribbling, { bufferBytes: 1 })
    peer.stall()
    peer.send('a')
    await server.advance(1)
    peer.ping(Uint8Array.of(1, 2, 3))
    await server.advance(1)
    peer.resume()
    await server.advance(1)
    const pongs = peer.wire.filter(({ item }) => item.kind === 'pong')
    expect(pongs).toMatchObject([{ item: { data: Uint8Array.of(1, 2, 3) } }])
  })
})

describe('a handler that was at work when its connection closed', () => {
  class Slow extends WebSocketHandler {
    override async onMessage() {
      await this.connection.closed
      await this.writeMessage('too late')
    }
  }

  it('has not failed because it awaits what it sends then', async () => {
    const { server, peer } = await connect(Slow)
    peer.send('a')
    await server.advance(1)
    await server.close()
    await server.settle()
    expect(server.errors).toEqual([])
    expect(server.records).toMatchObject([{ cause: 'draining', wasClean: true }])
  })

  it('and that closed it itself, in open, ends as it asked to', async () => {
    const { server } = await connect(async (connection) => {
      connection.close(4000)
      await connection.send('too late')
    })
    await server.advance(1)
    expect(server.errors).toEqual([])
    expect(server.records).toMatchObject([{ cause: 'appClosed', sent: { code: 4000 } }])
  })

  it('is told of everything else that it throws', async () => {
    class Broken extends Slow {
      override async onMessage() {
        await super.onMessage().catch(() => {})
        throw new Error('mine')
      }
    }
    const { server, peer } = await connect(Broken)
    peer.send('a')
    await server.advance(1)
    await server.close()
    await server.settle()
    expect(server.errors).toMatchObject([{ cause: { message: 'mine' } }])
  })
})

describe('a send that waits for room', () => {
  it('and is left alone ends no process when the connection closes (I-2)', async () => {
    const { server, peer } = await connect(answering, {
      bufferBytes: 1,
      outboundHighWaterBytes: 1,
      closeTimeoutMs: 10,
    })
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    peer.stall()
    for (const text of ['a', 'b']) peer.send(text)
    await server.advance(1)
    await server.close()
    await server.settle()
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
    expect(server.records).toHaveLength(1)
  })

  it('goes on when the peer closes while the handler waits (I-1)', async () => {
    let waited = false
    class Patient extends WebSocketHandler {
      override async onMessage() {
        for (let index = 0; index < 3; index++) await this.writeMessage('x'.repeat(20))
        waited = true
      }
    }
    const { server, peer } = await connect(Patient, {
      bufferBytes: 1,
      outboundHighWaterBytes: 1,
      closeTimeoutMs: 10,
    })
    peer.stall()
    peer.send('a')
    await server.advance(1)
    expect(waited).toBe(false)
    peer.close()
    await server.advance(20)
    expect(waited).toBe(true)
    expect(server.records).toMatchObject([{ cause: 'peerClosed' }])
    expect(server.errors).toEqual([])
  })
})

describe('a handler that closes and goes on waiting', () => {
  it('leaves no timer behind (I-18)', async () => {
    class Leaving extends WebSocketHandler {
      override async onMessage() {
        this.close()
        await this.connection.closed
      }
    }
    const { server, peer } = await connect(Leaving)
    peer.send('a')
    await server.advance(5)
    expect(server.records).toHaveLength(1)
    expect(server.clock.timerCount).toBe(0)
  })
})

describe('a Close frame with a code that may not travel', () => {
  it.each([0, 999, 1004, 1006, 1015, 2999, 5000])('is a breach: %d (I-5)', async (code) => {
    const { server, peer } = await connect(answering)
    peer.close(code)
    await server.advance(1)
    expect(peer.closeFrames).toEqual([{ code: 1002, reason: '' }])
    expect(server.records).toMatchObject([{ cause: 'protocolError', code: 1006, received: null }])
  })
})

describe('state$', () => {
  it('says each state once, also to those who ask in a hook that the change has called', async () => {
    const said: string[] = []
    class Asking extends WebSocketHandler {
      #listen(hook: string): void {
        this.connection.state$.subscribe((state) => said.push(`${hook}: ${state}`))
      }
      override open(): void {
        this.#listen('open')
      }
      override onClose(): void {
        this.#listen('onClose')
      }
    }
    const { server, peer } = await connect(Asking)
    peer.close()
    await server.advance(1)
    expect(said.filter((line) => line.startsWith('open'))).toEqual(
      ['connecting', 'open', 'closing', 'closed'].map((state) => `open: ${state}`),
    )
    expect(said.filter((line) => line === 'onClose: closed')).toHaveLength(1)
  })
})
