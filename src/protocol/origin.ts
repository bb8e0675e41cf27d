// Origin: which web pages may open a connection.
//
// A browser sends cookies along with any page's WebSocket, so the server has to ask where the page
// is from (RFC 6455 §4.2.2, §10.2). A client without an Origin is no browser, and is let in.
// "same-origin" is Tornado's rule: host and port of the Origin must be those of the Host header,
// the scheme is not compared; unlike Tornado's, case and default ports make no difference. A list
// is compared with the scheme.
//
// Knows of a request only whether it came over TLS. Takes any string at all without throwing: what cannot be
// read is not allowed. An Origin is an ASCII scheme, host and port (RFC 6454 §6.2); a host is RFC
// 3986 §3.2.2.

import { SettingError, show } from './errors.ts'

/**
 * Who may connect: pages of the served host, everybody, or pages of the origins listed.
 *
 * A list holds origins such as `https://example.org` or `http://localhost:5173`, and no others are
 * allowed; name the served host too if its pages are to connect.
 */
export type OriginPolicy = 'same-origin' | 'any' | readonly string[]

/** What says whether a page may connect: a policy, or a function of the user's; of what that gives only `true` allows. */
export type OriginRule<Request> =
  | OriginPolicy
  | ((origin: string, request: Request) => boolean | Promise<boolean>)

/** A host and its port as a Host header or an Origin names them (RFC 3986 §3.2). */
export interface HostPort {
  /** Lower case; an IPv6 address is in its shortest form and keeps its brackets. */
  readonly host: string
  /** `undefined` when none is given. */
  readonly port: number | undefined
}

interface Origin extends HostPort {
  /** Lower case, without the colon. */
  readonly scheme: string
  /** What follows the port; empty in what browsers send. */
  readonly rest: string
}

const DEFAULT_PORTS = new Map([
  ['http', 80],
  ['ws', 80],
  ['https', 443],
  ['wss', 443],
])

const MAX_PORT = 65_535

/**
 * Whether a page from `origin` may connect to `host` (RFC 6455 §4.2.2 item 4, §10.2).
 *
 * Total: malformed arguments are refused, unless the policy is `any`.
 *
 * @param origin - the Origin header; `undefined` when there is none, which is always allowed (no
 *   browser).
 * @param host - the Host header.
 * @param policy - as `checkOriginPolicy` has let it through.
 * @param secure - whether the connection is TLS. Only looked at when the Origin's scheme has no
 *   default port of its own (`capacitor://example.org`): then a missing port means 443 or 80.
 */
export function isOriginAllowed(
  origin: string | undefined,
  host: string,
  policy: OriginPolicy,
  secure?: boolean,
): boolean {
  if (policy === 'any' || origin === undefined) return true
  const page = parseOrigin(origin)
  if (page === undefined) return false
  if (policy === 'same-origin') {
    const served = parseHost(host)
    const fallback = DEFAULT_PORTS.get(page.scheme) ?? (secure ? 443 : 80)
    return (
      served !== undefined &&
      page.host === served.host &&
      (page.port ?? fallback) === (served.port ?? fallback)
    )
  }
  if (!Array.isArray(policy) || page.rest !== '') return false
  return policy.some((entry) => canonical(entry) === serialize(page))
}

/**
 * Checks the setting when a server or route is made; a list comes back normalised and frozen.
 *
 * @throws SettingError for an unknown word, and for a list with an entry that is no origin.
 */
export function checkOriginPolicy(policy: unknown): OriginPolicy {
  if (policy === 'same-origin' || policy === 'any') return policy
  if (!Array.isArray(policy)) {
    throw new SettingError(
      `checkOrigin is ${show(policy)}: it must be 'same-origin', 'any', or a list of origins ` +
        "such as 'https://example.org'",
    )
  }
  // Array.from, because map would skip the holes of a sparse array.
  const list = Array.from(policy, (entry: unknown, index) => {
    const origin = canonical(entry)
    // An asterisk is a legal character of a name, but no pattern is understood: it would match
    // nothing, silently.
    if (origin !== undefined && !origin.includes('*')) return origin
    throw new SettingError(
      `checkOrigin[${index}] is ${show(entry)}: it must be scheme://host or scheme://host:port, ` +
        'in ASCII, without a path or a wildcard',
    )
  })
  return Object.freeze(list)
}

/** A rule as it is set: a policy checked, a function as it is. @throws SettingError as `checkOriginPolicy`. */
export function checkOriginRule<Request>(rule: OriginRule<Request>): OriginRule<Request> {
  return typeof rule === 'function' ? rule : checkOriginPolicy(rule)
}

/** What the rule says of a page from `origin`, which only `true` allows. Throws, or rejects, as a function of the user's. */
export function askOriginRule<Request extends { readonly secure: boolean }>(
  rule: OriginRule<Request>,
  origin: string,
  host: string,
  request: Request,
): boolean | Promise<boolean> {
  return typeof rule === 'function'
    ? rule(origin, request)
    : isOriginAllowed(origin, host, rule, request.secure)
}

/**
 * Reads a Host header: a name, an IPv4 address or a bracketed IPv6 address, and perhaps a port
 * (RFC 9110 §7.2, RFC 3986 §3.2.2). `undefined` when malformed, also for anything but a string.
 */
export function parseHost(text: unknown): HostPort | undefined {
  if (typeof text !== 'string') return undefined
  const end = text.startsWith('[') ? text.indexOf(']') + 1 : text.indexOf(':')
  const name = end < 0 ? text : text.slice(0, end)
  const host = name.startsWith('[') ? parseIpv6(name) : parseName(name)
  if (host === undefined) return undefined
  const tail = text.slice(name.length)
  // "host:" is well-formed and means the same as "host" (RFC 3986 §6.2.3).
  if (tail === '' || tail === ':') return { host, port: undefined }
  const digits = tail.slice(1)
  if (tail[0] !== ':' || /[^0-9]/.test(digits) || Number(digits) > MAX_PORT) return undefined
  return { host, port: Number(digits) }
}

function parseOrigin(text: unknown): Origin | undefined {
  if (typeof text !== 'string') return undefined
  const colon = text.indexOf('://')
  const scheme = text.slice(0, Math.max(colon, 0)).toLowerCase()
  if (!/^[a-z]/.test(scheme) || /[^a-z0-9+.-]/.test(scheme)) return undefined
  const start = colon + 3
  const length = text.slice(start).search(/[/?#]/)
  const end = length < 0 ? text.length : start + length
  const authority = parseHost(text.slice(start, end))
  return authority && { scheme, ...authority, rest: text.slice(end) }
}

// Searches for one character that does not belong: no repetition in the pattern, so nothing to
// backtrack into.
function parseName(name: string): string | undefined {
  const isBad = /[^A-Za-z0-9._~!$&'()*+,;=%-]/.test(name) || /%(?![0-9A-Fa-f]{2})/.test(name)
  return name === '' || isBad ? undefined : name.toLowerCase()
}

function parseIpv6(name: string): string | undefined {
  try {
    return /[^0-9A-Fa-f:.[\]]/.test(name) ? undefined : new URL(`http://${name}`).hostname
  } catch {
    return undefined
  }
}

function canonical(entry: unknown): string | undefined {
  const origin = parseOrigin(entry)
  return origin?.rest === '' ? serialize(origin) : undefined
}

function serialize({ scheme, host, port }: Origin): string {
  const isDefault = port === undefined || port === DEFAULT_PORTS.get(scheme)
  return isDefault ? `${scheme}://${host}` : `${scheme}://${host}:${port}`
}
