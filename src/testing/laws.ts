// Laws: what holds in every run, whatever clients, networks and handlers do; each a function that throws.
//
// They are judged by what both ends saw (`Life`, `Follower`), after `harness.run(script)`. A law says nothing about what
// it cannot know: a message that a reset may have eaten is not missed.

import type { Message } from '../protocol/message.ts'
import type { Harness } from './harness.ts'
import type { Life } from './life.ts'
import { printed } from './print.ts'
import { timeOf } from './script.ts'
import { placeOf } from './sequence.ts'
import { atItsEnd, noGap } from './topic-laws.ts'
import { trace } from './trace.ts'

/** A law did not hold. Its message says which, for whom, and all that happened. */
export class LawBroken extends Error {
  /** Which one, as `noLoss`. */
  readonly law: string

  constructor(law: string, what: string, server: Harness) {
    super(`${law}: ${what}\n\nWhat happened:\n${trace(server)}\n`)
    this.name = 'LawBroken'
    this.law = law
  }
}

type Law = (server: Harness) => void

/** A law about each life by itself. */
function each(name: string, complaint: (life: Life, server: Harness) => string | undefined): Law {
  return (server) => {
    for (const life of server.lives) {
      const what = complaint(life, server)
      if (what === undefined) continue
      throw new LawBroken(name, `client ${life.client.number}: ${what}`, server)
    }
  }
}

/** Every connection ends once: one record, one call of the close hook if `open` was called, one Close frame at most. */
const oneClose = each('oneClose', (life, server) => {
  const { client, connection, entries, records, hasCrashed } = life
  if (client.closeFrames.length > 1) return `it got ${client.closeFrames.length} Close frames`
  // The process that would have told of the end was gone before it.
  if (connection === undefined || hasCrashed) return undefined
  const isOver = !server.runtime.connections.has(connection.id)
  if (records.length !== (isOver ? 1 : 0)) return `there are ${records.length} close records`
  const count = (what: string) => entries.filter((entry) => entry.what === what).length
  if (count('open') > 1) return `its handler was opened ${count('open')} times`
  if (count('end') > 1) return `its handler was told the end ${count('end')} times`
  const expected = isOver ? count('open') : 0
  if (count('close') !== expected) return `its handler was closed ${count('close')} times`
  return undefined
})

/**
 * What is delivered is what was said, in its order, without a hole, both ways, and to the handler one at a time; a policy
 * that drops leaves only holes.
 */
const order = each('order', ({ client, heard, sent, slow, hasOverlapped }) => {
  if (hasOverlapped) return 'its handler was given a message while it was busy with the one before'
  const wrong = firstNot(heard, client.said)
  if (wrong >= 0) return `its handler was given ${printed(heard[wrong] as Message)} out of turn`
  const got = client.messages
  const drops = slow === 'drop-oldest' || slow === 'latest'
  const bad = drops ? firstNotAmong(got, sent) : firstNot(got, sent)
  if (bad >= 0) return `it got ${printed(got[bad] as Message)} out of turn`
  return undefined
})

/** Nothing is lost where nothing stood in the way: to the handler, and from it. */
const noLoss = each('noLoss', (life) => {
  const { client, records, heard, sent, slow, calm } = life
  const [record] = records
  const said = client.said.length
  // It said its last and closed: all before that is delivered first.
  if (record?.initiator === 'peer' && heard.length < said && life.hasOpened) {
    return `its handler never heard ${printed(client.said[heard.length] as Message)}`
  }
  const isWhole = slow === 'close' || slow === 'pause'
  // A client that closes wants nothing more, whatever the handler had still to say.
  const endedWell = record?.cause === 'appClosed' && client.closeFrames.length > 0 && !left(client)
  if (isWhole && endedWell && client.messages.length < sent.length) {
    return `it was never sent ${printed(sent[client.messages.length] as Message)}, said before the close`
  }
  if (calm === undefined || !calm.isOpen || !calm.isQuiet) return undefined
  if (!calm.isBusy && calm.heard < calm.said) {
    return `its handler had not heard ${printed(client.said[calm.heard] as Message)}, though all was quiet`
  }
  if (isWhole && calm.received < calm.sent) {
    return `it had not got ${printed(sent[calm.received] as Message)}, though all was quiet`
  }
  return undefined
})

/** What the server keeps for one client stays within `maxOutboundBytes` and two messages: a large one, and one that begins below the bound. */
const budget = each('budget', ({ maxOutboundBytes, mostHeldBytes, largestSentBytes, slow }) => {
  // With a policy that drops, what was sent and is not on the network may be gone rather than kept.
  if (slow === 'drop-oldest' || slow === 'latest') return undefined
  const bound = maxOutboundBytes + 2 * largestSentBytes
  return mostHeldBytes > bound ? `${mostHeldBytes} bytes waited for it, over ${bound}` : undefined
})

