// Which connections are listed, in which order, and how wide.

import { describe, expect, it } from 'vitest'
import type { LifeEvent } from 'windsock'
import { seededRandom } from 'windsock/testing'
import { findConnection } from '../../../src/cli/journal-file.ts'
import { connectionTable, type ListFilter, listConnections } from '../../../src/cli/replay-list.ts'
import { MemoryStore } from '../../../src/journal/memory-store.ts'
import { BEGAN_AT_MS, keep, recorded, startedEvent, wholeLife } from '../journal/support/lives.ts'

const peerClosed: LifeEvent = { type: 'PeerClosed', data: { frame: { code: 1000, reason: 'bye' } } }
const draining: LifeEvent = { type: 'DrainStarted', data: { frame: { code: 1001, reason: '' } } }

/** Ends ten seconds after the one before it, so that `c2` ended at 00:00:24. */
async function storeOf(count: number): Promise<MemoryStore> {
  const store = new MemoryStore(seededRandom(1))
  for (let index = 0; index < count; index++) {
    const connectionId = `c${index}`
    const atMs = BEGAN_AT_MS + index * 10_000
    const middle = index % 3 === 0 ? draining : peerClosed
    const events = wholeLife([middle], { connectionId, startedAtMs: atMs, path: `/${index}` })
    await keep(
      store,
      connectionId,
      events.map((event) => ({ ...event, atMs: event.atMs + index * 10_000 })),
    )
  }
  return store
}

async function goOnLiving(store: MemoryStore, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const connectionId = `live${index}`
    const events = recorded([startedEvent({ connectionId })])
    await keep(
      store,
      connectionId,
      events.map((event) => ({ ...event, atMs: BEGAN_AT_MS + index })),
    )
  }
}

const ids = async (store: MemoryStore, filter: Partial<ListFilter> = {}) => {
  const { rows, more } = await listConnections(store, { limit: 20, ...filter })
  return { ids: rows.map(({ connectionId }) => connectionId), more }
}

describe('the list', () => {
  it('has the newest end first, what lives before it, and says when there is more', async () => {
    const store = await storeOf(5)
    expect(await ids(store)).toEqual({ ids: ['c4', 'c3', 'c2', 'c1', 'c0'], more: false })
    expect(await ids(store, { limit: 2 })).toEqual({ ids: ['c4', 'c3'], more: true })
    expect(await ids(store, { limit: 5 })).toMatchObject({ more: false })
    await goOnLiving(store, 2)
    expect(await ids(store, { limit: 4 })).toEqual({
      ids: ['live1', 'live0', 'c4', 'c3'],
      more: true,
    })
  })

  it('shows some that ended, however many live', async () => {
    const store = await storeOf(5)
    await goOnLiving(store, 50)
    expect(await ids(store, { limit: 4 })).toEqual({
      ids: ['live49', 'live48', 'c4', 'c3'],
      more: true,
    })
    const live = await ids(store, { limit: 0, live: true })
    expect([live.ids.length, live.more]).toEqual([50, false])
    expect((await ids(store, { limit: 0 })).ids).toHaveLength(55)
    expect(await ids(store, { limit: 3, live: true })).toMatchObject({ more: true })
  })

  it('is of one cause, or of one time', async () => {
    const store = await storeOf(40)
    await goOnLiving(store, 1)
    expect((await ids(store, { cause: 'draining', limit: 3 })).ids).toEqual(['c39', 'c36', 'c33'])
    expect((await ids(store, { cause: 'refused' })).ids).toEqual([])
    expect((await ids(store, { ended: '2026-01-01T00:00:24' })).ids).toEqual(['c2'])
    expect((await ids(store, { ended: '00:01' })).ids).toEqual([
      'c11',
      'c10',
      'c9',
      'c8',
      'c7',
      'c6',
    ])
    expect(await ids(store, { ended: '2026-01-01', cause: 'draining', limit: 1 })).toEqual({
      ids: ['c39'],
      more: true,
    })
    expect((await ids(store, { ended: '2025' })).ids).toEqual([])
  })

  it('pages through more connections than one look brings', async () => {
    const store = await storeOf(1_500)
    expect((await ids(store, { limit: 0 })).ids).toHaveLength(1_500)
    expect((await ids(store, { limit: 0, cause: 'draining' })).ids).toHaveLength(500)
  })

  it('knows a connection whose beginning is gone', async () => {
    const store = await storeOf(1)
    await store.trim('connection/c0', { keep: 1 })
    const { rows } = await listConnections(store, { limit: 1 })
    expect(rows).toMatchObject([{ connectionId: 'c0', path: undefined, startedAtMs: BEGAN_AT_MS }])
    expect(connectionTable(rows, 150)[1]).toMatch(/^c0 .* \?$/)
  })
})

