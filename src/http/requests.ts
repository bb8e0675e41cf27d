// Requests: an entry among the routes that answers plain requests by itself.
//
// For what answers on the same port as WebSockets do: topics over HTTP, and the routing of `windsock/tornado`. It is asked
// after the pages and before the paths of WebSockets. Knows nothing of how a request is upgraded.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ConnectionRequest } from '../handlers/handler.ts'
import type { WebSocketError } from '../protocol/errors.ts'
import type { OriginRule } from '../protocol/origin.ts'
import type { Clock } from '../protocol/ports.ts'
import type { IncomingUpgrade } from './request.ts'

/** What the server was told; an entry that was told nothing of its own keeps to it. */
export interface Inherited {
  readonly checkOrigin?: OriginRule<ConnectionRequest> | undefined
  readonly requireOrigin?: boolean | undefined
  readonly onError?: ((error: WebSocketError) => void) | undefined
}

export interface PlainRequests {
  readonly kind: 'requests'
  /** Called by each server that it stands in, before the first request. What servers are told must not mix. */
  readonly begin: (server: Inherited) => Answerer
}

/** What answers the plain requests of one server. */
export interface Answerer {
  /** How long it waits for a body at most; a server that listens itself waits as long for a request. Default 0. */
  readonly bodyTimeoutMs?: number
  /** Answers, now or later, and says so; `false` leaves the request to the next. Must not throw. */
  readonly answer: (
    request: IncomingMessage,
    response: ServerResponse,
    clock: Clock,
    /** What the request tells, its client's address seen from the trusted proxies. */
    upgrade: IncomingUpgrade,
  ) => boolean
  /** The server drains: answer what waits. Resolves when that has been sent, within seconds; must not reject. */
  readonly close?: () => void | Promise<void>
}
