// Class handler: an instance of a user's WebSocketHandler, as the handler that the runtime knows.
//
// Rules that live here: what a class leaves alone its route decides; what ends a request before the upgrade (a finished
// response, `HTTPError`, `Finish`, `close()`) becomes a refusal with that response; an HTTPError below 500 in `open`
// closes with 1008, for it is the peer's. Everything else thrown is the runtime's to handle.
// Source: tornado.websocket.WebSocketHandler.

import type { Connection, Handler, HandlerSettings, Pong } from '../handlers/handler.ts'
import { fitReason } from '../protocol/close-reason.ts'
import type { CloseFrame, CloseRecord } from '../protocol/close-record.ts'
import {
  FinishedResponse,
  HandlerError,
  HandshakeError,
  type WebSocketError,
} from '../protocol/errors.ts'
import type { ResponseHeaders } from '../protocol/http-answer.ts'
import { isPromiseLike } from '../protocol/user-code.ts'
import { type CompressionOptions, compressionOf } from './compression-options.ts'
import { atOnce, Finish, HTTPError, MissingArgumentError } from './errors.ts'
import { draft } from './exchange.ts'
import { fail, finished, log } from './execute.ts'
import { keepalive, milliseconds } from './keepalive.ts'
import { messageBytes } from './message-bytes.ts'
import type { RequestHandler } from './request-handler.ts'

/** Gives the user's handler its connection. */
export const bind = Symbol('bind')
/** Tells the user's handler how it ended. */
export const unbind = Symbol('unbind')
/** How the user's handler asked to close before there was a connection. */
export const closeAsked = Symbol('closeAsked')

/** What a WebSocketHandler is to us. */
export interface WebSocketHooks extends RequestHandler {
  readonly pingInterval: number | null | undefined
  readonly pingTimeout: number | null | undefined
  readonly maxMessageSize: number | undefined
  readonly [closeAsked]: CloseFrame | undefined
  getCompressionOptions(): CompressionOptions | null
  checkOrigin(origin: string): boolean | Promise<boolean>
  selectSubprotocol(
    offered: readonly string[],
  ): string | null | undefined | Promise<string | null | undefined>
  open(...args: never[]): void | Promise<void>
  onMessage(message: string | Uint8Array): unknown
  onPing(data: Uint8Array): void | Promise<void>
  onPong(data: Uint8Array, pong: Pong): void | Promise<void>
  onClose(record: CloseRecord): unknown
  [bind](connection: Connection): void
  [unbind](record: CloseRecord): void
}

export class ClassHandler implements Handler {
  readonly settings?: HandlerSettings
  readonly checkOrigin?: NonNullable<Handler['checkOrigin']>
  readonly selectSubprotocol?: NonNullable<Handler['selectSubprotocol']>
  readonly reported?: NonNullable<Handler['reported']>
  readonly #user: WebSocketHooks

  /** @param base - the class that has the defaults. */
  constructor(user: WebSocketHooks, base: WebSocketHooks) {
    this.#user = user
    const settings = settingsOf(user, base)
    if (Object.keys(settings).length > 0) this.settings = settings
    // What the class leaves alone, the route's settings decide.
    if (user.checkOrigin !== base.checkOrigin) {
      this.checkOrigin = (origin) => this.#answering(() => user.checkOrigin(origin))
    }
    if (user.selectSubprotocol !== base.selectSubprotocol) {
      this.selectSubprotocol = (offered) => this.#answering(() => user.selectSubprotocol(offered))
    }
    if (user.logException !== base.logException) {
      this.reported = (error): unknown => user.logException(thrownIn(error))
    }
  }

  get upgradeHeaders(): ResponseHeaders {
    return this.#user[draft].upgradeHeaders()
  }

  prepare(): Promise<void> {
    return this.#answering(() => this.#user.prepare())
  }

  open(connection: Connection): void | Promise<void> {
    const user = this.#user
    user[draft].upgrade()
    user[bind](connection)
    finished(user)
    const { params, args } = user.request
    const given = Object.keys(params).length > 0 ? [params] : args
    const failed = (thrown: unknown) => {
      if (!(thrown instanceof HTTPError) || thrown.statusCode >= 500) throw thrown
      log(user, thrown)
      connection.close(1008, fitReason(spoken(thrown)))
    }
    try {
      const result: unknown = user.open(...(given as never[]))
      if (isPromiseLike(result)) return Promise.resolve(result).then(() => {}, failed)
    } catch (thrown) {
      failed(thrown)
    }
  }

  message(message: string | Uint8Array): unknown {
    return this.#user.onMessage(message)
  }

  ping(data: Uint8Array): void | Promise<void> {
    return this.#user.onPing(data)
  }

  pong(pong: Pong): void | Promise<void> {
    return this.#user.onPong(pong.data, pong)
  }

  close(record: CloseRecord): unknown {
    this.#user[unbind](record)
    return this.#user.onClose(record)
  }

  /** Runs a hook; a response that is finished by then refuses the upgrade. */
  async #answering<T>(hook: () => T | Promise<T>): Promise<T> {
    const user = this.#user
    let result: T | undefined
    try {
      result = await hook()
    } catch (thrown) {
      if (!(thrown instanceof HTTPError || thrown instanceof Finish)) throw thrown
      fail(user, thrown)
    }
    const asked = user[closeAsked]
    if (!user[draft].isFinished && asked !== undefined) {
      throw new HandshakeError(403, asked.reason || 'closed by the handler before the upgrade')
    }
    if (user[draft].isFinished) throw refusalOf(user)
    return result as T
  }
}

/** The response that a handler has finished, as what refuses the upgrade. */
export function refusalOf(user: RequestHandler): FinishedResponse {
  const { status, reason, headers, body } = user[draft].answer()
  finished(user)
  return new FinishedResponse(status, `HTTP ${status}: ${reason}`, { headers, body })
}

// What `undefined` leaves to the route.
function settingsOf(user: WebSocketHooks, base: WebSocketHooks): HandlerSettings {
  const { pingInterval, pingTimeout, maxMessageSize } = user
  return {
    ...(pingInterval !== undefined && keepalive(pingInterval, pingTimeout)),
    ...(pingInterval === undefined &&
      typeof pingTimeout === 'number' && {
        pingTimeoutMs: milliseconds('pingTimeout', pingTimeout),
      }),
    ...messageBytes('maxMessageSize', maxMessageSize),
    ...(user.getCompressionOptions !== base.getCompressionOptions && {
      compression: compressionOf(atOnce('getCompressionOptions', user.getCompressionOptions())),
    }),
  }
}

function thrownIn(error: WebSocketError): unknown {
  return error instanceof HandlerError && error.cause !== undefined ? error.cause : error
}

function spoken(error: HTTPError): string {
  return error instanceof MissingArgumentError ? `missing argument ${error.argName}` : error.reason
}
