// Presence: a reader whose event stream the server ends comes back unseen, one that stays away has left.

import { describe, expect, it } from 'vitest'
import { type Asked, type AskOptions, oneTopic } from '../../property/support/asking.ts'

const STREAM = '?offset=now&live=sse'
const LIMITS = { eventStreamMs: 60_000, eventStreamGraceMs: 5_000 }

/** Readers of one topic over event streams, and what the rules were told of them. */
function readers(limits: Readonly<Partial<Record<string, number>>> = {}) {
  const told: string[] = []
  const joined = new Map<unknown, string>()
  const { asking } = oneTopic({
    limits: { ...LIMITS, ...limits },
    rules: {
      joined: (caller) => {
        const name = caller.request.headers['cookie'] ?? 'someone'
        joined.set(caller, name)
        told.push(`+${name}`)
      },
      // By the very same caller: that is what a program may have kept.
      left: (caller) => void told.push(`-${joined.get(caller)}`),
    },
  })
  /** Opens a stream and takes what it gives, until either side ends it. */
  const read = async (options?: AskOptions): Promise<Asked> => {
    const asked = asking.ask('t', STREAM, options)
    await asking.clock.settle()
    void (async () => {
      const { events } = asked.answer ?? {}
      while ((await events?.next()) !== undefined);
      asked.lifeline.end('gone')
    })()
    await asking.clock.settle()
    return asked
  }
  return { clock: asking.clock, service: asking.service, told, read }
}

const as = (name: string): AskOptions => ({ headers: [['Cookie', name]] })

describe('a reader whose event stream the server has ended', () => {
  it('comes back within the grace period, hour after hour, and nobody is told', async () => {
    const { clock, told, read } = readers()
    let reading = await read()
    for (let minute = 0; minute < 60; minute++) {
      await clock.advance(60_000)
      expect(reading.lifeline.ended).toBe('gone')
      await clock.advance(4_999)
      reading = await read()
    }
    expect(told).toEqual(['+someone'])
    reading.lifeline.end('gone')
    expect(told).toEqual(['+someone', '-someone'])
    expect(clock.timerCount).toBe(0)
  })

  it('has left when the grace period is over, and joins when it comes later', async () => {
    const { clock, told, read } = readers()
    await read()
    await clock.advance(64_999)
    expect(told).toEqual(['+someone'])
    await clock.advance(1)
    expect(told).toEqual(['+someone', '-someone'])
    await read()
    expect(told).toEqual(['+someone', '-someone', '+someone'])
  })

  it('is not taken for another', async () => {
    const { clock, told, read } = readers()
    await read(as('ann'))
    await clock.advance(60_000)
    await read(as('bob'))
    expect(told).toEqual(['+ann', '+bob'])
    await clock.advance(5_000)
    expect(told).toEqual(['+ann', '+bob', '-ann'])
  })

  it('is one of two who are alike, and both are counted', async () => {
    const { clock, told, read } = readers()
    await read()
    await read()
    await clock.advance(60_000)
    await read()
    await clock.advance(5_000)
    expect(told).toEqual(['+someone', '+someone', '-someone'])
  })

  it('is not waited for when so many are away already, or when the server goes', async () => {
    const { clock, service, told, read } = readers({ maxRequests: 1 })
    await read(as('ann'))
    await clock.advance(10)
    await read(as('bob'))
    await clock.advance(60_000)
    expect(told).toEqual(['+ann', '+bob', '-bob'])
    service.presence.end()
    expect(told).toEqual(['+ann', '+bob', '-bob', '-ann'])
    expect(clock.timerCount).toBe(0)
  })
})

it('a reader that leaves by itself, or is sent away by a drain, has left at once', async () => {
  const { clock, told, read } = readers()
  const leaving = await read(as('ann'))
  const drained = await read(as('bob'))
  leaving.lifeline.end('gone')
  expect(told).toEqual(['+ann', '+bob', '-ann'])
  drained.lifeline.end('draining')
  await clock.settle()
  expect(drained.lifeline.ended).toBe('gone')
  expect(told).toEqual(['+ann', '+bob', '-ann', '-bob'])
  expect(clock.timerCount).toBe(0)
})
