// Upgrade request: what a peer of the harness asks with, as a server gets it from HTTP.
//
// A well-formed one without an Origin, as of a client that is no browser; the options make another of it.

import type { IncomingUpgrade } from '../http/request.ts'

/** The request of a peer. */
export interface ConnectOptions {
  /** Header names, in any case, and values; they replace the usual ones of the same name. */
  readonly headers?: Readonly<Record<string, string>>
  /** Default `192.0.2.1`. */
  readonly remoteAddress?: string
}

/** The request of a client, and its name. */
export interface ClientOptions extends ConnectOptions {
  /** Its name in what is printed; default: how many there were, and one more. */
  readonly number?: number
}

/** The request for `path`. */
export function upgradeRequest(path: string, options: ConnectOptions): IncomingUpgrade {
  const headers: Record<string, string> = {
    host: 'server.test',
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    headers[name.toLowerCase()] = value
  }
  return {
    method: 'GET',
    url: path,
    httpVersion: '1.1',
    rawHeaders: Object.entries(headers).flat(),
    remoteAddress: options.remoteAddress ?? '192.0.2.1',
    secure: false,
  }
}
