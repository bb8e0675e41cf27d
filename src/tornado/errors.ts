// Errors: what a handler throws to end a request with an HTTP status, in Tornado's names.
//
// They belong to the one tree: thrown where no response is possible any more, they carry a close code that suits. Knows
// nothing of how a status becomes a page.
// Source: tornado.web.HTTPError, MissingArgumentError, Finish.

import { STATUS_CODES } from 'node:http'
import { type ErrorDetails, HandlerError, show, WebSocketError } from '../protocol/errors.ts'
import { isPromiseLike } from '../protocol/user-code.ts'

/** How an `HTTPError` differs from its status alone. */
export interface HTTPErrorDetails extends Pick<ErrorDetails, 'cause'> {
  /** What stands beside the status, instead of the usual words. */
  readonly reason?: string | undefined
}

/** Ends the request with a status; in `prepare` of a WebSocket, without an upgrade (Tornado: `HTTPError`). */
export class HTTPError extends WebSocketError {
  override readonly name: string = 'HTTPError'
  /** 400 … 599. */
  readonly statusCode: number
  /** For the log alone; the client does not see it. */
  readonly logMessage: string | undefined
  /** What stands beside the status on the wire. */
  readonly reason: string

  /**
   * @param statusCode - 400 … 599; default 500.
   * @throws WebSocketError `ERR_WINDSOCK_RESPONSE` for another number.
   */
  constructor(statusCode = 500, logMessage?: string, details: HTTPErrorDetails = {}) {
    const status = checkStatus(statusCode, 400)
    const reason = details.reason ?? reasonOf(status)
    const isPeers = status < 500
    super(
      'ERR_WINDSOCK_HTTP',
      `HTTP ${status}: ${reason}${logMessage === undefined ? '' : ` (${logMessage})`}`,
      {
        fault: isPeers ? 'peer' : 'bug',
        closeCode: isPeers ? 1008 : 1011,
        httpStatus: status,
        cause: details.cause,
      },
    )
    this.statusCode = status
    this.logMessage = logMessage
    this.reason = reason
  }
}

/**
 * An argument is not there: 400 before the upgrade, close 1008 in `open` (Tornado: `MissingArgumentError`, which drops the
 * TCP connection in `open`).
 */
export class MissingArgumentError extends HTTPError {
  override readonly name = 'MissingArgumentError'
  readonly argName: string

  /** @param contentType - of the body that it is not in. */
  constructor(argName: string, contentType = '') {
    const instead = /^multipart\//i.test(contentType)
      ? `: ${contentType.split(';')[0]} is not read, send application/x-www-form-urlencoded`
      : ''
    super(400, `missing argument ${argName}${instead}`)
    this.argName = argName
  }
}

/** Ends the request with what has been written so far; no error (Tornado: `Finish`). */
export class Finish extends WebSocketError {
  override readonly name = 'Finish'

  constructor() {
    super('ERR_WINDSOCK_HTTP', 'the request was finished early')
  }
}

/** What a hook has said, that has to say it at once. @throws HandlerError for a promise: any would pass for a yes. */
export function atOnce<T>(hook: string, said: T): T {
  if (!isPromiseLike(said)) return said
  said.then(undefined, () => {})
  throw new HandlerError(
    undefined,
    `${hook}() returned a promise, and nobody waits for it: wait for what it needs in prepare()`,
  )
}

/** The usual words for a status. */
export function reasonOf(status: number): string {
  return STATUS_CODES[status] ?? 'Unknown'
}

/** @throws WebSocketError `ERR_WINDSOCK_RESPONSE` for anything but a whole number from `least` to 599. */
export function checkStatus(status: number, least = 200): number {
  if (Number.isInteger(status) && status >= least && status <= 599) return status
  throw new WebSocketError(
    'ERR_WINDSOCK_RESPONSE',
    `the status is ${show(status)}: it must be a whole number from ${least} to 599`,
  )
}
