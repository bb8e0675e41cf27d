// Durable topics: stored first, delivered in stored order, and there again after a restart.

import { describe, expect, it } from 'vitest'
import { DurableTopic } from 'windsock'
import { seededRandom, VirtualClock } from 'windsock/testing'
import { MemoryStore } from '../../../src/journal/memory-store.ts'
import type { Appended, AppendOptions, NewEvent } from '../../../src/journal/store.ts'
import { JournalError } from '../../../src/protocol/errors.ts'
import type { TopicOptions } from '../../../src/streams/broadcast.ts'

const EVERYTHING = { maxItems: 10_000, maxBytes: 2 ** 30 }

function ports() {
  return { clock: new VirtualClock(), random: seededRandom(1) }
}

function make(options: TopicOptions = {}, store = new MemoryStore(seededRandom(1))) {
  const { clock, random } = ports()
  const topic = new DurableTopic<string>('news', store, options, { clock, random })
  return { topic, store, clock }
}

async function textsOf(topic: DurableTopic<string>, after = 0): Promise<unknown[]> {
  return (await topic.read(after, EVERYTHING)).items.map(({ message }) => message)
}

it.each(['a\0b', '\ud800', 'x\udfff'])('is not called %j, which no store gives back', (name) => {
  const store = new MemoryStore(seededRandom(1))
  expect(() => new DurableTopic(name, store, {}, ports())).toThrow(/well-formed text without NUL/)
})

it.each(['a\0b', '\ud800'])('takes no key %j, which is that of others in a store', async (key) => {
  const { topic } = make()
  await expect((async () => topic.publish('x', { key }))()).rejects.toMatchObject({
    code: 'ERR_WINDSOCK_TOPIC',
  })
})

it('keeps as much as it promises over restarts that come before any trim of its own', async () => {
  const store = new MemoryStore(seededRandom(1))
  for (let run = 0; run < 3; run++) {
    const { topic } = make({ history: { count: 10 } }, store)
    for (let said = 0; said < 50; said++) await topic.publish(`${run}.${said}`)
  }
  const { topic } = make({ history: { count: 10 } }, store)
  await topic.ready
  expect(await textsOf(topic)).toHaveLength(10)
})

/** A store that acknowledges when it is told to. */
class HeldStore extends MemoryStore {
  readonly #held: (() => void)[] = []

  override append(stream: string, events: readonly NewEvent[], options?: AppendOptions) {
    return new Promise<Appended>((resolve, reject) => {
      this.#held.push(() => void super.append(stream, events, options).then(resolve, reject))
    })
  }

  async acknowledge(): Promise<void> {
    for (const append of this.#held.splice(0)) append()
    await Promise.resolve()
  }
}

class FullStore extends MemoryStore {
  full = false

