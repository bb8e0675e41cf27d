// Hostile: texts and lives that want more from a terminal than to be read.

import fc from 'fast-check'
import type { LifeEvent, RecordedLifeEvent } from 'windsock'
import { wholeLife } from '../../journal/support/lives.ts'

/** What no terminal may get to see of others; a line break between two lines is ours. */
export const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u

export const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom(
      '\u001b',
      '\u009b',
      '\u0007',
      '\r',
      '\n',
      '\u0000',
      '\u007f',
      '\u202e',
      '\u2028',
      '\ud800',
      '\\',
      '"',
      '`',
      '[31m',
      'a',
      ' ',
    ),
    maxLength: 300,
  }),
)

const frame = fc.record({ code: fc.integer({ min: 1_000, max: 4_999 }), reason: hostileText })

const event: fc.Arbitrary<LifeEvent> = fc.oneof(
  frame.map((frame): LifeEvent => ({ type: 'PeerClosed', data: { frame } })),
  frame.map((frame): LifeEvent => ({ type: 'CloseRequested', data: { frame } })),
  hostileText.map(
    (detail): LifeEvent => ({ type: 'HandlerFailed', data: { cause: 'handlerFailed', detail } }),
  ),
  hostileText.map(
    (detail): LifeEvent => ({ type: 'LimitExceeded', data: { cause: 'slowConsumer', detail } }),
  ),
  fc.tuple(frame, hostileText).map(
    ([sent, detail]): LifeEvent => ({
      type: 'ProtocolViolated',
      data: { cause: 'protocolError', sent, detail },
    }),
  ),
  hostileText.map(
    (payload): LifeEvent => ({
      type: 'MessageReceived',
      data: { kind: 'text', bytes: 3, payload },
    }),
  ),
  fc.tuple(hostileText, hostileText).map(
    ([type, value]): LifeEvent => ({
      type: 'MachineTold',
      data: { event: { type, [value]: value } as { type: string } },
    }),
  ),
  hostileText.map((timer): LifeEvent => ({ type: 'TimerFired', data: { timer } })),
  fc.constant<LifeEvent>({ type: 'HeartbeatsPassed', data: { pings: 3 } }),
)

/** Whole lives in which every text may be anything. */
export const hostileLife: fc.Arbitrary<RecordedLifeEvent[]> = fc
  .tuple(
    fc.array(event, { maxLength: 6 }),
    fc.record({ connectionId: hostileText, path: hostileText, origin: fc.option(hostileText) }),
    fc.boolean(),
  )
  .map(([middle, started, inferred]) => wholeLife(middle, started, { inferred }))
