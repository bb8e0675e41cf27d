// What polls and long polls are answered; the laws about all requests stand in test/property/.

import { describe, expect, it } from 'vitest'
import { JournalError } from '../../../src/protocol/errors.ts'
import { formatOffset } from '../../../src/protocol/http-offset.ts'
import { CountedTopic, headerOf, oneTopic, placeIn, textOf } from '../../property/support/asking.ts'

describe('a poll', () => {
  it('gives what is kept, where it ends, and that this is the end', async () => {
    const { asking, topic, at } = oneTopic()
    topic.publish('a')
    topic.publish({ b: 1 })
    const answer = await asking.answered('t')
    expect([answer.status, textOf(answer)]).toEqual([200, '["a",{"b":1}]'])
    expect(answer.headers).toMatchObject({
      'Content-Type': 'application/json',
      'Stream-Next-Offset': at(2),
      'Stream-Up-To-Date': 'true',
      'Cache-Control': 'private, no-cache',
      'X-Content-Type-Options': 'nosniff',
      'Cross-Origin-Resource-Policy': 'same-origin',
    })
    expect(textOf(await asking.answered('t', `?offset=${at(1)}`))).toBe('[{"b":1}]')
    expect(textOf(await asking.answered('t', `?offset=${at(2)}`))).toBe('[]')
  })

  it('ends a page at its bound, and does not say that this is the end', async () => {
    const { asking, topic, at } = oneTopic({ limits: { pageMessages: 2 } })
    for (const text of ['a', 'b', 'c']) topic.publish(text)
    const answer = await asking.answered('t', '?offset=-1')
    expect([textOf(answer), placeIn(answer)]).toEqual(['["a","b"]', at(2)])
    expect(headerOf(answer, 'stream-up-to-date')).toBeUndefined()
  })

  it('from now on gives nothing, and is not kept by caches', async () => {
    const { asking, topic, at } = oneTopic()
    topic.publish('a')
    const answer = await asking.answered('t', '?offset=now')
    expect([textOf(answer), placeIn(answer)]).toEqual(['[]', at(1)])
    expect(answer.headers).toMatchObject({ 'Cache-Control': 'no-store' })
    expect(headerOf(answer, 'etag')).toBeUndefined()
  })

  it('is 304 for whoever has it, until there is more', async () => {
    const { asking, topic } = oneTopic()
    topic.publish('a')
    const tag = headerOf(await asking.answered('t'), 'etag') as string
    for (const known of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
      const answer = await asking.answered('t', '', { headers: [['If-None-Match', known]] })
      expect([answer.status, textOf(answer), headerOf(answer, 'etag')]).toEqual([304, '', tag])
      expect(placeIn(answer)).toBeDefined()
    }
    topic.publish('b')
    const answer = await asking.answered('t', '', { headers: [['If-None-Match', tag]] })
    expect([answer.status, textOf(answer)]).toEqual([200, '["a","b"]'])
  })

  it('is 410 where it cannot go on, and says why and what is there', async () => {
    const { asking, topic, at } = oneTopic({}, 2)
    for (const text of ['a', 'b', 'c', 'd']) topic.publish(text)
    for (const [place, reason] of [
      [at(1), 'trimmed'],
      [at(5), 'ahead'],
      [formatOffset({ epoch: 'other', offset: 3 }), 'epoch'],
    ] as const) {
      for (const live of ['', '&live=long-poll', '&live=sse']) {
        const answer = await asking.answered('t', `?offset=${place}${live}`)
        expect(answer.status).toBe(410)
        const body = JSON.parse(textOf(answer))
        expect(body).toMatchObject({ reason, oldest: at(2), newest: at(4) })
      }
    }
    expect(textOf(await asking.answered('t', `?offset=${at(2)}`))).toBe('["c","d"]')
  })

  it('of what is kept begins later when some of it goes while it is read', async () => {
    const { asking, topic } = oneTopic({}, 2)
    for (const text of ['a', 'b']) topic.publish(text)
    const counted = asking.topics.get('t') as CountedTopic
    const slow = new CountedTopic(counted)
    slow.read = async (offset, bounds) => {
      await Promise.resolve()
      topic.publish('c')
      return counted.read(offset, bounds)
    }
    asking.topics.set('t', slow)
    expect(textOf(await asking.answered('t', '?offset=-1'))).toBe('["b","c"]')
  })

  for (const search of [
    '?offset=',
    '?offset=x',
    '?offset=-1&offset=-1',
    '?offset=-1&live=sometimes',
    '?live=sse',
    '?live=long-poll',
    '?envelope=yes',
    '?cursor=1&cursor=2',
  ]) {
    it(`is 400 for ${search}`, async () => {
      expect((await oneTopic().asking.answered('t', search)).status).toBe(400)
    })
  }

  it('does not mind other parameters', async () => {
    expect((await oneTopic().asking.answered('t', '?offset=-1&x=1&x=2')).status).toBe(200)
  })

  it('is 503 when the store does not answer, or does not give what it keeps', async () => {
    const { asking, topic } = oneTopic({ limits: { answerTimeoutMs: 100 } })
    topic.publish('a')
    const broken = new CountedTopic(asking.topics.get('t') as CountedTopic)
    asking.topics.set('t', broken)
    broken.read = () => new Promise(() => {})
    const asked = asking.ask('t')
    await asking.clock.advance(100)
    expect(asked.answer?.status).toBe(503)
    broken.read = () => ({ epoch: topic.epoch, head: 1, floor: 0, items: [] })
    const answer = await asking.answered('t', '?offset=-1&live=long-poll')
    expect([answer.status, headerOf(answer, 'retry-after')]).toEqual([503, '1'])
    broken.read = () => Promise.reject(new JournalError('ERR_WINDSOCK_JOURNAL', 'a secret path'))
    expect(textOf(await asking.answered('t'))).not.toContain('secret')
    expect(asking.errors.map(({ code }) => code)).toEqual([
      'ERR_WINDSOCK_LIMIT',
      'ERR_WINDSOCK_JOURNAL_CORRUPT',
      'ERR_WINDSOCK_JOURNAL',
    ])
  })
})

