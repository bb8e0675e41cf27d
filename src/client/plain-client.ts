// Plain client: one WebSocket of plain messages that connects again, for servers that speak no topics.
//
// There are no positions in it: what was sent to it while it was away is gone, and the state says when that was.

import { type Observable, Subject } from 'rxjs'
import { SettingError, show, WebSocketError } from '../protocol/errors.ts'
import type { Message } from '../protocol/message.ts'
import { socketAddress } from './address.ts'
import { closeFrame } from './close-frame.ts'
import type { Environment } from './environment.ts'
import { type ClientState, Lifecycle } from './lifecycle.ts'
import { openPlain } from './links/websocket.ts'
import { type ClientNumbers, type ClientUrl, resolveNumbers } from './settings.ts'

/**
 * What `connectPlain()` takes: the numbers of `ClientOptions` that concern a connection, whole and in ms, and subprotocols.
 *
 * By default a silent server is not noticed: `heartbeatMs` is 0, since a page sees no pings.
 */
export type PlainOptions = {
  /** Subprotocols to offer; a text is one. Default: none. */
  readonly protocols?: string | readonly string[] | undefined
} & {
  readonly [Name in Exclude<
    keyof ClientNumbers,
    'upgradeMs' | 'pollMs' | 'maxQueued' | 'maxQueuedChars'
  >]?: number | undefined
}

/** A name that can be offered (RFC 6455 §4.1, RFC 9110 §5.6.2): another would be tried in vain for ever. */
const TOKEN = /^[!#-'*+.^-`|~\w-]+$/

/**
 * One WebSocket of plain messages that connects again, for any server; `connectPlain()` makes it.
 *
 * What is sent to it while it is away is gone, and nothing is queued. It comes back as `Client` does, until `close()`, or
 * until the server closes for good; `state$` tells.
 */
export class PlainClient {
  /** Texts and bytes, as they come. Hot: who listens later has missed them. Completes with the client. */
  readonly messages$: Observable<Message>
  readonly #lifecycle: Lifecycle<Message, Message>

  /** @internal */
  constructor(url: ClientUrl, options: PlainOptions, environment: Environment) {
    // Browsers do not show pings, so how often a server speaks is known only to whoever wrote it.
    const numbers = resolveNumbers(options, ['protocols'], { heartbeatMs: 0 })
    const protocols = [options.protocols ?? []].flat()
    const isFine = (one: unknown, at: number) =>
      typeof one === 'string' && TOKEN.test(one) && protocols.indexOf(one) === at
    if (!protocols.every(isFine)) {
      throw new SettingError(`protocols are ${show(protocols)}: they must be tokens, each once`)
    }
    const messages = new Subject<Message>()
    this.messages$ = messages.asObservable()
    this.#lifecycle = new Lifecycle<Message, Message>({
      url,
      environment,
      numbers,
      transports: ['websocket'],
      open: (_transport, address, events) =>
        openPlain(socketAddress(address), protocols, events, environment, numbers),
      resume: () => this.#lifecycle.ready(),
      pause: () => {},
      received: (message) => this.state.state !== 'closing' && messages.next(message),
      ended: () => messages.complete(),
    })
  }

  /** Replays the present one, and completes after `closed` or `failed`. */
  get state$(): Observable<ClientState> {
    return this.#lifecycle.state$
  }

  /** The present one. */
  get state(): ClientState {
    return this.#lifecycle.state
  }

  /** Settles with the last state; never rejects. */
  get closed(): Promise<ClientState> {
    return this.#lifecycle.closed
  }

  /**
   * Sends now; false, and nothing is sent, when the client is not open. Nothing tells whether it arrived.
   *
   * @throws WebSocketError `ERR_WINDSOCK_MESSAGE_TYPE` for what is neither a text nor bytes.
   */
  send(message: Message): boolean {
    if (typeof message !== 'string' && !ArrayBuffer.isView(message)) {
      const said = `${show(message)} cannot be sent: pass a text or a Uint8Array`
      throw new WebSocketError('ERR_WINDSOCK_MESSAGE_TYPE', said)
    }
    const { link } = this.#lifecycle
    link?.send(message)
    return link !== undefined
  }

  /** Connects now, when it waits or is offline. */
  retry(): void {
    this.#lifecycle.retry()
  }

  /**
   * Closes for good. Without a code the Close frame is empty.
   *
   * @throws WebSocketError for a code or a reason that cannot be sent.
   */
  close(code?: number, reason = ''): Promise<ClientState> {
    return this.#lifecycle.close(closeFrame(code, reason))
  }

  /** As `close(1000)`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(1000)
  }
}
