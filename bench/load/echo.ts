// Echo: each connection keeps its messages on their way; or, in a crowd, a few messages go round all connections.

import type { CrowdWork, EchoWork } from '../cases.ts'
import { type Activity, answerOnce, ClosedLoop, type CommonOptions, openAll } from './activity.ts'

export async function echo(work: EchoWork, common: CommonOptions): Promise<Activity> {
  let ready = false
  const links = await openAll(work.connections, common, (link, _, count) => {
    if (ready && loop.through(count, 1)) link.send(count)
  })
  const loop = new ClosedLoop(() => {
    for (const link of links) link.send(work.inFlight)
    return links.length * work.inFlight
  })
  await answerOnce(links)
  ready = true
  return loop
}

export async function crowd(work: CrowdWork, common: CommonOptions): Promise<Activity> {
  let ready = false
  let next = 0
  const links = await openAll(work.connections, common, (_link, _index, count) => {
    if (ready && loop.through(count, 1)) sendNext(count)
  })
  const loop = new ClosedLoop(() => {
    sendNext(work.inFlight)
    return work.inFlight
  })
  function sendNext(count: number): void {
    for (let i = 0; i < count; i++) {
      links[next]?.send(1)
      next = (next + 1) % links.length
    }
  }
  await answerOnce(links)
  ready = true
  return loop
}