describe('a HEAD', () => {
  it('says where the topic ends', async () => {
    const { asking, topic, at } = oneTopic()
    topic.publish('a')
    const answer = await asking.answered('t', '', { method: 'HEAD' })
    expect([answer.status, answer.body, placeIn(answer)]).toEqual([200, undefined, at(1)])
    expect(answer.headers).toMatchObject({ 'Cache-Control': 'no-store' })
  })
})

describe('a long poll', () => {
  it('is 204 at its deadline, with the place to go on from', async () => {
    const { asking, topic, at } = oneTopic()
    topic.publish('a')
    const asked = asking.ask('t', '?offset=now&live=long-poll')
    await asking.clock.advance(24_999)
    expect(asked.answer).toBeUndefined()
    await asking.clock.advance(1)
    const { answer } = asked
    expect(answer?.status).toBe(204)
    expect(answer?.headers).toMatchObject({
      'Stream-Next-Offset': at(1),
      'Stream-Up-To-Date': 'true',
    })
    expect(headerOf(answer as never, 'stream-cursor')).toMatch(/^\d+$/)
  })

  it('brings what is published in one turn as one answer', async () => {
    const { asking, topic } = oneTopic()
    const asked = asking.ask('t', '?offset=now&live=long-poll')
    await asking.clock.settle()
    for (const text of ['a', 'b']) topic.publish(text)
    await asking.clock.settle()
    expect(textOf(asked.answer as never)).toBe('["a","b"]')
  })

  it('is 410 when more came while it waited than is kept', async () => {
    const { asking, topic, at } = oneTopic({}, 1)
    const asked = asking.ask('t', '?offset=now&live=long-poll')
    await asking.clock.settle()
    for (const text of ['a', 'b']) topic.publish(text)
    await asking.clock.settle()
    expect(asked.answer?.status).toBe(410)
    expect(JSON.parse(textOf(asked.answer as never)).oldest).toBe(at(1))
  })
})
