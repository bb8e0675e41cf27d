// Effects and events of the client machine: what goes into it and what comes out, as plain data.
//
// Links are numbered; times and chances arrive inside events, so the same events always give the same effects.

import type { CloseFrame } from '../protocol/close-record.ts'
import type { RetryHint } from '../protocol/retry-hint.ts'

/** How a client reaches its server. */
export type ClientTransport = 'websocket' | 'sse' | 'long-poll' | 'poll'

/** What a client machine can be told. */
export type ClientEvent =
  | { readonly type: 'app.started' }
  | { readonly type: 'app.closed'; readonly frame: CloseFrame }
  /** The application does not want to wait any longer. */
  | { readonly type: 'app.retried' }
  /** The application chose other transports. */
  | { readonly type: 'app.chose'; readonly transports: readonly ClientTransport[] }
  | { readonly type: 'network.changed'; readonly online: boolean; readonly nowMs: number }
  /** The link can carry requests; whether there is a server will show with the first answer. Not every link has this. */
  | { readonly type: 'link.writable'; readonly link: number }
  /** The server has answered, and the link can carry requests. */
  | { readonly type: 'link.opened'; readonly link: number }
  /** Every topic has been told where it goes on. */
  | { readonly type: 'link.ready'; readonly link: number }
  /** Bytes came of an answer that is not whole yet. */
  | { readonly type: 'link.heard'; readonly link: number }
  | LinkClosed

export interface LinkClosed {
  readonly type: 'link.closed'
  readonly link: number
  readonly frame: CloseFrame
  readonly hint?: RetryHint | undefined
  /** Uniformly from [0, 1); it becomes the jitter. */
  readonly chance: number
  readonly nowMs: number
}

/** What a client machine asks for. */
export type ClientEffect =
  | { readonly type: 'dial'; readonly link: number; readonly transport: ClientTransport }
  /** Ask this link for all topics from where they stand; it is the present one from now on. */
  | { readonly type: 'resume'; readonly link: number }
  /** Find out whether there is a server behind this link, which is told as `link.opened`. */
  | { readonly type: 'probe'; readonly link: number }
  /** Every other link ends now, and is not heard any more; 0: all of them. */
  | { readonly type: 'keep'; readonly link: number }
  /** This link ends, and that is told as `link.closed`. */
  | { readonly type: 'abandon'; readonly link: number; readonly reason: string }
  /** Close in order; `link.closed` follows. */
  | { readonly type: 'closeLink'; readonly link: number; readonly frame: CloseFrame }
  /** Everything is over. */
  | { readonly type: 'finish' }
