// Route: a path, a handler of one of the three forms, and the settings that hold for both.
//
// Routes are values in an array. A route takes the server's settings and overrides what it names; everything
// is checked when it is made, and a mistake is told then, with the field, the value and what is allowed.

import { type HandlerForm, handlerFactory } from './handlers/form.ts'
import type { ConnectionRequest, HandlerFactory } from './handlers/handler.ts'
import { type Pattern, pattern } from './http/pattern.ts'
import { JOURNAL_LEVELS, type JournalLevel } from './journal/recorder.ts'
import { type ConnectionMachine, connectionMachine } from './machines/connection.ts'
import { checkMachine } from './machines/provided.ts'
import { isSendable } from './protocol/close-codes.ts'
import type { Compression } from './protocol/compression.ts'
import { SettingError, show } from './protocol/errors.ts'
import {
  DEFAULT_LIMITS,
  LIMITS,
  type LimitName,
  type RouteLimitName,
  type RouteLimits,
  resolveLimits,
} from './protocol/limits.ts'
import { checkOriginPolicy, type OriginPolicy } from './protocol/origin.ts'
import { checkNames } from './protocol/setting-names.ts'
import { checkSubprotocolSetting } from './protocol/subprotocol.ts'
import { SLOW_POLICIES, type SlowPolicy } from './streams/outbound.ts'

/** Whether a page of `origin` may connect; may be asynchronous. */
export type CheckOrigin = (origin: string, request: ConnectionRequest) => boolean | Promise<boolean>

/** Looks at an upgrade request before it is answered; may be asynchronous. `false` refuses with 403. */
export type Prepare = (request: ConnectionRequest) => void | boolean | Promise<void | boolean>

/** What a route may set; on the server it is the default of all routes. Limits: see `LIMITS`. */
export type RouteSettings = { readonly [Name in RouteLimitName]?: number | undefined } & {
  /** Which pages may connect: `'same-origin'` (default), `'any'`, a list of origins, or a function. */
  readonly checkOrigin?: OriginPolicy | CheckOrigin | undefined
  /** Refuses clients without an Origin header, which browsers always send, with 403. Default false. */
  readonly requireOrigin?: boolean | undefined
  /**
   * What shows that a peer which was pinged is alive: its pong (default), or anything it sends. `'anything'` spares a
   * peer that is busy sending more than it reads; a half-open link is found later.
   */
  readonly proofOfLife?: 'pong' | 'anything' | undefined
  /** The close code after a ping without an answer. Default 1011. */
  readonly pingTimeoutCode?: number | undefined
  /**
   * Before the upgrade, the origin accepted. Throw a `HandshakeError` to refuse with its status, or return `false` for 403;
   * anything else lets in. Default: nothing.
   */
  readonly prepare?: Prepare | undefined
  /** In the server's order of preference; none is chosen unless the client offers one of them. Default: none. */
  readonly subprotocols?: readonly string[] | undefined
  /** permessage-deflate, RFC 7692. Default false: it costs memory, and secrets beside attacker's text leak. */
  readonly compression?: Compression | undefined
  /** What happens to a peer that takes messages more slowly than they come. Default `'close'`. */
  readonly slow?: SlowPolicy | undefined
  /** `connectionMachine.provide({ … })` with guards and delays of your own. */
  readonly machine?: ConnectionMachine | undefined
  /**
   * What of each connection the server's journal keeps: `'lifecycle'` (default: no payload, no address), `'sizes'`:
   * also each message's size, `'payloads'`: also what it said, `'off'`: nothing but what the server counts.
   */
  readonly journalLevel?: JournalLevel | undefined
}

const SETTING_NAMES = [
  'checkOrigin',
  'prepare',
  'subprotocols',
  'compression',
  'slow',
  'machine',
  'journalLevel',
  'requireOrigin',
  'proofOfLife',
  'pingTimeoutCode',
] as const

/** Settings with nothing left open. */
export interface ResolvedSettings {
  readonly limits: RouteLimits
  readonly checkOrigin: OriginPolicy | CheckOrigin
  readonly prepare: Prepare | undefined
  readonly subprotocols: readonly string[]
  readonly compression: Compression
  readonly slow: SlowPolicy
  readonly machine: ConnectionMachine
  readonly journalLevel: JournalLevel
  readonly requireOrigin: boolean
  readonly proofOfLife: 'pong' | 'anything'
  readonly pingTimeoutCode: number
}

export const DEFAULT_SETTINGS: ResolvedSettings = {
  limits: DEFAULT_LIMITS,
  checkOrigin: 'same-origin',
  prepare: undefined,
  subprotocols: [],
  compression: false,
  slow: 'close',
  machine: connectionMachine,
  journalLevel: 'lifecycle',
  requireOrigin: false,
  proofOfLife: 'pong',
  pingTimeoutCode: 1011,
}

