// Dial: opens ONE connection as a client.
//
// The connection is the one that servers have: the same machine, streams, barrier and close record. Only its door
// differs: what a server's policy decides, here the server at the other end decides. While it dials, the machine is in
// `handshaking`, so `handshakeTimeoutMs` is the deadline of the whole attempt: look-up, connecting, TLS and answer.
//
// Does not try again, and follows no redirects. Knows no sockets: `transport/ws-client.ts` does.

import { config } from 'rxjs'
import { LiveConnection } from './connection.ts'
import type { ConnectionSetup } from './connection-options.ts'
import { type ErrorListener, printError, reportTo } from './error-listener.ts'
import { type HandlerForm, handlerFactory } from './handlers/form.ts'
import type { Connection, HandlerFactory } from './handlers/handler.ts'
import { HandshakeRequest, headersByName } from './http/request.ts'
import { type ConnectionMachine, connectionMachine } from './machines/connection.ts'
import { createHost, type Host } from './machines/host.ts'
import { Timers } from './machines/timers.ts'
import type { CloseRecord } from './protocol/close-record.ts'
import { SettingError, show, WebSocketError } from './protocol/errors.ts'
import { surviveSubscribers } from './protocol/last-resort.ts'
import type { RouteLimitName } from './protocol/limits.ts'
import { DEFAULT_SETTINGS, type RouteSettings, resolveSettings } from './route-settings.ts'
import { identifiers } from './runtime.ts'
import { liveClock, liveRandom } from './transport/live-ports.ts'
import { type DialTarget, type TlsOptions, WsDialer } from './transport/ws-client.ts'

/**
 * What a dialed connection may be told. Limits: see `LIMITS`; those of routes, with the same defaults.
 *
 * `handshakeTimeoutMs` bounds the whole attempt, `compression` offers permessage-deflate.
 */
export type DialSettings = { readonly [Name in RouteLimitName]?: number | undefined } & Pick<
  RouteSettings,
  'compression' | 'slow' | 'machine' | 'proofOfLife' | 'pingTimeoutCode'
> & {
    /** Offered in this order; the server may choose none of them. Default: none. */
    readonly subprotocols?: readonly string[] | undefined
    /** Further headers of the request, such as `Authorization` or `Cookie`. Default: none. */
    readonly headers?: Readonly<Record<string, string>> | undefined
    /** The Origin header, which browsers send. Default: none. */
    readonly origin?: string | undefined
    /** For `wss:`, in the names of `node:tls`; by default the system's authorities are trusted. */
    readonly tls?: TlsOptions | undefined
    /** Gives up when it aborts; does nothing any more once the connection is open. */
    readonly signal?: AbortSignal | undefined
    /**
     * Told of what user code threw, and of what hung. Default: a line on standard error, and the stack of what user code
     * threw.
     */
    readonly onError?: ErrorListener | undefined
  }

/** What `dial()` takes. */
export type DialOptions = DialSettings & {
  /**
   * A stream function, a class that extends `WebSocketHandler`, or XState actor logic, as behind a route. Its
   * `open` runs before `dial` resolves, so it misses no message. `prepare`, `checkOrigin` and `selectSubprotocol` are
   * not called: here the other end decides.
   */
  readonly handler: HandlerForm
}

/** What `dial()` gives. */
export interface Dialed {
  /** Open, and the same as the handler has. */
  readonly connection: Connection
  /** The headers of the 101 response: names in lower case, several of one name joined with `, `. */
  readonly headers: Readonly<Record<string, string>>
  /** The same as they came: name, value, name, value … */
  readonly rawHeaders: readonly string[]
}

/** The headers of the 101 response, in both forms. */
export type DialedHeaders = Omit<Dialed, 'connection'>

const identifier = identifiers(liveRandom)

const OWN_NAMES = ['headers', 'origin', 'tls', 'signal', 'onError']

/** Of routes only: here the other end decides, and no journal keeps what happens. */
const NOT_OURS = ['checkOrigin', 'requireOrigin', 'prepare', 'journalLevel'] as const

