// Limits: every bound of the runtime, in one table, and the check that settings keep to it.
//
// Nothing in windsock is unbounded (RFC 6455 §10.4). Each row says the default, the unit, the allowed range, why the
// default is that number, and what happens at the bound; `docs/reference/limits.md` is this table, printed.

import { checkBound, type ReasonedBound } from './bound.ts'
import { SettingError } from './errors.ts'
import { LONGEST_DELAY_MS } from './ports.ts'

export type Unit = 'ms' | 'bytes' | 'messages' | 'frames' | 'fragments' | 'connections'

/** One bound. */
export interface Limit extends ReasonedBound {
  readonly unit: Unit
  /** Whether a route may set its own value, or only the server. */
  readonly scope: 'route' | 'server'
}

const KIB = 1024
const MIB = 1024 * KIB

/** Every bound of the runtime by its name, as the settings have it. */
export const LIMITS = {
  handshakeTimeoutMs: {
    default: 10_000,
    unit: 'ms',
    min: 1,
    max: LONGEST_DELAY_MS,
    scope: 'route',
    why: 'long enough for a database look-up, short enough that stuck handshakes do not pile up',
    atBound: 'HTTP 503, and the socket is closed',
  },
  openTimeoutMs: {
    default: 10_000,
    unit: 'ms',
    min: 1,
    max: LONGEST_DELAY_MS,
    scope: 'route',
    why: 'messages are held while `open` runs, so it must end',
    atBound: 'close 1011, cause `openTimeout`',
  },
  handlerTimeoutMs: {
    default: 60_000,
    unit: 'ms',
    min: 0,
    max: LONGEST_DELAY_MS,
    scope: 'route',
    why: 'messages wait for the one before; a minute tells slow from stuck. 0: never',
    atBound: 'close 1011, cause `handlerTimeout`',
  },
  pingIntervalMs: {
    default: 30_000,
    unit: 'ms',
    min: 0,
    max: LONGEST_DELAY_MS,
    scope: 'route',
    why: 'below the idle cut-off of common proxies (60 s). 0: no pings (Tornado: websocket_ping_interval)',
    atBound: 'a Ping is sent after that much time in `alive`',
  },
  pingTimeoutMs: {
    default: 10_000,
    unit: 'ms',
    min: 0,
    max: LONGEST_DELAY_MS,
    scope: 'route',
    why: 'several round trips on the worst mobile link. 0: wait for ever (Tornado: websocket_ping_timeout)',
    atBound: 'close 1011, cause `pingTimeout`',
  },
  closeTimeoutMs: {
    default: 5_000,
    unit: 'ms',
    min: 1,
    max: LONGEST_DELAY_MS,
    scope: 'route',
    why: "Tornado's close wait",
    atBound: 'the link is destroyed',
  },
  stallTimeoutMs: {
    default: 30_000,
    unit: 'ms',
    min: 1,
    max: LONGEST_DELAY_MS,
    scope: 'route',
    why: 'a peer that has taken nothing of what was written for half a minute is gone or hostile',
    atBound: 'close 1013, cause `slowConsumer`',
  },
  maxMessageBytes: {
    default: 10 * MIB,
    unit: 'bytes',
    min: 1,
    max: 2 ** 31 - 1,
    scope: 'route',
    why: "Tornado's websocket_max_message_size; counted over all fragments, deflated and inflated",
    atBound: 'close 1009, cause `messageTooBig`',
  },
  // Of one message (RFC 6455 §5.4).
  maxFragments: {
    default: 1_024,
    unit: 'fragments',
    min: 1,
    max: 2 ** 31 - 1,
    scope: 'route',
    why: 'a message in a thousand pieces is an attack on memory, not a message',
    atBound: 'close 1008, cause `limitExceeded`',
  },
  maxHeldBytes: {
    default: 64 * KIB,
    unit: 'bytes',
    min: 1,
    max: 2 ** 31 - 1,
    scope: 'route',
    why: 'messages wait here for `open`, and for the `onMessage` before them',
    atBound:
      'reading pauses; nothing is lost. One chunk of the socket (64 KiB) or one message may exceed it',
  },
  maxHeldMessages: {
    default: 1_024,
    unit: 'messages',
    min: 1,
    max: 2 ** 31 - 1,
    scope: 'route',
    why: 'small messages cost more than their bytes',
    atBound: 'as maxHeldBytes',
  },
  maxOutboundBytes: {
    default: MIB,
    unit: 'bytes',
    min: 1,
    max: 2 ** 31 - 1,
    scope: 'route',
    why: 'what one slow reader may cost; a message that begins below the bound may exceed it, and one that alone reaches it is not counted while it is on its way',
    atBound:
      'the slow-consumer policy: close 1013, drop the oldest, keep the latest, or pause the source',
  },
  maxOutboundMessages: {
    default: 1_024,
    unit: 'messages',
    min: 1,
    max: 2 ** 31 - 1,
    scope: 'route',
    why: 'small messages cost more than their bytes',
    atBound: 'as maxOutboundBytes',
  },
  outboundHighWaterBytes: {
    default: 64 * KIB,
    unit: 'bytes',
    min: 1,
    max: 2 ** 31 - 1,
    scope: 'route',
    why: 'about one socket buffer: above it a source gains nothing by going on',
    atBound:
      '`send()` resolves only when drained, async iterables are not pulled, `pause` stops reading',
  },
  maxControlFramesPer10s: {
    default: 100,
    unit: 'frames',
    min: 1,
    max: 2 ** 31 - 1,
    scope: 'route',
    why: 'ten pings a second serve every honest use; unasked pongs count, answers to our pings do not',
    atBound: 'close 1008, cause `limitExceeded`',
  },
  maxHeaderBytes: {
    default: 16 * KIB,
    unit: 'bytes',
    min: 256,
    max: MIB,
    scope: 'server',
    why: "Node's own default; room for large cookies",
    atBound: 'HTTP 431',
  },
  headersTimeoutMs: {
    default: 10_000,
    unit: 'ms',
    min: 1,
    max: LONGEST_DELAY_MS,
    scope: 'server',
    why: 'headers that are not complete by then are a slow-headers attack, as is a body that nobody reads; looked at once a second',
    atBound: 'HTTP 408, and the socket is closed',
  },
  maxConnections: {
    default: 10_000,
    unit: 'connections',
    min: 1,
    max: 2 ** 31 - 1,
    scope: 'server',
    why: 'the descriptor limit less 256 where the system tells it; this number where it does not',
    atBound: 'HTTP 503 with Retry-After',
  },
} as const satisfies Record<string, Limit>