/**
 * After a Close frame nothing comes but the end; after the end, or its own `close()`, a handler is told of no message, and
 * can send none.
 */
const nothingAfterClose = each('nothingAfterClose', ({ client, entries, lateSends }) => {
  if (lateSends > 0) return `${lateSends} messages were taken from its handler after the close`
  const closed = client.wire.findIndex(({ item }) => item.kind === 'close')
  const late = client.wire.slice(closed + 1).find(({ item }) => item.kind !== 'end')
  if (closed >= 0 && late) return `it got a ${late.item.kind} after the Close frame`
  const ended = entries.findIndex(({ what }) => what === 'end' || what === 'closeCall')
  const after = ended < 0 ? undefined : entries.slice(ended).find(({ what }) => what === 'message')
  if (after?.what === 'message') {
    return `its handler was given ${printed(after.message)} at ${timeOf(after.atMs)}, after the end`
  }
  const over = entries.findIndex(({ what }) => what === 'close')
  const last = over < 0 ? undefined : entries.slice(over + 1).find(({ what }) => what === 'end')
  return last === undefined ? undefined : 'its handler was told the end after the close'
})

/** When the server is closed nothing is left: no connection, no timer, no socket, no handler that was not told. */
const noLeak: Law = (server) => {
  const broken = (what: string) => new LawBroken('noLeak', what, server)
  const { connections } = server.runtime
  if (connections.size > 0) throw broken(`${connections.size} connections are left`)
  const { timerCount } = server.clock
  if (timerCount > 0) throw broken(`${timerCount} timers are left`)
  for (const { client, entries, isSocketGone, connection, hasCrashed } of server.lives) {
    const who = `client ${client.number}`
    if (hasCrashed) continue
    if (connection !== undefined && !isSocketGone) throw broken(`the socket of ${who} is left`)
    const told = (what: string) => entries.some((entry) => entry.what === what)
    if (told('open') && !told('end')) throw broken(`the handler of ${who} was never told the end`)
  }
}

/** The server breaks no rule of RFC 6455 that its client can see. */
const wellFormed = each('wellFormed', ({ client }) => {
  const breach = client.wire.find(({ item }) => item.kind === 'breach')
  if (breach?.item.kind === 'breach') return breach.item.detail
  const illegal = client.closeFrames.find(({ code }) => !mayTravel(code))
  return illegal === undefined ? undefined : `it got the close code ${illegal.code}`
})

const NAMED = {
  oneClose,
  order,
  noLoss,
  budget,
  nothingAfterClose,
  noLeak,
  wellFormed,
  noGap: (server: Harness) => {
    const what = noGap(server)
    if (what !== undefined) throw new LawBroken('noGap', what, server)
  },
  cleanClient: (server: Harness) => {
    const what = atItsEnd(server)
    if (what !== undefined) throw new LawBroken('cleanClient', what, server)
  },
} as const satisfies Record<string, Law>

/**
 * What holds for every handler, whatever befalls its connections: each looks at what a harness has kept of a run.
 *
 * @throws LawBroken (each of them) when it does not hold.
 */
export const laws = {
  ...NAMED,
  /** All of them. */
  all: (server: Harness): void => {
    for (const law of Object.values(NAMED)) law(server)
  },
}

/** Whether it closed by itself, and not in answer to the server. */
function left({ out, wire }: Life['client']): boolean {
  const said = out.find(({ item }) => item.kind === 'close')
  const got = wire.find(({ item }) => item.kind === 'close')
  return said !== undefined && (got === undefined || placeOf(said) < placeOf(got))
}

/** Close codes that may stand in a frame (RFC 6455 §7.4); 1005 stands for a frame without one. */
function mayTravel(code: number): boolean {
  if (code === 1005) return true
  if (code >= 3000 && code <= 4999) return true
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1006
}

/** The first place where `some` is not the beginning of `all`; -1 when it is. */
function firstNot(some: readonly Message[], all: readonly Message[]): number {
  return some.findIndex((message, index) => !isSame(message, all[index]))
}

/** The first of `some` that is not among `all`, each behind the one before; -1 when all are. */
function firstNotAmong(some: readonly Message[], all: readonly Message[]): number {
  let at = 0
  return some.findIndex((message) => {
    while (at < all.length && !isSame(message, all[at])) at++
    return at++ >= all.length
  })
}

function isSame(one: Message, other: Message | undefined): boolean {
  if (typeof one === 'string' || typeof other === 'string') return one === other
  return other !== undefined && Buffer.from(one).equals(other)
}
