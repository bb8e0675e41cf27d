import { describe, expect, it } from 'vitest'
import { createActor } from 'xstate'
import {
  type ConnectionDeadlines,
  connectionMachine,
  deadlinesOf,
  NEVER_MS,
  NO_TOTALS,
} from '../../../src/machines/connection.ts'
import type { ConnectionEffect, ConnectionEvent } from '../../../src/machines/effects.ts'
import { createHost } from '../../../src/machines/host.ts'
import { DEFAULT_LIMITS } from '../../../src/protocol/limits.ts'

const DEADLINES: ConnectionDeadlines = {
  handshakeTimeoutMs: 10,
  openTimeoutMs: 20,
  pingIntervalMs: 30,
  pingTimeoutMs: 40,
  closeTimeoutMs: 50,
}
const BYE = { code: 1000, reason: 'bye' }
const ENDED = {
  type: 'transport.ended',
  durationMs: 7,
  silentForMs: 3,
  sent: null,
  totals: { ...NO_TOTALS, messagesSent: 2 },
} as const
const ACCEPTED = { type: 'handshake.accepted' } as const
const OPENED = { type: 'open.finished' } as const
const PING_INTERVAL = { type: 'xstate.after.pingInterval.connection.open.alive' }
const PING_TIMEOUT = { type: 'xstate.after.pingTimeout.connection.open.awaitingPong' }

/** A connection taken through `events`: where it stands, and what the last event asked for. */
function after(
  events: readonly (ConnectionEvent | { readonly type: string })[],
  deadlines: Partial<ConnectionDeadlines> = {},
) {
  const host = createHost(connectionMachine)
  const input = { connectionId: 'c', startedAtMs: 5, deadlines: { ...DEADLINES, ...deadlines } }
  let step = host.start(input)
  for (const event of events) step = host.next(step.snapshot, event)
  const { value, context, status, output } = step.snapshot
  return { value, context, status, output, effects: step.effects, names: namesOf(step.effects) }
}

const namesOf = (effects: readonly ConnectionEffect[]) => effects.map(({ type }) => type)
const armed = (effects: readonly ConnectionEffect[]) =>
  effects.flatMap((effect) => (effect.type === 'armTimer' ? [effect.delayMs] : []))

describe('the deadlines of a route', () => {
  it('are those of the machine among its limits, and one object for all its connections', () => {
    const found = deadlinesOf(DEFAULT_LIMITS)
    expect(found).toEqual({
      handshakeTimeoutMs: 10_000,
      openTimeoutMs: 10_000,
      pingIntervalMs: 30_000,
      pingTimeoutMs: 10_000,
      closeTimeoutMs: 5_000,
    })
    expect(deadlinesOf(DEFAULT_LIMITS)).toBe(found)
    expect(deadlinesOf({ ...DEFAULT_LIMITS })).not.toBe(found)
  })

  it('are as long as a timer of Node can wait when they are never', () => {
    expect(NEVER_MS).toBe(2_147_483_647)
  })
})

