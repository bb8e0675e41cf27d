// Exchange: one request, and the response that a handler makes to it.
//
// The methods that concern HTTP alone: arguments, status, headers, writing, redirecting, finishing. After the upgrade
// those that change the response throw. Users, cookies and hooks stand in `request-handler.ts`.
// Source: tornado.web.RequestHandler.

import type { RequestReport } from '../handlers/handler.ts'
import { describe, show, typeName, WebSocketError } from '../protocol/errors.ts'
import type { Sendable } from '../protocol/message.ts'
import type { Clock } from '../protocol/ports.ts'
import { cleanText, utf8Text, valuesOf } from './arguments.ts'
import { atOnce, HTTPError, MissingArgumentError } from './errors.ts'
import type { HandlerHost } from './host.ts'
import type { HttpRequest } from './http-request.ts'
import { jsonEncode } from './outgoing.ts'
import { type HeaderValue, ResponseDraft } from './response.ts'
import type { SharedSettings } from './settings.ts'

/** What an exchange is made of. */
export interface ExchangeSetup {
  readonly request: HttpRequest
  readonly host: HandlerHost
  readonly clock: Pick<Clock, 'wallMs'>
  /** Where errors of user code go. */
  readonly report: RequestReport
}

/** Begins the exchange; whoever makes the handler calls it, once. */
export const begin = Symbol('begin')
/** The response so far. */
export const draft = Symbol('draft')
/** What the exchange was made of. */
export const setup = Symbol('setup')

/** Tells of what user code has thrown, and on which request. */
export function report(exchange: RequestExchange, thrown: unknown): void {
  const { report: tell, request } = exchange[setup]
  tell(WebSocketError.from(thrown), undefined, request)
}

type Fallback<T> = [fallback: T, strip?: boolean]

export class RequestExchange {
  /** The request; there from `setDefaultHeaders` on (Tornado: `request`). */
  request!: HttpRequest
  /** @internal */
  readonly [draft]: ResponseDraft = new ResponseDraft();
  /** @internal */
  [setup]!: ExchangeSetup;

  /** @internal */
  [begin](made: ExchangeSetup): void {
    this[setup] = made
    this.request = made.request
    this.clear()
  }

  /** The application's settings; empty without one (Tornado: `settings`). */
  get settings(): SharedSettings {
    return this[setup].host.settings
  }

  /** Called for each request first of all, and again when an error clears the response (Tornado: `set_default_headers`). */
  setDefaultHeaders(): void {}

  // ── arguments ──────────────────────────────────────────────────────────────────────────────────

  /**
   * The last value of an argument of the query or the form, stripped, control characters made spaces (Tornado:
   * `get_argument`).
   *
   * @param fallback - what is given when it is missing. @param strip - default true.
   * @throws MissingArgumentError when it is missing and there is no fallback; HTTPError 400 when it is not UTF-8.
   */
  getArgument(name: string): string
  getArgument<T>(name: string, ...fallback: Fallback<T>): string | T
  getArgument<T>(name: string, ...fallback: Fallback<T> | []): string | T {
    return last(name, this.getArguments(name, fallback[1]), fallback, this.request)
  }

  /** As `getArgument`, of the query alone (Tornado: `get_query_argument`). */
  getQueryArgument(name: string): string
  getQueryArgument<T>(name: string, ...fallback: Fallback<T>): string | T
  getQueryArgument<T>(name: string, ...fallback: Fallback<T> | []): string | T {
    return last(name, this.getQueryArguments(name, fallback[1]), fallback)
  }

  /** As `getArgument`, of the form alone (Tornado: `get_body_argument`). */
  getBodyArgument(name: string): string
  getBodyArgument<T>(name: string, ...fallback: Fallback<T>): string | T
  getBodyArgument<T>(name: string, ...fallback: Fallback<T> | []): string | T {
    return last(name, this.getBodyArguments(name, fallback[1]), fallback, this.request)
  }

  /** All values, the query's first; `[]` when there is none (Tornado: `get_arguments`). */
  getArguments(name: string, strip = true): string[] {
    const { queryArguments, bodyArguments } = this.request
    return this.#texts(name, valuesOf(name, queryArguments, bodyArguments), strip)
  }

  /** As `getArguments`, of the query alone (Tornado: `get_query_arguments`). */
  getQueryArguments(name: string, strip = true): string[] {
    return this.#texts(name, valuesOf(name, this.request.queryArguments), strip)
  }

  /** As `getArguments`, of the form alone (Tornado: `get_body_arguments`). */
  getBodyArguments(name: string, strip = true): string[] {
    return this.#texts(name, valuesOf(name, this.request.bodyArguments), strip)
  }

