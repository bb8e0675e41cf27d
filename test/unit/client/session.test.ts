import { describe, expect, it } from 'vitest'
import { seededRandom, VirtualClock } from 'windsock/testing'
import type { Environment } from '../../../src/client/environment.ts'
import type { TopicLink, TopicRequest } from '../../../src/client/links/link.ts'
import { Session } from '../../../src/client/session.ts'
import { resolveNumbers } from '../../../src/client/settings.ts'
import { WebSocketClosedError } from '../../../src/protocol/errors.ts'
import type { ResumeErrorCode } from '../../../src/protocol/resume.ts'

const STEADY_MS = 5_000

/** A session, and whether it wants another link. */
function session() {
  const clock = new VirtualClock()
  const environment = { clock, random: seededRandom(1) } as unknown as Environment
  const sent: TopicRequest[] = []
  const link = {
    publishesAtOnce: 8,
    publishPerSecond: 50,
    send: (request: TopicRequest) => void sent.push(request),
  } as unknown as TopicLink
  let stuck = 0
  const ours = new Session({
    environment,
    numbers: resolveNumbers({ steadyMs: STEADY_MS }, []),
    ready: () => {},
    stuck() {
      stuck++
      // As a lost link does.
      ours.pause()
    },
  })
  const resume = () => {
    sent.length = 0
    ours.resume(link)
  }
  resume()
  return {
    ...{ clock, ours, resume },
    stuck: () => stuck,
    /** Answers the last request that asked for this. */
    refuse(type: 'subscribe' | 'publish', code: ResumeErrorCode = 'unauthorized') {
      const { id } = sent.findLast((request) => request.type === type) as TopicRequest
      ours.received({ type: 'error', id, code, message: 'your token has run out' })
    },
    begin() {
      const asked = sent.findLast((request) => request.type === 'subscribe')
      const { id, topic } = asked as Extract<TopicRequest, { type: 'subscribe' }>
      ours.received({ type: 'subscribed', id, topic, epoch: 'e', start: 0, recovered: true })
    },
    /** What was asked for over this link. */
    asked: () => sent.map(({ type }) => type),
    /** Listens; tells how that ended. */
    listen() {
      const ends: unknown[] = []
      ours.feed('t', { from: 'now' }).events$.subscribe({
        error: ({ code }) => ends.push(code),
        complete: () => ends.push('completed'),
      })
      return ends
    },
    publish() {
      const ends: unknown[] = []
      ours.publisher.publish('t', 1).then(
        () => ends.push('stored'),
        ({ code }) => ends.push(code),
      )
      return ends
    },
  }
}

/** What is asked for, and how its refusal is told. */
const KINDS = [
  ['topic', 'subscribe', 'listen'],
  ['publish', 'publish', 'publish'],
] as const

describe.each(KINDS)('a %s that is refused to who is not known', (_what, type, ask) => {
  it('over a link that is old is asked for again over another', async () => {
    const it = session()
    const ends = it[ask]()
    await it.clock.advance(STEADY_MS + 1)
    it.refuse(type)
    await it.clock.advance(0)
    expect([it.stuck(), ends]).toEqual([1, []])
    it.resume()
    expect(it.asked()).toEqual([type])
  })

  it('over a link that is young is refused', async () => {
    const it = session()
    const ends = it[ask]()
    await it.clock.advance(STEADY_MS)
    it.refuse(type)
    await it.clock.advance(0)
    expect([it.stuck(), ends]).toEqual([0, ['ERR_WINDSOCK_REFUSED']])
  })

  it.each([0, STEADY_MS + 1])(
    'once more over the next link is refused, also where the answer takes %i ms each time',
    async (answerMs) => {
      const it = session()
      const ends = it[ask]()
      await it.clock.advance(STEADY_MS + 1)
      it.refuse(type)
      it.resume()
      await it.clock.advance(answerMs)
      it.refuse(type)
      await it.clock.advance(0)
      expect([it.stuck(), ends]).toEqual([1, ['ERR_WINDSOCK_REFUSED']])
    },
  )

  it('is refused over a link that is old where it is known and may not', async () => {
    const it = session()
    const ends = it[ask]()
    await it.clock.advance(STEADY_MS + 1)
    it.refuse(type, 'forbidden')
    await it.clock.advance(0)
    expect([it.stuck(), ends]).toEqual([0, ['ERR_WINDSOCK_REFUSED']])
  })
})

describe('a session', () => {
  it('goes over to another link with each token that runs out, be it the same topic', async () => {
    const it = session()
    const ends = it.listen()
    for (let token = 1; token < 5; token++) {
      it.begin()
      await it.clock.advance(STEADY_MS + 1)
      it.refuse('subscribe')
      expect([it.stuck(), ends]).toEqual([token, []])
      it.resume()
    }
  })

  it('takes a refusal for what it is while it is closed, and cuts nothing off for it', async () => {
    const it = session()
    const ends = it.publish()
    await it.clock.advance(STEADY_MS + 1)
    it.ours.pause()
    it.refuse('publish')
    await it.clock.advance(0)
    expect([it.stuck(), ends]).toEqual([0, ['ERR_WINDSOCK_REFUSED']])
  })

  it('that is over completes its topics, also those that are first asked for then', () => {
    const it = session()
    const before = it.listen()
    it.ours.end(new WebSocketClosedError('over'))
    const after = it.listen()
    const other: string[] = []
    it.ours
      .feed('other', { from: 'now' })
      .events$.subscribe({ complete: () => other.push('completed') })
    expect([before, after, other]).toEqual([['completed'], ['completed'], ['completed']])
  })
})
