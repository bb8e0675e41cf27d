// Test server: `serve()` with everything that it tells kept for assertions, closed when the test is over.

import { onTestFinished } from 'vitest'
import {
  type Attached,
  type CloseRecord,
  type ServeOptions,
  type Server,
  serve,
  type WebSocketError,
} from 'windsock'
import { Mailbox } from './mailbox.ts'

export interface TestServer {
  readonly server: Server
  readonly port: number
  /** The close records, in the order of the ends. */
  readonly records: Mailbox<CloseRecord>
  /** What `onError` was told. */
  readonly errors: Mailbox<WebSocketError>
}

/** Starts a server on a free port. Peers that do not answer a Close frame are cut off quickly. */
export async function start(options: ServeOptions): Promise<TestServer> {
  const errors = new Mailbox<WebSocketError>()
  const server = await serve({
    closeTimeoutMs: 300,
    onError: (error) => errors.put(error),
    ...options,
  })
  onTestFinished(() => server.close())
  return { server, port: server.port, records: recordsOf(server), errors }
}

/** The close records of a server from now on. */
export function recordsOf(server: Attached): Mailbox<CloseRecord> {
  const records = new Mailbox<CloseRecord>()
  server.closed$.subscribe((record) => records.put(record))
  return records
}
