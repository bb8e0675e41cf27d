// The error tree: everything windsock throws, rejects with or reports is one of these.
//
// Each error carries a stable `code`, says whose fault it is, and suggests what to answer: a close code once
// the connection is open, an HTTP status before. The message says what happened, the value, what is allowed
// and what to do; tests and programs look at `code`, never at prose.
//
//   WebSocketError
//   ├── HandshakeError         the opening handshake was refused; carries the HTTP status
//   ├── ProtocolError          the peer broke RFC 6455
//   ├── WebSocketClosedError   an operation came after the connection's close, or before it was open
//   ├── HandlerError           user code threw, rejected or never finished; `cause` is what it threw
//   ├── LimitError             a bound was reached
//   ├── SettingError           a setting is unknown or outside its range; thrown at start
//   └── JournalError           the journal cannot do what it was asked

import type { ResponseBody, ResponseHeaders } from './http-answer.ts'

/** Who has to change something so that the error goes away. */
export type Fault = 'local' | 'peer' | 'network' | 'bug'

/** Every code, with the sentence that the reference prints. Codes are API: they never change meaning. */
export const ERROR_CODES = {
  ERR_WINDSOCK_CLOSED:
    'An operation needs an open connection and this one is closing, closed, or not open yet.',
  ERR_WINDSOCK_CLOSE_CODE: 'A close code may not travel on the wire.',
  ERR_WINDSOCK_CLOSE_REASON: 'A close reason is longer than 123 bytes of UTF-8, or not a string.',
  ERR_WINDSOCK_CONTROL_PAYLOAD:
    'A ping or pong carries more than 125 bytes, or something that is not bytes.',
  ERR_WINDSOCK_COOKIE: 'A cookie cannot be written as it was asked for.',
  ERR_WINDSOCK_DIAL:
    'A connection could not be made: the network, a deadline, or the caller ended the attempt.',
  ERR_WINDSOCK_HANDLER: 'User code threw, rejected, or did not finish in time.',
  ERR_WINDSOCK_HANDSHAKE: 'The opening handshake was refused.',
  ERR_WINDSOCK_HTTP: 'A plain request, or a handshake, is answered with this HTTP error.',
  ERR_WINDSOCK_JOURNAL:
    'The journal could not do what it was asked: the disk is full, read-only, or broken.',
  ERR_WINDSOCK_JOURNAL_CLOSED: 'The journal is closed.',
  ERR_WINDSOCK_JOURNAL_CONFLICT: 'The stream is not at the version that the append expected.',
  ERR_WINDSOCK_JOURNAL_CORRUPT: 'The journal is damaged, or is no journal of ours.',
  ERR_WINDSOCK_JOURNAL_LOCKED: 'This journal is open already, in another process or in this one.',
  ERR_WINDSOCK_JOURNAL_NEWER: 'A newer windsock has written this journal; that one reads it.',
  ERR_WINDSOCK_LIMIT: 'A bound was reached.',
  ERR_WINDSOCK_LISTEN: 'The server cannot listen on that address, or accept a connection there.',
  ERR_WINDSOCK_MESSAGE_TYPE: 'A value cannot be sent as a message.',
  ERR_WINDSOCK_PROTOCOL: 'The peer broke RFC 6455.',
  ERR_WINDSOCK_REFUSED: 'The server refused what a client asked of a topic.',
  ERR_WINDSOCK_RESPONSE: 'An HTTP response cannot be changed so, or not any more.',
  ERR_WINDSOCK_ROUTE: 'A route is not well formed, or its handler is of no known form.',
  ERR_WINDSOCK_SETTING: 'A setting is unknown or outside its range.',
  ERR_WINDSOCK_SUBPROTOCOL: 'A subprotocol was chosen that the client did not offer.',
  ERR_WINDSOCK_TOPIC: 'A topic was used wrongly.',
  ERR_WINDSOCK_UNCERTAIN:
    'A published message was never acknowledged, and it is too late to send it again: it may be stored or not.',
  ERR_WINDSOCK_UNHANDLED: 'User code threw outside any connection.',
} as const

/** The stable name of what went wrong; `ERROR_CODES` has a sentence for each. */
export type ErrorCode = keyof typeof ERROR_CODES

/** How an error differs from the usual one of its code. */
export interface ErrorDetails {
  /** Default `'local'`. */
  readonly fault?: Fault
  /** The close code that suits this error on an open connection. */
  readonly closeCode?: number
  /** The HTTP status that suits this error before the connection is open. */
  readonly httpStatus?: number
  /** What was thrown below. */
  readonly cause?: unknown
}

