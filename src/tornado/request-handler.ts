// RequestHandler: one HTTP request as the methods of a class, in Tornado's shape.
//
// Order of calls: `setDefaultHeaders` → `initialize` → `prepare` → `get` (or `post`, `put` and the like) → `onFinish`.
// `prepare` and the method may be asynchronous. What hooks throw becomes a status page; a request is always answered.
// Cookies, users, templates and errors stand here, what is HTTP alone in `exchange.ts`.
// Source: tornado.web.RequestHandler.

import { type CookieOptions, checkCookieOptions, setCookieHeader } from '../http/set-cookie.ts'
import {
  createSignedValue,
  decodeSignedValue,
  type SigningSecret,
  signedKeyVersion,
  type VerifyOptions,
} from '../http/signed-value.ts'
import { SettingError } from '../protocol/errors.ts'
import { checkNames } from '../protocol/setting-names.ts'
import { atOnce, HTTPError, reasonOf } from './errors.ts'
import { draft, RequestExchange, report, setup } from './exchange.ts'

/** What a status page is made of. */
export interface ErrorPage {
  /** What was thrown, when something was. */
  readonly error?: unknown
  /** What stands beside the status. */
  readonly reason?: string | undefined
}

/** How `setSignedCookie()` writes: as any cookie, and for how long. */
export interface SignedCookieOptions extends CookieOptions {
  /** Days until the browser forgets it; default 30. */
  readonly expiresDays?: number | undefined
}

/** What `getSignedCookie()` accepts. */
export interface SignedCookieReading extends Pick<VerifyOptions, 'maxAgeDays' | 'minVersion'> {
  /** What to read instead of the cookie. */
  readonly value?: string | undefined
}

const YEAR_MS = 365 * 86_400_000

/** One plain request: override `get`, `post` and the like; a new one for each request (Tornado: `RequestHandler`). */
export class RequestHandler extends RequestExchange {
  #user: { readonly value: unknown } | undefined

  // ── hooks, for you to override ─────────────────────────────────────────────────────────────────

  /** Gets what the rule's third item says, once, before `prepare` (Tornado: `initialize`). */
  initialize(..._kwargs: never[]): void {}

  /** Before the method, or the upgrade; `finish()`, what is thrown, and `false` end the request (Tornado: `prepare`). */
  prepare(): void | Promise<void> {}

  /**
   * Answers a GET (Tornado: `get`).
   *
   * @param args - what the path captured, as for `open` of a WebSocket.
   * @throws HTTPError 405 unless overridden, as do the other methods.
   */
  get(..._args: never[]): unknown {
    throw new HTTPError(405)
  }

  /** As `get`, for HEAD; 405 unless overridden (Tornado: `head`). */
  head(..._args: never[]): unknown {
    throw new HTTPError(405)
  }

  /** As `get`, for POST; 405 unless overridden (Tornado: `post`). */
  post(..._args: never[]): unknown {
    throw new HTTPError(405)
  }

  /** As `get`, for PUT; 405 unless overridden (Tornado: `put`). */
  put(..._args: never[]): unknown {
    throw new HTTPError(405)
  }

  /** As `get`, for DELETE; 405 unless overridden (Tornado: `delete`). */
  delete(..._args: never[]): unknown {
    throw new HTTPError(405)
  }

  /** As `get`, for PATCH; 405 unless overridden (Tornado: `patch`). */
  patch(..._args: never[]): unknown {
    throw new HTTPError(405)
  }

  /** As `get`, for OPTIONS; 405 unless overridden (Tornado: `options`). */
  options(..._args: never[]): unknown {
    throw new HTTPError(405)
  }

  /** When the response has been made; for a WebSocket with the 101, not at its end (Tornado: `on_finish`). */
  onFinish(): void {}

  /**
   * The client has left before it was answered, so what waits for it may end; a WebSocket has `onClose` for that (Tornado:
   * `on_connection_close`).
   */
  onConnectionClose(): unknown {
    return undefined
  }

  /** Whose request this is; asked once, when `currentUser` is (Tornado: `get_current_user`). Default `null`. */
  getCurrentUser(): unknown {
    return null
  }

