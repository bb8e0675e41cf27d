// Follower checkers: what has to be true of those who follow topics, beyond the law that they miss nothing.
//
// Judged from what they saw, published and were told, and from what is in the store at the end.

import { type Harness, ReconnectingClient } from 'windsock/testing'
import { isWelcome } from './excuses.ts'
import type { World } from './world.ts'

/** The checker that has something to say, and what. */
export async function followersComplain(
  server: Harness,
  world: World,
): Promise<readonly [checker: string, what: string] | undefined> {
  const lost = await lostAcknowledgement(server)
  if (lost !== undefined) return ['acknowledged', lost]
  const twice = await storedTwice(server)
  if (twice !== undefined) return ['once', twice]
  for (const [number, client] of server.followers) {
    const what = client instanceof ReconnectingClient && isAway(client, number, world)
    if (what) return ['comesBack', `client ${number}: ${what}`]
  }
  return undefined
}

/** What was acknowledged is in the log, under its number, whatever became of the process (I-55). */
async function lostAcknowledgement({ disk, followers, runtime }: Harness) {
  if (disk === undefined) return undefined
  const { store } = runtime.journal
  for (const [number, { topics }] of followers) {
    for (const [topic, { acknowledged }] of topics) {
      for (const { offset, epoch, data } of acknowledged) {
        const page = await store.read(`topic/${topic}`, { after: offset - 1, maxEvents: 1 })
        const [kept] = page.events
        const there = kept?.version === offset ? JSON.stringify(kept.data) : undefined
        if (page.epoch === epoch && (there === data || offset <= page.floor)) continue
        return `client ${number} was told that ${data} is at ${topic}/${epoch}/${offset}, where ${page.epoch} has ${there}`
      }
    }
  }
  return undefined
}

/** What was published is in its log no more often than that, however often it was sent, and where its sender was told. */
async function storedTwice({ disk, followers, runtime }: Harness) {
  const logs = new Map<string, Map<number, string>>()
  const asked = new Map<string, number>()
  const logOf = (topic: string, epoch: string) => {
    const log = logs.get(`${topic}/${epoch}`) ?? new Map<number, string>()
    logs.set(`${topic}/${epoch}`, log)
    return log
  }
  const all = [...followers.values()].flatMap(({ topics }) => [...topics])
  for (const [topic, { sightings, published }] of all) {
    for (const sighting of sightings) {
      if (sighting.saw === 'item') logOf(topic, sighting.epoch).set(sighting.offset, sighting.data)
    }
    for (const data of published) {
      asked.set(`${topic} ${data}`, (asked.get(`${topic} ${data}`) ?? 0) + 1)
    }
    if (disk === undefined) continue
    const page = await runtime.journal.store.read(`topic/${topic}`, { maxEvents: 1_000 })
    for (const { version, data } of page.events) {
      logOf(topic, page.epoch).set(version, JSON.stringify(data))
    }
  }
  for (const [topic, { acknowledged }] of all) {
    for (const { epoch, offset, data } of acknowledged) {
      const there = logOf(topic, epoch).get(offset) ?? data
      if (there !== data) return `${data} was said to be ${offset} of ${topic}, which is ${there}`
    }
  }
  for (const [name, log] of logs) {
    const topic = name.split('/')[0]
    const counts = new Map<string, number>()
    for (const data of log.values()) counts.set(data, (counts.get(data) ?? 0) + 1)
    for (const [data, times] of counts) {
      const most = asked.get(`${topic} ${data}`) ?? 0
      if (times > most)
        return `${data} is ${times} times in ${name}, and was published ${most} times`
    }
  }
  return undefined
}

/** A client that nothing keeps from it is back when all is quiet, and what it had to say has been said. */
function isAway(
  client: ReconnectingClient,
  number: number,
  { bounds, script }: World,
): string | false | undefined {
  const { calm } = client
  if (calm === undefined || !isWelcome(number, bounds, script.steps)) return undefined
  if (calm.state !== 'open') return `it is ${calm.state} ${JSON.stringify(calm.lastClose)}`
  if (!calm.hears) return 'it holds on to a connection that is gone'
  // Who writes slowly may still be at it.
  return (
    calm.isQuiet && calm.queued > 0 && `${calm.queued} of its publishes wait, though all is quiet`
  )
}
