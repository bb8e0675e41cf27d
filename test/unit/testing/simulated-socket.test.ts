import { describe, expect, it } from 'vitest'
import { SimulatedSocket } from '../../../src/testing/simulated-socket.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

/** A connection, and what has come to the client, with its times. */
function connection(options: { latencyMs?: number; bufferBytes?: number } = {}) {
  const clock = new VirtualClock()
  const { server, client } = SimulatedSocket.pair({ clock, ...options })
  const log: string[] = []
  const note = (what: string) => log.push(`${clock.nowMs()} ${what}`)
  client.on('data', (bytes: Buffer) => note(bytes.toString()))
  client.on('end', () => note('end'))
  client.on('error', (error: NodeJS.ErrnoException) => note(String(error.code)))
  server.on('error', () => {})
  server.resume()
  return { clock, server, client, log }
}

describe('a simulated socket', () => {
  it('brings what is written after the latency, in order, and the FIN behind it', async () => {
    const { clock, server, log } = connection({ latencyMs: 20 })
    server.write('a')
    await clock.advance(5)
    server.write('b')
    server.end()
    await clock.advance(100)
    expect(log).toEqual(['20 a', '25 b', '25 end'])
  })

  it('lets nothing overtake when the latency falls', async () => {
    const { clock, server, log } = connection({ latencyMs: 50 })
    server.write('a')
    server.latencyMs = 1
    server.write('b')
    await clock.advance(100)
    expect(log).toEqual(['50 a', '50 b'])
  })

  it('takes what fits into the buffer, and the rest when there is room', async () => {
    const { clock, server, client, log } = connection({ bufferBytes: 3 })
    client.stall()
    let taken = false
    server.write('abcde', () => {
      taken = true
    })
    await clock.advance(100)
    expect([server.takenBytes, taken, log]).toEqual([3, false, []])
    client.unstall()
    await clock.advance(10)
    expect([server.takenBytes, taken]).toEqual([5, true])
    expect(log.map((line) => line.replace(/.* /, '')).join('')).toBe('abcde')
  })

  it('reads in pieces where it is told to', async () => {
    const { clock, server, client, log } = connection()
    client.readBytes = 2
    server.write('abcde')
    await clock.advance(10)
    expect(log).toEqual(['1 ab', '1 cd', '1 e'])
  })

  it('is a slow writer where it is told to be', async () => {
    const { clock, server, client, log } = connection()
    client.readBytes = 2
    client.paceMs = 30
    server.write('abcde')
    await clock.advance(100)
    expect(log).toEqual(['1 ab', '31 cd', '61 e'])
  })

  it('gathers what it writes, and brings it as one read', async () => {
    const { clock, server, log } = connection()
    server.gatherMs = 50
    for (const text of ['a', 'b', 'c']) {
      server.write(text)
      await clock.advance(20)
    }
    await clock.advance(100)
    expect(log).toEqual(['50 abc'])
  })

  it('brings nothing while it is dark, and everything afterwards', async () => {
    const { clock, server, log } = connection()
    server.write('a')
    server.blackOut(200)
    await clock.advance(10)
    server.write('b')
    await clock.advance(300)
    expect(log).toEqual(['200 a', '200 b'])
  })

  it('fails the next write with EPIPE where its pipe is broken', async () => {
    const { clock, server } = connection()
    const errors: unknown[] = []
    server.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code))
    server.breakPipe()
    server.write('a')
    await clock.advance(10)
    expect(errors).toEqual(['EPIPE'])
  })

  it('tells nothing at the end whose process has died, and resets the other', async () => {
    const { clock, server, log } = connection()
    const told: string[] = []
    for (const event of ['error', 'end', 'close']) server.on(event, () => told.push(event))
    server.write('lost')
    server.die()
    await clock.advance(10)
    expect(log).toEqual(['1 ECONNRESET'])
    expect(told).toEqual([])
  })

  it('loses what is under way when it is reset, and fails the other end', async () => {
    const { clock, server, client, log } = connection({ latencyMs: 10 })
    server.write('lost')
    await clock.advance(5)
    server.reset()
    await clock.advance(100)
    expect(log).toEqual(['15 ECONNRESET'])
    expect([server.destroyed, client.destroyed]).toEqual([true, true])
  })

  it('that is destroyed ends after what it had written, and answers with a reset', async () => {
    const { clock, server, client, log } = connection({ latencyMs: 10 })
    server.write('last words')
    server.destroy()
    await clock.advance(10)
    expect(log).toEqual(['10 last words', '10 end'])
    client.write('anyone?')
    await clock.advance(10)
    expect(log.at(-1)).toBe('20 ECONNRESET')
  })

  it('leaves no timer when both ends are gone', async () => {
    const { clock, server, client } = connection()
    server.end('bye')
    client.end('bye')
    await clock.advance(10)
    expect([server.destroyed, client.destroyed, clock.timerCount]).toEqual([true, true, 0])
  })
})
