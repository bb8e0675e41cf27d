// The closing handshake: who begins, who answers, what happens when nobody does, and what the record says.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  attach,
  type Connection,
  type RouteSettings,
  route,
  WebSocketError,
  WebSocketHandler,
} from 'windsock'
import { Mailbox } from './support/mailbox.ts'
import { CLOSE, close, closeBody, frame, RawClient, text } from './support/raw-client.ts'
import { start } from './support/test-server.ts'

/** A server whose handler keeps what it hears, and a client that is connected to it. */
async function pair(settings: RouteSettings = {}) {
  const connections = new Mailbox<Connection>()
  const heard = new Mailbox<string>()
  const keep = route(
    '/',
    (connection) => {
      connections.put(connection)
      connection.messages$.subscribe((message) => heard.put(String(message)))
    },
    settings,
  )
  const server = await start({ routes: [keep] })
  const client = await RawClient.connect(server.port, true)
  await client.upgrade()
  return { ...server, client, heard, connection: await connections.next() }
}

describe('the peer closes', () => {
  const CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
  it.each([...CODES, 3000, 3999, 4000, 4999])('%i is answered with itself (T65)', async (code) => {
    const { client, records } = await pair()
    const body = { code, reason: 'auf Wiedersehen, größer' }
    client.write(close(body.code, body.reason))
    expect(await client.nextClose()).toEqual(body)
    expect(await client.ended).toBe('fin')
    client.end()
    expect(await records.next()).toMatchObject({
      cause: 'peerClosed',
      initiator: 'peer',
      sent: body,
      received: body,
      ...body,
      wasClean: true,
      status: null,
    })
  })

  it('an empty Close frame is answered with an empty one, and is 1005 in the record', async () => {
    const { client, records } = await pair()
    client.write(close())
    const answer = await client.next()
    expect(answer).toMatchObject({ opcode: CLOSE, payload: Buffer.alloc(0) })
    client.end()
    const empty = { code: 1005, reason: '' }
    const record = await records.next()
    expect(record).toMatchObject({ ...empty, sent: empty, received: empty, wasClean: true })
  })

  it('messages before the Close frame are delivered, those behind it are not', async () => {
    const { client, records, heard } = await pair()
    client.write(text('one'), text('two'), close(1000), text('three'), close(1001))
    expect(await client.nextClose()).toEqual({ code: 1000, reason: '' })
    client.end()
    expect(await records.next()).toMatchObject({ received: { code: 1000, reason: '' } })
    expect(heard.all).toEqual(['one', 'two'])
  })

  it('its socket ends also while the handler has not caught up and reading was paused', async () => {
    const never = new Promise<void>(() => {})
    class Busy extends WebSocketHandler {
      override onMessage = () => never
    }
    const http = createServer().listen(0, '127.0.0.1')
    const attached = attach(http, {
      routes: [route('/', Busy, { maxHeldMessages: 1, closeTimeoutMs: 50 })],
    })
    onTestFinished(async () => {
      await attached.close()
      http.close()
    })
    await once(http, 'listening')
    const accepted = once(http, 'connection') as Promise<[Socket]>
    const client = await RawClient.connect((http.address() as { port: number }).port, true)
    const [socket] = await accepted
    await client.upgrade()
    client.write(text('one'), text('two'), close(1000))
    expect(await client.nextClose()).toEqual({ code: 1000, reason: '' })
    client.end()
    await once(socket, 'close')
  })

  it('what was sent before its Close frame leaves before the answer, also with messages held', async () => {
    class Answering extends WebSocketHandler {
      override async onMessage(message: string): Promise<void> {
        await this.writeMessage(`${message}!`)
      }
    }
    const { port, records } = await start({ routes: [route('/', Answering)] })
    const client = await RawClient.connect(port)
    await client.upgrade()
    client.write(text('one'), text('two'), close(1000))
    expect(await client.nextText()).toBe('one!')
    expect(await client.nextClose()).toEqual({ code: 1000, reason: '' })
    expect(await records.next()).toMatchObject({
      totals: { messagesReceived: 2, messagesSent: 1, bytesSent: 4, bytesUnsent: 4 },
    })
  })

  it.each(['end', 'reset'] as const)('TCP %s without a Close frame: 1006 (T67)', async (way) => {
    const { client, records, heard } = await pair()
    client.write(text('last words'))
    await heard.next()
    client[way]()
    expect(await records.next()).toMatchObject({
      cause: 'transportLost',
      initiator: 'network',
      sent: null,
      received: null,
      code: 1006,
      reason: '',
      wasClean: false,
      totals: { messagesReceived: 1, bytesReceived: 10 },
    })
  })

  it.each(['end', 'reset'] as const)('a TCP %s in the middle of a frame is 1006', async (way) => {
    const { client, records, heard } = await pair()
    client.write(text('whole'), frame({ payload: 'half', declaredBytes: 100 }))
    await heard.next()
    client[way]()
    expect(await records.next()).toMatchObject({ cause: 'transportLost', code: 1006 })
    expect(heard.all).toEqual(['whole'])
  })
})

