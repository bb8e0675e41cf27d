// Open topics: of each durable topic there is one object, which whoever names it is given.
//
// Two of them on one log would each know of their own messages only, and give them wrong offsets. A topic has no end at
// which it could be taken out, so it is held weakly here: who reads it holds it, and when nobody does any more it is made
// anew from its log.

import type { Journal } from './journal/journal.ts'
import { SettingError, show } from './protocol/errors.ts'
import type { Sendable } from './protocol/message.ts'
import type { TopicPorts } from './streams/broadcast.ts'
import type { DurableTopic } from './streams/durable-topic.ts'
import type { checkHistory } from './streams/history.ts'

type Bounds = ReturnType<typeof checkHistory>

interface Open {
  readonly topic: WeakRef<object>
  readonly ports: TopicPorts
  readonly history: Bounds
}

type ByName = Map<string, Open>

const openTopics = new WeakMap<Journal, ByName>()

const collected = new FinalizationRegistry<{ readonly byName: ByName; readonly name: string }>(
  ({ byName, name }) => {
    if (byName.get(name)?.topic.deref() === undefined) byName.delete(name)
  },
)

/**
 * The topic of that name in `journal`: the one that is open, or what `make` gives.
 *
 * @param history - with its defaults.
 * @throws SettingError when the one that is open keeps another history.
 */
export function openTopic<T extends Sendable>(
  journal: Journal,
  name: string,
  { history, ports }: Pick<Open, 'history' | 'ports'>,
  make: () => DurableTopic<T>,
): DurableTopic<T> {
  const byName: ByName = openTopics.get(journal) ?? new Map()
  openTopics.set(journal, byName)
  const known = byName.get(name)
  const open = known?.topic.deref()
  // With other ports it is another process that is played, after the end of the one before.
  const isSame = known?.ports.clock === ports.clock && known.ports.random === ports.random
  if (known !== undefined && open !== undefined && isSame) {
    checkSame(name, known.history, history)
    return open as DurableTopic<T>
  }
  const topic = make()
  byName.set(name, { topic: new WeakRef(topic), ports, history })
  collected.register(topic, { byName, name })
  return topic
}

function checkSame(name: string, known: Bounds, other: Bounds): void {
  for (const field of ['count', 'bytes', 'ageMs'] as const) {
    if (known[field] === other[field]) continue
    throw new SettingError(
      `the topic ${show(name)} of this journal is open with history.${field} ${show(known[field])}, and cannot keep ${show(other[field])}, too: make it once, and share it`,
    )
  }
}
