// windsock connect: plain messages and topics from a terminal and from a pipe, as the built command prints them.

import { describe, expect, it } from 'vitest'
import { HandshakeError, route } from 'windsock'
import { Command } from '../support/command.ts'
import { start } from '../support/test-server.ts'
import { startTopicServer } from '../support/topic-server.ts'

const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u
const MAIN = ['dist/cli/main.js', 'connect']

/** With an input that is a pipe. */
const piped = (...args: string[]) => new Command(process.execPath, [...MAIN, ...args], 'piped')

/** With a terminal; what it prints is what the screen gets. */
function onTerminal(...args: string[]): Command {
  const line = [process.execPath, ...MAIN, ...args].map((word) => `'${word}'`).join(' ')
  return new Command('script', ['-qefc', line, '/dev/null'], 'piped')
}

/** The lines without their times. */
const told = (command: Command) => command.lines.all.map((line) => line.slice(14))

const echo = route('/echo', ({ messages$ }) => messages$)
const webSocketUrl = (url: string) => url.replace('http', 'ws')

describe('plain messages', () => {
  it('sends each line of the input, shows each answer, and closes when it is quiet after the end', async () => {
    const { server } = await start({ routes: [echo] })
    const command = piped(`${webSocketUrl(server.url)}/echo`, '--wait', '300ms')
    command.type('hello\nwörld\n')
    command.endInput()
    expect(await command.exited).toEqual({ code: 0, signal: null })
    const lines = told(command)
    expect(lines).toEqual(
      expect.arrayContaining([
        'open',
        '> 5 B  hello',
        '> 6 B  wörld',
        '< 5 B  hello',
        '< 6 B  wörld',
      ]),
    )
    expect(lines.at(-1)).toMatch(/closed after .* by us: appClosed, received 1000, sent 1000/)
    for (const line of command.lines.all) expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}/)
  })

  it('waits for the server to close where it is to wait for ever, and ends well when that closes well', async () => {
    const { server } = await start({
      routes: [
        route('/bye', (connection) => {
          connection.messages$.subscribe(() => connection.close(1000, 'that was all'))
        }),
      ],
    })
    const command = piped(`${webSocketUrl(server.url)}/bye`, '--wait', '0')
    command.type('go\n')
    command.endInput()
    expect((await command.exited).code).toBe(0)
    expect(told(command).at(-1)).toContain('by the peer: peerClosed, received 1000 "that was all"')
  })

  it('ends with 1 when the server closes with an error, and shows its code and reason', async () => {
    const { server } = await start({
      routes: [route('/no', (connection) => connection.close(4001, 'not you'))],
    })
    const command = piped(`${webSocketUrl(server.url)}/no`)
    expect((await command.exited).code).toBe(1)
    expect(told(command).at(-1)).toContain('received 4001 "not you"')
  })

  it('ends with 1 and the status when the server refuses', async () => {
    const { server } = await start({ routes: [echo] })
    const command = piped(`${webSocketUrl(server.url)}/nowhere`)
    expect((await command.exited).code).toBe(1)
    expect(command.errors.all.join('\n')).toMatch(/404.*ERR_WINDSOCK_HANDSHAKE/)
  })

  it('sends the headers, the origin and the subprotocols it is told to', async () => {
    const { server } = await start({
      routes: [
        route(
          '/who',
          (connection) => {
            const { headers } = connection.request
            void connection.send(`${headers['x-name']} ${headers.origin} ${connection.subprotocol}`)
            connection.close()
          },
          { subprotocols: ['b'], checkOrigin: () => true },
        ),
      ],
    })
    const url = `${webSocketUrl(server.url)}/who`
    const asked = ['--header', 'X-Name: Ann', '--origin', 'https://a.example']
    const command = piped(url, ...asked, '--subprotocol', 'a', '--subprotocol', 'b')
    expect((await command.exited).code).toBe(0)
    expect(told(command)).toEqual(
      expect.arrayContaining(['open, b', '< 23 B  Ann https://a.example b']),
    )
  })

  it('shows pings and the round trips of its own', async () => {
    const { server } = await start({ routes: [echo], pingIntervalMs: 50 })
    const command = piped(`${webSocketUrl(server.url)}/echo`, '--ping', '50ms')
    await command.line(/ping received, \d+ B$/)
    await command.line(/pong after \d+\.\d ms$/)
    command.kill('SIGINT')
    expect((await command.exited).code).toBe(0)
    expect(told(command).at(-1)).toContain('by us: appClosed')
  })

  it('lets nothing that the server says drive the terminal', async () => {
    const evil = '\u001b[2J\u202e\u0007\r\n'
    const { server } = await start({
      routes: [
        route('/evil', (connection) => {
          void connection.send(evil)
          connection.close(4000, '\u001b[31mred')
        }),
      ],
    })
    const command = piped(`${webSocketUrl(server.url)}/evil`)
    await command.exited
    expect(command.lines.all.length).toBeGreaterThan(3)
    for (const line of command.lines.all) expect(line).not.toMatch(CONTROL)
  })

  it('shows JSON as it came, so that it can be copied', async () => {
    const json = '{"html":"<div class=\\"message\\">\\n<\\/div>"}'
    const { server } = await start({
      routes: [
        route('/json', (connection) => {
          void connection.send(json)
          connection.close()
        }),
      ],
    })
    const command = piped(`${webSocketUrl(server.url)}/json`)
    await command.exited
    expect(told(command)).toContain(`< ${json.length} B  ${json}`)
  })

  it('is JSON for programs, bytes as base64', async () => {
    const { server } = await start({
      routes: [
        route('/bytes', (connection) => {
          void connection.send(Uint8Array.of(0, 255))
          connection.close()
        }),
      ],
    })
    const command = piped(`${webSocketUrl(server.url)}/bytes`, '--json')
    await command.exited
    const rows = command.lines.all.map((line) => JSON.parse(line))
    expect(rows.map(({ type }) => type)).toEqual(['connecting', 'open', 'received', 'closed'])
    expect(rows[2]).toMatchObject({ bytes: 2, data64: 'AP8=' })
    expect(rows[3].record).toMatchObject({ received: { code: 1000 } })
  })
})

