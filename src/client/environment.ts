// Environment: what a client needs of the place that it runs in, a browser or Node.
//
// The one door to sockets, fetch, time, chance and the state of the network; tests hand in their own. Knows nothing of
// what is said over them.

import type { Message } from '../protocol/message.ts'
import type { Clock, Random } from '../protocol/ports.ts'
import type { RetryHint } from '../protocol/retry-hint.ts'

/** What a socket tells; nothing after `closed`, which comes once, and nothing after `destroy()`. */
export interface SocketEvents {
  opened(): void
  received(message: Message): void
  /** A sign of life that is no message; browsers do not show pings. */
  heard(): void
  /** 1006 when no Close frame came, with what is known of why; a hint when an HTTP answer had one. */
  closed(code: number, reason: string, hint?: RetryHint): void
}

/** One WebSocket. */
export interface ClientSocket {
  /** Bytes that were sent and have not left yet. */
  readonly bufferedBytes: number
  send(message: Message): void
  /** Begins the closing handshake; no code: an empty Close frame. */
  close(code?: number, reason?: string): void
  /** Ends it at once, as far as the place allows; no event follows. */
  destroy(): void
}

/** Something that happened around the client. */
export type EnvironmentEvent =
  | 'online'
  | 'offline'
  /** The page is seen again, or the machine has woken: what was alive before may not be any more. */
  | 'woke'

/** As Node's own, and what browsers know beyond. */
export type FetchInit = RequestInit & { readonly cache?: 'no-store' }

/** A client counts neither turns nor loops. */
export type ClientClock = Omit<Clock, 'turn' | 'endOfLoop'>

export interface Environment {
  readonly clock: ClientClock
  readonly random: Random
  /** What relative addresses are relative to; `undefined`: nothing, as in Node. */
  readonly baseUrl: string | undefined
  readonly fetch: (url: string, init: FetchInit) => Promise<Response>
  /** @throws whatever the place throws for an address or a subprotocol that cannot be. */
  openSocket(url: string, protocols: readonly string[], events: SocketEvents): ClientSocket
  /** Whether the place says that there is a network; true where it does not know. */
  isOnline(): boolean
  /** Tells what happens from now on; returns how to stop that. */
  watch(listener: (event: EnvironmentEvent) => void): () => void
}