/** The name of a limit, with its unit as the ending. */
export type LimitName = keyof typeof LIMITS

type NamesOf<Scope extends Limit['scope']> = {
  [Name in LimitName]: (typeof LIMITS)[Name]['scope'] extends Scope ? Name : never
}[LimitName]

/** The limits that a route may set for itself. */
export type RouteLimitName = NamesOf<'route'>

/** One connection's limits, all present. */
export type RouteLimits = Readonly<Record<RouteLimitName, number>>

/** All limits, all present. */
export type ServerLimits = Readonly<Record<LimitName, number>>

/** The default of every limit. */
export const DEFAULT_LIMITS: ServerLimits = Object.freeze(
  Object.fromEntries(names().map((name) => [name, LIMITS[name].default])),
) as ServerLimits

/**
 * Joins overrides to a base and checks the result.
 *
 * `undefined` leaves the base's value. Keys that name no limit are left alone: they are other settings.
 *
 * @throws SettingError for a value that is no whole number, or outside its range, naming the setting, the value and
 *   the range; for a server-only limit on a route; for a high-water mark above the bound it warns of.
 */
export function resolveLimits<Base extends RouteLimits>(
  base: Base,
  overrides: Readonly<Partial<Record<LimitName, number | undefined>>>,
  scope: Limit['scope'],
): Base {
  const limits: Record<string, number> = { ...base }
  for (const name of names()) {
    const value = overrides[name]
    if (value === undefined) continue
    const limit: Limit = LIMITS[name]
    if (scope === 'route' && limit.scope === 'server') {
      throw new SettingError(`${name} belongs to the server: set it in serve(), not on a route`)
    }
    limits[name] = checkBound(name, value, limit)
  }
  // A small budget set alone draws the mark down with it; a mark set above the budget is a mistake.
  const { outboundHighWaterBytes: mark, maxOutboundBytes: budget } = limits as RouteLimits
  if (mark > budget) {
    if (overrides.outboundHighWaterBytes !== undefined) {
      throw new SettingError(
        `outboundHighWaterBytes is ${mark}: it must not be above maxOutboundBytes, which is ${budget}`,
      )
    }
    limits['outboundHighWaterBytes'] = budget
  }
  return Object.freeze(limits) as Base
}

function names(): LimitName[] {
  return Object.keys(LIMITS) as LimitName[]
}
