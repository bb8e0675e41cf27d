// The vocabulary: what each thing that happened is called, what it was to the machine, and how it is kept.

import { describe, expect, it } from 'vitest'
import {
  decodeLifeEvent,
  encodeLater,
  encodeLifeEvent,
  type LifeEvent,
  toLifeEvent,
  toMachineEvent,
  VOCABULARY,
} from '../../../src/journal/events.ts'
import { NO_TOTALS } from '../../../src/machines/connection.ts'
import type { ConnectionEvent } from '../../../src/machines/effects.ts'
import { wholeLife } from './support/lives.ts'

const FRAME = { code: 1000, reason: 'bye' }

/** What a machine hears and what it is called in the past tense; both ways. */
const PAIRS: readonly [ConnectionEvent | { readonly type: string }, LifeEvent][] = [
  [{ type: 'handshake.accepted' }, { type: 'HandshakeAccepted', data: {} }],
  [
    { type: 'handshake.refused', status: 403, reason: 'no' },
    { type: 'HandshakeRefused', data: { status: 403, reason: 'no' } },
  ],
  [
    { type: 'upgrade.failed', status: 400, reason: 'no' },
    { type: 'UpgradeFailed', data: { status: 400, reason: 'no' } },
  ],
  [{ type: 'open.finished' }, { type: 'ConnectionOpened', data: {} }],
  [
    { type: 'handler.failed', cause: 'handlerTimeout', detail: 'd' },
    { type: 'HandlerFailed', data: { cause: 'handlerTimeout', detail: 'd' } },
  ],
  [
    { type: 'app.closed', frame: FRAME },
    { type: 'CloseRequested', data: { frame: FRAME } },
  ],
  [
    { type: 'server.draining', frame: FRAME },
    { type: 'DrainStarted', data: { frame: FRAME } },
  ],
  [
    { type: 'limit.exceeded', cause: 'slowConsumer', detail: 'd' },
    { type: 'LimitExceeded', data: { cause: 'slowConsumer', detail: 'd' } },
  ],
  [{ type: 'pong.received' }, { type: 'PongReceived', data: {} }],
  [{ type: 'input.paused' }, { type: 'InputPaused', data: {} }],
  [{ type: 'input.resumed' }, { type: 'InputResumed', data: {} }],
  [
    { type: 'peer.closed', frame: FRAME },
    { type: 'PeerClosed', data: { frame: FRAME } },
  ],
  [
    { type: 'protocol.violated', cause: 'invalidPayload', sent: FRAME, detail: 'd' },
    { type: 'ProtocolViolated', data: { cause: 'invalidPayload', sent: FRAME, detail: 'd' } },
  ],
  [{ type: 'xstate.after.x' }, { type: 'TimerFired', data: { timer: 'xstate.after.x' } }],
  [{ type: 'user.event' }, { type: 'MachineTold', data: { event: { type: 'user.event' } } }],
]

const frame = (code: number, reason: string) => ({ code, reason })

describe('what happened in a life', () => {
  it.each(PAIRS)(
    '%j is told in the past tense, and folded as it was',
    (machineEvent, lifeEvent) => {
      expect(toLifeEvent(machineEvent)).toEqual(lifeEvent)
      expect(toMachineEvent(lifeEvent)).toEqual(machineEvent)
    },
  )

  it('keeps neither the headers nor the body of a refusal', () => {
    const refused = { type: 'handshake.refused', status: 403, reason: 'no' } as const
    const event = { ...refused, headers: { 'Set-Cookie': 'secret' }, body: 'secret' }
    expect(JSON.stringify(toLifeEvent(event))).not.toContain('secret')
  })

  it('ends for the machine with the counts of the record', () => {
    const closed = wholeLife([]).at(-1) as LifeEvent
    expect(toMachineEvent(closed)).toEqual({
      type: 'transport.ended',
      totals: NO_TOTALS,
      durationMs: 3_000,
      silentForMs: 5,
      sent: null,
    })
  })

  it.each<LifeEvent>([
    { type: 'MessageReceived', data: { kind: 'text', bytes: 1 } },
    { type: 'MachineReplaced', data: {} },
    { type: 'HeartbeatsPassed', data: { pings: 1 } },
  ])('the machine never heard of $type', (event) => {
    expect(toMachineEvent(event)).toBeUndefined()
  })
})