  /** Where `requireUser` sends (Tornado: `get_login_url`). Default: the setting `loginUrl`. */
  getLoginUrl(): string {
    const { loginUrl } = this.settings
    if (loginUrl === undefined) throw new SettingError('loginUrl is not set: there is no login')
    return loginUrl
  }

  /** Writes the page of an error; override it for your own (Tornado: `write_error`). */
  writeError(status: number, { error, reason = reasonOf(status) }: ErrorPage): void {
    if (this.settings.debug === true && error instanceof Error) {
      this.setHeader('Content-Type', 'text/plain; charset=UTF-8')
      this.finish(String(error.cause instanceof Error ? error.cause.stack : error.stack))
      return
    }
    const title = escapeHtml(`${status}: ${reason}`)
    this.finish(`<html><title>${title}</title><body>${title}</body></html>`)
  }

  /**
   * Told of everything that this handler's hooks throw, before and after the upgrade; override it to send it elsewhere
   * (Tornado: `log_exception`). Default: the server's `onError`, save an HTTPError below 500 without a log message.
   */
  logException(thrown: unknown): void {
    const isQuiet = thrown instanceof HTTPError && thrown.statusCode < 500
    if (isQuiet && thrown.logMessage === undefined) return
    report(this, thrown)
  }

  // ── cookies ────────────────────────────────────────────────────────────────────────────────────

  /** A cookie of the request; anyone may have written it (Tornado: `get_cookie`). */
  getCookie(name: string): string | null
  getCookie<T>(name: string, fallback: T): string | T
  getCookie(name: string, fallback: unknown = null): unknown {
    const { cookies } = this.request
    const value = Object.hasOwn(cookies, name) ? cookies[name] : undefined
    return value === undefined ? fallback : unquoted(value)
  }

  /**
   * Sets a cookie; a second one of that name takes its place (Tornado: `set_cookie`).
   *
   * @throws WebSocketError `ERR_WINDSOCK_COOKIE` for what cannot stand in it; `ERR_WINDSOCK_RESPONSE` after the upgrade.
   */
  setCookie(name: string, value: string, options: CookieOptions = {}): void {
    this[draft].check('setCookie()')
    const nowMs = this[setup].clock.wallMs()
    this[draft].setCookie(name, setCookieHeader(name, value, options, nowMs))
  }

  /** Makes the browser forget a cookie; path and domain as it was set (Tornado: `clear_cookie`). */
  clearCookie(name: string, options: Pick<CookieOptions, 'path' | 'domain'> = {}): void {
    const expires = new Date(this[setup].clock.wallMs() - YEAR_MS)
    this.setCookie(name, '', { ...options, expires })
  }

  /** Sets a cookie that only holders of `cookieSecret` can make; everyone can read it (Tornado: `set_signed_cookie`). */
  setSignedCookie(
    name: string,
    value: string | Uint8Array,
    options: SignedCookieOptions = {},
  ): void {
    this[draft].check('setSignedCookie()')
    checkCookieOptions(options)
    this.setCookie(name, this.createSignedValue(name, value), { expiresDays: 30, ...options })
  }

  /** As `setSignedCookie` (Tornado: `set_secure_cookie`). */
  setSecureCookie(
    name: string,
    value: string | Uint8Array,
    options: SignedCookieOptions = {},
  ): void {
    this.setSignedCookie(name, value, options)
  }

