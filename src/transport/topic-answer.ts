// Topic answer: the one response to a request for a topic, as data, before a socket is involved.
//
// An answer is complete, or it is an event stream that is pulled from. Nothing that a client sent stands in a header
// of it, but for the Origin that was allowed.

import { HandshakeError, WebSocketError } from '../protocol/errors.ts'
import { bugOfRefusal } from '../protocol/handshake.ts'
import type { ResponseBody, ResponseHeaders } from '../protocol/http-answer.ts'
import type { LossReason } from '../protocol/position.ts'
import { resumeErrorOf } from '../protocol/resume.ts'

/** What is sent piece by piece, each when the one before has been taken. */
export interface Events {
  /** The next piece, when there is one; `undefined` when that was all. Ask again only after it has come. Never rejects. */
  next(): Promise<string | undefined>
  /** Whether that was all; its client comes back for more. */
  readonly isOver: boolean
}

export interface Answer {
  readonly status: number
  readonly headers: ResponseHeaders
  /** Nothing when there is none, or when `events` are. */
  readonly body?: ResponseBody
  readonly events?: Events
}

/** For whatever answers a topic: what it is must not be guessed, and no foreign page may embed it. */
const COMMON_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
}

/** An answer with the headers that all have; `headers` come on top. */
export function answer(status: number, headers: ResponseHeaders, body?: ResponseBody): Answer {
  const all = { ...COMMON_HEADERS, ...headers }
  return body === undefined ? { status, headers: all } : { status, headers: all, body }
}

/** A refusal, with the word for it that the resume protocol has: what a proxy says for us has none. */
export function line(status: number, text: string, headers: ResponseHeaders = {}): Answer {
  const told = {
    'Content-Type': 'text/plain; charset=utf-8',
    // 408: a body that came too slowly may come again.
    'Windsock-Error': status === 408 ? 'overloaded' : (resumeErrorOf(status) ?? 'forbidden'),
  }
  return answer(status, { ...told, ...headers }, `${text}\n`)
}

/** Not now: the client may ask again in a moment. */
export function busy(text: string): Answer {
  return line(503, text, { 'Retry-After': '1' })
}

/** Whatever is asked: the client had better go, and come back. */
export function leaving(): Answer {
  return line(503, 'the server is going away', { 'Retry-After': '1', 'Windsock-Error': 'draining' })
}

const LOSSES: Readonly<Record<LossReason, string>> = {
  epoch: 'this offset is of another log: the topic was made anew since',
  ahead: 'this offset is beyond the end: what it counts is not there any more',
  trimmed: 'what follows this offset is no longer kept: the topic keeps a bounded history',
}

/** 410: what the client had read up to cannot be gone on from, and it has to decide where to begin again. */
export function gone(reason: LossReason, oldest: string, newest: string): Answer {
  const message = `${LOSSES[reason]}. You may have missed messages. Read again from offset=-1 (all that is kept) or from offset=now.`
  const body = JSON.stringify({ reason, message, oldest, newest })
  return answer(410, { 'Content-Type': 'application/json' }, `${body}\n`)
}

/**
 * The answer for what was thrown: a `HandshakeError`'s own, else its status.
 *
 * What is not the client's fault is told to `report`, and to the client only that it is so.
 */
export function answerFor(thrown: unknown, report: (error: WebSocketError) => void): Answer {
  const error = WebSocketError.from(thrown)
  const { httpStatus, message } = error
  // A rule let through what no message can be, a number alone for example.
  if (error.code === 'ERR_WINDSOCK_MESSAGE_TYPE') return line(400, message)
  if (error instanceof HandshakeError) {
    const { headers, body } = error
    const bug = bugOfRefusal(error)
    if (bug !== undefined) return answerFor(bug, report)
    const told = line(httpStatus, message, headers)
    return body === undefined ? told : { ...told, body }
  }
  if (httpStatus >= 400 && httpStatus < 500) return line(httpStatus, message)
  report(error)
  return httpStatus === 503
    ? busy('the topic cannot answer now')
    : line(500, 'the server could not answer')
}
