// Broadcast: one connection publishes, all receive, the publisher among them.

import { setTimeout as pause } from 'node:timers/promises'
import type { BroadcastWork } from '../cases.ts'
import { type Activity, ClosedLoop, type CommonOptions, openAll } from './activity.ts'
import type { Link } from './link.ts'

/** How long the publisher's first call may take to reach everyone, and the last; each waits twice as long as before. */
const FIRST_CALL_MS = 100
const LAST_CALL_MS = 12_800

export async function broadcast(work: BroadcastWork, common: CommonOptions): Promise<Activity> {
  const everyone = work.subscribers + 1
  // How many have a message, by its number modulo twice what can be in flight, so none collide.
  const havers = new Uint32Array(2 * work.inFlight)
  let ready = false
  const links = await openAll(everyone, common, (_link, _index, count, first) => {
    if (!ready) return
    let complete = 0
    for (let number = first; number < first + count; number++) {
      const slot = number % havers.length
      const having = (havers[slot] ?? 0) + 1
      havers[slot] = having === everyone ? 0 : having
      if (having === everyone) complete += 1
    }
    if (loop.through(complete, everyone) && complete > 0) publisher?.send(complete)
  })
  const [publisher] = links
  if (publisher === undefined) throw new Error('a broadcast needs connections')
  const loop = new ClosedLoop(() => {
    publisher.send(work.inFlight)
    return work.inFlight
  })
  await gather(publisher, links)
  ready = true
  return loop
}

/** Publishes until every link has the latest message: an open socket may not subscribe yet. */
async function gather(publisher: Link, links: readonly Link[]): Promise<void> {
  for (let limitMs = FIRST_CALL_MS; limitMs <= LAST_CALL_MS; limitMs *= 2) {
    publisher.send(1)
    for (let waited = 0; waited < limitMs; waited += 10) {
      await pause(10)
      if (links.every((link) => link.received === publisher.sent)) return
    }
  }
  const deaf = links.filter((link) => link.received !== publisher.sent).length
  throw new Error(`${deaf} of ${links.length} connections did not get the latest broadcast`)
}
