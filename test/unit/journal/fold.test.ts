// The fold of heartbeats: as many as there were, in a few steps, and the same as one by one.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { connectionMachine, Fold, fold, type LifeEvent } from 'windsock'
import { type ConnectionSnapshot, createHost } from '../../../src/machines/host.ts'
import { startedEvent } from './support/lives.ts'

const OPENED: readonly LifeEvent[] = [
  startedEvent(),
  { type: 'HandshakeAccepted', data: {} },
  { type: 'ConnectionOpened', data: {} },
]

const PING = 'xstate.after.pingInterval.connection.open.alive'
const PING_TIMEOUT = 'xstate.after.pingTimeout.connection.open.awaitingPong'

const anyEvent = fc.oneof(
  fc.constantFrom<LifeEvent>(
    { type: 'TimerFired', data: { timer: PING } },
    { type: 'TimerFired', data: { timer: PING_TIMEOUT } },
    { type: 'PongReceived', data: {} },
    { type: 'InputPaused', data: {} },
    { type: 'InputResumed', data: {} },
    { type: 'CloseRequested', data: { frame: { code: 1000, reason: '' } } },
  ),
  fc.nat(5).map((pings): LifeEvent => ({ type: 'HeartbeatsPassed', data: { pings } })),
)

function plain({ value, context, status }: ConnectionSnapshot) {
  return { value, context, status }
}

describe('the fold of heartbeats', () => {
  it('ends where a ping and its pong, so many times, do', () => {
    const host = createHost(connectionMachine)
    const events = fc.tuple(fc.array(anyEvent, { maxLength: 12 }), fc.nat(40), fc.nat(3))
    fc.assert(
      fc.property(events, ([before, pings, opened]) => {
        const folding = new Fold()
        for (const event of [...OPENED.slice(0, opened + 1), ...before]) folding.apply(event)
        let snapshot = folding.snapshot as ConnectionSnapshot
        for (let ping = 0; ping < pings; ping++) {
          for (const type of [PING, 'pong.received'])
            snapshot = host.next(snapshot, { type }).snapshot
        }
        const { after } = folding.apply({ type: 'HeartbeatsPassed', data: { pings } })
        expect(plain(after)).toEqual(plain(snapshot))
        // What comes after it finds the same state, too.
        const next = { type: 'peer.closed', frame: { code: 1000, reason: 'bye' } }
        expect(plain(folding.tell(next).after)).toEqual(plain(host.next(snapshot, next).snapshot))
      }),
      { numRuns: 1_000 },
    )
  })

  it('takes no longer for more of them than anyone could count', () => {
    const pings = Number.MAX_SAFE_INTEGER
    const end = fold([...OPENED, { type: 'HeartbeatsPassed', data: { pings } }])
    expect(end?.value).toEqual({ open: 'alive' })
    expect(end?.context.pings).toBe(pings)
  })

  it('takes nothing that is no number of pings for one', () => {
    for (const pings of [0, -1, Number.NaN]) {
      const end = fold([...OPENED, { type: 'HeartbeatsPassed', data: { pings } }])
      expect(end?.context.pings).toBe(0)
    }
  })
})
