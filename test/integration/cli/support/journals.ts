// Journals: files in which real connections, in virtual time, have left their lives.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectionMachine, HandshakeError, Journal, route, topic } from 'windsock'
import { type Harness, harness } from 'windsock/testing'
import { openSqliteStore } from '../../../../src/journal/sqlite-store.ts'
import type { Clock } from '../../../../src/protocol/ports.ts'

/** What a peer writes who wants to drive the terminal of whoever reads it. */
export const EVIL = 'x\u001b]0;owned\u0007\u009b31m\u202ey'

export interface JournalFile {
  readonly folder: string
  readonly file: string
  /** The id of the connection to each path. */
  readonly ids: Readonly<Record<string, string>>
  remove(): void
}

/**
 * Writes a journal with a connection for each way to end, the last one first in the list, and a topic of 60 messages.
 *
 * One connection, to `/left`, has not ended; as if the process had died then.
 */
export async function writeJournal(): Promise<JournalFile> {
  const folder = mkdtempSync(join(tmpdir(), 'windsock-cli-'))
  const file = join(folder, 'journal.db')
  let server: Harness | undefined
  const clock = {
    wallMs: () => (server as Harness).clock.wallMs(),
    endOfLoop: (task) => (server as Harness).clock.endOfLoop(task),
  } as Clock
  const journal = new Journal(await openSqliteStore(file), clock)
  server = harness(
    [
      route('/clean', () => {}),
      route('/vanishes', () => {}),
      route('/fails', ({ messages$ }) => {
        messages$.subscribe(() => {
          throw new Error(EVIL)
        })
      }),
      route('/refused', () => {}, {
        prepare: () => {
          throw new HandshakeError(403, 'members only')
        },
      }),
      route('/breaks', () => {}),
      route('/loud', ({ messages$ }) => messages$, { journalLevel: 'payloads' }),
      route('/own', () => {}, {
        machine: connectionMachine.provide({ delays: { pingInterval: 12_345 } }),
      }),
      route('/left', () => {}),
    ],
    { journal },
  )
  const ids: Record<string, string> = {}
  const dial = async (path: string) => {
    const before = new Set(server.runtime.connections.keys())
    const peer = await server.connect(path)
    for (const id of server.runtime.connections.keys()) if (!before.has(id)) ids[path] = id
    await server.advance(100)
    return peer
  }

  const clean = await dial('/clean')
  await server.advance(100_000)
  clean.close(1000, `bye ${EVIL}`)
  const vanishing = await dial('/vanishes')
  vanishing.vanish()
  await server.advance(60_000)
  const failing = await dial('/fails')
  failing.send('x')
  await server.advance(1_000)
  await dial('/refused')
  const breaking = await dial('/breaks')
  breaking.breach(EVIL)
  await server.advance(1_000)
  const loud = await dial('/loud')
  loud.send(`say ${EVIL}`)
  await server.advance(1_000)
  loud.reset()
  const own = await dial('/own')
  own.close(4000)
  await server.advance(1_000)
  await dial('/left')
  for (const { connectionId, cause } of server.records) {
    if (cause === 'refused') ids['/refused'] = connectionId
  }

  const news = topic('news', { durable: journal })
  for (let index = 0; index < 60; index++) await news.publish(`message ${index}`)
  await journal.close()
  return { folder, file, ids, remove: () => rmSync(folder, { recursive: true }) }
}
