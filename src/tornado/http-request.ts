// HTTP request: the request as a handler sees it, plain or upgrading, with Tornado's names beside windsock's.
//
// Arguments are parsed when first asked for. The peer's address and whether there is TLS come from the socket, or
// from the server's trusted proxies. Knows nothing of responses.
// Source: tornado.httputil.HTTPServerRequest.

import type { ConnectionRequest } from '../handlers/handler.ts'
import { type Arguments, parseArguments } from './arguments.ts'

/** A request as handlers see it, with its arguments and its body (Tornado: `HTTPServerRequest`). */
export class HttpRequest implements ConnectionRequest {
  readonly #request: ConnectionRequest
  /** The body as it came; empty for an upgrade. */
  readonly body: Uint8Array
  #queryArguments: Arguments | undefined
  #bodyArguments: Arguments | undefined

  constructor(request: ConnectionRequest, body: Uint8Array = new Uint8Array()) {
    this.#request = request
    this.body = body
  }

  get method(): string {
    return this.#request.method
  }

  get url(): string {
    return this.#request.url
  }

  /** As `url` (Tornado: `uri`). */
  get uri(): string {
    return this.#request.url
  }

  get path(): string {
    return this.#request.path
  }

  get params(): ConnectionRequest['params'] {
    return this.#request.params
  }

  get args(): ConnectionRequest['args'] {
    return this.#request.args
  }

  get query(): URLSearchParams {
    return this.#request.query
  }

  get headers(): ConnectionRequest['headers'] {
    return this.#request.headers
  }

  get cookies(): ConnectionRequest['cookies'] {
    return this.#request.cookies
  }

  get remoteAddress(): string {
    return this.#request.remoteAddress
  }

  /** As `remoteAddress` (Tornado: `remote_ip`). */
  get remoteIp(): string {
    return this.#request.remoteAddress
  }

  get secure(): boolean {
    return this.#request.secure
  }

  /** `http` or `https` (Tornado: `protocol`). */
  get protocol(): 'http' | 'https' {
    return this.#request.secure ? 'https' : 'http'
  }

  /** The Host header, or empty; the client chose it (Tornado: `host`). */
  get host(): string {
    return this.headers['host'] ?? ''
  }

  /** The query's arguments (Tornado: `query_arguments`). @throws HTTPError 400 for too many. */
  get queryArguments(): Arguments {
    const start = this.url.indexOf('?')
    const end = this.url.indexOf('#')
    this.#queryArguments ??= parseArguments(
      start < 0 ? '' : this.url.slice(start + 1, end < 0 ? undefined : end),
    )
    return this.#queryArguments
  }

  /** The arguments of an urlencoded form (Tornado: `body_arguments`). @throws HTTPError 400 for too many. */
  get bodyArguments(): Arguments {
    const type = this.headers['content-type'] ?? ''
    const isForm = /^application\/x-www-form-urlencoded(\s*;|\s*$)/i.test(type)
    this.#bodyArguments ??= parseArguments(isForm ? Buffer.from(this.body).toString('latin1') : '')
    return this.#bodyArguments
  }
}