/** What `route()` makes: a path, what handles its connections, and what was set for them. */
export interface Route {
  readonly kind: 'route'
  readonly pattern: Pattern
  readonly factory: HandlerFactory
  readonly settings: RouteSettings
}

/**
 * A route: connections to paths that match are handled by `form`.
 *
 * @param path - a path with parameters (`/echo/:name`) or a RegExp that matches the whole path.
 * @param form - a stream function, a class that extends `WebSocketHandler`, or XState actor logic.
 * @throws WebSocketError `ERR_WINDSOCK_ROUTE`, or SettingError.
 */
export function route(
  path: string | RegExp,
  form: HandlerForm,
  settings: RouteSettings = {},
): Route {
  resolveSettings(DEFAULT_SETTINGS, settings, 'route')
  return { kind: 'route', pattern: pattern(path), factory: handlerFactory(form), settings }
}

/**
 * Joins a route's settings to the server's.
 *
 * @throws SettingError for a value outside its range, and for a name that is no setting.
 */
export function resolveSettings(
  base: ResolvedSettings,
  settings: RouteSettings,
  scope: 'route' | 'server',
  otherNames: readonly string[] = [],
): ResolvedSettings {
  checkNames(settings, [...otherNames, ...SETTING_NAMES, ...Object.keys(LIMITS)])
  const { checkOrigin, journalLevel, machine, prepare, slow, subprotocols } = settings
  const { pingTimeoutCode, proofOfLife, requireOrigin } = settings
  if (slow !== undefined && !SLOW_POLICIES.includes(slow)) {
    throw new SettingError(`slow is ${show(slow)}: it must be one of ${SLOW_POLICIES.join(', ')}`)
  }
  if (journalLevel !== undefined && !JOURNAL_LEVELS.includes(journalLevel)) {
    throw new SettingError(
      `journalLevel is ${show(journalLevel)}: it must be one of ${JOURNAL_LEVELS.join(', ')}`,
    )
  }
  if (proofOfLife !== undefined && proofOfLife !== 'pong' && proofOfLife !== 'anything') {
    throw new SettingError(`proofOfLife is ${show(proofOfLife)}: it must be "pong" or "anything"`)
  }
  if (prepare !== undefined && typeof prepare !== 'function') {
    throw new SettingError(
      `prepare is ${show(prepare)}: it must be a function of the upgrade request`,
    )
  }
  if (machine !== undefined) checkMachine(machine)
  if (requireOrigin !== undefined && typeof requireOrigin !== 'boolean') {
    throw new SettingError(`requireOrigin is ${show(requireOrigin)}: it must be true or false`)
  }
  if (pingTimeoutCode !== undefined && !isSendable(pingTimeoutCode)) {
    throw new SettingError(
      `pingTimeoutCode is ${show(pingTimeoutCode)}: it must be a close code that may travel, such as 1011 or 4000`,
    )
  }
  const limits = settings as Readonly<Partial<Record<LimitName, number>>>
  return {
    limits: resolveLimits(base.limits, limits, scope),
    checkOrigin:
      checkOrigin === undefined
        ? base.checkOrigin
        : typeof checkOrigin === 'function'
          ? checkOrigin
          : checkOriginPolicy(checkOrigin),
    prepare: prepare ?? base.prepare,
    subprotocols:
      subprotocols === undefined ? base.subprotocols : checkSubprotocolSetting(subprotocols),
    compression: checkCompression(settings.compression) ?? base.compression,
    slow: slow ?? base.slow,
    machine: machine ?? base.machine,
    journalLevel: journalLevel ?? base.journalLevel,
    requireOrigin: requireOrigin ?? base.requireOrigin,
    proofOfLife: proofOfLife ?? base.proofOfLife,
    pingTimeoutCode: pingTimeoutCode ?? base.pingTimeoutCode,
  }
}

function checkCompression(compression: Compression | undefined): Compression | undefined {
  if (compression === undefined || typeof compression === 'boolean') return compression
  if (typeof compression !== 'object' || compression === null) {
    throw new SettingError(
      `compression is ${show(compression)}: it must be true, false, or an object such as { level: 6 }`,
    )
  }
  const ranges = { level: [0, 9], memLevel: [1, 9], thresholdBytes: [0, 2 ** 31 - 1] } as const
  checkNames(compression, Object.keys(ranges), 'compression')
  for (const [name, value] of Object.entries(compression)) {
    const range = ranges[name as keyof typeof ranges]
    if (!Number.isInteger(value) || value < range[0] || value > range[1]) {
      throw new SettingError(
        `compression.${name} is ${show(value)}: it must be a whole number from ${range[0]} to ${range[1]}`,
      )
    }
  }
  return compression
}
