// Set-Cookie: one header's value from a name, a value and Tornado's arguments.
//
// Nothing that came from a request may end an attribute and begin another: control characters, spaces and semicolons are
// refused in the name and in every attribute. In the value they are refused where Tornado refuses them (controls and
// spaces), and otherwise percent-encoded, which is what reading cookies takes back. What a cookie value may hold as it
// is stays as it is, so that a signed value looks as Tornado writes it. Knows nothing of requests and responses.
// Sources: RFC 6265 §4.1.1; tornado.web.RequestHandler.set_cookie.

import { stringifySetCookie } from 'cookie'
import { typeName, WebSocketError } from '../protocol/errors.ts'
import { checkNames } from '../protocol/setting-names.ts'

/** How long a cookie lives, and where it is sent. */
export interface CookieOptions {
  /** Default: the host that answers, and it alone. */
  readonly domain?: string | undefined
  /** When the browser forgets it; default: when it is closed. */
  readonly expires?: Date | null | undefined
  /** As `expires`, in days from now; ignored beside `expires`. */
  readonly expiresDays?: number | null | undefined
  /** As `expires`, in seconds; browsers prefer it. */
  readonly maxAge?: number | undefined
  /** Default `/`. */
  readonly path?: string | undefined
  /** Not to be seen by scripts. Default false, as in Tornado. */
  readonly httpOnly?: boolean | undefined
  /** Only over TLS. Default false, as in Tornado. */
  readonly secure?: boolean | undefined
  /** Default: none is said, which browsers take as `lax`. */
  readonly sameSite?: 'lax' | 'strict' | 'none' | undefined
}

const OPTIONS: readonly (keyof CookieOptions)[] = [
  'domain',
  'expires',
  'expiresDays',
  'maxAge',
  'path',
  'httpOnly',
  'secure',
  'sameSite',
]

/** @throws SettingError for what is none: of `httponly` nothing would come, and scripts would see the cookie. */
export function checkCookieOptions(options: CookieOptions): void {
  checkNames(options, OPTIONS)
}

const MS_PER_DAY = 86_400_000

/**
 * The value of a Set-Cookie header (Tornado: `set_cookie`).
 *
 * @param nowMs - what `expiresDays` counts from, ms since 1970.
 * @throws WebSocketError `ERR_WINDSOCK_COOKIE` for a name, value or attribute that cannot stand in the header; the
 *   value is not repeated in the message. @throws SettingError for an option that there is none of.
 */
export function setCookieHeader(
  name: string,
  value: string,
  options: CookieOptions,
  nowMs: number,
): string {
  checkCookieOptions(options)
  const { domain, path = '/', expires, expiresDays, maxAge, sameSite } = options
  const texts: Readonly<Record<string, string | undefined>> = { name, domain, path, sameSite }
  for (const [attribute, text] of Object.entries(texts)) {
    if (text === undefined || !/[\0-\x20;\x7f]/.test(text)) continue
    throw refused(
      `the cookie's ${attribute} is ${JSON.stringify(text)}: no control characters, spaces or semicolons`,
    )
  }
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
    throw refused(
      `the cookie's name is ${JSON.stringify(name)}: letters, digits and !#$%&'*+-.^_\`|~`,
    )
  }
  if (typeof value !== 'string') {
    throw refused(`the value of the cookie ${name} is of type ${typeName(value)}: make it a string`)
  }
  if (/[\0-\x20]/.test(value)) {
    throw refused(`the value of the cookie ${name} holds control characters or spaces: encode it`)
  }
  try {
    return stringifySetCookie(
      {
        name,
        value,
        path,
        ...(domain !== undefined && { domain }),
        ...(maxAge !== undefined && { maxAge }),
        ...(sameSite !== undefined && { sameSite }),
        ...expiry(expires, expiresDays, nowMs),
        httpOnly: options.httpOnly === true,
        secure: options.secure === true,
      },
      { encode },
    )
  } catch (cause) {
    throw refused(`the cookie ${name} cannot be written: ${(cause as Error).message}`, cause)
  }
}

function expiry(
  expires: Date | null | undefined,
  expiresDays: number | null | undefined,
  nowMs: number,
): { expires?: Date } {
  // `null` as Tornado's `None`: of `expiresDays` it makes a cookie of the session.
  if (expires !== undefined && expires !== null) return { expires }
  if (expiresDays === undefined || expiresDays === null) return {}
  return { expires: new Date(nowMs + expiresDays * MS_PER_DAY) }
}

// Everything but cookie-octets (RFC 6265 §4.1.1), and `%`, which reading decodes.
function encode(value: string): string {
  return value.replace(/[^\x21\x23\x24\x26-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+/g, encodeURIComponent)
}

function refused(message: string, cause?: unknown): WebSocketError {
  return new WebSocketError('ERR_WINDSOCK_COOKIE', message, { cause })
}
