// Topic rules: who may read a topic, who may write it, and what a message from outside becomes.
//
// The same rules are asked whatever carries the request: WebSocket, event stream, long poll or poll.

import { HandlerError, HandshakeError, WebSocketError } from '../protocol/errors.ts'
import type { Sendable } from '../protocol/message.ts'
import { isPromiseLike, letsIn, tell } from '../protocol/user-code.ts'
import type { ConnectionRequest } from './handler.ts'

/** Who asks: the upgrade request of a WebSocket, or the HTTP request of a poll or a publish. */
export interface TopicCaller {
  /** With its headers, cookies and address. */
  readonly request: ConnectionRequest
  /** The topic's name. */
  readonly topic: string
}

/** A value that came from outside: text, bytes, or what JSON can express. */
export type TopicInput = string | Uint8Array | number | boolean | null | object

/** What `topics()` asks before anything is read or published, and whom it tells. */
export interface TopicRules {
  /**
   * Asked before anything is read. Throw a `HandshakeError` to refuse with its status (401: who are you), or return
   * `false` for 403; nothing and `true` let in, and anything else is an error. May be asynchronous. Default: everyone may read.
   */
  readonly mayRead?: (caller: TopicCaller) => void | boolean | Promise<void | boolean>
  /**
   * Turns a message from outside into what is published; throw a `HandshakeError` to refuse it. Default: nobody may
   * publish from outside (403).
   */
  readonly accept?: (input: TopicInput, caller: TopicCaller) => Sendable | Promise<Sendable>
  /**
   * Someone reads the topic over a connection that stays (WebSocket, event stream); polls come and go unseen. What this or
   * `left` throws, or rejects with, is told to `onError`, and nobody who reads notices.
   */
  readonly joined?: (caller: TopicCaller) => void
  /**
   * Whoever joined is gone. An event stream that the server has ended is waited for, `eventStreamGraceMs` (5 s): a reader
   * that comes back in that time is told of neither.
   */
  readonly left?: (caller: TopicCaller) => void
}

/** Tells the server of what went wrong with the topic of that name. */
export type ReportOf = (error: WebSocketError, topic: string) => void

/**
 * The rules as they are asked: a `mayRead` that says no refuses, and an `accept` that gives nothing is a mistake of its own,
 * not of the client's.
 */
export function rulesOf(given: TopicRules): TopicRules {
  const { mayRead, accept, joined, left } = given
  return {
    ...(mayRead && { mayRead: (caller) => after(mayRead.call(given, caller), refuseNo) }),
    ...(accept && { accept: (...asked) => after(accept.apply(given, asked), refuseNothing) }),
    ...(joined && { joined: joined.bind(given) }),
    ...(left && { left: left.bind(given) }),
  }
}

/** At once what is there at once: nobody waits a turn for a rule that did not. */
function after<T, R>(given: T | Promise<T>, check: (value: T) => R): R | Promise<R> {
  return isPromiseLike(given) ? given.then(check) : check(given)
}

function refuseNo(answer: void | boolean): void {
  if (!letsIn('mayRead', answer)) throw new HandshakeError(403, 'you may not read this topic')
}

function refuseNothing(value: Sendable): Sendable {
  if (value !== undefined) return value
  const detail =
    'accept returned nothing: return what is to be published, or throw a HandshakeError to refuse it'
  throw new HandlerError(undefined, detail)
}

/** What a message from outside becomes; without a rule nobody may publish. */
export function acceptWith(
  { accept }: TopicRules,
  input: TopicInput,
  caller: TopicCaller,
): Sendable | Promise<Sendable> {
  if (accept === undefined)
    throw new HandshakeError(403, 'this topic takes no messages from outside')
  return accept(input, caller)
}

/** Tells `joined` or `left`; what it throws, also later, is reported and changes nothing for those who read. */
export function tellRule(rule: TopicRules['joined'], caller: TopicCaller, report: ReportOf): void {
  tell(rule, (thrown) => report(WebSocketError.from(thrown), caller.topic), caller)
}
