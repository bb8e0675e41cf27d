// Response: what a handler has said so far about the answer to its request.
//
// A draft until it is finished, or until the request becomes a WebSocket; after either, changing it is a mistake that
// is told. Header names and values are checked when they are set, so that nothing of a request can end a line.
// Cookies stay when an error clears the rest, as in Tornado. Writes to no socket.
// Source: tornado.web.RequestHandler.

import { show, WebSocketError } from '../protocol/errors.ts'
import type { ResponseHeaders } from '../protocol/http-answer.ts'
import { checkStatus, reasonOf } from './errors.ts'

/** What a header may be given as; a date becomes an HTTP date. */
export type HeaderValue = string | number | Date

/** A response that is ready to go. */
export interface MadeResponse {
  readonly status: number
  readonly reason: string
  readonly headers: ResponseHeaders
  readonly body: Uint8Array
}

interface Header {
  readonly name: string
  readonly values: string[]
}

/** What the answer 101 writes itself, or has no use for. */
const NOT_ON_101 = /^(content-.*|connection|upgrade|transfer-encoding|sec-websocket-.*)$/

export class ResponseDraft {
  #phase: 'draft' | 'finished' | 'upgraded' = 'draft'
  #status = 200
  #reason: string | undefined
  readonly #headers = new Map<string, Header>()
  readonly #cookies = new Map<string, string>()
  #chunks: Uint8Array[] = []

  get isFinished(): boolean {
    return this.#phase === 'finished'
  }

  get isUpgraded(): boolean {
    return this.#phase === 'upgraded'
  }

  get status(): number {
    return this.isUpgraded ? 101 : this.#status
  }

  get reason(): string {
    return this.#reason ?? reasonOf(this.status)
  }

  /** Forgets everything but the cookies. */
  clear(): void {
    this.#status = 200
    this.#reason = undefined
    this.#headers.clear()
    this.#chunks = []
  }

  setStatus(status: number, reason?: string): void {
    this.#status = checkStatus(status)
    this.#reason = reason === undefined ? undefined : checkText('the reason', reason)
  }

  set(name: string, value: HeaderValue): void {
    this.#headers.set(checkName(name).toLowerCase(), { name, values: [headerText(name, value)] })
  }

  add(name: string, value: HeaderValue): void {
    const known = this.#headers.get(checkName(name).toLowerCase())
    if (known === undefined) this.set(name, value)
    else known.values.push(headerText(name, value))
  }

  remove(name: string): void {
    this.#headers.delete(checkName(name).toLowerCase())
  }

  /** `header` takes the place of an earlier one of the same cookie. */
  setCookie(name: string, header: string): void {
    this.#cookies.set(name, header)
  }

  write(bytes: Uint8Array): void {
    this.#chunks.push(bytes)
  }

  finish(): void {
    this.#phase = 'finished'
  }

  /** The request has become a WebSocket. */
  upgrade(): void {
    this.#phase = 'upgraded'
    this.clear()
    this.#cookies.clear()
  }

  /** @throws WebSocketError `ERR_WINDSOCK_RESPONSE` when there is no response to change any more. */
  check(method: string): void {
    if (this.#phase === 'draft') return
    const why = this.isUpgraded ? 'the request has become a WebSocket' : 'the response is finished'
    throw new WebSocketError('ERR_WINDSOCK_RESPONSE', `${method} comes too late: ${why}`, {
      fault: 'bug',
    })
  }

  /** The response, its length told where it has a body. */
  answer(): MadeResponse {
    const hasBody = this.#status !== 204 && this.#status !== 304
    const body = hasBody ? Buffer.concat(this.#chunks) : Buffer.alloc(0)
    const headers: Record<string, string | readonly string[]> = this.#list()
    for (const name of Object.keys(headers)) {
      // The length is what it is, and the connection is not the handler's.
      const drop = /^(content-length|connection|transfer-encoding|upgrade)$/i
      if (drop.test(name) || (!hasBody && /^content-/i.test(name))) delete headers[name]
    }
    return { status: this.#status, reason: this.reason, headers, body }
  }

  /** The headers that go onto the 101 response. */
  upgradeHeaders(): ResponseHeaders {
    const headers = this.#list()
    for (const name of Object.keys(headers)) {
      if (NOT_ON_101.test(name.toLowerCase())) delete headers[name]
    }
    return headers
  }

  #list(): Record<string, string | readonly string[]> {
    const headers: Record<string, string | readonly string[]> = {}
    for (const { name, values } of this.#headers.values()) headers[name] = values
    if (this.#cookies.size > 0) {
      const own = this.#headers.get('set-cookie')
      if (own !== undefined) delete headers[own.name]
      headers['Set-Cookie'] = [...(own?.values ?? []), ...this.#cookies.values()]
    }
    return headers
  }
}

function checkName(name: string): string {
  if (typeof name === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(name)) return name
  throw new WebSocketError(
    'ERR_WINDSOCK_RESPONSE',
    `a header's name is ${show(name)}: it must be a token (RFC 9110 §5.1)`,
  )
}

function headerText(name: string, value: HeaderValue): string {
  if (value instanceof Date) return value.toUTCString()
  return checkText(`the header ${name}`, typeof value === 'number' ? String(value) : value)
}

function checkText(what: string, text: string): string {
  if (typeof text === 'string' && /^[\t\x20-\x7e]*$/.test(text)) return text
  throw new WebSocketError(
    'ERR_WINDSOCK_RESPONSE',
    `${what} is ${show(text)}: it must be printable ASCII, so encode anything else`,
  )
}