describe('connecting', () => {
  it('begins with the handshake and its deadline', () => {
    const { value, effects, context } = after([])
    // What is said of a connection whose link is lost before anything else has happened.
    expect(context).toEqual({
      connectionId: 'c',
      startedAtMs: 5,
      deadlines: DEADLINES,
      pingTimeoutCode: undefined,
      pings: 0,
      initiator: 'network',
      cause: 'transportLost',
      detail: '',
      sent: null,
      received: null,
      status: null,
      record: null,
    })
    expect(value).toEqual({ connecting: 'handshaking' })
    expect(armed(effects)).toEqual([10])
  })

  it('upgrades and calls open when the handshake is accepted', () => {
    const { value, names, effects } = after([ACCEPTED])
    expect(value).toEqual({ connecting: 'opening' })
    expect(names).toEqual(['disarmTimer', 'upgrade', 'callOpen', 'armTimer'])
    expect(armed(effects)).toEqual([20])
  })

  it('answers a refusal with its status and headers', () => {
    const headers = { 'Retry-After': '5' }
    const { value, effects, context } = after([
      { type: 'handshake.refused', status: 403, reason: 'no', headers },
    ])
    expect(value).toBe('closing')
    expect(effects).toContainEqual({ type: 'refuse', status: 403, reason: 'no', headers })
    expect(context).toMatchObject({ cause: 'refused', status: 403, initiator: 'local' })
  })

  it('answers a refusal with its body instead of the reason', () => {
    const refused = { type: 'handshake.refused', status: 403, reason: 'no', body: 'page' } as const
    const { effects } = after([refused])
    expect(effects).toContainEqual({
      type: 'refuse',
      status: 403,
      reason: 'no',
      headers: {},
      body: 'page',
    })
  })

  it('answers nothing when the transport has refused the upgrade itself', () => {
    const { value, names, context } = after([
      ACCEPTED,
      { type: 'upgrade.failed', status: 400, reason: 'no' },
    ])
    expect(value).toBe('closing')
    expect(names).not.toContain('refuse')
    expect(names).not.toContain('sendClose')
    expect(context).toMatchObject({ cause: 'refused', detail: 'no', status: 400, sent: null })
  })

  it('answers a refusal without headers with none', () => {
    const { effects } = after([{ type: 'handshake.refused', status: 400, reason: 'no' }])
    expect(effects).toContainEqual({ type: 'refuse', status: 400, reason: 'no', headers: {} })
  })

  it.each([
    // What user code threw is not told to a stranger.
    [{ type: 'handler.failed', cause: 'handlerFailed', detail: 'x' }, 500, 'handlerFailed'],
    [{ type: 'server.draining', frame: { code: 1001, reason: '' } }, 503, 'draining'],
    [{ type: 'app.closed', frame: { code: 4001, reason: 'banned' } }, 403, 'appClosed'],
    [
      { type: 'xstate.after.handshakeTimeout.connection.connecting.handshaking' },
      503,
      'handshakeTimeout',
    ],
  ] as const)('answers %o with an HTTP status', (event, status, cause) => {
    const { value, context, names, effects } = after([event])
    expect(value).toBe('closing')
    expect(names).toContain('refuse')
    expect(effects).toContainEqual(expect.objectContaining({ status, reason: context.detail }))
    expect(context.detail).not.toBe('x')
    expect(context.detail).not.toBe('')
    expect(context).toMatchObject({ status, cause, sent: null })
  })

  it('gives up an open that takes too long with 1011', () => {
    const late = { type: 'xstate.after.openTimeout.connection.connecting.opening' }
    const { value, effects, context } = after([ACCEPTED, late])
    expect(value).toBe('closing')
    expect(context).toMatchObject({ initiator: 'local', cause: 'openTimeout', detail: '' })
    expect(effects).toContainEqual({
      type: 'sendClose',
      frame: { code: 1011, reason: 'open timed out' },
      discard: false,
    })
  })
})