describe('on a terminal', () => {
  it('sends what is typed, and closes at Ctrl-D', async () => {
    const { server, records } = await start({ routes: [echo] })
    const command = onTerminal(`${webSocketUrl(server.url)}/echo`)
    await command.line(/ {2}open/)
    command.type('typed\r')
    await command.line(/< 5 B {2}typed/)
    command.type('\u0004')
    expect((await command.exited).code).toBe(0)
    expect(records.all[0]).toMatchObject({ cause: 'peerClosed', received: { code: 1000 } })
  })

  it('closes at Ctrl-C', async () => {
    const { server } = await start({ routes: [echo] })
    const command = onTerminal(`${webSocketUrl(server.url)}/echo`)
    // Once a line is taken, the keys are read one by one.
    command.type('typed\r')
    await command.line(/< 5 B {2}typed/)
    command.type('\u0003')
    await command.line(/by us: appClosed/)
    expect((await command.exited).code).toBe(0)
  })
})

describe('a topic', () => {
  it('is read from the place that was asked for, and written line by line', async () => {
    const server = await startTopicServer()
    for (const text of ['one', 'two', 'three']) await server.publish(text)
    const command = piped(`${server.url}/topics`, '--topic', 'chat', '--from', 'last:2')
    command.type('four\nfive\n')
    command.endInput()
    expect((await command.exited).code).toBe(0)
    const lines = told(command)
    expect(lines.filter((line) => /^\d/.test(line))).toEqual([
      '2  two',
      '3  three',
      '4  four',
      '5  five',
    ])
    expect(lines.filter((line) => line.startsWith('> '))).toEqual([
      '> stored as 4',
      '> stored as 5',
    ])
    expect(await server.log()).toEqual(['one', 'two', 'three', 'four', 'five'])
  })

  it('goes on over a restart of the server, with nothing lost and nothing twice', async () => {
    const server = await startTopicServer()
    await server.publish('before')
    const command = piped(`${server.url}/topics`, '--topic', 'chat', '--from', 'start', '--json')
    await command.line(/"before"/)
    await server.stop()
    await server.start()
    await server.publish('after')
    await command.line(/"after"/)
    command.type('mine\n')
    command.endInput()
    expect((await command.exited).code).toBe(0)
    const rows = command.lines.all.map((line) => JSON.parse(line))
    const messages = rows.filter(({ type }) => type === 'message')
    expect(messages.map(({ offset, data }) => [offset, data])).toEqual([
      [1, 'before'],
      [2, 'after'],
      [3, 'mine'],
    ])
    const states = rows.filter(({ type }) => type === 'state').map(({ state }) => state)
    expect(states).toContain('waiting')
    expect(states.at(-1)).toBe('closed')
  })

  it.each(['sse', 'long-poll', 'poll'])('is read over %s', async (transport) => {
    const server = await startTopicServer()
    await server.publish('one')
    const asked = ['--topic', 'chat', '--from', 'start', '--transports', transport]
    const command = piped(`${server.url}/topics`, ...asked)
    await command.line(/ {2}1 {2}one$/)
    command.endInput()
    expect((await command.exited).code).toBe(0)
    expect(told(command)[0]).toBe(`connecting over ${transport}`)
  })

  it.each([
    ['topic', '/topics', 'nonsense', 'websocket'],
    ['topic', '/topics', 'nonsense', 'poll'],
    ['path', '/nowhere', 'chat', 'sse'],
  ])(
    'ends with 1 when there is no such %s: %s, asked for %s over %s',
    async (_what, path, name, transport) => {
      const server = await startTopicServer()
      const asked = ['--topic', name, '--transports', transport]
      const command = piped(`${server.url}${path}`, ...asked)
      command.type('one\ntwo\n')
      command.endInput()
      expect((await command.exited).code).toBe(1)
      const lines = told(command)
      expect(lines.filter((line) => /^< refused: .*topic_not_found/.test(line))).toHaveLength(1)
      expect(lines.filter((line) => line.startsWith('open'))).toEqual([])
      expect(lines.at(-1)).toMatch(/^closed/)
    },
  )

  it('says of what is not stored that it was not taken, and reads on', async () => {
    const server = await startTopicServer({
      accept: () => {
        throw new HandshakeError(403, 'not you')
      },
    })
    const command = piped(`${server.url}/topics`, '--topic', 'chat')
    await command.line(/open over/)
    command.type('one\n')
    await command.line(/> not taken: /)
    await server.publish('two')
    await command.line(/ {2}two$/)
    command.endInput()
    expect((await command.exited).code).toBe(1)
  })

  it('ends with 1 when it was never reached', async () => {
    const command = piped('ws://127.0.0.1:9/topics', '--topic', 'chat', '--wait', '1ms')
    await command.line(/waiting/)
    command.kill('SIGINT')
    expect((await command.exited).code).toBe(1)
  })
})

