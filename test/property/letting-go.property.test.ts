import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { seededRandom, VirtualClock } from 'windsock/testing'
import { Connections } from '../../src/connections.ts'
import { Journal } from '../../src/journal/journal.ts'
import { MemoryStore } from '../../src/journal/memory-store.ts'
import type { Sink } from '../../src/streams/sinks.ts'
import type { Topic } from '../../src/streams/topic.ts'
import { topic } from '../../src/topic.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const keys = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const changes = fc.oneof(fc.record({ add: keys, value: fc.object() }), fc.record({ remove: keys }))

function change(map: Connections<object> | Map<string, object>, what: ChangeOf<typeof changes>) {
  if ('remove' in what) map.delete(what.remove)
  else if (map instanceof Map) map.set(what.add, what.value)
  else map.add(what.add, what.value)
}

type ChangeOf<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never

it('reads as a Map does, whatever comes and goes, also while it is read', () => {
  fc.assert(
    fc.property(fc.array(changes), fc.array(changes), (before, during) => {
      const [ours, model] = [new Connections<object>(), new Map<string, object>()]
      for (const what of before) for (const map of [ours, model]) change(map, what)
      expect([...ours]).toEqual([...model])
      expect([...ours.keys()]).toEqual([...model.keys()])
      expect([...ours.values()]).toEqual([...model.values()])
      expect(ours.size).toBe(model.size)
      for (const key of 'abcde') {
        expect([ours.has(key), ours.get(key)]).toEqual([model.has(key), model.get(key)])
      }
      const read = (map: Connections<object> | Map<string, object>) => {
        const seen: unknown[] = []
        const left = [...during]
        map.forEach((value, key, all) => {
          seen.push([key, value, all.size])
          const next = left.shift()
          if (next !== undefined) change(map, next)
        })
        return seen
      }
      expect(read(ours)).toEqual(read(model))
    }),
  )
})

it('keeps nothing alive of what was taken out of it, though a table of before is held', async () => {
  const connections = new Connections<object>()
  addNew(connections, 'first')
  const gone = new WeakRef(addNew(connections, 'gone'))
  // Where a walk stands still it holds the table that it began in.
  const walk = connections.values()
  walk.next()
  for (let count = 0; count < 1_000; count++) addNew(connections, String(count))
  connections.delete('gone')
  // A WeakRef holds what it was made of until the present job is over.
  await new Promise(setImmediate)
  collect()
  expect(gone.deref()).toBeUndefined()
  expect(walk.next().done).toBe(false)
})

it('a topic keeps nothing alive of a subscriber that has left, though a table of before is held', async () => {
  const feed = topic<string>('feed')
  let act = () => {}
  feed.deliverTo(sinkOf(() => act()))
  const one = subscribed(feed)
  await new Promise(setImmediate)
  let found: unknown = 'nothing looked at'
  // A delivery under way holds the table that it began in.
  act = () => {
    act = () => {}
    for (let count = 0; count < 1_000; count++) feed.deliverTo(sinkOf(() => {}))
    one.leave?.()
    one.leave = undefined
    collect()
    found = one.gone.deref()
  }
  feed.publish('one')
  expect([found, feed.subscriberCount]).toEqual([undefined, 1_001])
})

it('a durable topic that somebody reads is found by its name, and one that nobody does is let go of', async () => {
  const durable = new Journal(new MemoryStore(seededRandom(1)), new VirtualClock())
  const heard: string[] = []
  const leave = topic<string>('read', { durable }).deliverTo(sinkOf((text) => heard.push(text)))
  const gone = new WeakRef(topic<string>('unread', { durable }))
  // It is held while it reads its past, and by the present job.
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  expect(gone.deref()).toBeUndefined()
  expect(await topic<string>('read', { durable }).publish('a')).toBe(1)
  expect(await topic<string>('unread', { durable }).publish('a')).toBe(1)
  expect(heard).toEqual(['a'])
  leave()
})

function sinkOf(send: (value: string) => unknown): Sink<string> {
  return { send }
}

function subscribed(feed: Topic<string>) {
  const sink = sinkOf(() => {})
  const one: { gone: WeakRef<object>; leave?: (() => void) | undefined } = {
    gone: new WeakRef(sink),
    leave: feed.deliverTo(sink),
  }
  return one
}

function addNew(connections: Connections<object>, id: string): object {
  const connection = { id }
  connections.add(id, connection)
  return connection
}
