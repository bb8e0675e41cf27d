// Store contract: what every store must do, as checks that any test runner can run.
//
//   for (const { name, run } of storeContract(makeStore)) it(name, run)
//
// The contract's prose stands at `Store`. Each check gets a store of its own.

import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict'
import { MAX_UNENDED, type NewEvent, type RecordedEvent, type Store } from '../journal/store.ts'

/** A store under test. */
export interface StoreUnderTest {
  /** Open, and empty. */
  readonly store: Store
  /** Closes the store and opens it again on what it kept; leave it out for a store that keeps nothing. */
  readonly reopen?: () => Promise<Store>
  /** Lets go of everything. */
  readonly dispose: () => Promise<void>
}

/** One promise of the port, as a test that any runner takes. */
export interface ContractCheck {
  /** The promise, as a sentence. */
  readonly name: string
  /** Rejects where it is not kept. */
  readonly run: () => Promise<void>
}

const TOPIC = 'topic/news'
const LIFE = 'connection/a'
const EVERYTHING = { maxEvents: 10_000, maxBytes: 2 ** 30 }

/** The checks of the contract, for stores that `make` makes. */
export function storeContract(make: () => Promise<StoreUnderTest>): readonly ContractCheck[] {
  return Object.entries(CHECKS).map(([name, check]) => ({
    name,
    run: async () => {
      const subject = await make()
      try {
        await check(subject)
      } finally {
        await subject.dispose()
      }
    },
  }))
}

const text = (data: string, more: Partial<NewEvent> = {}): NewEvent => ({
  type: 'text',
  schema: 1,
  atMs: 1_000,
  data,
  ...more,
})

const lives = (...ids: string[]) => ids.map((id) => `connection/${id}`)

async function datas(store: Store, stream: string, after = 0): Promise<unknown[]> {
  return (await store.read(stream, { after, ...EVERYTHING })).events.map(({ data }) => data)
}

