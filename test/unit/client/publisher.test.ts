import { describe, expect, it } from 'vitest'
import { seededRandom, VirtualClock } from 'windsock/testing'
import type { TopicLink } from '../../../src/client/links/link.ts'
import { Publisher } from '../../../src/client/publisher.ts'

/** A publisher, and what it has sent. */
function publisher() {
  const clock = new VirtualClock()
  const sent: { data: unknown; key: string }[] = []
  let id = 0
  const ours = new Publisher({
    clock,
    random: seededRandom(1),
    maxQueued: 10,
    maxQueuedChars: 10_000,
    nextId: () => ++id,
  })
  const link = {
    publishesAtOnce: 8,
    publishPerSecond: 50,
    send: (frame: { data: unknown; key: string }) => void sent.push(frame),
  } as unknown as TopicLink
  return { clock, sent, link, ours }
}

describe('what a client publishes', () => {
  it('is what it was then, whatever its owner does to it before it is sent, and sent again', () => {
    const { sent, link, ours } = publisher()
    const [message, bytes] = [{ n: 1, self: undefined as unknown }, Buffer.of(1)]
    for (const value of [message, bytes]) void ours.publish('t', value)
    message.n = 2
    message.self = message
    bytes[0] = 2
    ours.resume(link)
    ours.pause()
    ours.resume(link)
    expect(sent.map(({ data }) => data)).toEqual([
      { n: 1 },
      Uint8Array.of(1),
      { n: 1 },
      Uint8Array.of(1),
    ])
  })

  it('is not sent again after the machine has slept for longer than its key is good', async () => {
    const { clock, sent, link, ours } = publisher()
    ours.resume(link)
    const first = ours.publish('t', 'a')
    ours.pause()
    clock.stepWall(80_000)
    ours.resume(link)
    expect(sent).toHaveLength(2)
    ours.pause()
    clock.stepWall(20_000)
    ours.resume(link)
    expect(sent).toHaveLength(2)
    await expect(first).rejects.toMatchObject({ code: 'ERR_WINDSOCK_UNCERTAIN' })
  })
})
