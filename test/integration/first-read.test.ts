// The first read of a server's sockets: whose a socket is that has said nothing yet, or not all, or nothing any more.
//
// Sockets and Node's HTTP are real; where a second has to pass, time is not.

import { once } from 'node:events'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { HandshakeError, route } from 'windsock'
import { VirtualClock } from 'windsock/testing'
import { FirstReads } from '../../src/transport/first-read.ts'
import { expectEcho, house } from './support/house.ts'
import { RawClient, requestBytes, text } from './support/raw-client.ts'
import { start } from './support/test-server.ts'

/** An HTTP server whose first reads are ours, by a clock of their own. */
async function firstReads() {
  const http = createServer()
  const clock = new VirtualClock()
  const told: string[] = []
  let left = 0
  const [toNode] = http.listeners('connection') as [(socket: Socket) => void]
  http.off('connection', toNode).on('connection', (socket: Socket) => {
    left++
    toNode.call(http, socket)
  })
  http.on('upgrade', (_, socket) => {
    told.push('by Node')
    socket.destroy()
  })
  const reads = new FirstReads(http, 16_384, clock, (_, socket) => {
    told.push('here')
    socket.destroy()
  })
  onTestFinished(() => {
    http.close()
    http.closeAllConnections()
  })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  return { http, clock, told, reads, left: () => left }
}

/** A client that the server knows of. */
async function connected(http: HttpServer): Promise<RawClient> {
  const accepted = once(http, 'connection')
  const client = await RawClient.connect((http.address() as AddressInfo).port)
  await accepted
  return client
}

describe('a socket that has said nothing', () => {
  it('is read here for a second, and from then on by Node', async () => {
    const { http, clock, told } = await firstReads()
    const [early, late] = [await connected(http), await connected(http)]
    await clock.advance(999)
    early.write(requestBytes())
    await early.ended
    expect(told).toEqual(['here'])
    await clock.advance(1)
    late.write(requestBytes())
    await late.ended
    expect(told).toEqual(['here', 'by Node'])
  })

  it('has its own second, whenever others came', async () => {
    const { http, clock, told } = await firstReads()
    const first = await connected(http)
    await clock.advance(600)
    const [second, third] = [await connected(http), await connected(http)]
    await clock.advance(400)
    first.write(requestBytes())
    await first.ended
    second.write(requestBytes())
    await second.ended
    expect(told).toEqual(['by Node', 'here'])
    await clock.advance(600)
    third.write(requestBytes())
    await third.ended
    expect(told).toEqual(['by Node', 'here', 'by Node'])
    expect(clock.timerCount).toBe(0)
  })

  it('is Node’s when the server closes', async () => {
    const { http, clock, reads } = await firstReads()
    const silent = [await connected(http), await connected(http)]
    reads.leaveAll()
    expect(clock.timerCount).toBe(0)
    http.closeAllConnections()
    await Promise.all(silent.map(({ ended }) => ended))
  })

  it.each(['end', 'reset'] as const)('may go without a word, by its %s', async (goes) => {
    const { http, clock, told, left } = await firstReads()
    const gone = new Promise((resolve) =>
      http.once('connection', (socket: Socket) => socket.once('close', resolve)),
    )
    const [silent, ...others] = [
      await connected(http),
      await connected(http),
      await connected(http),
    ]
    silent[goes]()
    await gone
    await clock.advance(500)
    for (const other of others) {
      other.write(requestBytes())
      await other.ended
    }
    await clock.advance(500)
    expect(told).toEqual(['here', 'here'])
    expect(left()).toBe(0)
    expect(clock.timerCount).toBe(0)
  })
})

describe('an upgrade request whose answer takes its time', () => {
  function gate() {
    let open = () => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    return { open: () => open(), opened }
  }

  /** A server whose policy waits for `open()`; `asked` settles once it is asked. */
  async function slowHouse(refuses = false) {
    const [asked, answered] = [gate(), gate()]
    const waits = route('/', ({ messages$ }) => messages$, {
      prepare: async () => {
        asked.open()
        await answered.opened
        if (refuses) throw new HandshakeError(401, 'who are you?')
      },
    })
    const other = route('/other', ({ messages$ }) => messages$)
    const server = await start({ routes: [waits, other] })
    const client = await RawClient.connect(server.port, true)
    client.write(requestBytes())
    await asked.opened
    return { ...server, client, open: answered.open }
  }

  it('may have frames behind it, which are heard after it', async () => {
    const { port, client, open } = await slowHouse()
    const long = 'x'.repeat(300_000)
    client.write(text('one'), text(long), text('two'))
    await expectEcho(port, { path: '/other' }) // by now the server has read what there is
    open()
    expect((await client.response()).status).toBe(101)
    for (const said of ['one', long, 'two']) expect(await client.nextText()).toBe(said)
  })

  it('is over at once when its peer is gone', async () => {
    const { client, records } = await slowHouse()
    client.reset()
    expect(await records.next()).toMatchObject({ initiator: 'network', status: null })
  })

  it('is refused to a peer that has ended its side', async () => {
    const { port, client, open } = await slowHouse(true)
    client.end()
    await expectEcho(port, { path: '/other' })
    open()
    expect((await client.response()).status).toBe(401)
  })
})

describe('a server', () => {
  it('answers a request that came whole and one that came byte by byte', async () => {
    const { port, opened } = await house()
    await expectEcho(port)
    const slow = await RawClient.connect(port)
    for (const byte of requestBytes()) {
      slow.write(Buffer.of(byte))
      await turn()
    }
    expect((await slow.response()).status).toBe(101)
    expect(opened()).toBe(2)
  })

  it('closes over sockets that have said nothing', async () => {
    const { server, port } = await house()
    const silent = await RawClient.connect(port)
    await expectEcho(port)
    await server.close()
    await silent.ended
  })
})
