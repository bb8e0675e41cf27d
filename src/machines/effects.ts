// Effects and events of the connection machine: what goes into it and what comes out, as plain data.
//
// Events are what happened, effects are what is to be done about it. The machine only names effects;
// `connection.ts` performs them live, replay and tests look at them. Times and sizes that the machine needs
// arrive inside events, so the same events always give the same effects. Sections are those of RFC 6455.

import type {
  CloseCause,
  CloseFrame,
  CloseRecord,
  ConnectionTotals,
} from '../protocol/close-record.ts'
import type { ResponseBody, ResponseHeaders } from '../protocol/http-answer.ts'

/** What a connection machine can be told. Anything else is ignored, and counted by whoever sends it. */
export type ConnectionEvent =
  /** Policy let the upgrade request pass. */
  | { readonly type: 'handshake.accepted' }
  /** Policy refused it; `headers`, and `body` instead of the reason, go into the HTTP response. */
  | {
      readonly type: 'handshake.refused'
      readonly status: number
      readonly reason: string
      readonly headers?: ResponseHeaders
      readonly body?: ResponseBody
    }
  /** Policy let it pass, and the transport did not; it has answered with `status`. */
  | { readonly type: 'upgrade.failed'; readonly status: number; readonly reason: string }
  /** The handler's `open` has finished; messages may flow. */
  | { readonly type: 'open.finished' }
  /** User code threw, rejected, or ran out of time. */
  | {
      readonly type: 'handler.failed'
      readonly cause: 'handlerFailed' | 'handlerTimeout'
      readonly detail: string
    }
  /** User code asked for the end, or its stream or actor completed. */
  | { readonly type: 'app.closed'; readonly frame: CloseFrame }
  /** The server goes away: 1001 or 1012. */
  | { readonly type: 'server.draining'; readonly frame: CloseFrame }
  /** A bound of ours was reached by the peer. */
  | {
      readonly type: 'limit.exceeded'
      readonly cause: 'limitExceeded' | 'slowConsumer'
      readonly detail: string
    }
  /** The pong that answers our last ping (§5.5.3). Other pongs are no news to the machine. */
  | { readonly type: 'pong.received' }
  /** We stopped reading, so a pong could not be seen. */
  | { readonly type: 'input.paused' }
  | { readonly type: 'input.resumed' }
  /** The peer's Close frame; the transport has answered it (§5.5.1). */
  | { readonly type: 'peer.closed'; readonly frame: CloseFrame }
  /** The peer broke the protocol; the transport has sent `sent` (§7.1.7). */
  | {
      readonly type: 'protocol.violated'
      readonly cause: CloseCause
      readonly sent: CloseFrame
      readonly detail: string
    }
  /** The link is gone (§7.1.4), with everything that was counted over its life. */
  | {
      readonly type: 'transport.ended'
      readonly totals: ConnectionTotals
      readonly durationMs: number
      readonly silentForMs: number
      /** The Close frame that really went out, which another may have forestalled. */
      readonly sent: CloseFrame | null
    }

/** What a connection machine asks for. */
export type ConnectionEffect =
  /** Answer the upgrade request with this HTTP status, and end the socket (§4.2.2). */
  | {
      readonly type: 'refuse'
      readonly status: number
      readonly reason: string
      readonly headers: ResponseHeaders
      /** Default: the reason, as a line of text. */
      readonly body?: ResponseBody
    }
  /** Answer the upgrade request with 101 (§4.2.2 item 5). */
  | { readonly type: 'upgrade' }
  /** Run the handler's `open`; messages are held meanwhile. */
  | { readonly type: 'callOpen' }
  /** Let messages through to the handler, the held ones first. */
  | { readonly type: 'openGate' }
  /** Deliver no message and accept none for sending any more. */
  | { readonly type: 'shutGate' }
  /** Send a Ping (§5.5.2); its payload carries the number, and so does the pong. */
  | { readonly type: 'sendPing'; readonly sequence: number }
  /** Send a Close frame (§7.1.2), behind the data already accepted unless `discard` says to drop that. */
  | { readonly type: 'sendClose'; readonly frame: CloseFrame; readonly discard: boolean }
  /** End the link now, without waiting for the peer's Close frame (§7.1.1). */
  | { readonly type: 'destroy' }
  /** Everything is over: tell the handler, settle `closed`, release what is held. */
  | { readonly type: 'finish'; readonly record: CloseRecord }
  /** Send `event` to the machine after `delayMs`. */
  | {
      readonly type: 'armTimer'
      readonly id: string
      readonly delayMs: number
      readonly event: { readonly type: string }
    }
  | { readonly type: 'disarmTimer'; readonly id: string }
