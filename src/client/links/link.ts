// Link: one way to the server, whatever carries it, as long as it lasts.
//
// A link is dialed, opened, and closed once; its successor is another link. For topics every link takes the requests of
// the resume protocol and gives its frames: over WebSocket these travel as they are, over HTTP they are translated.

import type { CloseFrame } from '../../protocol/close-record.ts'
import type { Begun } from '../../protocol/reading.ts'
import type { ClientFrame, ServerFrame } from '../../protocol/resume.ts'
import type { RetryHint } from '../../protocol/retry-hint.ts'

/** What a link tells; nothing after `closed`, which comes once, and nothing after `destroy()`. */
export interface LinkEvents<Incoming> {
  /** It can carry something; whether there is a server shows with the first answer. Only where that is so. */
  writable(): void
  /** The server has answered, and it can carry something. */
  opened(): void
  /** Bytes came of an answer that is not whole yet; only where that can be seen. */
  heard(): void
  received(incoming: Incoming): void
  /** `hint`: when the server wants to be asked again. */
  closed(frame: CloseFrame, hint?: RetryHint): void
}

export interface Link<Outgoing> {
  send(outgoing: Outgoing): void
  /** Ends it in order; `closed` follows. Code 1005: without a code. */
  close(frame: CloseFrame): void
  /** Ends it at once; nothing follows. */
  destroy(): void
  /** Finds out whether the server is there, or still there, where there is a way to ask. */
  probe(): void
}

/** What a client of topics asks for. */
export type TopicRequest = ClientFrame

/** What it is told. */
export type TopicFrame = Exclude<ServerFrame, { type: 'welcome' | 'subscribed' }> | Begun

/** A link for topics, and how many publishes may be on their way on it at a time. */
export interface TopicLink extends Link<TopicRequest> {
  readonly publishesAtOnce: number
  /** The most publishes a second that the server takes. */
  readonly publishPerSecond: number
}
