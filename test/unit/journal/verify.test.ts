// Verify: what it counts, what it calls damage, and what it does not.

import { describe, expect, it } from 'vitest'
import { seededRandom } from 'windsock/testing'
import { MemoryStore } from '../../../src/journal/memory-store.ts'
import type { ReadOptions, StreamPage } from '../../../src/journal/store.ts'
import { verify } from '../../../src/journal/verify.ts'
import { JournalError } from '../../../src/protocol/errors.ts'
import { keep, recorded, startedEvent, wholeLife } from './support/lives.ts'

const BYE = { type: 'PeerClosed', data: { frame: { code: 1000, reason: 'bye' } } } as const

/** A store in which one record is broken, as a disk breaks it: a page that holds it cannot be read. */
class BrokenStore extends MemoryStore {
  broken: { readonly stream: string; readonly version: number } | undefined

  override async read(name: string, options: ReadOptions = {}): Promise<StreamPage> {
    const page = await super.read(name, options)
    const isIn = page.events.some(({ version }) => version === this.broken?.version)
    if (name !== this.broken?.stream || !isIn) return page
    throw new JournalError('ERR_WINDSOCK_JOURNAL_CORRUPT', 'its checksum is wrong')
  }
}

const store = () => new BrokenStore(seededRandom(1))

async function publish(store: MemoryStore, topic: string, count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, index) => ({
    type: 'text',
    schema: 1,
    atMs: index,
    data: `message ${index}`,
  }))
  await store.append(`topic/${topic}`, messages)
}

describe('a sound journal', () => {
  it('is counted: lives, events, topics, messages, records that agree', async () => {
    const sound = store()
    for (let index = 0; index < 250; index++) await keep(sound, `c${index}`, wholeLife([BYE]))
    await keep(sound, 'live', recorded([startedEvent()]))
    await publish(sound, 'news', 2_500)
    const told: number[] = []
    const found = await verify(sound, (done, of) => told.push(done / of))
    expect(found).toEqual({
      lives: 251,
      live: 1,
      events: 250 * 5 + 1,
      topics: 1,
      messages: 2_500,
      agreeing: 250,
      unfoldable: 0,
      damagedStreams: 0,
      damages: [],
    })
    expect([told[0], told.at(-1)]).toEqual([0, 1])
  })

  it('may have lives that cannot be folded', async () => {
    const sound = store()
    await keep(sound, 'own', wholeLife([BYE], { ownMachine: true }))
    await keep(sound, 'lossy', wholeLife([BYE], {}, { unrecorded: 1 }))
    await keep(sound, 'old', wholeLife([BYE]))
    await sound.trim('connection/old', { keep: 2 })
    expect(await verify(sound)).toMatchObject({ lives: 3, agreeing: 0, unfoldable: 3, damages: [] })
  })

  it('may be empty', async () => {
    expect(await verify(store())).toMatchObject({ lives: 0, topics: 0, damagedStreams: 0 })
  })
})

describe('damage', () => {
  it.each([1, 2, 999, 1_000, 1_001, 2_345, 2_500])(
    'is found in a topic: version %i',
    async (version) => {
      const damaged = store()
      await publish(damaged, 'news', 2_500)
      await publish(damaged, 'olds', 3)
      await keep(damaged, 'a', wholeLife([BYE]))
      damaged.broken = { stream: 'topic/news', version }
      const found = await verify(damaged)
      expect(found).toMatchObject({ lives: 1, topics: 2, agreeing: 1, damagedStreams: 1 })
      expect(found.damages).toEqual([
        { stream: 'topic/news', version, why: 'its checksum is wrong' },
      ])
    },
  )

  it('is found behind what was trimmed', async () => {
    const damaged = store()
    await publish(damaged, 'news', 100)
    await damaged.trim('topic/news', { keep: 40 })
    damaged.broken = { stream: 'topic/news', version: 61 }
    expect((await verify(damaged)).damages).toMatchObject([{ version: 61 }])
  })

  it('is a record that the events do not lead to', async () => {
    const damaged = store()
    const events = wholeLife([BYE])
    const other = wholeLife([{ type: 'PeerClosed', data: { frame: { code: 1001, reason: '' } } }])
    await keep(damaged, 'liar', [...events.slice(0, -1), ...other.slice(-1)])
    expect((await verify(damaged)).damages).toMatchObject([
      { stream: 'connection/liar', version: 5 },
    ])
  })

  it('is a life that begins twice, and data that is none', async () => {
    const damaged = store()
    await keep(damaged, 'twice', recorded([startedEvent(), startedEvent()]))
    const nonsense = { type: 'PeerClosed', schema: 1, atMs: 0, data: '{' }
    await damaged.append('connection/nonsense', [nonsense])
    const { damages } = await verify(damaged)
    expect(damages).toMatchObject([
      { stream: 'connection/nonsense', version: 1 },
      { stream: 'connection/twice', version: 2 },
    ])
  })

  it('is counted beyond what is told of one by one', async () => {
    const damaged = store()
    for (let index = 0; index < 30; index++) {
      await keep(damaged, `c${index}`, recorded([startedEvent(), startedEvent()]))
    }
    const { damagedStreams, damages } = await verify(damaged)
    expect([damagedStreams, damages.length]).toEqual([30, 10])
  })

  it('is no name for a store that is closed', async () => {
    const closed = store()
    await publish(closed, 'news', 1)
    await closed.close()
    await expect(verify(closed)).rejects.toMatchObject({ code: 'ERR_WINDSOCK_JOURNAL_CLOSED' })
  })
})