  /**
   * What a signed cookie holds, or `null` when it is missing, forged, or older than `maxAgeDays`, default 31 (Tornado:
   * `get_signed_cookie`). Bytes, whose `toString()` is the text. Never throws on what the client sent.
   */
  getSignedCookie(name: string, options: SignedCookieReading = {}): Buffer | null {
    checkNames(options, ['value', 'maxAgeDays', 'minVersion'])
    const { value, ...reading } = options
    return decodeSignedValue(this.#secret(), name, value ?? this.getCookie(name), {
      ...reading,
      clock: this[setup].clock,
    })
  }

  /** As `getSignedCookie` (Tornado: `get_secure_cookie`). */
  getSecureCookie(name: string, options: SignedCookieReading = {}): Buffer | null {
    return this.getSignedCookie(name, options)
  }

  /** Which key a signed cookie names, not verified (Tornado: `get_signed_cookie_key_version`). */
  getSignedCookieKeyVersion(name: string, value?: string): number | null {
    return signedKeyVersion(value ?? this.getCookie(name))
  }

  /** Signs a value with the application's secret (Tornado: `create_signed_value`). @throws SettingError without one. */
  createSignedValue(name: string, value: string | Uint8Array): string {
    const { keyVersion } = this.settings
    return createSignedValue(this.#secret(), name, value, { keyVersion, clock: this[setup].clock })
  }

  #secret(): SigningSecret {
    const { cookieSecret } = this.settings
    if (cookieSecret !== undefined) return cookieSecret
    throw new SettingError('cookieSecret is not set: signed cookies need it in the Application')
  }

  // ── users ──────────────────────────────────────────────────────────────────────────────────────

  /** What `getCurrentUser` said, asked once; in `open` too (Tornado: `current_user`). */
  get currentUser(): unknown {
    this.#user ??= { value: atOnce('getCurrentUser', this.getCurrentUser()) }
    return this.#user.value
  }

  set currentUser(value: unknown) {
    this.#user = { value }
  }

  /**
   * Ends the request unless there is a user; for `prepare` or a method (Tornado: `@authenticated`).
   *
   * A plain GET or HEAD is sent to the login, all else gets 403.
   *
   * @returns whether there is a user; after `false` the response is finished.
   */
  requireUser(): boolean {
    if (this.currentUser) return true
    const isUpgrade = this.request.headers['upgrade'] !== undefined
    if (isUpgrade || !['GET', 'HEAD'].includes(this.request.method)) throw new HTTPError(403)
    const login = this.getLoginUrl()
    const next = `next=${encodeURIComponent(this.request.uri)}`
    this.redirect(`${login}${login.includes('?') ? '&' : '?'}${next}`)
    return false
  }

  // ── pages ──────────────────────────────────────────────────────────────────────────────────────

  /** Finishes with a template's text (Tornado: `render`). @throws SettingError without `templatePath`. */
  render(template: string, namespace: object = {}): void {
    this[draft].check('render()')
    this.finish(this.renderString(template, namespace))
  }

  /**
   * A template's text, what it shows of values escaped; also after the upgrade (Tornado: `render_string`).
   *
   * In it `it` has `handler`, `request`, `currentUser`, `reverseUrl`, `staticUrl`, and what `namespace` adds.
   */
  renderString(template: string, namespace: object = {}): string {
    const { host, request } = this[setup]
    const user = () => this.currentUser
    return host.renderTemplate(template, {
      handler: this,
      request,
      reverseUrl: this.reverseUrl.bind(this),
      staticUrl: this.staticUrl.bind(this),
      get currentUser() {
        return user()
      },
      ...namespace,
    })
  }

  /** The path of a named rule (Tornado: `reverse_url`). @throws SettingError when there is none of that name. */
  reverseUrl(name: string, ...args: readonly unknown[]): string {
    return this[setup].host.reverseUrl(name, ...args)
  }

  /** The path of a static file, with its version (Tornado: `static_url`). */
  staticUrl(path: string): string {
    return this[setup].host.staticUrl(path)
  }

  /** Begins the response anew and answers with an error's page; nothing after the upgrade (Tornado: `send_error`). */
  sendError(status = 500, page: ErrorPage = {}): void {
    const response = this[draft]
    if (response.isUpgraded || response.isFinished) return
    try {
      this.clear()
      const reason =
        page.reason ?? (page.error instanceof HTTPError ? page.error.reason : undefined)
      response.setStatus(status, reason)
      this.writeError(status, { ...page, reason })
    } catch (thrown) {
      // The page of the error has an error of its own.
      report(this, thrown)
      if (response.isFinished) return
      response.clear()
      response.setStatus(500)
      response.set('Content-Type', 'text/plain; charset=UTF-8')
      response.write(Buffer.from('internal error\n'))
    }
    if (!response.isFinished) response.finish()
  }
}

// Python writes values with odd characters in quotes, and in them octal escapes.
function unquoted(value: string): string {
  if (value.length < 2 || !value.startsWith('"') || !value.endsWith('"')) return value
  return value
    .slice(1, -1)
    .replace(/\\(?:([0-3][0-7]{2})|(.))/g, (_, octal: string | undefined, other: string) =>
      octal === undefined ? other : String.fromCharCode(Number.parseInt(octal, 8)),
    )
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