/** The root of the tree (Tornado: `WebSocketError`). */
export class WebSocketError extends Error {
  /** The name of its class, also where several copies of a class make `instanceof` fail. */
  override readonly name: string = 'WebSocketError'
  /** What programs look at; it never changes its meaning, as the message may. */
  readonly code: ErrorCode
  /** Who has to change something so that it goes away. */
  readonly fault: Fault
  /** The close code that suits it on an open connection; 1011 unless said otherwise. */
  readonly closeCode: number
  /** The HTTP status that suits it before the connection is open; 500 unless said otherwise. */
  readonly httpStatus: number

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.fault = details.fault ?? 'local'
    this.closeCode = details.closeCode ?? 1011
    this.httpStatus = details.httpStatus ?? 500
  }

  /** Turns anything thrown into an error of the tree; an error of the tree comes back as it is. */
  static from(thrown: unknown): WebSocketError {
    return thrown instanceof WebSocketError ? thrown : new HandlerError(thrown)
  }
}

/** How a refusal differs from a status and a line of text. */
export interface RefusalDetails extends ErrorDetails {
  /** Further headers of the response. */
  readonly headers?: ResponseHeaders
  /** The body; default the message, as a line of plain text. */
  readonly body?: ResponseBody
}

/**
 * The opening handshake was refused (RFC 6455 §4.2.2); `httpStatus` says how.
 *
 * Where user code throws it the status must be 300 … 599, and not 304; any other is answered with 500 and reported.
 */
export class HandshakeError extends WebSocketError {
  override readonly name = 'HandshakeError'
  /** Further headers of the response; `{}` for none. */
  readonly headers: ResponseHeaders
  /** The body; `undefined` for the message, as a line of plain text. */
  readonly body: ResponseBody | undefined

  constructor(httpStatus: number, message: string, details: RefusalDetails = {}) {
    super('ERR_WINDSOCK_HANDSHAKE', message, { fault: 'peer', ...details, httpStatus })
    this.headers = details.headers ?? {}
    this.body = details.body
  }
}

/** A response that was finished in place of the upgrade; unlike other refusals it may be one of success. */
export class FinishedResponse extends HandshakeError {}

/** The peer broke RFC 6455; `closeCode` is what it was told (§7.1.7). */
export class ProtocolError extends WebSocketError {
  override readonly name = 'ProtocolError'

  constructor(closeCode: number, message: string, cause?: unknown) {
    super('ERR_WINDSOCK_PROTOCOL', message, { fault: 'peer', closeCode, httpStatus: 400, cause })
  }
}

/** The connection is closing, closed, or not open yet, so nothing can be sent (Tornado: `WebSocketClosedError`). */
export class WebSocketClosedError extends WebSocketError {
  override readonly name = 'WebSocketClosedError'

  constructor(message = 'the connection is closing or closed: nothing can be sent any more') {
    super('ERR_WINDSOCK_CLOSED', message)
  }

  /** For a connection in `state`; while it is connecting, and has no `link`, it is too early rather than too late. */
  static of(state: string, link: object | undefined): WebSocketClosedError {
    const isEarly = state === 'connecting' && link === undefined
    return new WebSocketClosedError(isEarly ? 'the connection is not open yet' : undefined)
  }
}

/** User code threw, rejected or never finished; `cause` holds what it threw. */
export class HandlerError extends WebSocketError {
  override readonly name = 'HandlerError'

  constructor(thrown: unknown, message = `the handler failed: ${describe(thrown)}`) {
    super('ERR_WINDSOCK_HANDLER', message, { fault: 'bug', cause: thrown })
  }
}

/** A bound was reached; the message names the limit, the value and the bound. */
export class LimitError extends WebSocketError {
  override readonly name = 'LimitError'

  constructor(message: string, details: ErrorDetails = {}) {
    super('ERR_WINDSOCK_LIMIT', message, {
      fault: 'peer',
      closeCode: 1008,
      httpStatus: 503,
      ...details,
    })
  }
}

/** A setting is unknown or outside its range; thrown where it is given, such as by `serve()`, never later. */
export class SettingError extends WebSocketError {
  override readonly name = 'SettingError'

  constructor(message: string) {
    super('ERR_WINDSOCK_SETTING', message)
  }
}

/** The journal cannot do what it was asked; the code says why. Nothing that it acknowledged is lost. */
export class JournalError extends WebSocketError {
  override readonly name = 'JournalError'

  constructor(
    code: Extract<ErrorCode, `ERR_WINDSOCK_JOURNAL${string}`>,
    message: string,
    cause?: unknown,
  ) {
    super(code, message, { closeCode: 1013, httpStatus: 503, cause })
  }
}

/** One line about anything thrown; total, also for values whose own `toString` throws. */
export function describe(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message || thrown.name : String(thrown)
  } catch {
    return 'a value that cannot be shown'
  }
}

/** The type of a value in one word, for messages: as `typeof`, but `null` is one of its own. */
export function typeName(value: unknown): string {
  return value === null ? 'null' : typeof value
}

/** A value in one line, for messages: a text in quotes, a function or a plain object by its type, others as they print. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return 'a function'
  const printed = describe(value)
  return printed === '[object Object]' ? 'an object' : printed
}
