// The command: how it starts, how it ends, and what it says when it cannot start.

import { describe, expect, it } from 'vitest'
import { startDemo, windsock } from './support/command.ts'
import { close, PLAIN, RawClient, text } from './support/raw-client.ts'

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('closes everyone with 1001, ends with 0, and leaves the port free', async () => {
    const { demo, port } = await startDemo()
    const clients = [
      await RawClient.open(port, '/socket/'),
      await RawClient.open(port, '/websocket?Id=x'),
      await RawClient.open(port, '/chat'),
    ]
    const silent = await RawClient.connect(port)
    demo.kill(signal)
    for (const client of clients) {
      expect(await client.nextClose()).toEqual({ code: 1001, reason: 'going away' })
      client.write(close(1001))
    }
    expect(await demo.exited).toEqual({ code: 0, signal: null })
    await silent.ended
    expect(demo.lines.all).toContain(`${signal}: closing 3 connections`)
    expect(demo.errors.all).toEqual([])

    const again = await startDemo(port)
    expect(again.port).toBe(port)
    const client = await RawClient.open(port, '/socket/')
    client.write(text('again'))
    expect(await client.nextText()).toBe('You said: again')
  })

  it('twice ends at once, whoever does not answer', async () => {
    const { demo, port } = await startDemo()
    const client = await RawClient.connect(port, true)
    await client.upgrade({ path: '/chat' })
    demo.kill(signal)
    expect((await client.nextClose())?.code).toBe(1001)
    demo.kill(signal)
    expect(await demo.exited).toEqual({ code: 1, signal: null })
  })
})

describe('the demo', () => {
  it('has a page for each program', async () => {
    const { demo, port } = await startDemo()
    await demo.line(/Ctrl-C ends the demo\.$/)
    for (const path of ['/', '/echo', '/clock', '/chat-room', '/assets/windsock.css']) {
      const page = await (await RawClient.connect(port)).request({ path, headers: PLAIN })
      expect(page.status).toBe(200)
      expect(page.body.length).toBeGreaterThan(100)
    }
  })
})

describe('what cannot work is told in one line, and ends with 1', () => {
  it.each([
    [['--port', 'abc'], /'abc' is invalid\. A port is a whole number from 0 to 65535/],
    [['--port', '65536'], /A port is a whole number from 0 to 65535/],
    [['--port', '-1'], /A port is a whole number from 0 to 65535/],
    [['--port', '1e3'], /A port is a whole number from 0 to 65535/],
    [['--prot', '1'], /unknown option '--prot'/],
    [
      ['--host', '203.0.113.1', '--port', '0'],
      /cannot listen on 203\.0\.113\.1:0: this machine has no such address.*ERR_WINDSOCK_LISTEN/,
    ],
  ])('%j', async (args, says) => {
    const demo = windsock('demo', ...args)
    expect(await demo.exited).toEqual({ code: 1, signal: null })
    expect(demo.lines.all).toEqual([])
    expect(demo.errors.all.filter((line) => line !== '')[0]).toMatch(says)
    expect(demo.errors.all.join('\n')).not.toMatch(/\n\s+at /)
  })

  it('a port in use', async () => {
    const { port } = await startDemo()
    const second = windsock('demo', '--port', String(port))
    expect(await second.exited).toEqual({ code: 1, signal: null })
    expect(second.errors.all).toHaveLength(1)
    expect(second.errors.all[0]).toMatch(/the port is in use.*ERR_WINDSOCK_LISTEN/)
  })
})
