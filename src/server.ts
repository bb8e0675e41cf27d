// Server: `serve()` listens, `attach()` joins a server that others own.
//
// Both bring upgrade requests to the runtime. Plain requests `serve()` answers; with `attach()` they belong to the
// server's owner, who may hand them on.

import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { type AddressInfo, isIPv6 } from 'node:net'
import type { Observable } from 'rxjs'
import { printError } from './error-listener.ts'
import type { Connection } from './handlers/handler.ts'
import { Answers } from './http/answers.ts'
import { TrustedProxies } from './http/client-address.ts'
import { answerWithPage } from './http/page.ts'
import { answerWithLine } from './http/plain-answer.ts'
import type { Journal } from './journal/journal.ts'
import { memoryJournal } from './open-journal.ts'
import type { CloseRecord } from './protocol/close-record.ts'
import { describe, SettingError, show, WebSocketError } from './protocol/errors.ts'
import { refuseUpgrade } from './protocol/handshake.ts'
import { DEFAULT_LIMITS, resolveLimits } from './protocol/limits.ts'
import { lastAnswered } from './protocol/linger.ts'
import { LONGEST_DELAY_MS } from './protocol/ports.ts'
import { DEFAULT_SETTINGS, resolveSettings } from './route-settings.ts'
import { type ConnectionCounts, Runtime } from './runtime.ts'
import {
  type AttachOptions,
  checkAddress,
  checkNoTls,
  checkServerSettings,
  type Entry,
  entriesOf,
  type ServeOptions,
  type ServerSettings,
} from './server-options.ts'
import { descriptorLimit } from './transport/descriptors.ts'
import { FirstReads } from './transport/first-read.ts'
import { liveClock, liveRandom } from './transport/live-ports.ts'
import { takeUpgrades, upgradeOf } from './upgrades.ts'

