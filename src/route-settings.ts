// Route settings: what a route may set, and a server for all of its routes; `dial()` takes most of it, too.
//
// What is not set on a route is the server's, what is not set there has a default. Everything is checked when it is set,
// and a mistake is told then, with the field, the value and what is allowed.

import type { ConnectionRequest } from './handlers/handler.ts'
import { JOURNAL_LEVELS, type JournalLevel } from './journal/recorder.ts'
import { type ConnectionMachine, connectionMachine } from './machines/connection.ts'
import { checkMachine } from './machines/provided.ts'
import { isSendable } from './protocol/close-codes.ts'
import { type Compression, checkCompression } from './protocol/compression.ts'
import { SettingError, show } from './protocol/errors.ts'
import {
  DEFAULT_LIMITS,
  LIMITS,
  type LimitName,
  type RouteLimitName,
  type RouteLimits,
  resolveLimits,
} from './protocol/limits.ts'
import { checkOriginRule, type OriginPolicy, type OriginRule } from './protocol/origin.ts'
import { checkNames } from './protocol/setting-names.ts'
import { checkSubprotocolSetting } from './protocol/subprotocol.ts'
import { SLOW_POLICIES, type SlowPolicy } from './streams/outbound.ts'

/** Whether a page of `origin` may connect; may be asynchronous. */
export type CheckOrigin = (origin: string, request: ConnectionRequest) => boolean | Promise<boolean>

/** Looks at an upgrade request before it is answered; may be asynchronous. `false` refuses with 403, nothing and `true` let in. */
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
   * nothing and `true` let in, and anything else is an error (500). Default: nothing.
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

/** Settings with nothing left open. */
export interface ResolvedSettings {
  readonly limits: RouteLimits
  readonly checkOrigin: OriginRule<ConnectionRequest>
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

type SettingName = Exclude<keyof ResolvedSettings, 'limits'>

type Checks = {
  readonly [Name in SettingName]: (
    given: NonNullable<RouteSettings[Name]>,
    name: Name,
  ) => ResolvedSettings[Name]
}

/** What each setting may be; what is given comes back, checked. Limits have a table of their own. */
const CHECKS: Checks = {
  checkOrigin: checkOriginRule,
  prepare: mustBe('a function of the upgrade request', (given) => typeof given === 'function'),
  subprotocols: checkSubprotocolSetting,
  compression: checkCompression,
  slow: mustBeOneOf(SLOW_POLICIES),
  machine: checkMachine,
  journalLevel: mustBeOneOf(JOURNAL_LEVELS),
  requireOrigin: mustBe('true or false', (given) => typeof given === 'boolean'),
  proofOfLife: mustBeOneOf(['pong', 'anything']),
  pingTimeoutCode: mustBe(
    'a close code that may travel, such as 1011 or 4000',
    (given) => typeof given === 'number' && isSendable(given),
  ),
}

const SETTING_NAMES = Object.keys(CHECKS) as SettingName[]
const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[]
const ROUTE_LIMITS = LIMIT_NAMES.filter((name) => LIMITS[name].scope === 'route')

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
  const others = [...otherNames, ...SETTING_NAMES]
  const told = scope === 'route' ? ROUTE_LIMITS : LIMIT_NAMES
  checkNames(settings, [...others, ...LIMIT_NAMES], undefined, [...others, ...told])
  const limits = settings as Readonly<Partial<Record<LimitName, number>>>
  const resolved = { ...base, limits: resolveLimits(base.limits, limits, scope) }
  for (const name of SETTING_NAMES) setOne(resolved, name, settings[name])
  return resolved
}

function setOne<Name extends SettingName>(
  resolved: { -readonly [Each in SettingName]: ResolvedSettings[Each] },
  name: Name,
  given: RouteSettings[Name],
): void {
  const check: Checks[Name] = CHECKS[name]
  if (given !== undefined) resolved[name] = check(given, name)
}

function mustBe<Value>(what: string, isFit: (given: Value) => boolean) {
  return (given: Value, name: string): Value => {
    if (isFit(given)) return given
    throw new SettingError(`${name} is ${show(given)}: it must be ${what}`)
  }
}

function mustBeOneOf<Value>(values: readonly Value[]) {
  return mustBe<Value>(`one of ${values.join(', ')}`, (given) => values.includes(given))
}