  override append(stream: string, events: readonly NewEvent[], options?: AppendOptions) {
    if (this.full)
      return Promise.reject(new JournalError('ERR_WINDSOCK_JOURNAL', 'the disk is full'))
    return super.append(stream, events, options)
  }
}

describe('a durable topic', () => {
  it('delivers nothing before it is stored', async () => {
    const store = new HeldStore(seededRandom(1))
    const { topic, clock } = make({}, store)
    const seen: string[] = []
    topic.subscribe((value) => seen.push(value))
    const published = topic.publish('a')
    await clock.settle()
    expect(seen).toEqual([])
    await store.acknowledge()
    expect(await published).toBe(1)
    expect(seen).toEqual(['a'])
  })

  it('delivers what was published before it knew its own past in the stored order', async () => {
    const { topic } = make()
    const seen: string[] = []
    topic.subscribe((value) => seen.push(value))
    const offsets = await Promise.all(['a', 'b', 'c'].map((value) => topic.publish(value)))
    await topic.publish('d')
    expect(offsets).toEqual([1, 2, 3])
    expect(seen).toEqual(['a', 'b', 'c', 'd'])
  })

  it('that could not read its past tries again when it is asked for, and takes nothing until then', async () => {
    class Locked extends MemoryStore {
      locked = true
      override position(stream: string) {
        return this.locked ? refused() : super.position(stream)
      }
    }
    const refused = () => Promise.reject(new JournalError('ERR_WINDSOCK_JOURNAL', 'locked'))
    const store = new Locked(seededRandom(1))
    const before = make({}, Object.assign(store, { locked: false }))
    await before.topic.publish('old')
    store.locked = true
    const { topic, clock } = make({}, store)
    const seen: string[] = []
    topic.subscribe((value) => seen.push(value))
    // Published before the topic can know of its trouble: stored, and told when it can be.
    const [first, second] = [topic.publish('a'), topic.publish('b')]
    expect([await first, await second]).toEqual([2, 3])
    await clock.settle()
    await expect(topic.publish('lost')).rejects.toMatchObject({ code: 'ERR_WINDSOCK_JOURNAL' })
    await expect(textsOf(topic)).rejects.toMatchObject({ code: 'ERR_WINDSOCK_JOURNAL' })
    expect([seen, topic.offset]).toEqual([[], 0])
    store.locked = false
    const [third, fourth] = [topic.publish('c'), topic.publish('d')]
    expect([await third, await fourth]).toEqual([4, 5])
    expect(seen).toEqual(['a', 'b', 'c', 'd'])
    expect(await textsOf(topic)).toEqual(['old', 'a', 'b', 'c', 'd'])
    expect([topic.offset, topic.epoch]).toEqual([5, before.topic.epoch])
  })

  it('keeps its epoch, its offsets and its messages over a restart', async () => {
    const { topic, store } = make()
    for (const value of ['a', 'b', 'c']) await topic.publish(value)
    const { topic: next } = make({}, store)
    await next.ready
    expect(next.epoch).toBe(topic.epoch)
    expect(next.offset).toBe(3)
    expect(await textsOf(next)).toEqual(['a', 'b', 'c'])
    expect(await next.publish('d')).toBe(4)
  })

  it('has another epoch in another store', async () => {
    const { topic } = make()
    const { topic: other } = make({}, new MemoryStore(seededRandom(2)))
    await Promise.all([topic.ready, other.ready])
    expect(topic.epoch).not.toBe(other.epoch)
  })

  it('gives the same offset for the same key, and delivers once', async () => {
    const { topic } = make()
    const seen: string[] = []
    topic.subscribe((value) => seen.push(value))
    const first = topic.append('a', { key: 'k' })
    const racing = topic.append('a', { key: 'k' })
    expect(await first).toMatchObject({ offset: 1, duplicate: false })
    expect(await racing).toMatchObject({ offset: 1, duplicate: true })
    expect(await topic.append('a', { key: 'k' })).toMatchObject({ offset: 1, duplicate: true })
    expect(seen).toEqual(['a'])
  })

  it('refuses a publish that expects another offset', async () => {
    const { topic } = make()
    await topic.publish('a')
    await expect(topic.append('b', { expectedOffset: 0 })).rejects.toMatchObject({
      code: 'ERR_WINDSOCK_JOURNAL_CONFLICT',
    })
    expect(await topic.append('b', { expectedOffset: 1 })).toMatchObject({ offset: 2 })
  })

  it('rejects when the store refuses, delivers nothing, leaves no hole, and goes on afterwards', async () => {
    const store = new FullStore(seededRandom(1))
    const { topic } = make({}, store)
    const seen: string[] = []
    topic.subscribe((value) => seen.push(value))
    await topic.publish('a')
    store.full = true
    await expect(topic.publish('lost')).rejects.toMatchObject({ code: 'ERR_WINDSOCK_JOURNAL' })
    store.full = false
    expect(await topic.publish('b')).toBe(2)
    expect(seen).toEqual(['a', 'b'])
  })

  it('reads from the store what is no longer in memory', async () => {
    const { topic } = make({ history: { count: 5_000, bytes: 10 } })
    const all = Array.from({ length: 300 }, (_, index) => `m${index + 1}`)
    for (const value of all) await topic.publish(value)
    expect(await textsOf(topic)).toEqual(all)
    expect(await textsOf(topic, 299)).toEqual(['m300'])
  })

  it('trims by number, never below what was promised', async () => {
    const { topic, clock } = make({ history: { count: 50 } })
    for (let index = 1; index <= 1_000; index++) await topic.publish(String(index))
    await clock.settle()
    const kept = topic.offset - topic.floor
    expect(kept).toBeGreaterThanOrEqual(50)
    expect(kept).toBeLessThanOrEqual(50 + 100)
    expect((await textsOf(topic)).at(-1)).toBe('1000')
  })

  it('forgets by age, also when nobody publishes', async () => {
    const { topic, clock } = make({ history: { ageMs: 1_000 } })
    await topic.publish('old')
    await clock.advance(2_000)
    await textsOf(topic)
    await clock.settle()
    expect(await textsOf(topic)).toEqual([])
    expect(topic.floor).toBe(1)
  })

  it('gives the last values, then each later one, once each', async () => {
    const store = new HeldStore(seededRandom(1))
    const { topic, clock } = make({}, store)
    for (const value of ['a', 'b', 'c']) {
      void topic.publish(value)
      await store.acknowledge()
      await clock.settle()
    }
    const seen: string[] = []
    topic.last(2).subscribe((value) => seen.push(value))
    void topic.publish('d')
    await store.acknowledge()
    await clock.settle()
    expect(seen).toEqual(['b', 'c', 'd'])
  })

  it('refuses what is no number of last values at once', () => {
    const { topic } = make()
    for (const count of ['x', -1, Number.NaN, 1.5, undefined]) {
      expect(() => topic.last(count as number)).toThrow(
        expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' }),
      )
    }
  })
})
