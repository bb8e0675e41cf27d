// What a POST publishes, and what it is answered.

import { describe, expect, it } from 'vitest'
import { HandshakeError, type Sendable } from 'windsock'
import { JournalError } from '../../../src/protocol/errors.ts'
import { CountedTopic, oneTopic, placeIn, textOf } from '../../property/support/asking.ts'

const accept = (input: unknown) => input as Sendable
const JSON_TYPE = ['Content-Type', 'application/json'] as const
const post = (body: string, ...headers: (readonly [string, string])[]) =>
  ({ method: 'POST', headers: [JSON_TYPE, ...headers], body }) as const

describe('a POST', () => {
  it('publishes, in order, and says where the last one stands', async () => {
    const { asking, topic, at } = oneTopic({ rules: { accept } })
    const answer = await asking.answered('t', '', post('["a",{"b":1}]'))
    expect([answer.status, placeIn(answer), topic.offset]).toEqual([204, at(2), 2])
    expect(textOf(await asking.answered('t'))).toBe('["a",{"b":1}]')
  })

  it('is 403 unless the program takes messages from outside, or when it does not take this one', async () => {
    expect((await oneTopic().asking.answered('t', '', post('"a"'))).status).toBe(403)
    const picky = {
      accept: (input: unknown) => {
        if (input !== 'fine') throw new HandshakeError(422, 'not fine')
        return input
      },
    }
    const { asking, topic } = oneTopic({ rules: picky })
    const answer = await asking.answered('t', '', post('["fine","not"]'))
    expect([answer.status, textOf(answer), topic.offset]).toEqual([422, 'not fine\n', 0])
  })

  it('publishes nothing of an array of which one cannot be sent', async () => {
    const { asking, topic } = oneTopic({ rules: { accept } })
    expect((await asking.answered('t', '', post('["fine",7]'))).status).toBe(400)
    expect(topic.offset).toBe(0)
  })

  it('with an Idempotency-Key publishes once', async () => {
    const { asking, topic } = oneTopic({ rules: { accept } })
    for (let attempt = 0; attempt < 3; attempt++) {
      const keyed = post('["a","b"]', ['Idempotency-Key', 'k'])
      expect((await asking.answered('t', '', keyed)).status).toBe(204)
    }
    expect(topic.offset).toBe(2)
  })

  it('that is compressed is refused: what it would publish is not what was meant', async () => {
    const { asking, topic } = oneTopic({ rules: { accept }, contentType: 'application/x-any' })
    const coded = (coding: string) =>
      asking.answered('t', '', {
        method: 'POST',
        headers: [
          ['Content-Type', 'application/x-any'],
          ['Content-Encoding', coding],
        ],
        body: 'zipped',
      })
    expect((await coded('gzip')).status).toBe(415)
    expect((await coded('identity, br')).status).toBe(415)
    expect(topic.offset).toBe(0)
    expect((await coded('Identity')).status).toBe(204)
    expect(topic.offset).toBe(1)
  })

  it('refuses keys that are none, and headers that promise more than is kept', async () => {
    const { asking, topic } = oneTopic({ rules: { accept } })
    for (const key of ['', 'a b', 'é', 'k'.repeat(129)]) {
      const answer = await asking.answered('t', '', post('"a"', ['Idempotency-Key', key]))
      expect(answer.status).toBe(400)
    }
    const two = post('"a"', ['Idempotency-Key', 'a'], ['idempotency-key', 'b'])
    expect((await asking.answered('t', '', two)).status).toBe(400)
    const long = post('["a","b"]', ['Idempotency-Key', 'k'.repeat(128)])
    expect((await asking.answered('t', '', long)).status).toBe(400)
    for (const name of ['Stream-Seq', 'Producer-Id', 'Stream-Closed']) {
      expect((await asking.answered('t', '', post('"a"', [name, '1']))).status).toBe(501)
    }
    expect(topic.offset).toBe(0)
  })

  it('is 413 with too many messages', async () => {
    const { asking, topic } = oneTopic({ rules: { accept }, limits: { maxPostMessages: 2 } })
    expect((await asking.answered('t', '', post('["a","b","c"]'))).status).toBe(413)
    expect(topic.offset).toBe(0)
  })

  it('whose rule comes to an end too late publishes nothing', async () => {
    let decide: (value: string) => void = () => {}
    const slow = () =>
      new Promise<string>((resolve) => {
        decide = resolve
      })
    const { asking, topic } = oneTopic({ rules: { accept: slow } })
    const asked = asking.ask('t', '', post('"a"'))
    await asking.clock.advance(10_000)
    expect(asked.answer?.status).toBe(503)
    decide('a')
    await asking.clock.settle()
    expect(topic.offset).toBe(0)
  })

  it('is 503 when it cannot be stored, and says no more', async () => {
    const { asking } = oneTopic({ rules: { accept } })
    const topic = asking.topics.get('t') as CountedTopic
    topic.append = () => Promise.reject(new JournalError('ERR_WINDSOCK_JOURNAL', 'a secret path'))
    const answer = await asking.answered('t', '', post('"a"'))
    expect(answer.status).toBe(503)
    expect(textOf(answer)).not.toContain('secret')
  })
})
