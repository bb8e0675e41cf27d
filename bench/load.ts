// Load: the process that keeps a server busy, so that its own work is not counted as the server's.
//
// Its plan comes as JSON on the command line. It opens all connections and makes sure that each
// takes part. From `run` on it keeps the planned number of messages in flight; after `rest` it
// sends no more and waits for those still on their way. Every message is checked for content and
// order.

import type { BroadcastWork, EchoWork } from './cases.ts'
import { Link, type LinkOptions } from './link.ts'
import { writeScript } from './wire.ts'
import { type LoadPlan, markNow, type Order, say } from './words.ts'

/** Connections that are opened at a time; below the usual listen backlog. */
const OPENING_AT_ONCE = 100
/** How often, and how long apart, the publisher calls until everyone has joined. */
const CALLS = 50
const CALL_EVERY_MS = 100

type Common = Omit<LinkOptions, 'onMessages'>

/** Sends as many messages as shall be in flight; their number. */
type Start = () => number

let phase: 'opening' | 'running' | 'resting' = 'opening'
let inFlight = 0
let done = 0
let failing = false

/** Counts messages that are through, each worth so many; whether as many shall follow them. */
function through(messages: number, worth: number): boolean {
  done += messages * worth
  if (phase === 'running') return true
  inFlight -= messages
  if (inFlight === 0) say(markNow(done))
  return false
}

function obey(order: Order, start: Start): void {
  if (order.type === 'run') {
    phase = 'running'
    say(markNow(done))
    inFlight = start()
  }
  if (order.type === 'rest') phase = 'resting'
}

function fail(reason: string): void {
  if (failing) return
  failing = true
  if (process.send === undefined) console.error(reason)
  process.send?.({ type: 'failed', reason }, () => process.exit(1))
}

async function echo(work: EchoWork, common: Common): Promise<Start> {
  let answered = 0
  const links = await openAll(work.connections, () => {
    const link: Link = new Link({
      ...common,
      onMessages: (count) => {
        if (phase === 'opening') answered += count
        else if (through(count, 1)) link.send(count)
      },
    })
    return link
  })
  for (const link of links) link.send(1)
  while (answered < work.connections) await pause(10)
  return () => {
    for (const link of links) link.send(work.inFlight)
    return links.length * work.inFlight
  }
}

async function broadcast(work: BroadcastWork, common: Common): Promise<Start> {
  const everyone = work.subscribers + 1
  // How many have a message, by its number modulo twice what can be in flight, so none collide.
  const havers = new Uint32Array(2 * work.inFlight)
  let publisher: Link | undefined
  const links = await openAll(everyone, () => {
    return new Link({
      ...common,
      onMessages: (count, first) => {
        if (phase === 'opening') return
        let complete = 0
        for (let number = first; number < first + count; number++) {
          const slot = number % havers.length
          const having = (havers[slot] ?? 0) + 1
          havers[slot] = having === everyone ? 0 : having
          if (having === everyone) complete += 1
        }
        if (complete > 0 && through(complete, everyone)) publisher?.send(complete)
      },
    })
  })
  const [first] = links
  if (first === undefined) throw new Error('a broadcast needs connections')
  publisher = first
  await gather(first, links)
  return () => {
    first.send(work.inFlight)
    return work.inFlight
  }
}

/** Publishes until every link has the latest message: an open socket may not subscribe yet. */
async function gather(publisher: Link, links: readonly Link[]): Promise<void> {
  for (let call = 0; call < CALLS; call++) {
    publisher.send(1)
    for (let waited = 0; waited < CALL_EVERY_MS; waited += 10) {
      await pause(10)
      if (links.every((link) => link.received === publisher.sent)) return
    }
  }
  const deaf = links.filter((link) => link.received !== publisher.sent).length
  throw new Error(`${deaf} of ${links.length} connections did not get the latest broadcast`)
}

async function openAll(count: number, open: () => Link): Promise<Link[]> {
  const links: Link[] = []
  while (links.length < count) {
    const size = Math.min(OPENING_AT_ONCE, count - links.length)
    const batch = Array.from({ length: size }, open)
    await Promise.all(batch.map((link) => link.opened))
    links.push(...batch)
  }
  return links
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

process.on('disconnect', () => process.exit(0))

try {
  const { port, work } = JSON.parse(process.argv[2] ?? '') as LoadPlan
  const common: Common = {
    port,
    path: `/${work.kind}`,
    payloadBytes: work.payloadBytes,
    script: writeScript(work.payloadBytes, work.inFlight),
    joins: work.kind === 'broadcast',
    onFault: fail,
  }
  const start = await (work.kind === 'echo' ? echo(work, common) : broadcast(work, common))
  process.on('message', (order: Order) => obey(order, start))
  say({ type: 'ready', port: 0 })
} catch (error) {
  fail(error instanceof Error ? error.message : String(error))
}