describe('open', () => {
  it('opens the gate and waits for the interval', () => {
    const { value, names, effects } = after([ACCEPTED, OPENED])
    expect(value).toEqual({ open: 'alive' })
    expect(names).toContain('openGate')
    expect(armed(effects)).toEqual([30])
  })

  it('arms no timer when pings are off', () => {
    expect(armed(after([ACCEPTED, OPENED], { pingIntervalMs: 0 }).effects)).toEqual([])
  })

  it('sends numbered pings and waits for the pong', () => {
    const first = after([ACCEPTED, OPENED, PING_INTERVAL])
    expect(first.value).toEqual({ open: 'awaitingPong' })
    expect(first.effects).toContainEqual({ type: 'sendPing', sequence: 1 })
    expect(armed(first.effects)).toEqual([40])
    const answered = after([ACCEPTED, OPENED, PING_INTERVAL, { type: 'pong.received' }])
    expect(answered.value).toEqual({ open: 'alive' })
    const second = after([
      ACCEPTED,
      OPENED,
      PING_INTERVAL,
      { type: 'pong.received' },
      PING_INTERVAL,
    ])
    expect(second.effects).toContainEqual({ type: 'sendPing', sequence: 2 })
  })

  it('waits one grace more before it gives a silent peer up', () => {
    const overdue = after([ACCEPTED, OPENED, PING_INTERVAL, PING_TIMEOUT])
    expect(overdue.value).toEqual({ open: 'overdue' })
    expect(armed(overdue.effects)).toEqual([50])
    const grace = { type: 'xstate.after.pongGrace.connection.open.overdue' }
    const gone = after([ACCEPTED, OPENED, PING_INTERVAL, PING_TIMEOUT, grace])
    expect(gone.value).toBe('closing')
    expect(gone.context).toMatchObject({ cause: 'pingTimeout', detail: '' })
    expect(gone.effects).toContainEqual({
      type: 'sendClose',
      frame: { code: 1011, reason: 'ping timed out' },
      discard: false,
    })
    const saved = after([ACCEPTED, OPENED, PING_INTERVAL, PING_TIMEOUT, { type: 'pong.received' }])
    expect(saved.value).toEqual({ open: 'alive' })
  })

  it('goes on pinging where pingTimeoutMs is 0, an interval apart', () => {
    const again = after([ACCEPTED, OPENED, PING_INTERVAL, PING_TIMEOUT], { pingTimeoutMs: 0 })
    expect(again.value).toEqual({ open: 'awaitingPong' })
    expect(again.effects).toContainEqual({ type: 'sendPing', sequence: 2 })
    expect(armed(again.effects)).toEqual([30])
  })

  it('gives a silent peer up with the code that the route has chosen', () => {
    const grace = { type: 'xstate.after.pongGrace.connection.open.overdue' }
    const events = [ACCEPTED, OPENED, PING_INTERVAL, PING_TIMEOUT, grace]
    const host = createHost(connectionMachine)
    const input = { connectionId: 'c', startedAtMs: 5, deadlines: DEADLINES, pingTimeoutCode: 1006 }
    let step = host.start(input)
    for (const event of events) step = host.next(step.snapshot, event)
    expect(step.snapshot.context.sent).toEqual({ code: 1006, reason: 'ping timed out' })
  })

  it.each([[PING_INTERVAL], [PING_INTERVAL, PING_TIMEOUT]])(
    'stops waiting for a pong that it could not see (%#)',
    (...waiting) => {
      const paused = after([ACCEPTED, OPENED, ...waiting, { type: 'input.paused' }])
      expect(paused.value).toEqual({ open: 'paused' })
      expect(armed(paused.effects)).toEqual([])
    },
  )

  it('waits for ever for the pong of a ping that only a machine of its own has sent', () => {
    const machine = connectionMachine.provide({ delays: { pingInterval: 7 } })
    const host = createHost(machine)
    const deadlines = { ...DEADLINES, pingIntervalMs: 0, pingTimeoutMs: 0 }
    let step = host.start({ connectionId: 'c', startedAtMs: 5, deadlines })
    for (const event of [ACCEPTED, OPENED]) step = host.next(step.snapshot, event)
    expect(armed(step.effects)).toEqual([7])
    step = host.next(step.snapshot, PING_INTERVAL)
    expect(namesOf(step.effects)).toContain('sendPing')
    expect(armed(step.effects)).toEqual([])
  })

  it('sends no ping while reading is paused', () => {
    const paused = after([ACCEPTED, OPENED, { type: 'input.paused' }])
    expect(paused.value).toEqual({ open: 'paused' })
    expect(armed(paused.effects)).toEqual([])
    const resumed = after([ACCEPTED, OPENED, { type: 'input.paused' }, { type: 'input.resumed' }])
    expect(resumed.value).toEqual({ open: 'alive' })
  })
})

