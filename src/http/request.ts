// Request: a request, upgrade or plain, as user code sees it, copied out of Node's so that it does not keep that alive.
//
// Headers, query and cookies are parsed when first asked for; most connections never ask.

import { parseCookie } from 'cookie'
import type { ConnectionRequest } from '../handlers/handler.ts'
import type { UpgradeRequest } from '../protocol/handshake.ts'
import { pathOf } from '../protocol/request-target.ts'

/** What a request tells, upgrade or plain, whoever brought it. */
export interface IncomingUpgrade extends UpgradeRequest {
  readonly remoteAddress: string
  readonly secure: boolean
}

/** What a pattern captured of the path. */
export type Captures = Pick<ConnectionRequest, 'params' | 'args'>

export class HandshakeRequest implements ConnectionRequest {
  readonly method: string
  readonly url: string
  readonly params: ConnectionRequest['params']
  readonly args: ConnectionRequest['args']
  readonly remoteAddress: string
  readonly secure: boolean
  // One text, of which no line can hold a line's end: a browser sends two dozen, to be kept as long as the connection.
  readonly #rawHeaders: string
  #headers: Readonly<Record<string, string>> | undefined

  constructor(upgrade: IncomingUpgrade, captured: Captures) {
    this.method = upgrade.method
    this.url = upgrade.url
    this.remoteAddress = upgrade.remoteAddress
    this.secure = upgrade.secure
    this.#rawHeaders = upgrade.rawHeaders.join('\n')
    this.params = captured.params
    this.args = captured.args
  }

  get path(): string {
    return pathOf(this.url)
  }

  get query(): URLSearchParams {
    const start = this.url.indexOf('?')
    return new URLSearchParams(start < 0 ? '' : this.url.slice(start + 1))
  }

  get headers(): Readonly<Record<string, string>> {
    this.#headers ??= headersByName(this.#rawHeaders.split('\n'))
    return this.#headers
  }

  get cookies(): Readonly<Record<string, string | undefined>> {
    return parseCookie(this.headers['cookie'] ?? '')
  }
}

/** Header names in lower case; several of one name are joined with `, ` (RFC 9110 §5.3), cookies with `; ` (RFC 9113 §8.2.3). */
export function headersByName(rawHeaders: readonly string[]): Readonly<Record<string, string>> {
  const headers: Record<string, string> = Object.create(null)
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase()
    const value = rawHeaders[index + 1] as string
    const separator = name === 'cookie' ? '; ' : ', '
    headers[name] = headers[name] === undefined ? value : `${headers[name]}${separator}${value}`
  }
  return headers
}
