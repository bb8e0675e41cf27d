// What event streams bring; the laws about all of them stand in test/property/.

import { describe, expect, it } from 'vitest'
import { JournalError } from '../../../src/protocol/errors.ts'
import { Asking, CountedTopic, oneTopic } from '../../property/support/asking.ts'

describe('an event stream', () => {
  /** The pieces that there are at once. */
  async function pieces(asking: Asking, asked: ReturnType<Asking['ask']>) {
    await asking.clock.settle()
    const all: (string | undefined)[] = []
    const pull = () => {
      void asked.answer?.events?.next().then((piece) => {
        all.push(piece)
        if (piece !== undefined) pull()
      })
    }
    pull()
    await asking.clock.settle()
    return all
  }

  it('begins with how to come back and where it stands, and says what it is', async () => {
    const { asking, at } = oneTopic()
    const asked = asking.ask('t', '?offset=now&live=sse')
    const [first] = await pieces(asking, asked)
    expect(first).toMatch(/^retry:1000\n\nid:[^\n]+\nevent: control\ndata:\{[^\n]+\}\n\n$/)
    expect(first).toContain(`"streamNextOffset":"${at(0)}"`)
    expect(asked.answer?.headers).toMatchObject({
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-cache, no-transform',
    })
  })

  it('sends a comment when it is silent, and ends after a minute', async () => {
    const { asking } = oneTopic()
    const asked = asking.ask('t', '?offset=now&live=sse')
    const all = await pieces(asking, asked)
    await asking.clock.advance(59_999)
    expect(all.slice(1)).toEqual([':\n\n', ':\n\n', ':\n\n'])
    await asking.clock.advance(1)
    expect(all.at(-1)).toBeUndefined()
    expect(await asked.answer?.events?.next()).toBeUndefined()
    expect(asking.clock.timerCount).toBe(0)
  })

  it('goes on from Last-Event-ID, whatever its address says; one that is no place is 400', async () => {
    const { asking, topic, at } = oneTopic()
    for (const text of ['a', 'b']) topic.publish(text)
    const headers = [['Last-Event-ID', at(1)]] as const
    const asked = asking.ask('t', '?offset=-1&live=sse', { headers })
    expect((await pieces(asking, asked)).join('')).toContain('data:["b"]\n\n')
    const bad = [['Last-Event-ID', 'x']] as const
    expect((await asking.answered('t', '?offset=-1&live=sse', { headers: bad })).status).toBe(400)
    expect((await asking.answered('t', '?offset=-1', { headers: bad })).status).toBe(200)
  })

  it('says that what comes next is gone, and ends; whoever comes back is told 410', async () => {
    const { asking, topic, at } = oneTopic({}, 2)
    const asked = asking.ask('t', '?offset=now&live=sse')
    await asking.clock.settle()
    const { events } = asked.answer as { events: { next(): Promise<string | undefined> } }
    await events.next()
    // It takes nothing while four are published.
    for (const text of ['a', 'b', 'c', 'd']) topic.publish(text)
    const gap = (await events.next()) as string
    expect(gap).not.toContain('id:')
    expect(JSON.parse(/data:(.*)/.exec(gap)?.[1] ?? '')).toEqual({
      streamNextOffset: at(0),
      gap: { reason: 'trimmed', to: at(2) },
    })
    expect(await events.next()).toBeUndefined()
    const headers = [['Last-Event-ID', at(0)]] as const
    expect((await asking.answered('t', '?offset=now&live=sse', { headers })).status).toBe(410)
  })

  it('tells the rules who has joined, and who is gone', async () => {
    const told: string[] = []
    const { asking } = oneTopic({
      rules: {
        joined: ({ topic }) => void told.push(`+${topic}`),
        left: ({ topic }) => {
          told.push(`-${topic}`)
          throw new Error('a bug')
        },
      },
    })
    const asked = asking.ask('t', '?offset=now&live=sse')
    await asking.clock.settle()
    asked.lifeline.end('draining')
    expect(told).toEqual(['+t'])
    asked.lifeline.end('gone')
    expect(told).toEqual(['+t', '-t'])
    expect(asking.errors).toHaveLength(1)
    await asking.answered('t')
    expect(told).toHaveLength(2)
  })

  it('ends when its store fails on the way, and the program is told', async () => {
    const { asking } = oneTopic()
    const asked = asking.ask('t', '?offset=-1&live=sse')
    await asking.clock.settle()
    const topic = asking.topics.get('t') as CountedTopic
    topic.read = () => Promise.reject(new JournalError('ERR_WINDSOCK_JOURNAL', 'no'))
    await topic.append('a')
    expect(await asked.answer?.events?.next()).toBeUndefined()
    expect(await asked.answer?.events?.next()).toBeUndefined()
    expect(asking.errors).toHaveLength(1)
  })
})
