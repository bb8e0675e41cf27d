// A peer that never reads: what each policy does, and that the server's memory for it stays bounded.
//
// The kernel takes what it takes; what counts here is `bufferedBytes`, which is what the process holds.

import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createPlainServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { attach, type Connection, type RouteSettings, route, type SlowPolicy } from 'windsock'
import { writeQueueSize } from '../../src/transport/node-internals.ts'
import { Mailbox } from './support/mailbox.ts'
import { BINARY, binary, RawClient } from './support/raw-client.ts'
import { start } from './support/test-server.ts'

const MESSAGE = 32 * 1024
const BUDGET = 256 * 1024
/** What the link may hold beside the queue: its write-ahead, and the write that crossed it. */
const LINK = 192 * 1024
/** Far more than the kernel's buffers between the two ends ever hold. */
const MOST = 4_000

const numbered = (number: number) => {
  const payload = Buffer.alloc(MESSAGE)
  payload.writeUInt32BE(number)
  return payload
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A peer that does not read, and the server's side of it. */
async function pair(slow: SlowPolicy, more: RouteSettings = {}) {
  const connections = new Mailbox<Connection>()
  const keep = route('/', (connection) => connections.put(connection), {
    slow,
    maxOutboundBytes: BUDGET,
    closeTimeoutMs: 10_000,
    ...more,
  })
  const { port, records } = await start({ routes: [keep] })
  const client = await RawClient.open(port)
  client.pause()
  return { client, records, connection: await connections.next() }
}

/** Sends until `enough`, a message a turn; the most that was ever held. */
async function flood(connection: Connection, enough: (sent: number) => boolean) {
  let most = 0
  let sent = 0
  while (sent < MOST && !enough(sent)) {
    void connection.send(numbered(sent++))
    most = Math.max(most, connection.bufferedBytes)
    await turn()
  }
  expect(sent).toBeLessThan(MOST)
  return { most, sent }
}

async function numbersUntil(client: RawClient, last: number): Promise<number[]> {
  const numbers: number[] = []
  for await (const { opcode, payload } of client) {
    if (opcode === BINARY) numbers.push(payload.readUInt32BE())
    if (numbers.at(-1) === last) break
  }
  return numbers
}

const isAscending = (numbers: readonly number[]) =>
  numbers.every((number, index) => index === 0 || number > (numbers[index - 1] as number))

describe('a peer that never reads', () => {
  it('close: 1013, and what waited is dropped (T47)', async () => {
    const { client, connection, records } = await pair('close')
    const { most } = await flood(connection, () => connection.state !== 'open')
    expect(most).toBeLessThanOrEqual(BUDGET + MESSAGE + LINK)
    client.resume()
    expect(await client.nextClose()).toEqual({ code: 1013, reason: 'slow consumer' })
    client.end()
    const record = await records.next()
    expect(record).toMatchObject({ cause: 'slowConsumer', initiator: 'local' })
    expect(record.totals.bytesUnsent).toBeGreaterThan(0)
  })

  it('and ends its side without a Close frame is gone: nothing is said to nobody for ever', async () => {
    const { client, connection, records } = await pair('close', { pingIntervalMs: 0 })
    await flood(connection, () => connection.bufferedBytes > MESSAGE)
    client.end()
    const record = await records.next()
    expect(record).toMatchObject({ cause: 'transportLost', initiator: 'network', code: 1006 })
    await expect(connection.send('late')).rejects.toMatchObject({ code: 'ERR_WINDSOCK_CLOSED' })
  })

  it.each(['drop-oldest', 'latest'] as const)('%s: it stays, and gets the newest', async (slow) => {
    const { client, connection, records } = await pair(slow)
    let full = 0
    // Held bytes cannot grow for ever: go on for a while after they have stopped growing.
    const { most, sent } = await flood(connection, () => {
      if (connection.bufferedBytes > MESSAGE) full++
      return full > 100
    })
    expect(most).toBeLessThanOrEqual(BUDGET + MESSAGE + LINK)
    expect(connection.state).toBe('open')
    client.resume()
    const numbers = await numbersUntil(client, sent - 1)
    expect(isAscending(numbers)).toBe(true)
    expect(numbers.length).toBeLessThan(sent)
    client.reset()
    const { totals, cause } = await records.next()
    expect(cause).toBe('transportLost')
    expect(totals.messagesDropped).toBe(sent - numbers.length)
  })

  it('pause: the source waits, and nothing is lost (T47)', async () => {
    const COUNT = 1_500
    let most = 0
    const connections = new Mailbox<Connection>()
    const echoed = new Mailbox<number>()
    const echo = route(
      '/',
      (connection) => {
        connections.put(connection)
        connection.messages$.subscribe((message) => {
          void connection.send(message)
          most = Math.max(most, connection.bufferedBytes)
          echoed.put(connection.bufferedBytes)
        })
      },
      { slow: 'pause', maxOutboundBytes: BUDGET },
    )
    const { port, records } = await start({ routes: [echo] })
    const client = await RawClient.open(port)
    client.pause()
    for (let number = 0; number < COUNT; number++) client.write(binary(numbered(number)))
    await echoed.find((held) => held >= 64 * 1024)
    client.resume()
    const numbers = await numbersUntil(client, COUNT - 1)
    expect(numbers).toEqual(Array.from({ length: COUNT }, (_, number) => number))
    expect(most).toBeLessThanOrEqual(BUDGET + MESSAGE + LINK)
    client.reset()
    expect((await records.next()).totals.messagesDropped).toBe(0)
  })

  it('of an HTTP server with large buffers of its own is written on when it reads again', async () => {
    const connections = new Mailbox<Connection>()
    const http = createServer({ highWaterMark: 4 * BUDGET })
    const keep = route('/', (connection) => connections.put(connection), {
      maxOutboundBytes: 2 * BUDGET,
      stallTimeoutMs: 1_000,
    })
    const attached = attach(http, { routes: [keep] })
    onTestFinished(async () => {
      await attached.close()
      http.close()
    })
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const client = await RawClient.open((http.address() as AddressInfo).port)
    client.pause()
    const connection = await connections.next()
    const { sent } = await flood(connection, () => connection.bufferedBytes > BUDGET)
    client.resume()
    const numbers = await numbersUntil(client, sent - 1)
    expect(numbers.length).toBe(sent)
  })

  it('by drop-oldest gets what was sent last, also where the link holds more than the bound', async () => {
    const { client, connection } = await pair('drop-oldest', { maxOutboundBytes: 4 * 1024 })
    const { sent } = await flood(connection, () => connection.bufferedBytes > 2 * MESSAGE)
    let last = sent
    for (; last < sent + 10; last++) void connection.send(numbered(last))
    client.resume()
    const numbers = await numbersUntil(client, last - 1)
    expect(isAscending(numbers)).toBe(true)
  })
})

describe('a peer that reads', () => {
  it('does not pay for a large message with those behind it', async () => {
    const { client, connection, records } = await pair('close')
    const large = Buffer.alloc(32 * BUDGET)
    void connection.send(large)
    await turn()
    // Nobody could have read that yet.
    expect(connection.bufferedBytes).toBeGreaterThan(2 * BUDGET)
    for (let number = 1; number <= 3; number++) void connection.send(numbered(number))
    expect(connection.state).toBe('open')
    client.resume()
    expect((await client.next())?.payload.byteLength).toBe(large.byteLength)
    expect(await numbersUntil(client, 3)).toEqual([1, 2, 3])
    client.reset()
    expect((await records.next()).totals.messagesDropped).toBe(0)
  })

  it('can be seen to, while a large message is on its way', async () => {
    const sockets = new Mailbox<Socket>()
    const server = createPlainServer((socket) => sockets.put(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const reader = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const writer = await sockets.next()
    onTestFinished(() => {
      reader.destroy()
      writer.destroy()
      server.close()
    })
    reader.pause()
    writer.write(Buffer.alloc(32 * BUDGET))
    await turn()
    const before = writeQueueSize(writer) as number
    expect(before).toBeGreaterThan(0)
    for await (const _ of reader) if (writeQueueSize(writer) !== before) break
    expect(writeQueueSize(writer)).toBeLessThan(before)
  })
})
