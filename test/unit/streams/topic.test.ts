import { describe, expect, it } from 'vitest'
import { type Sendable, Topic, topic } from 'windsock'

describe('a topic', () => {
  it('has a name, an offset, and counts its subscribers', () => {
    const news = topic<string>('news')
    expect([news.name, news.offset, news.subscriberCount]).toEqual(['news', 0, 0])
    const subscription = news.subscribe()
    expect(news.publish('a')).toBe(1)
    expect([news.offset, news.subscriberCount]).toEqual([1, 1])
    subscription.unsubscribe()
    expect(news.subscriberCount).toBe(0)
  })

  it('lets a publish from inside a delivery wait until all have the first', () => {
    const news = new Topic<string>('news')
    const seen: string[] = []
    news.subscribe((item) => {
      seen.push(`one ${item}`)
      if (item === 'a') seen.push(`offset ${news.publish('b')}`)
    })
    news.subscribe((item) => seen.push(`two ${item}`))
    news.publish('a')
    expect(seen).toEqual(['one a', 'offset 2', 'two a', 'one b', 'two b'])
  })

  it('gives a newcomer nothing of what was published before it came', () => {
    const news = new Topic<string>('news')
    const seen: string[] = []
    news.subscribe((item) => {
      if (item !== 'a') return
      news.publish('b')
      news.subscribe((later) => seen.push(later))
      news.publish('c')
    })
    news.publish('a')
    expect(seen).toEqual(['c'])
  })

  it('gives to a sink until it is told to stop', () => {
    const news = new Topic<string>('news')
    const seen: string[] = []
    const stop = news.deliverTo({ send: (item) => seen.push(item) })
    news.publish('a')
    stop()
    news.publish('b')
    expect(seen).toEqual(['a'])
    expect(news.subscriberCount).toBe(0)
  })

  it('counts and reports what a sink throws, and gives to the others and what comes later', () => {
    const thrown: unknown[] = []
    const news = new Topic<string>('news', { onSubscriberError: (error) => thrown.push(error) })
    const seen: string[] = []
    news.deliverTo({
      send: () => {
        throw new Error('mine')
      },
    })
    news.deliverTo({ send: (item, offset) => seen.push(`${offset} ${item}`) })
    news.publish('a')
    news.publish('b')
    expect(seen).toEqual(['1 a', '2 b'])
    expect(thrown).toEqual([new Error('mine'), new Error('mine')])
    expect(news.subscriberErrors).toBe(2)
  })

  it('counts and reports what a listener of watch() throws, and gives to the others and what comes later', () => {
    const thrown: unknown[] = []
    const news = new Topic<string>('news', { onSubscriberError: (error) => thrown.push(error) })
    const seen: string[] = []
    news.subscribe((item) => seen.push(item))
    news.watch(() => {
      throw new Error('mine')
    })
    news.watch(() => seen.push('watched'))
    for (const item of ['a', 'b']) news.publish(item)
    expect(seen).toEqual(['a', 'watched', 'b', 'watched'])
    expect(thrown).toEqual([new Error('mine'), new Error('mine')])
    expect(news.subscriberErrors).toBe(2)
  })

  it('goes on also where onSubscriberError throws', () => {
    const fails = () => {
      throw new Error('mine')
    }
    const news = new Topic<string>('news', { onSubscriberError: fails })
    const seen: string[] = []
    news.subscribe(fails)
    news.subscribe((item) => seen.push(item))
    for (const item of ['a', 'b']) news.publish(item)
    expect(seen).toEqual(['a', 'b'])
  })

  it('counts and reports what a subscriber throws, and goes on', () => {
    const thrown: unknown[] = []
    const news = new Topic<string>('news', { onSubscriberError: (error) => thrown.push(error) })
    const seen: string[] = []
    news.subscribe(() => {
      throw new Error('mine')
    })
    news.subscribe((item) => seen.push(item))
    news.publish('a')
    expect(seen).toEqual(['a'])
    expect(thrown).toEqual([new Error('mine')])
    expect(news.subscriberErrors).toBe(1)
  })

  it('refuses what cannot be sent, and publishes nothing then', () => {
    const news = new Topic<Sendable>('news')
    expect(() => news.publish(7 as never)).toThrow(
      expect.objectContaining({ code: 'ERR_WINDSOCK_MESSAGE_TYPE' }),
    )
    expect(news.offset).toBe(0)
  })

  it('publishes nothing with options, which it would ignore: they are for append', async () => {
    const news = new Topic<string>('news')
    const publish = news.publish.bind(news) as (value: string, other: unknown) => number
    expect(() => publish('a', { key: 'k' })).toThrow(
      expect.objectContaining({ code: 'ERR_WINDSOCK_TOPIC' }),
    )
    expect(news.offset).toBe(0)
    await news.append('a', { key: 'k' })
    expect(await news.append('a', { key: 'k' })).toMatchObject({ offset: 1, duplicate: true })
    ;['b', 'c'].forEach(publish)
    expect(news.offset).toBe(3)
  })

  it('copies bytes, whose owner may use the buffer again', () => {
    const news = new Topic<Uint8Array>('news')
    const seen: Uint8Array[] = []
    news.subscribe((item) => seen.push(item))
    const buffer = Uint8Array.of(1)
    news.publish(buffer)
    buffer[0] = 2
    expect(seen).toEqual([Uint8Array.of(1)])
  })

  it('stops subscribers that publish to it without end, and works on', () => {
    const thrown: unknown[] = []
    const news = new Topic<string>('news', { onSubscriberError: (error) => thrown.push(error) })
    const stop = news.subscribe(() => void news.publish('again'))
    expect(news.publish('a')).toBe(1)
    expect(news.offset).toBe(10_001)
    expect(thrown).toEqual([
      expect.objectContaining({ code: 'ERR_WINDSOCK_LIMIT', fault: 'local' }),
    ])
    stop.unsubscribe()
    expect(news.publish('b')).toBe(10_002)
  })
})