/** What `attach()` gives. */
export interface Attached {
  /** The connections that are not over, by id. */
  readonly connections: ReadonlyMap<string, Connection>
  /** How many upgrade requests came so far, and what became of them. */
  readonly counts: ConnectionCounts
  /** One close record per connection, as it ends. */
  readonly closed$: Observable<CloseRecord>
  /** What is kept of the connections: their lives and close records, by id. */
  readonly journal: Journal
  /**
   * Answers a plain request that is for one of the routes, as those of `topics()` are; `false`, and nothing done, for
   * any other: that is the owner's. Hand requests on whole, before anything else has read their bodies or changed their URLs.
   * With `serve()` nobody needs to call it.
   */
  answer(request: IncomingMessage, response: ServerResponse): boolean
  /**
   * Closes every connection with 1001, waits for them and for what their handlers do in `onClose`, within `closeTimeoutMs`,
   * answers what waits, and stops listening for upgrades.
   */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** What `serve()` gives. */
export interface Server extends Attached {
  /** `http://host:port`; the WebSocket address is the same with `ws:`. */
  readonly url: string
  /** The address that it listens on, as `127.0.0.1` or `::1`. */
  readonly host: string
  /** The port, also where 0 was asked for. */
  readonly port: number
  /**
   * Closes every connection with 1001, waits for them, for what their handlers do in `onClose`, and for plain requests that
   * are being answered, within `closeTimeoutMs`, and frees the port.
   *
   * A second call waits for the first.
   */
  close(): Promise<void>
}

const GOING_AWAY = { code: 1001, reason: 'going away' }

/** Node looks for overdue requests this often; its default of 30 s would let a 10 s deadline pass by 30. */
const CONNECTIONS_CHECK_MS = 1_000

const ATTACH_NAMES = ['routes', 'onError', 'journal', 'trustedProxies']
const SERVE_NAMES = ['host', 'port', ...ATTACH_NAMES]

/**
 * Starts a server.
 *
 * @throws SettingError, or WebSocketError `ERR_WINDSOCK_ROUTE`, for a mistake in the options.
 * @throws WebSocketError `ERR_WINDSOCK_LISTEN` when the address is in use or not ours.
 */
export async function serve(options: ServeOptions): Promise<Server> {
  const entries = entriesOf(options)
  checkNoTls(options)
  const { host = '127.0.0.1', port = 0 } = options
  checkAddress(host, port)
  const pages = entries.filter((entry) => entry.kind === 'page')
  const { runtime, proxies, others } = partsOf(entries, options, SERVE_NAMES)
  const limits = resolveLimits(DEFAULT_LIMITS, options, 'server')
  const http = createServer({
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: Math.min(limits.headersTimeoutMs + others.bodyTimeoutMs, LONGEST_DELAY_MS),
    connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
  })
  const answers = new Answers()
  http.on('request', (request, response) => {
    answers.begin(response)
    if (answerWithPage(pages, request, response, liveClock)) return
    if (others.answer(request, response)) return
    if (runtime.match(request.url ?? '/') === undefined) {
      // A client of topics is to know that this is no proxy's word.
      const headers = { 'Windsock-Error': 'topic_not_found' }
      answerWithLine(response, liveClock, 404, 'there is nothing at this path', headers)
      return
    }
    // A plain request on a WebSocket's path: the decision says what it lacks.
    const refusal = refuseUpgrade(upgradeOf(request, request.socket, proxies))
    const { status, reason, headers } = refusal ?? { status: 400, reason: 'not an upgrade' }
    answerWithLine(response, liveClock, status, reason, headers)
  })
  const upgrades = takeUpgrades(http, runtime, proxies)
  const firstReads = new FirstReads(http, limits.maxHeaderBytes, liveClock, upgrades.take)
  await listening(http, host, port).catch(async (thrown: unknown) => {
    // It is nobody that anything could be told.
    await runtime.drain(GOING_AWAY)
    throw thrown
  })
  // The system may refuse a connection later, too; an error that nobody listens for would end the process.
  http.on('error', (cause) => {
    const message = `a connection could not be accepted: ${describe(cause)}`
    runtime.report(new WebSocketError('ERR_WINDSOCK_LISTEN', message, { cause }))
  })
  const address = http.address() as AddressInfo
  return facade(runtime, others.answer, closeAll, {
    url: `http://${authority(address.address, address.port)}`,
    host: address.address,
    port: address.port,
  })

  async function closeAll(): Promise<void> {
    firstReads.leaveAll()
    const freed = new Promise<void>((resolve) => {
      http.close(() => resolve())
    })
    http.closeIdleConnections()
    const waiting = others.close()
    const answered = answers.over(liveClock, limits.closeTimeoutMs)
    await Promise.all([runtime.drain(GOING_AWAY), answered])
    upgrades.stop()
    // What is left now are requests and answers that take too long, and sockets that never became requests.
    http.closeAllConnections()
    await Promise.all([freed, waiting])
  }
}

/**
 * Joins an HTTP server that others own: upgrades on our paths are ours, all others are left alone.
 *
 * Several may join one: the first that has a route for the path answers. An upgrade that is on nobody's path is refused
 * with 404 only when no other listener is there to take it.
 *
 * @throws SettingError, or WebSocketError `ERR_WINDSOCK_ROUTE`, for a mistake in the options.
 */
export function attach(http: HttpServer, options: AttachOptions): Attached {
  // What has no deadline for headers speaks no HTTP/1.1, and never tells of an upgrade.
  if (typeof http !== 'object' || http === null || !('headersTimeout' in http)) {
    throw new SettingError(`attach() needs a server of node:http or node:https, not ${show(http)}`)
  }
  const entries = entriesOf(options)
  if (entries.some(({ kind }) => kind === 'page')) {
    throw new WebSocketError(
      'ERR_WINDSOCK_ROUTE',
      'page() works with serve() only: with attach() the server that you attach to answers with pages',
    )
  }
  const { runtime, proxies, others } = partsOf(entries, options, ATTACH_NAMES)
  const upgrades = takeUpgrades(http, runtime, proxies)
  let isClosed = false
  const answer: Attached['answer'] = (...given) => !isClosed && others.answer(...given)
  return facade(runtime, answer, closeAll, {})

  async function closeAll(): Promise<void> {
    await Promise.all([runtime.drain(GOING_AWAY), others.close()])
    isClosed = true
    upgrades.stop()
  }
}

/** What both make of the same options, and know nothing of who listens. @throws SettingError for a mistake in them. */
function partsOf(entries: readonly Entry[], options: ServerSettings, names: readonly string[]) {
  const settings = resolveSettings(DEFAULT_SETTINGS, options, 'server', names)
  checkServerSettings(options)
  const runtime = new Runtime({
    routes: entries.filter((entry) => entry.kind === 'route'),
    settings,
    maxConnections: options.maxConnections ?? descriptorLimit() ?? DEFAULT_LIMITS.maxConnections,
    clock: liveClock,
    random: liveRandom,
    onError: options.onError ?? printError,
    journal: options.journal ?? memoryJournal(),
  })
  const proxies = new TrustedProxies(options.trustedProxies)
  const others = plainRequests(entries, options, proxies)
  return { runtime, proxies, others }
}

/** Those of the entries that answer plain requests by themselves, as one. */
function plainRequests(
  entries: readonly Entry[],
  options: ServerSettings,
  proxies: TrustedProxies,
): Pick<Attached, 'answer' | 'close'> & { readonly bodyTimeoutMs: number } {
  const others = entries.flatMap((entry) => (entry.kind === 'requests' ? entry.begin(options) : []))
  return {
    bodyTimeoutMs: Math.max(0, ...others.map(({ bodyTimeoutMs = 0 }) => bodyTimeoutMs)),
    answer: (request, response) => {
      if (others.length === 0) return false
      // Behind the last answer of its connection it gets none, and must not do anything either (RFC 9112 §9.6).
      if (lastAnswered.has(request.socket)) return true
      const upgrade = upgradeOf(request, request.socket, proxies)
      return others.some(({ answer }) => answer(request, response, liveClock, upgrade))
    },
    close: async () => {
      await Promise.all(others.map(async (other) => other.close?.()))
    },
  }
}

/** What users hold; `closeAll` is called once, however often they close. */
function facade<Extra extends object>(
  runtime: Runtime,
  answer: Attached['answer'],
  closeAll: () => Promise<void>,
  extra: Extra,
): Attached & Extra {
  let closing: Promise<void> | undefined
  const close = () => (closing ??= closeAll())
  return {
    ...extra,
    connections: runtime.connections,
    get counts() {
      return runtime.counts
    },
    closed$: runtime.closed$,
    journal: runtime.journal,
    answer,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** What the system says in a word, and what to do about it. */
const WHY_NOT: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use: choose another, or 0 for a free one',
  EADDRNOTAVAIL: 'this machine has no such address: choose one of its own, or 0.0.0.0 for all',
  EACCES:
    'this process may not listen there: ports below 1024 are for the system, so choose another',
  ENOTFOUND: 'nobody knows this name: choose an address, such as 127.0.0.1 or ::1',
}

/** As in a URL (RFC 3986 §3.2). */
function authority(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`
}

function listening(http: HttpServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException) => {
      const why = WHY_NOT[cause.code ?? ''] ?? describe(cause)
      const message = `cannot listen on ${authority(host, port)}: ${why}`
      reject(new WebSocketError('ERR_WINDSOCK_LISTEN', message, { cause }))
    }
    http.once('error', failed)
    try {
      http.listen(port, host, () => {
        http.off('error', failed)
        resolve()
      })
    } catch (thrown) {
      failed(thrown as NodeJS.ErrnoException)
    }
  })
}