describe('what is asked for wrongly', () => {
  it.each([
    [['ws://127.0.0.1:9/', '--from', 'start'], /--from needs --topic/],
    [['ws://127.0.0.1:9/', '--topic', 'a', '--ping', '1s'], /--ping is not for topics/],
    [['ws://127.0.0.1:9/', '--topic', 'a', '--from', 'soon'], /start, now, last:50/],
    [['ws://127.0.0.1:9/', '--header', 'no colon'], /"Name: value"/],
    [['ws://127.0.0.1:9/', '--topic', 'a', '--transports', 'pigeon'], /pigeon.*long-poll/],
    [['ws://127.0.0.1:9/', '--topic', 'a', '--transports', 'sse,sse'], /each once/],
    [['ws://127.0.0.1:9/', '--topic', ''], /name of a topic/],
    [['gopher://127.0.0.1/'], /gopher/],
    [['gopher://127.0.0.1/', '--topic', 'a'], /gopher/],
  ])('%j is refused with what it must be', async (args, why) => {
    const command = piped(...args)
    expect((await command.exited).code).toBe(1)
    expect(command.errors.all.join('\n')).toMatch(why)
  })

  it.each(['foo', 'ftp://127.0.0.1/', 'ws://127.0.0.1:99999'])(
    '%s is refused before anything is said of connecting',
    async (url) => {
      const command = piped(url)
      expect((await command.exited).code).toBe(1)
      expect(command.lines.all).toEqual([])
      expect(command.errors.all.join('\n')).toContain('ERR_WINDSOCK_SETTING')
    },
  )
})
