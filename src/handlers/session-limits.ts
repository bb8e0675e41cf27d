// Session limits: the bounds of reading and writing topics over WebSocket, with their defaults.
//
// Those of HTTP stand in transport/topic-limits.ts, `answerTimeoutMs` of both with them.

import type { ReasonedBound } from '../protocol/bound.ts'
import { LONGEST_DELAY_MS } from '../protocol/ports.ts'

export const SESSION_LIMITS = {
  heartbeatMs: {
    default: 25_000,
    unit: 'ms',
    min: 10,
    max: LONGEST_DELAY_MS,
    why: 'below the 30 s after which the strictest proxies cut what is silent',
    atBound: 'a session is sent a `heartbeat`, which tells the offsets of its topics',
  },
  maxFrameBytes: {
    default: 65_536,
    unit: 'bytes',
    min: 1_024,
    max: 2 ** 31 - 1,
    why: 'a message, not an upload',
    atBound: 'close 1009, cause `messageTooBig`; `windsock/client` refuses such a publish alone',
  },
  maxSubscriptions: {
    default: 128,
    unit: 'subscriptions',
    min: 1,
    max: 100_000,
    why: 'each is an offset, and a read when there is news',
    atBound: 'the next is refused: `rate_limited`',
  },
  maxPublishesPerSecond: {
    default: 50,
    unit: 'messages',
    min: 1,
    max: 1_000_000,
    why: 'each goes out to all who read',
    atBound:
      'a session is refused, `rate_limited`, and told when to come again; a plain client waits its turn',
  },
} as const satisfies Record<string, ReasonedBound>