/** What stands in the port's place of an absolute address. */
const PORT = /^\w+:\/\/[^/?#]*:(\w+)(?:[/?#]|$)/

const MAX_PORT = 65_535

/** Headers that the handshake itself writes. */
const RESERVED = /^(sec-websocket-.*|connection|upgrade|content-length|transfer-encoding)$/i

/**
 * Opens one connection to a server.
 *
 * Resolves when the server has upgraded, and the handler's `open` was called. What happens later is told by
 * `connection.closed`. Pings go out every 30 s unless `pingIntervalMs` says otherwise.
 *
 * @param url - with `ws:` or `wss:`, without a fragment.
 * @throws SettingError (all of these reject the promise) for a mistake in `url` or in the options.
 * @throws HandshakeError with the status in `httpStatus` when the server refuses, and with the first KiB of its reason in
 *   `body` when that is plain text; redirects are not followed.
 * @throws WebSocketError `ERR_WINDSOCK_HANDSHAKE` when it answers with a status of success other than 101.
 * @throws ProtocolError when its answer breaks RFC 6455 §4.1: a wrong key, or what was not offered.
 * @throws WebSocketError `ERR_WINDSOCK_DIAL` when the network fails (the system's error is the `cause`), when
 *   `handshakeTimeoutMs` have passed, or when `signal` aborts (its reason is the `cause`).
 */
export async function dial(url: string | URL, options: DialOptions): Promise<Dialed> {
  // What TypeScript says at once, a program in JavaScript is told here, as everywhere in this file.
  const { handler, ...settings } = options ?? {}
  // A handler that is missing may be one whose name is misspelt.
  settingsOf(settings)
  let headers: DialedHeaders = { headers: {}, rawHeaders: [] }
  const connection = await dialWith(url, handlerFactory(handler), settings, (answer) => {
    headers = answer
  })
  return { connection, ...headers }
}

const timers = new Timers(liveClock)

/** As `dial`, for whoever brings a handler of his own; `answered` is called before the handler's `open`. */
export async function dialWith(
  url: string | URL,
  factory: HandlerFactory,
  options: DialSettings,
  answered: (headers: DialedHeaders) => void,
): Promise<Connection> {
  const { signal } = options
  const report = reportTo(options.onError ?? printError)
  const base = settingsOf(options)
  const target = targetOf(url, options, base.subprotocols)
  if (signal?.aborted) throw aborted(signal)
  const request = requestOf(target)
  const handler = factory(request, { clock: liveClock, random: liveRandom, report })
  const settings =
    handler.settings === undefined ? base : resolveSettings(base, handler.settings, 'route')
  const { limits, compression, slow, pingTimeoutCode, proofOfLife } = settings

  const deafen = surviveSubscribers(config, printError, report)
  return new Promise((resolve, reject) => {
    let failure: WebSocketError | undefined
    let opened = false
    const dialer = new WsDialer(target, limits, compression, liveClock, {
      opened: ({ rawHeaders, subprotocol, remoteAddress }) => {
        opened = true
        signal?.removeEventListener('abort', onAbort)
        // Until now nobody could know it.
        const known: { remoteAddress: string } = request
        known.remoteAddress = remoteAddress
        answered({ headers: headersByName(rawHeaders), rawHeaders })
        connection.accept(subprotocol)
        resolve(connection)
      },
      failed: (error) => {
        failure = error
        connection.socketGone()
      },
    })
    const own = { id: identifier(), request, handler, recorder: undefined }
    const setup: ConnectionSetup = {
      host: hostOf(settings.machine),
      fallbackHost: hostOf(connectionMachine),
      limits,
      compression,
      slow,
      proofOfLife,
      pingTimeoutCode,
      clock: liveClock,
      timers,
      random: liveRandom,
      onError: (error, connection) => report(error, connection),
      onClosed: (record) => {
        deafen()
        if (opened) return
        signal?.removeEventListener('abort', onAbort)
        reject(failure ?? dialer.refusal ?? unopened(record, target.url, limits.handshakeTimeoutMs))
      },
    }
    const connection = new LiveConnection(own, setup, dialer)
    connection.setTimers()
    const onAbort = () => {
      failure = aborted(signal as AbortSignal)
      dialer.refuse()
      connection.socketGone()
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

const hosts = new WeakMap<ConnectionMachine, Host>()

function hostOf(machine: ConnectionMachine): Host {
  const host = hosts.get(machine) ?? createHost(machine)
  hosts.set(machine, host)
  return host
}

function settingsOf(options: DialSettings) {
  for (const name of NOT_OURS) {
    if (name in options)
      throw new SettingError(`${name} belongs to servers: dial() has no use for it`)
  }
  const { headers, signal } = options
  // A `Headers` or a `Map` has nothing in it by name, so that none of them would be sent.
  const isRecord = typeof headers === 'object' && headers !== null && !(Symbol.iterator in headers)
  if (headers !== undefined && !isRecord) {
    throw new SettingError(
      `headers is ${show(headers)}: it must be an object of names and values, such as { Cookie: 'a=b' }`,
    )
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new SettingError(`signal is ${show(signal)}: it must be an AbortSignal`)
  }
  return resolveSettings(DEFAULT_SETTINGS, options, 'route', OWN_NAMES)
}

function targetOf(
  address: string | URL,
  { headers = {}, origin, tls = {} }: DialSettings,
  subprotocols: readonly string[],
): DialTarget {
  const shown = show(String(address))
  let url: URL
  try {
    url = new URL(address)
  } catch {
    const [, port = ''] = PORT.exec(String(address)) ?? []
    const isPort = port === '' || Number(port) <= MAX_PORT
    const must = isPort
      ? 'it must be absolute, such as ws://host:port/path'
      : `its port is ${port}, and must be a number up to ${MAX_PORT}`
    throw new SettingError(`the url is ${shown}: ${must}`)
  }
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw new SettingError(`the url is ${shown}: it must begin with ws:// or wss://`)
  }
  if (url.hash !== '') {
    throw new SettingError(`the url is ${shown}: a WebSocket address has no fragment (#…)`)
  }
  const reserved = Object.keys(headers).find((name) => RESERVED.test(name))
  if (reserved !== undefined) {
    throw new SettingError(
      `headers has ${JSON.stringify(reserved)}, which the handshake writes itself: see subprotocols and compression`,
    )
  }
  return { url, headers, origin, subprotocols, tls }
}

/** The request that goes out, as user code sees it; the address is filled in when there is one. */
function requestOf({ url, headers, origin, subprotocols }: DialTarget): HandshakeRequest {
  const own: Record<string, string> = { host: url.host }
  for (const [name, value] of Object.entries(headers)) own[name.toLowerCase()] = value
  if (origin !== undefined) own['origin'] = origin
  if (subprotocols.length > 0) own['sec-websocket-protocol'] = subprotocols.join(', ')
  return new HandshakeRequest(
    {
      method: 'GET',
      url: url.pathname + url.search,
      httpVersion: '1.1',
      rawHeaders: Object.entries(own).flat(),
      remoteAddress: '',
      secure: url.protocol === 'wss:',
    },
    { params: {}, args: [] },
  )
}

function aborted(signal: AbortSignal): WebSocketError {
  const message = 'the attempt to connect was aborted by its signal'
  return new WebSocketError('ERR_WINDSOCK_DIAL', message, { cause: signal.reason })
}

/** The machine ended it before there was an answer. */
function unopened({ cause, detail }: CloseRecord, url: URL, timeoutMs: number): WebSocketError {
  const why = cause === 'handshakeTimeout' ? `no answer within ${timeoutMs} ms` : detail || cause
  const message = `cannot connect to ${url.host}: ${why}`
  return new WebSocketError('ERR_WINDSOCK_DIAL', message, { fault: 'network' })
}
