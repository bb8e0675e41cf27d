// Topic limits: every bound of reading and writing topics over HTTP, with its default, and the check of settings.
// `answerTimeoutMs` holds for their WebSockets, too.
//
// A request holds memory, a timer and a socket for as long as it waits; each of these is bounded here.

import { SettingError, show } from '../protocol/errors.ts'
import { LONGEST_DELAY_MS } from '../protocol/limits.ts'

/** One bound, as in `LIMITS`, and in units that HTTP has. */
export interface TopicLimit {
  readonly default: number
  readonly unit: 'ms' | 'bytes' | 'messages' | 'requests'
  readonly min: number
  readonly max: number
  readonly why: string
  readonly atBound: string
}

const KIB = 1024
export const TOPIC_LIMITS = {
  maxRequests: {
    default: 10_000,
    unit: 'requests',
    min: 1,
    max: 2 ** 31 - 1,
    why: 'polls that are held and event streams each keep a socket',
    atBound: 'HTTP 503 with Retry-After',
  },
  maxRequestsPerAddress: {
    default: 10_000,
    unit: 'requests',
    min: 1,
    max: 2 ** 31 - 1,
    why: 'behind a proxy that trustedProxies does not name all clients have one address; set it where they have not',
    atBound: 'HTTP 503 with Retry-After',
  },
  maxPublishesPerSecondPerAddress: {
    default: 10_000,
    unit: 'messages',
    min: 1,
    max: 2 ** 31 - 1,
    why: 'each goes out to all who read; as maxRequestsPerAddress, set it where clients have addresses of their own',
    atBound:
      'HTTP 429 with Retry-After; nothing is published. The first POST of a second may exceed it',
  },
  longPollMs: {
    default: 25_000,
    unit: 'ms',
    min: 1,
    max: LONGEST_DELAY_MS,
    why: 'below the 30 s after which the strictest proxies give up',
    atBound: 'HTTP 204: nothing new, ask again',
  },
  eventStreamMs: {
    default: 60_000,
    unit: 'ms',
    min: 1,
    max: LONGEST_DELAY_MS,
    why: 'who may read is asked again each time, and load moves to new servers',
    atBound: 'the event stream ends; an EventSource comes back by itself, where it stood',
  },
  eventStreamRetryMs: {
    default: 1_000,
    unit: 'ms',
    min: 0,
    max: LONGEST_DELAY_MS,
    why: 'how long an EventSource waits before it comes back',
    atBound: 'it comes back',
  },
  eventStreamGraceMs: {
    default: 5_000,
    unit: 'ms',
    min: 0,
    max: LONGEST_DELAY_MS,
    why: 'whoever comes back after eventStreamMs was never away: joined and left need not be told each minute',
    atBound: 'left is told',
  },
  eventStreamHeartbeatMs: {
    default: 15_000,
    unit: 'ms',
    min: 1,
    max: LONGEST_DELAY_MS,
    why: 'proxies cut a response that is silent for 30 to 60 s',
    atBound: 'a comment is sent in the event stream',
  },
  answerTimeoutMs: {
    default: 5_000,
    unit: 'ms',
    min: 1,
    max: LONGEST_DELAY_MS,
    why: 'one rule, or one step of a store; half of what windsock/client gives a new connection, so that one topic that hangs does not keep it from the others',
    atBound:
      'HTTP 503 with Retry-After; over WebSocket the error overloaded, or close 1013 without a subprotocol; onError is told what hung',
  },
  bodyTimeoutMs: {
    default: 10_000,
    unit: 'ms',
    min: 1,
    max: LONGEST_DELAY_MS,
    why: 'a body that takes longer is a slow-body attack',
    atBound: 'HTTP 408, and the socket is closed',
  },
  stallTimeoutMs: {
    default: 30_000,
    unit: 'ms',
    min: 1,
    max: LONGEST_DELAY_MS,
    why: 'a client that takes nothing for half a minute is gone or hostile',
    atBound: 'the socket is destroyed',
  },
  maxBodyBytes: {
    default: 64 * KIB,
    unit: 'bytes',
    min: 1,
    max: 2 ** 31 - 1,
    why: 'a message, not an upload',
    atBound: 'HTTP 413, and the socket is closed',
  },
  maxPostMessages: {
    default: 1_000,
    unit: 'messages',
    min: 1,
    max: 2 ** 31 - 1,
    why: 'a small body of many messages costs more than its bytes',
    atBound: 'HTTP 413; nothing is published',
  },
  pageBytes: {
    default: 256 * KIB,
    unit: 'bytes',
    min: 1,
    max: 2 ** 31 - 1,
    why: 'what one reader may cost at a time; a message alone may exceed it, and escapes come on top',
    atBound: 'the answer ends there, and says where to go on',
  },
  pageMessages: {
    default: 1_000,
    unit: 'messages',
    min: 1,
    max: 2 ** 31 - 1,
    why: 'small messages cost more than their bytes',
    atBound: 'as pageBytes',
  },
} as const satisfies Record<string, TopicLimit>

export type TopicLimitName = keyof typeof TOPIC_LIMITS

/** All of them, all present. */
export type TopicLimits = Readonly<Record<TopicLimitName, number>>

const NAMES = Object.keys(TOPIC_LIMITS) as TopicLimitName[]

/** What a program set, and the defaults for the rest. @throws SettingError naming the field, the value and the range. */
export function resolveTopicLimits(
  settings: Readonly<Partial<Record<TopicLimitName, number | undefined>>>,
): TopicLimits {
  const limits = NAMES.map((name) => {
    const { default: usual, unit, min, max }: TopicLimit = TOPIC_LIMITS[name]
    const value = settings[name] ?? usual
    if (Number.isInteger(value) && value >= min && value <= max) return [name, value]
    throw new SettingError(
      `${name} is ${show(value)}: it must be a whole number of ${unit} from ${min} to ${max} (default ${usual})`,
    )
  })
  return Object.freeze(Object.fromEntries(limits)) as TopicLimits
}
