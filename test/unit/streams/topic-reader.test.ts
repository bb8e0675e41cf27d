// A reader's place in a topic whose store has lost what it says it keeps; the rest of it is held by the properties.

import { describe, expect, it } from 'vitest'
import type { TopicLog, TopicPage } from '../../../src/streams/broadcast.ts'
import { TopicReader } from '../../../src/streams/topic-reader.ts'

const BOUNDS = { maxItems: 10, maxBytes: 1_000 }
const CORRUPT = expect.objectContaining({ code: 'ERR_WINDSOCK_JOURNAL_CORRUPT' })

/** A topic of three messages, of which none is found. */
function hollow(read: (page: TopicPage) => ReturnType<TopicLog['read']>): TopicLog {
  const place = { epoch: 'e', floor: 0 }
  return {
    ...place,
    name: 'news',
    ready: undefined,
    offset: 3,
    read: () => read({ ...place, head: 3, items: [] }),
    watch: () => () => {},
    append: () => Promise.reject(new Error('nobody writes here')),
  }
}

describe('a reader of a topic whose messages are not found', () => {
  it('is told, and does not ask without end', async () => {
    const now = new TopicReader(hollow((page) => page))
    await now.begin('start')
    expect(() => now.next(BOUNDS)).toThrow(CORRUPT)
    const later = new TopicReader(hollow((page) => Promise.resolve(page)))
    await later.begin('start')
    await expect(later.next(BOUNDS)).rejects.toEqual(CORRUPT)
  })

  it('has nothing to be told once it has caught up', async () => {
    const reader = new TopicReader(hollow((page) => page))
    await reader.begin('now')
    expect(reader.next(BOUNDS)).toEqual({ items: [], gapTo: undefined })
  })
})