describe('what ends an open connection', () => {
  const limit = (cause: 'limitExceeded' | 'slowConsumer') =>
    ({ type: 'limit.exceeded', cause, detail: 'd' }) as const
  const failed = (cause: 'handlerFailed' | 'handlerTimeout') =>
    ({ type: 'handler.failed', cause, detail: 'd' }) as const

  it.each([
    [{ type: 'app.closed', frame: BYE } as const, BYE, false, 'appClosed'],
    [{ type: 'server.draining', frame: BYE } as const, BYE, false, 'draining'],
    [failed('handlerFailed'), { code: 1011, reason: 'internal error' }, false, 'handlerFailed'],
    [
      failed('handlerTimeout'),
      { code: 1011, reason: 'handler timed out' },
      false,
      'handlerTimeout',
    ],
    [limit('limitExceeded'), { code: 1008, reason: 'limit exceeded' }, false, 'limitExceeded'],
    [limit('slowConsumer'), { code: 1013, reason: 'slow consumer' }, true, 'slowConsumer'],
  ])('%o sends a Close frame', (event, frame, discard, cause) => {
    for (const before of [[ACCEPTED], [ACCEPTED, OPENED]]) {
      const { value, effects, context, names } = after([...before, event])
      expect(value).toBe('closing')
      expect(effects).toContainEqual({ type: 'sendClose', frame, discard })
      expect(names.at(-2)).toBe('shutGate')
      expect(armed(effects)).toEqual([50])
      const detail = 'detail' in event ? event.detail : ''
      expect(context).toMatchObject({ cause, detail, sent: frame, initiator: 'local' })
    }
  })

  it('what the transport has answered itself is not answered again', () => {
    const closed = after([ACCEPTED, OPENED, { type: 'peer.closed', frame: BYE }])
    expect(closed.value).toBe('closing')
    expect(closed.names).not.toContain('sendClose')
    expect(closed.context).toMatchObject({
      initiator: 'peer',
      cause: 'peerClosed',
      sent: BYE,
      received: BYE,
    })
    const violated = after([
      ACCEPTED,
      OPENED,
      {
        type: 'protocol.violated',
        cause: 'protocolError',
        sent: { code: 1002, reason: '' },
        detail: 'd',
      },
    ])
    expect(violated.value).toBe('closing')
    expect(violated.names).not.toContain('sendClose')
    expect(violated.context).toMatchObject({
      cause: 'protocolError',
      detail: 'd',
      sent: { code: 1002 },
    })
  })

  it('destroys the link when closing takes too long, and stays in closing', () => {
    const late = { type: 'xstate.after.closeTimeout.connection.closing' }
    const { value, names } = after([ACCEPTED, OPENED, { type: 'app.closed', frame: BYE }, late])
    expect(value).toBe('closing')
    expect(names).toEqual(['destroy'])
  })
})

describe('an actor of the machine', () => {
  it('goes through the states, and does nothing by itself', () => {
    const input = { connectionId: 'c', startedAtMs: 5, deadlines: DEADLINES }
    const actor = createActor(connectionMachine, { input }).start()
    for (const event of [ACCEPTED, OPENED, { type: 'app.closed', frame: BYE } as const, ENDED]) {
      actor.send(event)
    }
    expect(actor.getSnapshot().output).toMatchObject({ cause: 'appClosed', durationMs: 7 })
  })
})

describe('closed', () => {
  it.each([[[]], [[ACCEPTED]], [[ACCEPTED, OPENED]], [[ACCEPTED, OPENED, PING_INTERVAL]]])(
    'is reached from anywhere when the link ends (%#)',
    (before) => {
      const { value, status, effects, output } = after([...before, ENDED])
      expect([value, status]).toEqual(['closed', 'done'])
      expect(effects.at(-1)).toEqual({ type: 'finish', record: output })
      expect(output).toMatchObject({
        connectionId: 'c',
        initiator: 'network',
        cause: 'transportLost',
        code: 1006,
        reason: '',
        wasClean: false,
        durationMs: 7,
        silentForMs: 3,
        startedAtMs: 5,
        totals: { messagesSent: 2 },
      })
    },
  )

  it('is clean when Close frames went both ways, and tells the code received', () => {
    const { output } = after([
      ACCEPTED,
      OPENED,
      { type: 'app.closed', frame: { code: 4000, reason: 'mine' } },
      { type: 'peer.closed', frame: BYE },
      { ...ENDED, sent: { code: 4000, reason: 'mine' } },
    ])
    expect(output).toMatchObject({
      sent: { code: 4000, reason: 'mine' },
      received: BYE,
      code: 1000,
      reason: 'bye',
      wasClean: true,
    })
  })

  it('is not clean when a Close frame went one way only', () => {
    const closed = { type: 'peer.closed', frame: BYE } as const
    const wasClean = (...events: ConnectionEvent[]) =>
      after([ACCEPTED, OPENED, ...events]).output?.wasClean
    expect(wasClean(closed, ENDED)).toBe(false)
    expect(wasClean({ ...ENDED, sent: BYE })).toBe(false)
    expect(wasClean(closed, { ...ENDED, sent: BYE })).toBe(true)
  })

  it('has nothing to say of counts when no link has ever been', () => {
    expect(NO_TOTALS).toEqual({
      messagesReceived: 0,
      bytesReceived: 0,
      messagesSent: 0,
      bytesSent: 0,
      messagesDropped: 0,
      bytesUnsent: 0,
    })
  })

  it('tells the frame that went out, not the one that was meant to', () => {
    const { output } = after([
      ACCEPTED,
      OPENED,
      { type: 'app.closed', frame: { code: 4000, reason: '' } },
      ENDED,
    ])
    expect(output).toMatchObject({ sent: null, cause: 'appClosed' })
  })
})
