import { describe, expect, it } from 'vitest'
import { route } from 'windsock'
import { harness, laws, Script, type Step } from 'windsock/testing'

const bytes = Uint8Array.of(1, 2, 255)

describe('a script', () => {
  it('prints itself, a line a step', () => {
    const script = new Script([
      { atMs: 0, client: 1, does: 'connect', path: '/chat' },
      { atMs: 0, client: 2, does: 'connect', path: '/topics', follows: ['news'] },
      { atMs: 0, client: 3, does: 'connect', path: '/topics', follows: ['news'], by: 'client' },
      { atMs: 3, client: 1, does: 'send', message: 'one\ntwo' },
      { atMs: 3, client: 1, does: 'send', message: bytes },
      { atMs: 4, client: 1, does: 'delay', latencyMs: 300 },
      { atMs: 120, client: 2, does: 'close', code: 4001, reason: 'bye' },
      { atMs: 1_500, client: 1, does: 'resetInFrame' },
      { atMs: 61_000, does: 'freeze', ms: 20 },
    ])
    expect(script.toString()).toBe(
      [
        '00:00.000 client 1 connects to /chat',
        '00:00.000 client 2 connects to /topics and follows news',
        '00:00.000 client 3 connects to /topics with windsock/client and follows news',
        '00:00.003 client 1 sends "one\\ntwo"',
        '00:00.003 client 1 sends 3 bytes 01 02 ff',
        '00:00.004 client 1 is 300 ms away from now on',
        '00:00.120 client 2 sends close 4001 "bye"',
        '00:01.500 client 1 resets its connection in the middle of a frame',
        '01:01.000 the process stands still for 20 ms',
      ].join('\n'),
    )
  })

  it('is played at its times, and what is left over has come to its end', async () => {
    const heard: string[] = []
    const server = harness([
      route('/', ({ messages$ }) => {
        messages$.subscribe((text) => heard.push(`${server.clock.nowMs()} ${String(text)}`))
      }),
    ])
    await server.run(
      new Script([
        { atMs: 0, client: 1, does: 'connect', path: '/' },
        { atMs: 50, client: 1, does: 'send', message: 'a' },
        { atMs: 90, client: 1, does: 'send', message: 'b' },
      ]),
    )
    expect(heard).toEqual(['51 a', '91 b'])
    expect(server.records.map(({ cause }) => cause)).toEqual(['draining'])
    laws.all(server)
  })

  it('has a handler throw where it says so, and nobody else notices', async () => {
    const server = harness([route('/', ({ messages$ }) => messages$)])
    await server.run(
      new Script([
        { atMs: 0, client: 1, does: 'connect', path: '/' },
        { atMs: 0, client: 2, does: 'connect', path: '/' },
        { atMs: 5, client: 1, does: 'throw' },
        { atMs: 9, client: 1, does: 'send', message: 'a' },
        { atMs: 9, client: 2, does: 'send', message: 'b' },
      ]),
    )
    const causes = server.lives.map(({ records }) => records[0]?.cause)
    expect(causes).toEqual(['handlerFailed', 'draining'])
    expect(server.lives[1]?.client.messages).toEqual(['b'])
    laws.all(server)
  })

  it.each([
    [{ does: 'connect' }, 'does not say atMs, client, path'],
    [{ atMs: 0, client: 1, does: 'connect' }, 'does not say path'],
    [{ atMs: 0, does: 'resume' }, 'does not say client'],
    [{ atMs: 0, does: 'freeze' }, 'does not say ms'],
    [{ atMs: 0, client: 1, does: 'toString' }, 'does "toString"; known are connect,'],
    [undefined, 'does undefined; known are connect,'],
  ])('is refused for a step %j', (step, why) => {
    expect(() => new Script([step as Step])).toThrow(
      expect.objectContaining({
        code: 'ERR_WINDSOCK_SETTING',
        message: expect.stringContaining(why),
      }),
    )
  })
})
