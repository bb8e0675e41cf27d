import { describe, expect, it } from 'vitest'
import { Topic } from 'windsock'
import { VirtualClock } from 'windsock/testing'
import { type EndOfWaiting, inTime, Lifeline, untilNews } from '../../../src/streams/lifeline.ts'

function heard(lifeline: Lifeline): EndOfWaiting[] {
  const all: EndOfWaiting[] = []
  lifeline.onEnd((why) => all.push(why))
  return all
}

describe('a lifeline', () => {
  it('tells each listener once, and those that come later', () => {
    const lifeline = new Lifeline()
    const early = heard(lifeline)
    lifeline.end('gone')
    lifeline.end('gone')
    lifeline.end('draining')
    expect([early, heard(lifeline), lifeline.ended]).toEqual([['gone'], ['gone'], 'gone'])
  })

  it('that drains may still be told that the client is gone', () => {
    const lifeline = new Lifeline()
    const early = heard(lifeline)
    lifeline.end('draining')
    lifeline.end('draining')
    const late = heard(lifeline)
    lifeline.end('gone')
    expect(early).toEqual(['draining', 'gone'])
    expect(late).toEqual(['draining', 'gone'])
  })

  it('does not tell who has let go', () => {
    const lifeline = new Lifeline()
    const all: EndOfWaiting[] = []
    lifeline.onEnd((why) => all.push(why))()
    lifeline.end('gone')
    expect(all).toEqual([])
  })
})

describe('waiting for news', () => {
  for (const [what, end] of [
    ['news', (_: Lifeline, topic: Topic<string>) => void topic.publish('x')],
    ['gone', (lifeline: Lifeline) => lifeline.end('gone')],
    ['draining', (lifeline: Lifeline) => lifeline.end('draining')],
  ] as const) {
    it(`ends with ${what}`, async () => {
      const [clock, lifeline, topic] = [new VirtualClock(), new Lifeline(), new Topic<string>('t')]
      const woken = untilNews(topic, lifeline, clock, 1_000)
      end(lifeline, topic)
      expect(clock.timerCount).toBe(0)
      expect(await woken).toBe(what)
    })
  }

  it('ends with its deadline', async () => {
    const [clock, lifeline] = [new VirtualClock(), new Lifeline()]
    const woken = untilNews(new Topic<string>('t'), lifeline, clock, 1_000)
    await clock.advance(1_000)
    expect(await woken).toBe('deadline')
  })

  it('does not begin when it is over', async () => {
    const [clock, lifeline] = [new VirtualClock(), new Lifeline()]
    lifeline.end('draining')
    expect(await untilNews(new Topic<string>('t'), lifeline, clock, 1_000)).toBe('draining')
    expect(clock.timerCount).toBe(0)
  })
})

describe('in time', () => {
  const setUp = () => ({ clock: new VirtualClock(), lifeline: new Lifeline() })

  it('a value that is there is given at once, without a timer', () => {
    const { clock, lifeline } = setUp()
    expect(inTime(7, 'it', 10, clock, lifeline)).toBe(7)
    expect(clock.timerCount).toBe(0)
  })

  it('a promise gives its value or its error', async () => {
    const { clock, lifeline } = setUp()
    expect(await inTime(Promise.resolve(7), 'it', 10, clock, lifeline)).toBe(7)
    const failing = inTime(Promise.reject(new RangeError('no')), 'it', 10, clock, lifeline)
    await expect(failing).rejects.toThrow(RangeError)
    expect(clock.timerCount).toBe(0)
  })

  it('one that does not settle is given up at the deadline', async () => {
    const { clock, lifeline } = setUp()
    const waiting = inTime(new Promise(() => {}), 'it', 10, clock, lifeline)
    const failed = expect(waiting).rejects.toMatchObject({ code: 'ERR_WINDSOCK_LIMIT' })
    await clock.advance(10)
    await failed
  })

  it('is over when the client is gone, before or meanwhile, and a late rejection hurts nobody', async () => {
    const { clock, lifeline } = setUp()
    let reject: (why: Error) => void = () => {}
    const late = new Promise<never>((_, no) => {
      reject = no
    })
    const waiting = inTime(late, 'it', 10, clock, lifeline)
    const failed = expect(waiting).rejects.toMatchObject({ code: 'ERR_WINDSOCK_LIMIT' })
    lifeline.end('gone')
    expect(clock.timerCount).toBe(0)
    await failed
    const again = inTime(late, 'it', 10, clock, lifeline)
    await expect(again).rejects.toMatchObject({ code: 'ERR_WINDSOCK_LIMIT' })
    reject(new Error('too late'))
    await clock.settle()
  })

  it('a drain waits for what has begun', async () => {
    const { clock, lifeline } = setUp()
    lifeline.end('draining')
    expect(await inTime(Promise.resolve(7), 'it', 10, clock, lifeline)).toBe(7)
  })
})
