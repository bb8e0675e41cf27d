import { map } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { HandshakeError, route } from 'windsock'
import { harness, OPCODES } from 'windsock/testing'

const echo = route('/echo', ({ messages$ }) =>
  messages$.pipe(map((text) => `You said: ${String(text)}`)),
)

describe('a client over a simulated socket', () => {
  it('is answered after one way there and one back, what it said before the 101 included', async () => {
    await using server = harness([echo], { latencyMs: 10 })
    const client = server.client('/echo')
    client.send('hello')
    await server.advance(29)
    expect(client.messages).toEqual([])
    await server.advance(1)
    expect(client.messages).toEqual(['You said: hello'])
    expect(client.status).toBe(101)
  })

  it('goes through the framing and the limits of ws: UTF-8, fragments, sizes', async () => {
    await using server = harness([echo], { maxMessageBytes: 10 })
    const [good, broken, large] = [1, 2, 3].map(() => server.client('/echo'))
    good?.sendInPieces('abcd', 2)
    broken?.frame({ opcode: OPCODES.text, payload: Uint8Array.of(0xff) })
    large?.send('x'.repeat(11))
    await server.advance(10)
    expect(good?.messages).toEqual(['You said: abcd'])
    expect(good?.wire.filter(({ item }) => item.kind === 'pong')).toHaveLength(1)
    expect(broken?.closeFrames.map(({ code }) => code)).toEqual([1007])
    expect(large?.closeFrames.map(({ code }) => code)).toEqual([1009])
  })

  it('learns that it was refused, and why', async () => {
    const prepare = () => {
      throw new HandshakeError(403, 'not today')
    }
    await using server = harness([route('/', () => {}, { prepare })])
    const client = server.client('/')
    client.send('hello?')
    await server.advance(10)
    expect([client.status, client.isEnded, client.wire.length]).toEqual([403, true, 1])
  })

  it('asks with a header in place of the usual one, in whatever case its name is written', async () => {
    await using server = harness([echo])
    const headers = { 'Sec-WebSocket-Version': '12' }
    expect((await server.connect('/echo', { headers })).status).toBe(426)
    const host = { Host: 'a.test', Origin: 'http://a.test' }
    expect((await server.connect('/echo', { headers: host })).status).toBe(101)
  })

  it('may be cut off in the middle of a frame, by a FIN and by a reset', async () => {
    await using server = harness([echo])
    const [cut, reset] = [server.client('/echo'), server.client('/echo')]
    await server.advance(5)
    cut.cutInFrame()
    reset.resetInFrame()
    await server.advance(10)
    expect(server.records.map(({ cause }) => cause)).toEqual(['transportLost', 'transportLost'])
    expect(server.lives.map(({ heard }) => heard)).toEqual([[], []])
  })

  it('that reads nothing makes the server keep what it sends, up to the bound and no further', async () => {
    const flood = route('/', ({ messages$ }) => messages$.pipe(map(() => 'x'.repeat(1_000))))
    const bounds = { bufferBytes: 2_000, maxOutboundBytes: 5_000 }
    await using server = harness([flood], bounds)
    const client = server.client('/')
    await server.advance(5)
    client.stall()
    for (let count = 0; count < 20; count++) client.send('more')
    await server.advance(10)
    expect(server.records).toEqual([])
    client.resume()
    await server.advance(10)
    const [life] = server.lives
    expect(life?.records[0]?.cause).toBe('slowConsumer')
    expect(life?.mostHeldBytes).toBeGreaterThan(2_000)
  })

  it('has a mask of its own for each frame, the same ones for the same seed', async () => {
    const bytesOf = async (seed: number) => {
      const server = harness([echo], { seed })
      const client = server.client('/echo')
      client.send('a')
      await server.advance(10)
      await server.close()
      return [server.lives[0]?.connection?.id, client.wire]
    }
    expect(await bytesOf(1)).toEqual(await bytesOf(1))
    expect(await bytesOf(1)).not.toEqual(await bytesOf(2))
  })
})
