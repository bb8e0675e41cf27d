import { expect, it, onTestFinished, vi } from 'vitest'
import { topic } from 'windsock'
import { seededRandom, VirtualClock } from 'windsock/testing'
import { Journal } from '../../src/journal/journal.ts'
import { MemoryStore } from '../../src/journal/memory-store.ts'
import { JournalError } from '../../src/protocol/errors.ts'

it('a topic prints what a subscriber threw, once, and goes on', () => {
  const print = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => print.mockRestore())
  const news = topic<string>('news')
  const heard: string[] = []
  news.subscribe(() => {
    throw new Error('out of cheese')
  })
  news.subscribe((text) => heard.push(text))
  news.publish('one')
  news.subscribe(() => {
    throw new Error('out of bread')
  })
  news.publish('two')
  expect(heard).toEqual(['one', 'two'])
  expect(news.subscriberErrors).toBe(3)
  const printed = print.mock.calls.flat().join('\n')
  expect(printed).toMatch(/ERR_WINDSOCK_UNHANDLED.*topic "news" threw: out of cheese/)
  expect(printed).toContain('topic.test.ts')
  expect(printed).not.toContain('bread')
})

it('a topic with a listener of its own prints nothing', () => {
  const print = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => print.mockRestore())
  const thrown: unknown[] = []
  const news = topic<string>('news', { onSubscriberError: (error) => thrown.push(error) })
  news.subscribe(() => {
    throw new RangeError('mine')
  })
  news.publish('one')
  expect(thrown).toEqual([new RangeError('mine')])
  expect(print).not.toHaveBeenCalled()
})

/** A durable topic whose journal refuses whatever it is asked to keep, for the reason it has. */
function refused() {
  const print = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => print.mockRestore())
  const store = new MemoryStore(seededRandom(1))
  const disk = { says: 'the disk is full' }
  store.append = () => Promise.reject(new JournalError('ERR_WINDSOCK_JOURNAL', disk.says))
  const clock = new VirtualClock()
  const ports = { clock, random: seededRandom(1) }
  const news = topic<string>('news', { ...ports, durable: new Journal(store, clock) })
  const lines = () => print.mock.calls.map(([line]) => String(line))
  const printed = () => lines().filter((line) => line.startsWith('windsock: '))
  return { news, clock, disk, printed }
}

it('a durable topic prints what its journal refuses, each cause once a minute', async () => {
  const { news, clock, disk, printed } = refused()
  const publish = () => news.publish('one').catch(({ message }) => message)
  expect([await publish(), await publish()]).toEqual([disk.says, disk.says])
  expect(printed()).toHaveLength(1)
  expect(printed()[0]).toMatch(/ERR_WINDSOCK_JOURNAL: the topic "news" .*: the disk is full$/)
  disk.says = 'the disk is gone'
  await publish()
  expect(printed()).toHaveLength(2)
  await clock.advance(60_000)
  await publish()
  expect(printed()).toHaveLength(3)
})

it('a durable topic prints nothing of an append, which answers who waits for it, nor of a conflict', async () => {
  const { news, printed } = refused()
  await expect(news.append('one')).rejects.toMatchObject({ code: 'ERR_WINDSOCK_JOURNAL' })
  const store = new MemoryStore(seededRandom(1))
  const clock = new VirtualClock()
  const other = topic<string>('other', { clock, durable: new Journal(store, clock) })
  const conflict = { code: 'ERR_WINDSOCK_JOURNAL_CONFLICT' }
  await expect(other.publish('one', { expectedOffset: 5 })).rejects.toMatchObject(conflict)
  expect(printed()).toEqual([])
})

it('a durable topic is one for whoever names it with its journal, and so counts for all', async () => {
  const durable = new Journal(new MemoryStore(seededRandom(1)), new VirtualClock())
  const [one, two] = [topic<string>('news', { durable }), topic<string>('news', { durable })]
  const heard: string[] = []
  two.subscribe((text) => heard.push(text))
  expect([await one.publish('a'), await two.publish('b'), await one.publish('c')]).toEqual([
    1, 2, 3,
  ])
  expect(heard).toEqual(['a', 'b', 'c'])
  expect([one.offset, two.offset]).toEqual([3, 3])
})

it.each([{ count: 5 }, { bytes: 5 }, { ageMs: 5 }])(
  'an open durable topic cannot keep %j, too',
  (history) => {
    const durable = new Journal(new MemoryStore(seededRandom(1)), new VirtualClock())
    const news = topic('news', { durable, history: { count: 10_000 } })
    expect(topic('news', { durable })).toBe(news)
    expect(() => topic('news', { durable, history })).toThrow(
      expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' }),
    )
    expect(topic('other', { durable, history })).not.toBe(news)
  },
)

it('a durable topic of another journal, or process, is another', () => {
  const store = () => new MemoryStore(seededRandom(1))
  const durable = new Journal(store(), new VirtualClock())
  const again = new Journal(store(), new VirtualClock())
  const news = topic('news', { durable })
  expect(topic('news', { durable: again })).not.toBe(news)
  const ports = { clock: new VirtualClock(), random: seededRandom(1) }
  const replayed = topic('news', { durable, ...ports })
  expect(replayed).not.toBe(news)
  expect(topic('news', { durable, ...ports })).toBe(replayed)
})
