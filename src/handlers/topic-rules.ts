// Topic rules: who may read a topic, who may write it, and what a message from outside becomes.
//
// The same rules are asked whatever carries the request: WebSocket, event stream, long poll or poll.

import type { Sendable } from '../protocol/message.ts'
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
   * Asked before anything is read. Throw a `HandshakeError` to refuse with its status (401: who are you, 403: not you);
   * may be asynchronous. Default: everyone may read.
   */
  readonly mayRead?: (caller: TopicCaller) => void | Promise<void>
  /**
   * Turns a message from outside into what is published; throw a `HandshakeError` to refuse it. Default: nobody may
   * publish from outside (403).
   */
  readonly accept?: (input: TopicInput, caller: TopicCaller) => Sendable | Promise<Sendable>
  /** Someone reads the topic over a connection that stays (WebSocket, event stream); polls come and go unseen. */
  readonly joined?: (caller: TopicCaller) => void
  /**
   * Whoever joined is gone. An event stream that the server has ended is waited for, `eventStreamGraceMs` (5 s): a reader
   * that comes back in that time is told of neither.
   */
  readonly left?: (caller: TopicCaller) => void
}
