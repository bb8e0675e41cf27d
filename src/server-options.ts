// Server options: what a server may be told. What TypeScript says of it at once, a program in JavaScript is told here, too.
//
// What a route may set as well is checked with the routes (route-settings.ts).

import type { ErrorListener } from './error-listener.ts'
import type { Page } from './http/page.ts'
import type { PlainRequests } from './http/requests.ts'
import type { Journal } from './journal/journal.ts'
import { checkJournal } from './open-journal.ts'
import { SettingError, show, WebSocketError } from './protocol/errors.ts'
import type { LimitName, RouteLimitName } from './protocol/limits.ts'
import type { Route } from './route.ts'
import type { RouteSettings } from './route-settings.ts'

/** Limits that belong to the server as a whole. */
type ServerLimitSettings = { readonly [Name in Exclude<LimitName, RouteLimitName>]?: number }

/** What a server may be told, besides the defaults of its routes. */
export type ServerSettings = RouteSettings &
  ServerLimitSettings & {
    /**
     * Told of what user code threw, and of what hung. Default: a line on standard error, and the stack of what user code
     * threw; so is what a listener that throws itself was told.
     */
    readonly onError?: ErrorListener
    /**
     * Keeps the life of each connection: `await openJournal(file)`; whoever opened it closes it. Default: one in memory,
     * the newest 10,000 events.
     */
    readonly journal?: Journal
    /**
     * Addresses and networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed, such as
     * `['127.0.0.1', '10.0.0.0/8']`; `'unix:'` for those that connect over a Unix socket, which have no address (nginx:
     * `set_real_ip_from`). Default: none, and no header changes `remoteAddress` or `secure`.
     */
    readonly trustedProxies?: readonly string[]
  }

/** What answers: a WebSocket's route, a page, plain requests. */
export type Entry = Route | Page | PlainRequests

/** What `serve()` takes. */
export type ServeOptions = ServerSettings & {
  /** The first that matches answers; pages only with `serve()`. */
  readonly routes: readonly (Entry | readonly Entry[])[]
  /** Default `'127.0.0.1'`: reachable from this machine only; `'0.0.0.0'` or `'::'` for all. */
  readonly host?: string
  /** Default 0: a free one, which `url` tells. Digits will do, as `process.env.PORT` holds them in a program of JavaScript. */
  readonly port?: number
}

/** What `attach()` takes. */
export type AttachOptions = ServerSettings & {
  /** The first that matches answers; no pages, which are the owner's. */
  readonly routes: readonly (Exclude<Entry, Page> | readonly Exclude<Entry, Page>[])[]
}

/**
 * The routes of a server, one after the other.
 *
 * @throws WebSocketError `ERR_WINDSOCK_ROUTE` for what is no array of them, and for one that would never be reached,
 *   because another of its kind has the same path.
 */
export function entriesOf(options: { readonly routes?: unknown } | undefined): readonly Entry[] {
  const routes: unknown = options?.routes
  if (!Array.isArray(routes)) {
    throw new WebSocketError(
      'ERR_WINDSOCK_ROUTE',
      `routes is ${routes === undefined ? 'missing' : 'no array'}: give serve() and attach() an array, as in { routes: [route(path, handler)] }`,
    )
  }
  // `topics()` gives several at once.
  const entries = routes.flat() as readonly Entry[]
  for (const [index, entry] of entries.entries()) {
    const kind = (entry as Partial<Entry> | null | undefined)?.kind
    if (kind === 'route' || kind === 'page' || kind === 'requests') continue
    throw new WebSocketError(
      'ERR_WINDSOCK_ROUTE',
      `routes[${index}] is no route: make it with route(path, handler), topics(path, list) or page(path, file), or take the routes of an Application`,
    )
  }
  checkPaths(entries)
  return entries
}

// A page and a route may share a path: the one answers plain requests, the other upgrades.
function checkPaths(entries: readonly Entry[]): void {
  const known = new Set<string>()
  for (const entry of entries) {
    if (entry.kind === 'requests') continue
    const path = entry.kind === 'page' ? entry.path : entry.pattern.text
    const counted = known.size
    if (known.add(`${entry.kind} ${path}`).size === counted) {
      throw new WebSocketError(
        'ERR_WINDSOCK_ROUTE',
        `two ${entry.kind}s have the path ${path}: the second would never be reached`,
      )
    }
  }
}

/** @throws SettingError for a listener that is no function, and a journal that is none. */
export function checkServerSettings({ onError, journal }: ServerSettings): void {
  if (onError !== undefined && typeof onError !== 'function') {
    throw new SettingError(`onError is ${show(onError)}: it must be a function of the error`)
  }
  checkJournal('journal', journal)
}

/** What other servers take a certificate by. */
const TLS_NAMES = ['key', 'cert', 'pfx', 'tls', 'https', 'ssl']

/** @throws SettingError for a certificate: what it is for would go unencrypted. */
export function checkNoTls(options: object): void {
  const name = TLS_NAMES.find((one) => one in options)
  if (name === undefined) return
  throw new SettingError(
    `serve() has no setting "${name}", it speaks plain HTTP: for TLS attach() to a server of node:https, or stand behind a proxy`,
  )
}

/** @throws SettingError for a host or a port that cannot be. */
export function checkAddress(host: string, port: number): void {
  // Node would take a number for the length of its queue, and listen everywhere; so it does for an empty text, which
  // is what an environment variable holds that was meant to say where.
  if (typeof host !== 'string' || host === '') {
    throw new SettingError(
      `host is ${show(host)}: it must be a name or an address, such as 127.0.0.1, or 0.0.0.0 for all`,
    )
  }
  // Of a text Node would make a socket in a file; digits are what an environment variable holds.
  const isWord = typeof port === 'number' || typeof port === 'string'
  if (!isWord || !/^\d{1,5}$/.test(String(port)) || Number(port) > 65_535) {
    throw new SettingError(`port is ${show(port)}: it must be a whole number from 0 to 65535`)
  }
}