  /**
   * Bytes of an argument as text; override it for another encoding (Tornado: `decode_argument`).
   *
   * @throws HTTPError 400 when they are not UTF-8.
   */
  decodeArgument(value: Uint8Array, name?: string): string {
    const text = utf8Text(value)
    if (text === undefined) throw new HTTPError(400, `invalid UTF-8 in ${name ?? 'an argument'}`)
    return text
  }

  #texts(name: string, values: readonly Uint8Array[], strip: boolean): string[] {
    return values.map((value) => cleanText(this.decodeArgument(value, name), strip))
  }

  // ── the response ───────────────────────────────────────────────────────────────────────────────

  /** Sets the status, 200 … 599, and the words beside it (Tornado: `set_status`). */
  setStatus(status: number, reason?: string): void {
    this[draft].check('setStatus()')
    this[draft].setStatus(status, reason)
  }

  /** The status so far; 101 after the upgrade (Tornado: `get_status`). */
  getStatus(): number {
    return this[draft].status
  }

  /**
   * Sets a header, in place of those of that name (Tornado: `set_header`).
   *
   * @throws WebSocketError `ERR_WINDSOCK_RESPONSE` for what cannot stand in a header, and after the upgrade.
   */
  setHeader(name: string, value: HeaderValue): void {
    this[draft].check('setHeader()')
    this[draft].set(name, value)
  }

  /** Adds a header beside those of that name (Tornado: `add_header`). @throws as `setHeader`. */
  addHeader(name: string, value: HeaderValue): void {
    this[draft].check('addHeader()')
    this[draft].add(name, value)
  }

  /** Takes a header back (Tornado: `clear_header`). */
  clearHeader(name: string): void {
    this[draft].check('clearHeader()')
    this[draft].remove(name)
  }

  /** Begins the response anew; cookies stay (Tornado: `clear`). */
  clear(): void {
    const response = this[draft]
    response.check('clear()')
    response.clear()
    response.set('Server', 'windsock')
    response.set('Content-Type', 'text/html; charset=UTF-8')
    response.set('Date', new Date(this[setup].clock.wallMs()))
    atOnce('setDefaultHeaders', this.setDefaultHeaders())
  }

  /**
   * Adds to the body: text, bytes, or an object as JSON with its content type (Tornado: `write`).
   *
   * @throws WebSocketError `ERR_WINDSOCK_RESPONSE` for anything else: arrays too, as in Tornado; for what JSON cannot
   *   express; and when finished.
   */
  write(chunk: Sendable): void {
    this[draft].check('write()')
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) {
      this[draft].write(Buffer.from(chunk as string))
      return
    }
    if (typeof chunk !== 'object' || chunk === null || Array.isArray(chunk)) {
      const what = Array.isArray(chunk) ? 'an array: wrap it in an object' : typeName(chunk)
      throw new WebSocketError(
        'ERR_WINDSOCK_RESPONSE',
        `write takes a string, bytes or an object, not ${what}`,
      )
    }
    const json = Buffer.from(jsonToWrite(chunk))
    this[draft].set('Content-Type', 'application/json; charset=UTF-8')
    this[draft].write(json)
  }

  /** Ends the response; in `prepare` of a WebSocket, without an upgrade (Tornado: `finish`). */
  finish(chunk?: Sendable): void {
    this[draft].check('finish()')
    if (chunk !== undefined) this.write(chunk)
    this[draft].finish()
  }

  /** Answers with 302, or 301 when `permanent` (Tornado: `redirect`). The URL is taken as it is: check foreign ones. */
  redirect(url: string, permanent = false, status: number = permanent ? 301 : 302): void {
    this[draft].check('redirect()')
    if (typeof url !== 'string') {
      throw new WebSocketError(
        'ERR_WINDSOCK_RESPONSE',
        `redirect() to ${show(url)}: it must be the text of a URL`,
      )
    }
    if (!(status >= 300 && status <= 399)) {
      throw new WebSocketError('ERR_WINDSOCK_RESPONSE', `redirect() with status ${status}: use 3xx`)
    }
    this.setHeader('Location', url.replace(/[^\0-\x7e]+/gu, encodeURIComponent))
    this.setStatus(status)
    this.finish()
  }
}

function last<T>(
  name: string,
  values: readonly string[],
  fallback: Fallback<T> | [],
  request?: HttpRequest,
): string | T {
  const value = values.at(-1)
  if (value !== undefined) return value
  if (fallback.length === 0) throw new MissingArgumentError(name, request?.headers['content-type'])
  return fallback[0]
}

function jsonToWrite(chunk: object): string {
  try {
    return jsonEncode(chunk)
  } catch (cause) {
    const message = `write takes a string, bytes or an object that JSON can express: ${describe(cause)}`
    throw new WebSocketError('ERR_WINDSOCK_RESPONSE', message, { cause })
  }
}
