// Trace: everything that happened in a run, from all sides, in order of time, as text.
//
// What a person reads when a law is broken, and what two runs of one seed are compared by, byte for byte.

import type { LinkItem } from '../transport/memory.ts'
import type { Harness } from './harness.ts'
import type { Life, LifeEntry } from './life.ts'
import { printed } from './print.ts'
import { ReconnectingClient } from './reconnecting.ts'
import { timeOf } from './script.ts'
import { placeOf } from './sequence.ts'

/** What came to the clients, what the handlers were told and did, and how each connection ended; a line each. */
export function trace(server: Harness): string {
  const told = [...server.followers].flatMap(([number, client]) =>
    client instanceof ReconnectingClient
      ? client.entries.map((entry) => lineOf(entry, `client ${number} ${entry.text}`))
      : [],
  )
  const lines = [...server.lives.flatMap((life, index) => linesOf(life, index)), ...told]
  lines.sort((a, b) => a.atMs - b.atMs || a.place - b.place)
  return lines.map(({ atMs, text }) => `${timeOf(atMs)} ${text}`).join('\n')
}

interface Line {
  readonly atMs: number
  readonly place: number
  readonly text: string
}

function linesOf({ client, entries }: Life, index: number): Line[] {
  const who = `client ${client.number}`
  const handler = `handler of ${who} (connection ${index + 1})`
  return [
    ...client.wire.map((entry) => lineOf(entry, `${who} gets ${tellItem(entry.item)}`)),
    ...entries.map((entry) => lineOf(entry, `${handler} ${tellEntry(entry)}`)),
  ]
}

function lineOf(entry: { readonly atMs: number }, text: string): Line {
  return { atMs: entry.atMs, place: placeOf(entry), text }
}

function tellItem(item: LinkItem): string {
  switch (item.kind) {
    case 'message':
      return printed(item.message)
    case 'ping':
    case 'pong':
      return `${item.kind} ${printed(item.data)}`
    case 'close':
      return `close ${item.frame.code} ${printed(item.frame.reason)}`
    case 'breach':
      return `what no server may send: ${item.detail}`
    case 'end':
      return 'the end of the connection'
  }
}

function tellEntry(entry: LifeEntry): string {
  switch (entry.what) {
    case 'message':
      return `is given ${printed(entry.message)}`
    case 'send':
      return `sends ${printed(entry.message)}`
    case 'closeCall':
      return `closes with ${entry.code} ${printed(entry.reason)}`
    case 'throws':
      return `fails in its ${entry.hook} hook`
    case 'over':
      return `is over: ${entry.record.cause} by ${entry.record.initiator}, told ${entry.record.code}`
    case 'open':
      return 'is opened'
    case 'opened':
      return 'has opened'
    default:
      return `is told the ${entry.what}`
  }
}
