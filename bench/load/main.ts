// Load: the process that keeps a server busy, so that its own work is not counted as the server's.
//
// Its plan comes as JSON on the command line. It opens all connections and makes sure that each takes part. From `run`
// on it does its work; after `rest` it begins no more and waits for what is still on its way. Every message is checked
// for content and order.

import { heed, type LoadPlan, markNow, type Order, say } from '../words.ts'
import type { Activity, CommonOptions } from './activity.ts'
import { broadcast } from './broadcast.ts'
import { crowd, echo } from './echo.ts'
import { idle, Opening } from './opening.ts'
import { Paced } from './paced.ts'
import { writeScript } from './script.ts'

/** For those who send nothing, or one message at a time. */
const ONE = 1

let failing = false

function fail(reason: string): void {
  if (failing) return
  failing = true
  say({ type: 'failed', reason }, () => process.exit(1))
}

async function begin({ port, path, dialect, work }: LoadPlan): Promise<Activity> {
  const payloadBytes = 'payloadBytes' in work ? work.payloadBytes : 16
  const inFlight = 'inFlight' in work ? work.inFlight : ONE
  const common: CommonOptions = {
    port,
    path,
    dialect,
    script: writeScript(dialect, payloadBytes, inFlight),
    deflate: work.kind === 'broadcast' && work.deflate,
    joins: work.kind === 'broadcast',
    onFault: fail,
  }
  switch (work.kind) {
    case 'echo':
      return echo(work, common)
    case 'broadcast':
      return broadcast(work, common)
    case 'crowd':
      return crowd(work, common)
    case 'idle':
      return idle(work, common)
    case 'opening':
      return new Opening(work, common)
    case 'paced':
      return new Paced(work).open(work, common)
  }
}

async function obey({ type }: Order, activity: Activity): Promise<void> {
  if (type === 'run') {
    say(markNow(activity.done, activity.idleSeconds))
    activity.run()
  }
  if (type === 'rest') {
    await activity.rest()
    say(markNow(activity.done, activity.idleSeconds, activity.latency?.()))
  }
  if (type === 'tidy') {
    await activity.tidy()
    say({ type: 'tidied' })
  }
}

let activity: Activity | undefined
heed((order) => {
  if (activity === undefined) return
  obey(order, activity).catch((error: unknown) => fail(String(error)))
})
try {
  activity = await begin(JSON.parse(process.argv[2] ?? '') as LoadPlan)
  say({ type: 'ready', port: 0, version: '' })
} catch (error) {
  fail(error instanceof Error ? error.message : String(error))
}
