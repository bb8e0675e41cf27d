// Settings: what an Application may be told, in Tornado's words, seconds and defaults.
//
// Everything is checked when the application is made; a name that is no setting is a mistake, as elsewhere in windsock.
// What handlers of yours need goes into `initialize`. Source: tornado.web.Application.

import type { ErrorListener } from '../error-listener.ts'
import type { SigningSecret } from '../http/signed-value.ts'
import { SettingError, show } from '../protocol/errors.ts'
import { LONGEST_DELAY_MS } from '../protocol/ports.ts'
import { suggestion } from '../protocol/setting-names.ts'
import type { RouteSettings } from '../route-settings.ts'
import { keepalive } from './keepalive.ts'
import { messageBytes } from './message-bytes.ts'

/** What an `Application` and its handlers know alike; in seconds, with Tornado's defaults. */
export interface SharedSettings {
  /** Seconds between pings; default none. (Tornado: `websocket_ping_interval`) */
  readonly websocketPingInterval?: number | null | undefined
  /** Seconds to wait for a pong; default, and at most, the interval. 0: for ever. (Tornado: `websocket_ping_timeout`) */
  readonly websocketPingTimeout?: number | null | undefined
  /** Bytes; default 10 MiB. (Tornado: `websocket_max_message_size`) */
  readonly websocketMaxMessageSize?: number | undefined
  /** What signed cookies are signed with: one secret, or a map by key version. (Tornado: `cookie_secret`) */
  readonly cookieSecret?: SigningSecret | undefined
  /** Which secret of the map signs. (Tornado: `key_version`) */
  readonly keyVersion?: number | undefined
  /** Where a user who is not known is sent. (Tornado: `login_url`) */
  readonly loginUrl?: string | undefined
  /** The folder of the templates. (Tornado: `template_path`) */
  readonly templatePath?: string | undefined
  /** The folder that `staticUrlPrefix` serves. (Tornado: `static_path`) */
  readonly staticPath?: string | undefined
  /** Default `/static/`. (Tornado: `static_url_prefix`) */
  readonly staticUrlPrefix?: string | undefined
  /** The most bytes of a request's body; default 10 MiB; above it 413. (Tornado: `max_body_size`, 100 MB) */
  readonly maxBodySize?: number | undefined
  /**
   * Seconds that a plain request's body may take to come, and then its handler to answer; default 60, 0 for ever; then 408,
   * or 503. With `attach()` the HTTP server has a deadline of its own, too. (Tornado: `body_timeout`, and none)
   */
  readonly requestTimeout?: number | undefined
  /** Answers what no rule matches, upgrade requests too; default 404. (Tornado: `default_handler_class`) */
  readonly defaultHandlerClass?: (new () => object) | undefined
  /** Errors show their stack to the client, templates are read anew each time; default false. (Tornado: `debug`) */
  readonly debug?: boolean | undefined
  /** Told of what handlers throw; default: a line on standard error, and the stack of what they threw. */
  readonly onError?: ErrorListener | undefined
}

const NAMES: Readonly<Record<keyof SharedSettings | 'logFunction', string>> = {
  websocketPingInterval: 'number',
  websocketPingTimeout: 'number',
  websocketMaxMessageSize: 'number',
  cookieSecret: 'string object',
  keyVersion: 'number',
  loginUrl: 'string',
  templatePath: 'string',
  staticPath: 'string',
  staticUrlPrefix: 'string',
  maxBodySize: 'number',
  requestTimeout: 'number',
  defaultHandlerClass: 'function',
  debug: 'boolean',
  logFunction: 'function',
  onError: 'function',
}

/** Long enough for a slow database, short enough that stuck requests do not pile up. */
export const DEFAULT_REQUEST_TIMEOUT_S = 60
/** The longest that a Node timer keeps. */
export const MAX_TIMEOUT_S = LONGEST_DELAY_MS / 1000

export const DEFAULT_MAX_BODY_BYTES = 10 * 1024 * 1024

/** @throws SettingError for a name that is no setting, or a value of the wrong kind. */
export function checkSettings<S extends SharedSettings>(settings: S): S {
  for (const [name, value] of Object.entries(settings)) {
    const types = Object.hasOwn(NAMES, name) ? NAMES[name as keyof typeof NAMES] : undefined
    if (types === undefined) {
      throw new SettingError(
        `there is no setting "${name}"${suggestion(name, Object.keys(NAMES))} (handlers are given what they need by initialize())`,
      )
    }
    if (value === undefined || value === null || types.split(' ').includes(typeof value)) continue
    throw new SettingError(`${name} is ${show(value)}: it must be a ${types.replace(' ', ' or ')}`)
  }
  checkSecret(settings)
  const { maxBodySize = 0, requestTimeout = 0, staticUrlPrefix = '/static/' } = settings
  if (!(requestTimeout >= 0 && requestTimeout <= MAX_TIMEOUT_S)) {
    throw new SettingError(
      `requestTimeout is ${requestTimeout}: it must be seconds, from 0 (for ever) to ${MAX_TIMEOUT_S}`,
    )
  }
  if (!Number.isSafeInteger(maxBodySize) || maxBodySize < 0) {
    throw new SettingError(`maxBodySize is ${maxBodySize}: it must be a whole number of bytes`)
  }
  if (!/^\/.*\/$/.test(staticUrlPrefix)) {
    throw new SettingError(`staticUrlPrefix is ${show(staticUrlPrefix)}: it must be like /static/`)
  }
  return Object.freeze({ ...settings })
}

/** What `serve()` is told for them: Tornado's defaults, pings and compression off. */
export function routeSettings(settings: SharedSettings): RouteSettings {
  const { websocketPingInterval, websocketPingTimeout, websocketMaxMessageSize } = settings
  return {
    ...keepalive(websocketPingInterval, websocketPingTimeout, [
      'websocketPingInterval',
      'websocketPingTimeout',
    ]),
    ...messageBytes('websocketMaxMessageSize', websocketMaxMessageSize),
    compression: false,
  }
}

function checkSecret({ cookieSecret, keyVersion }: SharedSettings): void {
  if (cookieSecret === undefined || cookieSecret === null) return
  if (typeof cookieSecret === 'string') {
    if (cookieSecret === '') throw new SettingError('cookieSecret is empty: anyone could sign')
    return
  }
  const secrets = Object.entries(cookieSecret)
  const isFit = ([version, secret]: [string, unknown]) =>
    /^(0|[1-9]\d*)$/.test(version) && typeof secret === 'string' && secret !== ''
  if (secrets.length === 0 || !secrets.every(isFit)) {
    throw new SettingError(
      'cookieSecret is a map with a key that is no whole number, or with an empty secret, or empty',
    )
  }
  if (keyVersion === undefined || !Object.hasOwn(cookieSecret, keyVersion)) {
    throw new SettingError(
      `keyVersion is ${String(keyVersion)}: with several secrets it must name the one that signs`,
    )
  }
}
