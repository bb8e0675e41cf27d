import { describe, expect, it } from 'vitest'
import { type Topic, topic, topics } from 'windsock'
import { connect } from 'windsock/client'
import { harness } from 'windsock/testing'
import { Mailbox } from './support/mailbox.ts'
import { start } from './support/test-server.ts'

const SESSION = { 'sec-websocket-protocol': 'windsock.v1.json' }

/** Rooms that are made when somebody names them; only those of one letter may be. */
function rooms() {
  const made = new Map<string, Topic<string>>()
  const asked: string[] = []
  const find = (name: string) => {
    asked.push(name)
    if (!made.has(name) && /^[a-z]$/.test(name)) {
      made.set(name, topic<string>(name, { history: { count: 10 } }))
    }
    return made.get(name)
  }
  return { made, asked, routes: topics('/rooms', find, { accept: String }) }
}

describe('topics that a function finds', () => {
  it.each(['websocket', 'sse', 'long-poll', 'poll'] as const)(
    'are made when a client names one, over %s',
    async (transport) => {
      const { made, routes } = rooms()
      const { server } = await start({ routes })
      await using client = connect(`${server.url}/rooms`, { transports: [transport], pollMs: 50 })
      const room = client.topic<string>('a', { from: 'start' })
      const heard = new Mailbox<string>()
      room.messages$.subscribe(({ data }) => heard.put(data))
      await room.publish('hello')
      expect(await heard.next()).toBe('hello')
      expect([...made.keys()]).toEqual(['a'])
    },
  )

  it('are none where it finds none', async () => {
    const { made, routes } = rooms()
    const { server } = await start({ routes })
    expect((await fetch(`${server.url}/rooms/nobody`)).status).toBe(404)
    await using inMemory = harness(routes)
    expect((await inMemory.connect('/rooms/nobody')).status).toBe(404)
    expect((await inMemory.connect('/rooms')).status).toBe(400)
    expect(made.size).toBe(0)
  })

  it('are not asked for by a name that no topic may have', async () => {
    const { asked, routes } = rooms()
    await using server = harness(routes)
    expect((await server.connect(`/rooms/${'x'.repeat(256)}`)).status).toBe(404)
    expect(asked).toEqual([])
  })

  it('may be left after they are gone', async () => {
    const { made, routes } = rooms()
    await using server = harness(routes)
    const peer = await server.connect('/rooms', { headers: SESSION })
    peer.send('{"type":"subscribe","id":1,"topic":"a","from":"start"}')
    await server.advance(10)
    made.clear()
    made.set('a', undefined as never)
    peer.send('{"type":"unsubscribe","id":2,"topic":"a"}')
    await server.advance(10)
    expect(JSON.parse(String(peer.messages.at(-1)))).toMatchObject({ type: 'unsubscribed', id: 2 })
  })

  it.each<[string, () => unknown, RegExp]>([
    ['of another name', () => topic('b', { history: { count: 1 } }), /found for "a" is called "b"/],
    ['without a history', () => topic('a'), /history/],
    ['no topic', () => 'a', /"a" as a topic/],
    ['a promise', async () => topic('a', { history: { count: 1 } }), /as a topic/],
  ])('are a mistake of the server where it finds one that is %s', async (_, find, told) => {
    await using server = harness(topics('/rooms', find as never))
    expect((await server.connect('/rooms/a')).status).toBe(500)
    expect(String(server.errors[0])).toMatch(told)
  })
})