const CHECKS: Readonly<Record<string, (subject: StoreUnderTest) => Promise<void>>> = {
  'numbers events 1, 2, 3 … and gives them back as they were': async ({ store }) => {
    const bytes = new Uint8Array([0, 255, 7])
    const { kept, head } = await store.append(TOPIC, [
      text('é\u0000😀', { type: 'json', schema: 3, atMs: 5 }),
      { type: 'binary', schema: 1, atMs: 6, data: bytes },
    ])
    deepEqual(
      kept.map(({ version, duplicate }) => ({ version, duplicate })),
      [
        { version: 1, duplicate: false },
        { version: 2, duplicate: false },
      ],
    )
    equal(head, 2)
    const { events } = await store.read(TOPIC)
    deepEqual(
      { ...events[0] },
      { stream: TOPIC, version: 1, type: 'json', schema: 3, atMs: 5, data: 'é\u0000😀' },
    )
    deepEqual([...((events[1] as RecordedEvent).data as Uint8Array)], [...bytes])
  },

  'keeps the order of the calls, and answers in it': async ({ store }) => {
    const answered: number[] = []
    await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        store
          .append(index % 3 === 0 ? LIFE : TOPIC, [text(String(index))])
          .then(() => answered.push(index)),
      ),
    )
    deepEqual(
      answered,
      answered.toSorted((a, b) => a - b),
    )
    const numbers = (await datas(store, TOPIC)).map(Number)
    deepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b),
    )
    equal((await datas(store, LIFE)).length + numbers.length, 200)
  },

  'appends all of a call or nothing, and a refused one leaves no hole': async ({ store }) => {
    await store.append(TOPIC, [text('a')])
    const refused = store.append(TOPIC, [text('x'), text('y')], { expectedVersion: 0 })
    const next = store.append(TOPIC, [text('b')], { expectedVersion: 1 })
    await rejects(refused, { code: 'ERR_WINDSOCK_JOURNAL_CONFLICT' })
    deepEqual((await next).kept[0], { version: 2, duplicate: false })
    deepEqual(await datas(store, TOPIC), ['a', 'b'])
  },

  'lets one of many who expect the same version win': async ({ store }) => {
    const racing = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        store.append(TOPIC, [text(String(index))], { expectedVersion: 0 }),
      ),
    )
    equal(racing.filter(({ status }) => status === 'fulfilled').length, 1)
    deepEqual(await datas(store, TOPIC), ['0'])
  },

  'keeps an event once for each key, and tells the first version again': async ({ store }) => {
    const same = text('a', { key: 'k' })
    const [first, racing] = await Promise.all([
      store.append(TOPIC, [same]),
      store.append(TOPIC, [same]),
    ])
    deepEqual(first.kept[0], { version: 1, duplicate: false })
    deepEqual(racing.kept[0], { version: 1, duplicate: true })
    const mixed = await store.append(TOPIC, [same, text('b', { key: 'l' }), same])
    deepEqual(
      mixed.kept.map(({ version }) => version),
      [1, 2, 1],
    )
    const other = await store.append('topic/other', [same])
    deepEqual(other.kept[0], { version: 1, duplicate: false })
    deepEqual(await datas(store, TOPIC), ['a', 'b'])
  },

  'forgets a key after its window': async ({ store }) => {
    await store.append(TOPIC, [text('a', { key: 'k', atMs: 0 })])
    const within = await store.append(TOPIC, [text('a', { key: 'k', atMs: 120_000 })])
    equal(within.kept[0]?.duplicate, true)
    const after = await store.append(TOPIC, [text('a', { key: 'k', atMs: 120_001 })])
    deepEqual(after.kept[0], { version: 2, duplicate: false })
  },

  'reads after a version, in pages of the size that was asked for': async ({ store }) => {
    const all = Array.from({ length: 1_200 }, (_, index) => text(`m${index + 1}`))
    await store.append(TOPIC, all)
    equal((await store.read(TOPIC)).events.length, 1_000)
    deepEqual(await datas(store, TOPIC, 1_198), ['m1199', 'm1200'])
    deepEqual(await datas(store, TOPIC, 5_000), [])
    const few = await store.read(TOPIC, { after: 2, maxEvents: 3 })
    deepEqual(
      few.events.map(({ version }) => version),
      [3, 4, 5],
    )
    equal((await store.read(TOPIC, { maxBytes: 5 })).events.length, 2)
    equal((await store.read(TOPIC, { maxBytes: 1 })).events.length, 1)
    const nobody = await store.read('topic/nobody')
    deepEqual([nobody.events.length, nobody.head, nobody.floor], [0, 0, 0])
  },

  'trims by number and by age, takes nothing else, and says what is gone': async ({ store }) => {
    await store.append(
      TOPIC,
      [1, 2, 3, 4, 5].map((at) => text(`m${at}`, { atMs: at })),
    )
    equal((await store.trim(TOPIC, { keep: 9 })).floor, 0)
    equal((await store.trim(TOPIC, { keep: 4 })).floor, 1)
    equal((await store.trim(TOPIC, { notBeforeMs: 3 })).floor, 2)
    equal((await store.trim(TOPIC, { keep: 3, notBeforeMs: 1 })).floor, 2)
    deepEqual(await datas(store, TOPIC), ['m3', 'm4', 'm5'])
    const { head, floor } = await store.trim(TOPIC, { keep: 0 })
    deepEqual([head, floor], [5, 5])
    const { kept } = await store.append(TOPIC, [text('m6')])
    equal(kept[0]?.version, 6)
    deepEqual(await datas(store, TOPIC), ['m6'])
  },

  'lists the events of lives, newest first, page by page': async ({ store }) => {
    for (const id of ['a', 'b', 'c']) {
      await store.append(`connection/${id}`, [text(id, { type: 'Began' })])
      await store.append(`connection/${id}`, [text(id, { type: 'Ended', ends: true })])
    }
    await store.append(TOPIC, [text('no life')])
    const first = await store.list({ type: 'Ended', maxEvents: 2 })
    deepEqual(
      first.events.map(({ data }) => data),
      ['c', 'b'],
    )
    const second = await store.list({ type: 'Ended', maxEvents: 2, before: first.next as number })
    deepEqual(
      second.events.map(({ data }) => data),
      ['a'],
    )
    equal(second.next, undefined)
    equal((await store.list()).events.length, 6)
  },

  'knows which lives have not ended, in the order in which they began': async ({ store }) => {
    const append = (id: string, more: Partial<NewEvent> = {}) =>
      store.append(`connection/${id}`, [text('x', more)])
    for (const id of ['d', 'b', 'e', 'a']) await append(id)
    await append('at once', { ends: true })
    await append('e', { ends: true })
    deepEqual(await store.unended(), lives('d', 'b', 'a'))
    // Neither what comes later, nor that the beginning is gone, makes a life younger.
    await append('b', { atMs: 2_000 })
    await append('d', { atMs: 2_000 })
    await store.expire({ maxEvents: 100, notBeforeMs: 2_000 })
    await append('c', { atMs: 2_000 })
    deepEqual(await store.unended(), lives('d', 'b', 'a', 'c'))
    // To look at a life does not begin one.
    await store.position('connection/nobody')
    await store.read('connection/nobody')
    deepEqual(await store.unended(), lives('d', 'b', 'a', 'c'))
  },

  'tells of so many lives that have not ended, the oldest': async ({ store }) => {
    const ids = Array.from({ length: MAX_UNENDED + 2 }, (_, index) => `${index * 7_919}`)
    await Promise.all(ids.map((id) => store.append(`connection/${id}`, [text('x')])))
    deepEqual(await store.unended(), lives(...ids.slice(0, MAX_UNENDED)))
    await store.append(`connection/${ids[0]}`, [text('y', { ends: true })])
    deepEqual(await store.unended(), lives(...ids.slice(1, MAX_UNENDED + 1)))
  },

  'names the streams that keep something, page by page, or those that begin so': async ({
    store,
  }) => {
    for (const id of ['b', 'ab', 'a', 'é😀', 'abc']) {
      await store.append(`connection/${id}`, [text('x'), text('y')])
      await store.append(`topic/${id}`, [text('x')])
    }
    await store.position('topic/nothing')
    await store.trim('topic/b', { keep: 0 })
    const all = await store.streams()
    const topics = ['topic/a', 'topic/ab', 'topic/abc', 'topic/é😀']
    deepEqual(all.toSorted(), [...lives('a', 'ab', 'abc', 'b', 'é😀'), ...topics])
    const paged: string[] = []
    for (;;) {
      const after = paged.at(-1)
      const page = await store.streams({ maxStreams: 2, ...(after !== undefined && { after }) })
      if (page.length === 0) break
      ok(page.length <= 2)
      paged.push(...page)
    }
    deepEqual(paged, all)
    const beginning = (prefix: string) => all.filter((name) => name.startsWith(prefix))
    for (const prefix of ['connection/ab', 'topic/', 'topic/é', 'nothing/']) {
      deepEqual(await store.streams({ prefix }), beginning(prefix))
    }
    const [first, ...others] = beginning('topic/')
    deepEqual(await store.streams({ prefix: 'topic/', after: first as string }), others)
  },

  'takes away the oldest events of all lives, by number and by age': async ({ store }) => {
    for (const at of [1, 2, 3, 4]) await store.append(`connection/${at}`, [text('x', { atMs: at })])
    equal(await store.expire({ maxEvents: 3, notBeforeMs: 0 }), 1)
    equal(await store.expire({ maxEvents: 100, notBeforeMs: 3 }), 1)
    equal(await store.expire({ maxEvents: 100, notBeforeMs: 3 }), 0)
    deepEqual(
      (await store.list()).events.map(({ stream }) => stream),
      ['connection/4', 'connection/3'],
    )
    // A life whose events are gone goes on counting where it was.
    const { kept } = await store.append('connection/1', [text('y')])
    equal(kept[0]?.version, 2)
  },

  'keeps one snapshot a stream, the last': async ({ store }) => {
    equal(await store.loadSnapshot(LIFE), undefined)
    await store.append(LIFE, [text('1')])
    await store.saveSnapshot(LIFE, { version: 1, schema: 1, data: 'old' })
    await store.saveSnapshot(LIFE, { version: 2, schema: 1, data: 'new' })
    deepEqual({ ...(await store.loadSnapshot(LIFE)) }, { version: 2, schema: 1, data: 'new' })
  },

  'gives each topic an epoch of its own, and keeps it': async ({ store }) => {
    const { epoch, head } = await store.position(TOPIC)
    ok(epoch.length > 0 && epoch.length <= 32)
    equal(head, 0)
    equal((await store.append(TOPIC, [text('a')])).epoch, epoch)
    equal((await store.read(TOPIC)).epoch, epoch)
    notEqual((await store.position('topic/other')).epoch, epoch)
  },

  'has everything after it was opened again': async ({ store, reopen }) => {
    if (reopen === undefined) return
    await store.append(TOPIC, [text('a', { key: 'k' }), text('b'), text('c')])
    const { epoch } = await store.trim(TOPIC, { keep: 2 })
    await store.append(LIFE, [text('1')])
    const again = await reopen()
    deepEqual({ ...(await again.position(TOPIC)) }, { epoch, head: 3, floor: 1 })
    deepEqual(await datas(again, TOPIC), ['b', 'c'])
    deepEqual(await again.unended(), [LIFE])
    const { kept } = await again.append(TOPIC, [text('a', { key: 'k' }), text('d')])
    deepEqual(
      kept.map(({ version, duplicate }) => [version, duplicate]),
      [
        [1, true],
        [4, false],
      ],
    )
  },

  'closes after what was appended, and refuses everything then': async ({ store }) => {
    const last = store.append(TOPIC, [text('a')])
    await store.close()
    equal((await last).head, 1)
    await store.close()
    const refusal = { code: 'ERR_WINDSOCK_JOURNAL_CLOSED' }
    await rejects(store.append(TOPIC, [text('b')]), refusal)
    await rejects(store.read(TOPIC), refusal)
    await rejects(store.position(TOPIC), refusal)
  },
}
