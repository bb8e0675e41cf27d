// The examples, run as they stand: on the harness, in virtual time.

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { harness } from 'windsock/testing'
import { routes as chat } from '../../examples/chat.ts'
import { routes as clock } from '../../examples/clock.ts'
import { routes as echo } from '../../examples/echo.ts'

const EXAMPLES = new URL('../../examples/', import.meta.url)

describe('examples/echo.ts', () => {
  it.each(['/stream', '/class', '/actor'])('%s answers each message, in order', async (path) => {
    await using server = harness(echo)
    const peer = await server.connect(path)
    peer.send('one')
    peer.send('')
    await server.advance(10)
    peer.send('three 🎏')
    await server.advance(10)
    expect(peer.messages).toEqual(['You said: one', 'You said: ', 'You said: three 🎏'])
    expect(server.errors).toEqual([])
  })
})

describe('examples/clock.ts', () => {
  const second = (count: number) => `2026-01-01 00:00:${String(count).padStart(2, '0')}.000000`

  it('refuses who does not say an Id with 400, and ticks each second for who does', async () => {
    await using server = harness(clock)
    expect((await server.connect('/websocket')).status).toBe(400)
    expect((await server.connect('/websocket?Id=')).status).toBe(400)
    const peer = await server.connect('/websocket?Id=7')
    await server.advance(3_500)
    expect(peer.messages).toEqual([1, 2, 3].map(second))
  })

  it('gives a client that fell behind the latest time, not all it missed', async () => {
    await using server = harness(clock, { bufferBytes: 1 })
    const slow = await server.connect('/websocket?Id=slow')
    const quick = await server.connect('/websocket?Id=quick')
    slow.stall()
    await server.advance(9_500)
    slow.resume()
    await server.advance(2_000)
    expect(slow.messages).toEqual([1, 9, 10, 11].map(second))
    expect(quick.messages).toHaveLength(11)
  })
})

describe('examples/chat.ts', () => {
  it('/chat tells everyone who joined, spoke and left, in one order', async () => {
    await using server = harness(chat)
    const ann = await server.connect('/chat', { remoteAddress: '192.0.2.1' })
    const bob = await server.connect('/chat', { remoteAddress: '192.0.2.2' })
    ann.send('hello')
    bob.send('hi')
    await server.advance(10)
    ann.close()
    await server.advance(10)
    const heard = ['2] joined the chat', '1] says: hello', '2] says: hi', '1] left the chat']
    const lines = heard.map((line) => `[192.0.2.${line}`)
    expect(bob.messages).toEqual(lines)
    expect(ann.messages).toEqual(['[192.0.2.1] joined the chat', ...lines.slice(0, -1)])
  })

  it('/rooms/:room tells a room only what is said in it', async () => {
    await using server = harness(chat)
    const ann = await server.connect('/rooms/red')
    const bob = await server.connect('/rooms/red')
    const eve = await server.connect('/rooms/blue')
    ann.send('red')
    eve.send('blue')
    await server.advance(10)
    expect(ann.messages).toEqual([expect.stringMatching(/: red$/)])
    expect(bob.messages).toEqual(ann.messages)
    expect(eve.messages).toEqual([expect.stringMatching(/: blue$/)])
  })
})

it('each example is tested here and can be read at once: it has less than 80 lines', () => {
  const names = readdirSync(EXAMPLES)
  expect(names.toSorted()).toEqual(['chat.ts', 'clock.ts', 'echo.ts'])
  for (const name of names) {
    const lines = readFileSync(new URL(name, EXAMPLES), 'utf8').split('\n')
    expect(lines.length, name).toBeLessThan(80)
  }
})
