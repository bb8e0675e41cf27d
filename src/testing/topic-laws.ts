// Topic laws: what all who follow a topic can agree on, whoever was cut off and came back in between.
//
// Judged from what followers saw alone; the topic itself is not asked.

import type { TopicView } from './follower.ts'
import type { Harness } from './harness.ts'
import { ReconnectingClient } from './reconnecting.ts'

/**
 * Says what is wrong, if anything: offsets that jump without a gap that was told, one offset with two messages, for
 * those who read or for those who were acknowledged, or a follower that was still there and did not get everything.
 */
export function noGap(server: Harness): string | undefined {
  const known = new Map<string, string>()
  const acknowledged = new Set<string>()
  const heads = new Map<string, number>()
  const views = [...server.followers].flatMap(([number, { topics }]) =>
    [...topics].map(([topic, view]) => ({ who: `client ${number}`, topic, view })),
  )
  const reached = (topic: string, epoch: string | undefined, offset: number) => {
    const log = `${topic}/${epoch}`
    heads.set(log, Math.max(heads.get(log) ?? 0, offset))
  }
  const agree = (who: string, at: string, data: string) => {
    const before = known.get(at)
    known.set(at, data)
    return before === undefined || before === data
      ? undefined
      : `${who} has ${data} at ${at}, where another has ${before}`
  }
  for (const { who, topic, view } of views) {
    for (const { offset, epoch } of view.acknowledged) {
      const at = `${topic}/${epoch}/${offset}`
      if (acknowledged.has(at)) return `two messages were acknowledged at ${at}`
      acknowledged.add(at)
    }
    const then = view.reached
    for (const { offset, epoch } of view.acknowledged.slice(0, then.acknowledged)) {
      reached(topic, epoch, offset)
    }
    reached(topic, then.epoch, then.last)
    const wrong = jump(who, topic, view) ?? disagreement(who, topic, view, agree)
    if (wrong !== undefined) return wrong
  }
  for (const { who, topic, view } of views) {
    const head = heads.get(`${topic}/${view.epoch}`) ?? 0
    if (view.calm !== undefined && view.calm < head) {
      return `${who} was there at the end and has ${topic} up to ${view.calm}, which goes to ${head}`
    }
  }
  return undefined
}

function jump(who: string, topic: string, { sightings }: TopicView): string | undefined {
  let last = 0
  let log = ''
  for (const { saw, offset, epoch, ...rest } of sightings) {
    if (saw === 'item' && (offset !== last + 1 || epoch !== log)) {
      const where = epoch === log ? last : `${last} of another log`
      return `${who} got offset ${offset} of ${topic} after ${where}, and was told of no gap`
    }
    const from = 'from' in rest ? rest.from : undefined
    if (from !== undefined && (from.offset !== last || from.epoch !== log)) {
      return `${who} was told of a gap in ${topic} after ${from.offset} of ${from.epoch}, and had ${last} of ${log}`
    }
    last = offset
    log = epoch
  }
  return undefined
}

function disagreement(
  who: string,
  topic: string,
  { sightings }: TopicView,
  agree: (who: string, at: string, data: string) => string | undefined,
): string | undefined {
  for (const sighting of sightings) {
    if (sighting.saw === 'gap') continue
    const { epoch, offset, data } = sighting
    const wrong = agree(who, `${topic}/${epoch}/${offset}`, data)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

/**
 * Says what is wrong with a client of `windsock/client`, if anything: two WebSockets at a time, or a timer, a WebSocket or
 * an unanswered publish that is left when it has closed.
 */
export function atItsEnd(server: Harness): string | undefined {
  for (const [number, client] of server.followers) {
    if (!(client instanceof ReconnectingClient)) continue
    const { mostSockets, left } = client
    if (mostSockets > 1) return `client ${number} had ${mostSockets} WebSockets at a time`
    if (left.length > 0) return `client ${number} has left ${left.join(', ')}`
  }
  return undefined
}
