// A topic's history: how much of it stays, and what a reader is told of the rest.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SettingError, topic } from 'windsock'
import { seededRandom, VirtualClock } from 'windsock/testing'
import { History } from '../../../src/streams/history.ts'

const EVERYTHING = { maxItems: 10_000, maxBytes: 2 ** 30 }

describe('a history', () => {
  it('keeps the newest within every bound, without a hole, and says what is gone', () => {
    fc.assert(
      fc.property(
        fc.nat(8),
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.nat(20), { maxLength: 200 }),
        fc.nat(210),
        (count, bytes, sizes, after) => {
          const history = new History({ count, bytes })
          for (const [index, size] of sizes.entries()) {
            history.push({ offset: index + 1, atMs: 0, kind: 'text', message: 'x'.repeat(size) })
          }
          const kept: number[] = []
          for (let offset = sizes.length, total = 0; offset > 0 && kept.length < count; offset--) {
            total += sizes[offset - 1] as number
            if (total > bytes && kept.length > 0) break
            kept.unshift(offset)
          }
          expect(history.floor).toBe(sizes.length - kept.length)
          const read = history.after(after, 10_000, 2 ** 30).map(({ offset }) => offset)
          expect(read).toEqual(kept.filter((offset) => offset > after))
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('gives a page of no more than was asked for, but at least one item', () => {
    const history = new History({ count: 100, bytes: 1_000 })
    for (let offset = 1; offset <= 10; offset++) {
      history.push({ offset, atMs: 0, kind: 'text', message: 'xxxxx' })
    }
    expect(history.after(0, 3, 1_000).map(({ offset }) => offset)).toEqual([1, 2, 3])
    expect(history.after(4, 100, 11).map(({ offset }) => offset)).toEqual([5, 6])
    expect(history.after(4, 100, 1).map(({ offset }) => offset)).toEqual([5])
  })
})

describe('a topic with a history', () => {
  const make = (history = { count: 10 }) => {
    const clock = new VirtualClock()
    return { clock, news: topic<string>('news', { history, clock, random: seededRandom(1) }) }
  }

  it('gives the last values, then each later one', () => {
    const { news } = make()
    for (const value of ['a', 'b', 'c']) news.publish(value)
    const seen: string[] = []
    news.last(2).subscribe((value) => seen.push(value))
    news.publish('d')
    expect(seen).toEqual(['b', 'c', 'd'])
  })

  it.each(['x', -1, Number.NaN, 1.5, undefined])('refuses the last %j at once', (count) => {
    const { news } = make()
    expect(() => news.last(count as number)).toThrow(SettingError)
  })

  it('gives nothing of the past for the last 0', () => {
    const { news } = make()
    news.publish('a')
    const seen: string[] = []
    news.last(0).subscribe((value) => seen.push(value))
    news.publish('b')
    expect(seen).toEqual(['b'])
  })

  it('gives each value once and in order to a subscriber that publishes while it is told of the past', () => {
    const { news } = make()
    for (const value of ['a', 'b']) news.publish(value)
    const seen: string[] = []
    news.last(2).subscribe((value) => {
      seen.push(value)
      if (value === 'a') news.publish('caused')
    })
    expect(seen).toEqual(['a', 'b', 'caused'])
  })

  it('leaves none out between the last values and the later ones, however large they are', () => {
    const { news } = make({ count: 3, bytes: 2 ** 30 } as { count: number })
    const mebibytes = (count: number) => 'x'.repeat(count * 1024 * 1024)
    for (const count of [4, 5, 6]) news.publish(mebibytes(count))
    const seen: number[] = []
    news.last(3).subscribe((value) => seen.push(value.length / 1024 / 1024))
    news.publish(mebibytes(1))
    expect(seen).toEqual([4, 5, 6, 1])
  })

  it('gives objects back as objects', () => {
    const clock = new VirtualClock()
    const prices = topic<object>('p', { history: { count: 3 }, clock, random: seededRandom(1) })
    prices.publish({ eur: 1 })
    const seen: object[] = []
    prices.last(1).subscribe((value) => seen.push(value))
    expect(seen).toEqual([{ eur: 1 }])
  })

  it('forgets by age', async () => {
    const { news, clock } = make({ count: 10, ageMs: 1_000 } as { count: number })
    news.publish('old')
    await clock.advance(600)
    news.publish('young')
    await clock.advance(600)
    expect(news.read(0, EVERYTHING)).toMatchObject({ floor: 1, items: [{ message: 'young' }] })
  })

  it('has an epoch of its own', () => {
    const random = seededRandom(1)
    const epochs = ['a', 'b'].map((name) => topic(name, { random }).epoch)
    expect(new Set(epochs).size).toBe(2)
  })

  it('is what a past needs: of a topic without one the last values are refused', () => {
    const news = topic<string>('news')
    expect(() => news.last(1)).toThrow(SettingError)
    expect(() => news.last(0)).not.toThrow()
  })

  it.each([{ count: -1 }, { count: 1.5 }, { bytes: 0 }, { ageMs: 0 }, { count: Number.NaN }])(
    'refuses the history %j at once',
    (history) => {
      expect(() => topic('news', { history })).toThrow(SettingError)
    },
  )
})