describe('the table', () => {
  it('is one line for each, or two where that is too wide, and never wider than told', async () => {
    const { rows } = await listConnections(await storeOf(5), { limit: 0 })
    expect(connectionTable(rows, 150)).toHaveLength(6)
    const narrow = connectionTable(rows, 80)
    expect(narrow).toHaveLength(12)
    for (const line of narrow) expect(line.length).toBeLessThanOrEqual(80)
    expect(narrow[2]).toMatch(/^c4\s+2026-01-01 00:00:40 +00:00:44 +4\.0s +\/4$/)
    expect(narrow[3]?.trim()).toMatch(/^peer +peerClosed +- +1000 +0 +0$/)
  })

  it('cuts a path, and shows as much of an id as tells it from the others', async () => {
    const store = new MemoryStore(seededRandom(1))
    for (const connectionId of ['connection-1', 'connection-2']) {
      const started = { connectionId, path: `/${'x'.repeat(500)}` }
      await keep(store, connectionId, wholeLife([peerClosed], started))
    }
    const { rows } = await listConnections(store, { limit: 0 })
    const lines = connectionTable(rows, 100)
    expect(
      lines.filter((line) => line.startsWith('connection-')).map((line) => line.split(' ')[0]),
    ).toEqual(['connection-2', 'connection-1'])
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100)
  })

  it('has a column for what was dropped only if something was, and marks what was inferred', async () => {
    const { rows } = await listConnections(await storeOf(1), { limit: 0 })
    const [row] = rows
    expect(connectionTable(rows, 200)[0]).not.toContain('DROPPED')
    const record = row?.record && {
      ...row.record,
      totals: { ...row.record.totals, messagesDropped: 7 },
    }
    const lines = connectionTable(
      [{ ...(row as NonNullable<typeof row>), record, inferred: true }],
      200,
    )
    expect(lines[0]).toContain('DROPPED')
    expect(lines[1]).toMatch(/draining\* .* 7 {2}\/0$/)
  })
})

describe('a connection is found', () => {
  it.each(['abcdef', 'abcd', 'ab'])(
    'by its id, and by a beginning that only it has: %s',
    async (given) => {
      const store = new MemoryStore(seededRandom(1))
      await keep(store, 'abcdef', wholeLife([]))
      await keep(store, 'b', wholeLife([]))
      expect(await findConnection(store, given)).toBe('abcdef')
    },
  )

  it('by its id, though that begins others', async () => {
    const store = new MemoryStore(seededRandom(1))
    for (const id of ['abc', 'ab', 'abd']) await keep(store, id, wholeLife([]))
    expect(await findConnection(store, 'ab')).toBe('ab')
  })

  it('not by what several begin with, nor by what none does; near ones are named', async () => {
    const store = new MemoryStore(seededRandom(1))
    for (const id of ['abc1', 'abc2', 'x\u001b[31m']) await keep(store, id, wholeLife([]))
    const code = 'ERR_WINDSOCK_JOURNAL'
    await expect(findConnection(store, 'abc')).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/abc1\n {2}abc2$/),
    })
    await expect(findConnection(store, 'abd')).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/near.*\n {2}abc1\n {2}abc2$/),
    })
    await expect(findConnection(store, 'xy')).rejects.toMatchObject({
      code,
      message: expect.stringContaining('x\\u{1b}[31m'),
    })
    await expect(findConnection(store, '')).rejects.toMatchObject({ code })
    await expect(findConnection(store, 'z'.repeat(100_000))).rejects.toMatchObject({ code })
  })
})
