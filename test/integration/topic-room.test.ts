import { expect, it } from 'vitest'
import { topic, topics } from 'windsock'
import { harness } from 'windsock/testing'

const SESSION = { 'sec-websocket-protocol': 'windsock.v1.json' }
const TOPICS = 40
const MESSAGES = 60

it.each(['close', 'drop-oldest', 'latest', 'pause'] as const)(
  'a session of many topics sends no more than there is room for, and all of it, with slow: %s',
  async (slow) => {
    const list = Array.from({ length: TOPICS }, (_, index) =>
      topic<string>(`t${index}`, { history: { count: MESSAGES } }),
    )
    for (const one of list) {
      for (let said = 0; said < MESSAGES; said++) one.publish('x'.repeat(1_000))
    }
    await using server = harness(topics('/topics', list), { slow })
    const peer = await server.connect('/topics', { headers: SESSION })
    peer.stall()
    for (const [index, { name }] of list.entries()) {
      peer.send(`{"type":"subscribe","id":${index + 1},"topic":"${name}","from":"start"}`)
    }
    await server.advance(1_000)
    expect(server.records).toEqual([])
    peer.resume()
    await server.advance(1_000)
    const frames = peer.messages.map((text) => JSON.parse(String(text)))
    expect(frames.filter(({ type }) => type === 'subscribed')).toHaveLength(TOPICS)
    const items = frames.flatMap((frame) => (frame.type === 'messages' ? frame.items : []))
    expect(items).toHaveLength(TOPICS * MESSAGES)
  },
)
