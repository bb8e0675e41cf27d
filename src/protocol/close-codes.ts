// Close codes: which exist, which may travel on the wire, and what each means.
//
// Two questions, both total: may this code stand in a Close frame (RFC 6455 §7.4), and what does it
// mean in one line. Whether a client should come back after it is asked of `resumable.ts`. Knows
// nothing of sockets, machines or back-off times.
//
// Sources: RFC 6455 §7.4.1 and §7.4.2; 1012 to 1014 are in IANA's WebSocket Close Code registry.
// The codes 4001, 4002, 4003 and 4008 are windsock's own.

import { show, WebSocketError } from './errors.ts'

/** What is known about one close code. */
export interface CloseCode {
  /** A short name, lower case, fit for a log or a metric's label. */
  readonly name: string
  /** One sentence for people. */
  readonly meaning: string
  /** Whether the code may stand in a Close frame; the others only report how a connection ended. */
  readonly sendable: boolean
  /** Whether a client that sees the code should connect again, after its back-off. */
  readonly resumable: boolean
}

/**
 * Every close code that windsock knows by name (RFC 6455 §7.4.1, IANA, and windsock's own).
 *
 * A code is resumable when trying again may help without anyone changing anything; what would only
 * repeat the same mistake, or undo a decision, is final.
 */
export const CLOSE_CODES = {
  1000: {
    name: 'normal closure',
    meaning: 'The connection has done what it was opened for.',
    sendable: true,
    resumable: false,
  },
  1001: {
    name: 'going away',
    meaning: 'The server is shutting down, or the browser has left the page.',
    sendable: true,
    resumable: true,
  },
  1002: {
    name: 'protocol error',
    meaning: 'The peer broke the framing rules, and would break them again.',
    sendable: true,
    resumable: false,
  },
  1003: {
    name: 'unsupported data',
    meaning: 'A message was of a kind that this end does not take, such as binary for text.',
    sendable: true,
    resumable: false,
  },
  1004: {
    name: 'reserved',
    meaning: 'Has no meaning yet and must not be used.',
    sendable: false,
    resumable: false,
  },
  // A bare close() sends an empty Close frame: somebody meant to end it, just as with 1000.
  1005: {
    name: 'no code received',
    meaning: 'The Close frame was empty: the peer ended the connection and did not say why.',
    sendable: false,
    resumable: false,
  },
  1006: {
    name: 'abnormal closure',
    meaning: 'The link ended without a Close frame.',
    sendable: false,
    resumable: true,
  },
  1007: {
    name: 'invalid payload',
    meaning: 'A message did not fit its type, such as text that is not UTF-8.',
    sendable: true,
    resumable: false,
  },
  1008: {
    name: 'policy violation',
    meaning: 'A rule was broken that has no code of its own.',
    sendable: true,
    resumable: false,
  },
  1009: {
    name: 'message too big',
    meaning: 'A message was larger than this end takes.',
    sendable: true,
    resumable: false,
  },
  1010: {
    name: 'extension missing',
    meaning: 'The client needs an extension that the server did not agree to.',
    sendable: true,
    resumable: false,
  },
  1011: {
    name: 'internal error',
    meaning: 'The server met a condition that it was not prepared for.',
    sendable: true,
    resumable: true,
  },
  1012: {
    name: 'service restart',
    meaning: 'The server is restarting and will be back.',
    sendable: true,
    resumable: true,
  },
  1013: {
    name: 'try again later',
    meaning: 'The server is overloaded, or this client reads too slowly.',
    sendable: true,
    resumable: true,
  },
  1014: {
    name: 'bad gateway',
    meaning: 'A gateway got no valid answer from the server behind it.',
    sendable: true,
    resumable: true,
  },
  1015: {
    name: 'TLS failure',
    meaning: 'The TLS handshake failed, and somebody has to mend the certificate.',
    sendable: false,
    resumable: false,
  },
  4001: {
    name: 'auth expired',
    meaning: 'The credentials have run out: get new ones before connecting again.',
    sendable: true,
    resumable: false,
  },
  4002: {
    name: 'replaced',
    meaning: 'A newer connection of the same session has taken the place of this one.',
    sendable: true,
    resumable: false,
  },
  4003: {
    name: 'resume refused',
    meaning: 'The position to resume from is unknown: connect again and start fresh.',
    sendable: true,
    resumable: true,
  },
  4008: {
    name: 'rate limited',
    meaning: 'Too much came in too short a time: connect again later.',
    sendable: true,
    resumable: true,
  },
} as const satisfies Readonly<Record<number, CloseCode>>

/**
 * Whether `code` may stand in a Close frame, sent or received (RFC 6455 §7.4).
 *
 * The named codes answer for themselves, 3000 to 4999 belong to libraries and applications
 * (§7.4.2), and nothing else may travel. Total: any number has an answer.
 */
export function isSendable(code: number): boolean {
  return known(code)?.sendable ?? isBetween(code, 3000, 4999)
}

/** One line about any number: the code, its name and its meaning (RFC 6455 §7.4). Total. */
export function describeCloseCode(code: number): string {
  const entry = known(code)
  if (entry) return `${code} ${entry.name}: ${entry.meaning}`
  if (isBetween(code, 3000, 3999)) return `${code}: registered by a library or framework.`
  if (isBetween(code, 4000, 4999)) return `${code}: private to the application.`
  if (isBetween(code, 1000, 2999)) return `${code}: reserved for RFC 6455 and its extensions.`
  return `${code}: not a close code.`
}

/**
 * Lets a code through that may be sent, and refuses everything else (RFC 6455 §7.4).
 *
 * @throws WebSocketError `ERR_WINDSOCK_CLOSE_CODE`, naming the value and what is allowed.
 */
export function checkCloseCode(code: unknown): number {
  if (typeof code === 'number' && isSendable(code)) return code
  throw new WebSocketError(
    'ERR_WINDSOCK_CLOSE_CODE',
    `close code ${show(code)} cannot be sent: use 1000 (done), 1001 to 1003, 1007 to 1014, ` +
      'or one of your own from 3000 to 4999; left out, it is 1000',
  )
}

function known(code: number): CloseCode | undefined {
  const table: Readonly<Record<number, CloseCode>> = CLOSE_CODES
  return Object.hasOwn(table, code) ? table[code] : undefined
}

function isBetween(code: number, first: number, last: number): boolean {
  return Number.isInteger(code) && code >= first && code <= last
}
