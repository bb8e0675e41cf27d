// Application: one of Tornado's on a free port, with everything that it tells kept, stopped when the test is over.

import { onTestFinished } from 'vitest'
import type { WebSocketError } from 'windsock'
import { Application, type ApplicationSettings, type Rule } from 'windsock/tornado'
import { ask } from './house.ts'
import { Mailbox } from './mailbox.ts'
import { PLAIN, type RequestOptions, type Response } from './raw-client.ts'
import { recordsOf } from './test-server.ts'

/** Starts an application. Peers that do not answer a Close frame must be gone before the test ends. */
export async function startApplication(rules: readonly Rule[], settings: ApplicationSettings = {}) {
  const errors = new Mailbox<WebSocketError>()
  const application = new Application(rules, { onError: (error) => errors.put(error), ...settings })
  const server = await application.listen(0)
  onTestFinished(() => application.stop())
  return { application, server, port: server.port, errors, records: recordsOf(server) }
}

/** Asks without an upgrade; `body` as a form. */
export function askPlain(
  port: number,
  path: string,
  { headers, ...options }: RequestOptions & { readonly body?: string | Uint8Array } = {},
): Promise<Response> {
  const { body } = options
  const form = body !== undefined && {
    'Content-Type': 'application/x-www-form-urlencoded',
    'Content-Length': String(Buffer.byteLength(body)),
  }
  return ask(port, {
    path,
    ...options,
    headers: { ...PLAIN, ...form, ...headers },
    ...(body !== undefined && { head: Buffer.from(body as string) }),
  })
}