describe('we close', () => {
  it('code and reason arrive behind what was sent before, and the record is clean (T50)', async () => {
    const { client, records, connection } = await pair()
    for (const message of ['one', 'two', 'three']) void connection.send(message)
    connection.close(4321, 'tschüß')
    connection.close(4999, 'a second close does nothing')
    expect(connection.state).toBe('closing')
    const said = [await client.nextText(), await client.nextText(), await client.nextText()]
    expect(said).toEqual(['one', 'two', 'three'])
    expect(await client.nextClose()).toEqual({ code: 4321, reason: 'tschüß' })
    client.write(close(4321, 'tschüß'))
    expect(await client.ended).toBe('fin')
    client.end()
    const record = await records.next()
    expect(record).toMatchObject({
      cause: 'appClosed',
      initiator: 'local',
      sent: { code: 4321, reason: 'tschüß' },
      received: { code: 4321, reason: 'tschüß' },
      code: 4321,
      wasClean: true,
      totals: { messagesSent: 3, bytesSent: 11, bytesUnsent: 0 },
    })
    expect(await connection.closed).toBe(record)
  })

  it('is 1000 without arguments (T50)', async () => {
    const { client, connection } = await pair()
    connection.close()
    expect(await client.nextClose()).toEqual({ code: 1000, reason: '' })
  })

  it('a code or reason that may not be sent throws, and changes nothing (T51, T52)', async () => {
    const { client, connection, heard, records } = await pair()
    const codes = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 1000.5, Number.NaN, '1000']
    for (const code of codes) {
      expect(() => connection.close(code as number)).toThrow(
        expect.objectContaining({ code: 'ERR_WINDSOCK_CLOSE_CODE' }),
      )
    }
    for (const reason of ['x'.repeat(124), 'ü'.repeat(62), 7]) {
      expect(() => connection.close(1000, reason as string)).toThrow(WebSocketError)
    }
    expect(connection.state).toBe('open')
    client.write(text('still here'))
    expect(await heard.next()).toBe('still here')
    void connection.send('so are we')
    expect(await client.nextText()).toBe('so are we')
    expect(records.all).toEqual([])
    connection.close(1000, 'x'.repeat(123))
    expect(await client.nextClose()).toEqual({ code: 1000, reason: 'x'.repeat(123) })
  })

  it('messages of a peer that has not seen our Close frame yet are not delivered (T46, T53)', async () => {
    const { client, connection, heard, records } = await pair()
    connection.close(4000)
    client.write(text('too late'))
    expect(await client.nextClose()).toEqual({ code: 4000, reason: '' })
    client.write(text('much too late'), close(4000))
    client.end()
    expect(await records.next()).toMatchObject({ wasClean: true })
    expect(heard.all).toEqual([])
    await expect(connection.send('after')).rejects.toMatchObject({ code: 'ERR_WINDSOCK_CLOSED' })
  })

  it('two Close frames that cross are one clean close', async () => {
    const { client, connection, records } = await pair()
    connection.close(4000, 'ours')
    client.write(close(4001, 'theirs'))
    const frames = []
    for await (const one of client) frames.push(closeBody(one))
    expect(frames).toEqual([{ code: 4000, reason: 'ours' }])
    client.end()
    expect(await records.next()).toMatchObject({
      cause: 'appClosed',
      initiator: 'local',
      sent: { code: 4000, reason: 'ours' },
      received: { code: 4001, reason: 'theirs' },
      code: 4001,
      reason: 'theirs',
      wasClean: true,
    })
  })

  it('a peer that never answers is cut off after closeTimeoutMs (T54)', async () => {
    const { client, connection, records } = await pair({ closeTimeoutMs: 50 })
    connection.close(4000, 'well?')
    expect(await client.nextClose()).toEqual({ code: 4000, reason: 'well?' })
    await client.ended
    expect(await records.next()).toMatchObject({
      cause: 'appClosed',
      sent: { code: 4000, reason: 'well?' },
      received: null,
      code: 1006,
      wasClean: false,
    })
  })

  it('a peer that stops reading is cut off too, and what it did not take is counted', async () => {
    const { client, connection, records } = await pair({
      closeTimeoutMs: 100,
      maxOutboundBytes: 64 * 1024 * 1024,
    })
    client.pause()
    for (let count = 0; count < 32; count++) void connection.send(new Uint8Array(1024 * 1024))
    connection.close(4000)
    const { cause, received, totals } = await records.next()
    expect({ cause, received }).toEqual({ cause: 'appClosed', received: null })
    expect(totals.bytesUnsent).toBeGreaterThan(1024 * 1024)
    expect(totals.bytesUnsent).toBeLessThan(33 * 1024 * 1024)
  })
})
