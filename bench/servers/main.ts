// Server: the process around a measured server, and the side of it that faces the benchmark.
//
//   node --expose-gc main.js MODULE PLAN
//
// The module's `listen` starts the server. This says which port it got, answers marks with the CPU time used so far, and
// ends the process when the benchmark is gone, however it went. Nothing here runs while messages flow.

import { setTimeout as pause } from 'node:timers/promises'
import { heed, markNow, type ServerPlan, say } from '../words.ts'

/** What each module here exports as `listen`. */
export type Listen = (plan: ServerPlan) => Promise<Listening>

export interface Listening {
  readonly port: number
  /** Of the server's library. */
  readonly version: string
}

// V8 starts a mark-compact for external memory (the 64 KiB buffers that sockets are read into) only when the heap
// holds more than 8 MB. Bare `ws` in an empty process stays below that, which no real program does: at 64 KB a
// message its cost per message tripled here as soon as the process held 5 MB of anything. So all servers hold
// this much, and the comparison is of what they do, not of how little else is there.
const BALLAST_OBJECTS = 100_000
const ballast = Array.from({ length: BALLAST_OBJECTS }, (_, index) => ({ index, text: `${index}` }))

/** What is freed in one collection may free more in the next, once its finalizers have run. */
const COLLECTIONS = 4
const BETWEEN_COLLECTIONS_MS = 50

async function weigh(): Promise<void> {
  for (let i = 0; i < COLLECTIONS; i++) {
    globalThis.gc?.()
    await pause(BETWEEN_COLLECTIONS_MS)
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  say({ type: 'weight', heapBytes: heapUsed + external, rssBytes: rss })
}

heed(({ type }) => {
  if (type === 'mark') say(markNow(0))
  if (type === 'weigh') void weigh()
  // Looked at now and then, so that it is not collected.
  if (ballast.length !== BALLAST_OBJECTS) process.exit(1)
})

const [, , module = '', plan = '{}'] = process.argv
const { listen } = (await import(module)) as { listen: Listen }
const { port, version } = await listen(JSON.parse(plan) as ServerPlan)
say({ type: 'ready', port, version })