describe('an event as it is kept', () => {
  const pong: LifeEvent = { type: 'PongReceived', data: {} }
  const kept = (event: LifeEvent, atMs: number, schema = 1) => ({
    ...encodeLifeEvent(event, atMs),
    stream: 'connection/c',
    version: 3,
    schema,
  })
  /** Today's shape is the third. */
  const third = {
    schemas: { ...VOCABULARY.schemas, PongReceived: 3 },
    upcasters: {
      'PongReceived@1': (data: unknown) => ({ ...(data as object), second: true }),
      'PongReceived@2': (data: unknown) => ({ ...(data as object), third: true }),
    },
  }

  it.each(PAIRS)('comes back as it was: %j', (_machineEvent, event) => {
    expect(decodeLifeEvent(kept(event, 7))).toEqual({ ...event, version: 3, atMs: 7 })
  })

  it('says its shape, its time, and whether the life ends with it', () => {
    expect(encodeLifeEvent(pong, 7)).toEqual({
      type: 'PongReceived',
      schema: 1,
      atMs: 7,
      data: '{}',
      ends: false,
    })
    expect(encodeLifeEvent(wholeLife([]).at(-1) as LifeEvent, 7).ends).toBe(true)
    expect(encodeLifeEvent(toLifeEvent({ type: 'open.finished' }), 7).data).toBe('{}')
    expect(encodeLifeEvent(pong, 7, third).schema).toBe(3)
  })

  it.each(PAIRS)('comes back the same where it is written out later: %j', (_event, event) => {
    const { data, ...rest } = encodeLater(event, 7, VOCABULARY)
    const text = typeof data === 'object' ? JSON.stringify(data) : data
    expect({ ...rest, data: text }).toEqual(encodeLifeEvent(event, 7))
  })

  it('is written out later where it is how a life begins', () => {
    const [beginning] = wholeLife([])
    expect(encodeLater(beginning as LifeEvent, 7, VOCABULARY).data).toBe(beginning?.data)
  })

  it('comes back the same of a life without Close frames', () => {
    const { data: closed } = wholeLife([]).at(-1) as LifeEvent & { type: 'ConnectionClosed' }
    const record = { ...closed.record, sent: null, received: null }
    const end: LifeEvent = { type: 'ConnectionClosed', data: { ...closed, record } }
    expect(encodeLater(end, 7, VOCABULARY).data).toEqual(end.data)
  })

  it('is not changed by what becomes of a close record that others were given, too', () => {
    const { data: closed } = wholeLife([]).at(-1) as LifeEvent & { type: 'ConnectionClosed' }
    const [sent, received] = [frame(1000, 'bye'), frame(1001, 'gone')]
    const record = { ...closed.record, sent, received, totals: { ...NO_TOTALS } }
    const end: LifeEvent = { type: 'ConnectionClosed', data: { ...closed, record } }
    const text = encodeLifeEvent(end, 7).data
    const { data } = encodeLater(end, 7, VOCABULARY)
    for (const part of [record, sent, received, record.totals]) {
      for (const name of Object.keys(part)) Reflect.set(part, name, 'changed')
    }
    expect(JSON.stringify(data)).toBe(text)
  })

  it('is written out of a life whose end has a detail, which may be a slice of a longer text', () => {
    const { data: closed } = wholeLife([]).at(-1) as LifeEvent & { type: 'ConnectionClosed' }
    const record = { ...closed.record, detail: 'the handler failed: no' }
    const end: LifeEvent = { type: 'ConnectionClosed', data: { ...closed, record } }
    expect(encodeLater(end, 7, VOCABULARY)).toEqual(encodeLifeEvent(end, 7))
  })

  it('is one object for all lives that say no more in the same millisecond, and in no other', () => {
    const opened = toLifeEvent({ type: 'open.finished' })
    const first = encodeLater(opened, 7, VOCABULARY)
    expect(encodeLater(opened, 7, VOCABULARY)).toBe(first)
    expect(encodeLater(opened, 8, VOCABULARY)).toMatchObject({ ...first, atMs: 8 })
    expect(encodeLater(opened, 8, third)).toMatchObject({ ...first, atMs: 8 })
    expect(encodeLater(toLifeEvent({ type: 'pong.received' }), 8, third).schema).toBe(3)
  })

  it('has a shape for every type', () => {
    for (const [, { type }] of PAIRS) expect(VOCABULARY.schemas[type]).toBeGreaterThanOrEqual(1)
  })

  it('is nothing when its type is of a version to come', () => {
    expect(decodeLifeEvent({ ...kept(pong, 7), type: 'LinkMoved' })).toBeUndefined()
  })

  it('is brought to the present shape step by step, from wherever it was', () => {
    expect(decodeLifeEvent(kept(pong, 7, 1), third)?.data).toEqual({ second: true, third: true })
    expect(decodeLifeEvent(kept(pong, 7, 2), third)?.data).toEqual({ third: true })
    expect(decodeLifeEvent(kept(pong, 7, 3), third)?.data).toEqual({})
  })

  it('is refused when its shape is from the future', () => {
    expect(() => decodeLifeEvent(kept(pong, 7, 2))).toThrow(
      expect.objectContaining({ code: 'ERR_WINDSOCK_JOURNAL_NEWER' }),
    )
  })

  it('is refused as damaged when its data is no JSON, and says where it stands', () => {
    expect(() => decodeLifeEvent({ ...kept(pong, 7), data: '{' })).toThrow(
      expect.objectContaining({
        code: 'ERR_WINDSOCK_JOURNAL_CORRUPT',
        cause: expect.any(SyntaxError),
        message: expect.stringContaining('connection/c, event 3 (PongReceived)'),
      }),
    )
  })

  it('is refused as damaged when nothing brings it up, or what should does not', () => {
    const corrupt = { code: 'ERR_WINDSOCK_JOURNAL_CORRUPT', cause: expect.any(Error) }
    const none = { ...third, upcasters: {} }
    expect(() => decodeLifeEvent(kept(pong, 7, 1), none)).toThrow(expect.objectContaining(corrupt))
    const thrown = new Error('no')
    const fails = () => {
      throw thrown
    }
    const failing = { ...third, upcasters: { ...third.upcasters, 'PongReceived@2': fails } }
    expect(() => decodeLifeEvent(kept(pong, 7, 1), failing)).toThrow(
      expect.objectContaining({ ...corrupt, cause: thrown }),
    )
  })
})
