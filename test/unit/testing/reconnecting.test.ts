// The client of windsock/client in a script: it comes back by itself, and what it gave is written down for the laws.

import { describe, expect, it } from 'vitest'
import { HandshakeError, route, topic, topics } from 'windsock'
import {
  type Harness,
  harness,
  LawBroken,
  laws,
  ReconnectingClient,
  Script,
  SimulatedDisk,
  trace,
} from 'windsock/testing'

const connect = (atMs: number) =>
  ({
    atMs,
    client: 1,
    does: 'connect',
    path: '/topics',
    follows: ['news'],
    by: 'client',
  }) as const
const publish = (atMs: number, data: string, client = 1) =>
  ({ atMs, client, does: 'publish', topic: 'news', data }) as const

function server(): Harness {
  return harness(
    ({ clock, random, journal }) =>
      topics('/topics', [topic('news', { clock, random, durable: journal })], {
        accept: String,
        heartbeatMs: 500,
      }),
    { disk: new SimulatedDisk() },
  )
}

function clientOf(harness: Harness): ReconnectingClient {
  const client = harness.followers.get(1)
  if (client instanceof ReconnectingClient) return client
  throw new Error('client 1 is none of windsock/client')
}

const seen = (harness: Harness) =>
  clientOf(harness)
    .topics.get('news')
    ?.sightings.map((sighting) => (sighting.saw === 'item' ? sighting.data : 'gap'))

function broken(harness: Harness, law: 'noGap' | 'cleanClient'): string {
  try {
    laws[law](harness)
  } catch (thrown) {
    if (thrown instanceof LawBroken) return thrown.message
  }
  throw new Error(`${law} holds`)
}

describe('a client of windsock/client', () => {
  it('comes back by itself after a reset, a crash and a server that it no longer hears', async () => {
    const harness = server()
    await harness.run(
      new Script([
        connect(0),
        publish(100, 'one'),
        { atMs: 200, client: 1, does: 'reset' },
        publish(201, 'two'),
        { atMs: 800, does: 'crash', awayMs: 300, keepsInterrupted: false },
        publish(1_500, 'three'),
        { atMs: 1_600, client: 1, does: 'vanish' },
        publish(1_601, 'four'),
      ]),
    )
    laws.all(harness)
    expect(seen(harness)).toEqual(['gap', '"one"', '"two"', '"three"', '"four"'])
    expect(clientOf(harness).calm?.state).toBe('open')
    expect(clientOf(harness).topics.get('news')?.acknowledged).toHaveLength(4)
    expect(trace(harness)).toContain('client 1 is told that "four" is stored in news as 4')
  })

  it('is replaced, when it was closed, by one that goes on where it was', async () => {
    const harness = server()
    await harness.run(
      new Script([
        connect(0),
        publish(100, 'one'),
        { atMs: 200, client: 1, does: 'close', code: 1000, reason: '' },
        // It is closed, and publishes nothing.
        publish(300, 'lost'),
        connect(400),
        publish(500, 'two'),
      ]),
    )
    laws.all(harness)
    expect(seen(harness)).toEqual(['gap', '"one"', '"two"'])
    expect(harness.played).toHaveLength(5)
  })

  it('waits while there is no process, and for as long as a refusal asks for', async () => {
    const prepare = () => {
      throw new HandshakeError(503, 'later', { headers: { 'retry-after': '2' } })
    }
    const refusing = harness([route('/topics', () => {}, { prepare })])
    const refused = new ReconnectingClient(refusing, 1, { path: '/topics', follows: ['news'] })
    refused.connect()
    // Of its own it would come back within 100 ms.
    await refusing.advance(2_000)
    expect(refusing.lives).toHaveLength(1)
    await refusing.advance(2_100)
    expect(refusing.lives).toHaveLength(2)
    const gone = server()
    const client = new ReconnectingClient(gone, 1, { path: '/topics', follows: ['news'] })
    gone.crash()
    client.connect()
    await gone.advance(10)
    expect(client.entries.map(({ text }) => text)).toEqual(['is connecting', 'is waiting'])
    await gone.restart()
    await gone.advance(2_000)
    expect(client.entries.at(-1)?.text).toBe('is open')
    expect(gone.lives).toHaveLength(1)
  })

  it('is held to what it alone promises: the laws are seen to fail', async () => {
    const run = async () => {
      const harness = server()
      await harness.run(new Script([connect(0), publish(50, 'one'), publish(60, 'two')]))
      laws.all(harness)
      const client = clientOf(harness)
      return { harness, client, sightings: client.topics.get('news')?.sightings ?? [] }
    }
    const first = await run()
    Object.assign(first.sightings[2] as object, { epoch: 'another' })
    expect(broken(first.harness, 'noGap')).toMatch(/offset 2 of news after 1 of another log/)
    const second = await run()
    const gap = { saw: 'gap', offset: 5, epoch: 'x', from: { offset: 1, epoch: 'x' } } as const
    second.sightings.push(gap)
    expect(broken(second.harness, 'noGap')).toMatch(/told of a gap in news after 1 of x/)
    const third = await run()
    third.client.mostSockets = 2
    expect(broken(third.harness, 'cleanClient')).toMatch(/2 WebSockets at a time/)
    const fourth = await run()
    fourth.client.left.push('1 timers')
    expect(broken(fourth.harness, 'cleanClient')).toMatch(/has left 1 timers/)
  })
})
