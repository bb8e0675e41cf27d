// Processes of a harness: one dies and another begins, with what it kept and nothing else.

import { describe, expect, it } from 'vitest'
import { route, topic, topics } from 'windsock'
import { type Follower, harness, laws, Script, SimulatedDisk } from 'windsock/testing'

const follows = ['news']
const publish = (atMs: number, data: string) =>
  ({ atMs, client: 1, does: 'publish', topic: 'news', data }) as const

function server(disk?: SimulatedDisk) {
  return harness(
    ({ clock, random, journal }) => {
      const ports = { clock, random }
      const news =
        disk === undefined
          ? topic('news', { ...ports, history: { count: 10 } })
          : topic('news', { ...ports, durable: journal })
      return topics('/topics', [news], { accept: String })
    },
    disk === undefined ? {} : { disk },
  )
}

const CRASH = new Script([
  { atMs: 0, client: 1, does: 'connect', path: '/topics', follows },
  publish(100, 'one'),
  { atMs: 200, does: 'crash', awayMs: 300, keepsInterrupted: false },
  publish(600, 'two'),
])

const seen = (follower: Pick<Follower, 'topics'> | undefined) =>
  follower?.topics
    .get('news')
    ?.sightings.map((sighting) => (sighting.saw === 'item' ? sighting.data : 'gap'))

describe('a process that dies', () => {
  it('leaves what was acknowledged to the next one, on a disk', async () => {
    const harness = server(new SimulatedDisk())
    await harness.run(CRASH)
    laws.all(harness)
    expect(seen(harness.followers.get(1))).toEqual(['gap', '"one"', '"two"'])
  })

  it('takes what was in memory with it, and whoever comes back is told so', async () => {
    const harness = server()
    await harness.run(CRASH)
    laws.all(harness)
    expect(seen(harness.followers.get(1))).toEqual(['gap', '"one"', 'gap', '"two"'])
  })

  it('resets its clients, runs none of its timers, and calls no hook any more', async () => {
    const called: string[] = []
    const own = harness(({ clock }) => [
      route('/', (connection) => {
        clock.setTimeout(() => called.push('timer'), 1_000)
        connection.closed.then(
          () => called.push('closed'),
          () => {},
        )
      }),
    ])
    const client = own.client('/')
    await own.advance(10)
    own.crash()
    await own.advance(5_000)
    expect(client.isEnded).toBe(true)
    expect(client.closeFrames).toEqual([])
    expect(called).toEqual([])
    expect(own.clock.timerCount).toBe(0)
    await own.restart()
    const next = own.client('/')
    await own.advance(10)
    expect(next.status).toBe(101)
    await own.close()
  })
})
