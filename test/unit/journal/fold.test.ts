// The fold: a life through the machine again; and heartbeats, as many as there were, in a few steps.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LifeEvent } from '../../../src/journal/events.ts'
import { Fold, fold, MACHINE_SCHEMA, saveable } from '../../../src/journal/fold.ts'
import { lifeStory } from '../../../src/journal/life-story.ts'
import { connectionMachine } from '../../../src/machines/connection.ts'
import { type ConnectionSnapshot, createHost } from '../../../src/machines/host.ts'
import { startedEvent, wholeLife } from './support/lives.ts'

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

describe('the fold of a life', () => {
  const fails = () => {
    throw new Error('a delay')
  }
  const REPLACED = { type: 'MachineReplaced', data: {} } as const

  it('is nothing before the first event, and stands in `closed` after the last', () => {
    expect(fold([])).toBeUndefined()
    const end = fold(wholeLife([]))
    expect([end?.value, end?.status]).toEqual(['closed', 'done'])
  })

  it('tells of each event what was before, what is after, and what was asked for', () => {
    const folding = new Fold()
    const first = folding.apply(startedEvent())
    expect(first.before).toBeUndefined()
    expect(first.effects.map(({ type }) => type)).toEqual(['armTimer'])
    const next = folding.apply({ type: 'HandshakeAccepted', data: {} })
    expect(next.before).toBe(first.after)
    expect(next.after).toBe(folding.snapshot)
    expect(next.effects.map(({ type }) => type)).toContain('callOpen')
  })

  it('begins with ConnectionStarted, and has it once', () => {
    const refusal = expect.objectContaining({ code: 'ERR_WINDSOCK_JOURNAL_CORRUPT' })
    expect(() => fold([{ type: 'HandshakeAccepted', data: {} }])).toThrow(refusal)
    expect(() => fold([startedEvent(), startedEvent()])).toThrow(refusal)
  })

  it('stays where it is by what the machine never heard of', () => {
    const folding = new Fold()
    for (const event of OPENED) folding.apply(event)
    const { snapshot } = folding
    const data = { kind: 'text', bytes: 1 } as const
    expect(folding.apply({ type: 'MessageReceived', data })).toEqual({
      before: snapshot,
      after: snapshot,
      effects: [],
    })
  })

  it('begins with the code that the route chose for a silent peer, or with none', () => {
    const codeOf = (pingTimeoutCode?: number) =>
      fold([startedEvent({ pingTimeoutCode })])?.context.pingTimeoutCode
    expect([codeOf(1008), codeOf()]).toEqual([1008, undefined])
  })

  it('keeps in its context what the machine is told at its beginning, and no more', () => {
    const context = fold([startedEvent()])?.context
    expect(context).toMatchObject({ connectionId: 'someone', startedAtMs: expect.any(Number) })
    expect(context).not.toHaveProperty('path')
  })

  it('goes on with our own machine where a delay of the first threw at the start', () => {
    const broken = connectionMachine.provide({ delays: { handshakeTimeout: fails } })
    const { after, effects } = new Fold(broken).apply(startedEvent())
    expect([after.value, after.status]).toEqual([{ connecting: 'handshaking' }, 'active'])
    expect(effects.map(({ type }) => type)).toEqual(['armTimer'])
  })

  it('goes on with our own machine from where it was replaced', () => {
    const broken = connectionMachine.provide({ delays: { openTimeout: fails } })
    const accepted = { type: 'HandshakeAccepted', data: {} } as const
    expect(() => fold([startedEvent(), accepted], broken)).toThrow('a delay')
    const folding = new Fold(broken)
    const { after } = folding.apply(startedEvent())
    const replaced = folding.apply(REPLACED)
    expect(replaced.effects).toEqual([])
    expect(replaced.after.value).toEqual(after.value)
    expect(folding.apply(accepted).after.value).toEqual({ connecting: 'opening' })
  })

  it('goes on from a snapshot that was saved, as if it had taken all before', () => {
    const whole = fold(OPENED) as ConnectionSnapshot
    const saved = saveable(whole, OPENED.length)
    expect(saved).toMatchObject({ version: OPENED.length, schema: MACHINE_SCHEMA })
    const folding = new Fold()
    folding.restore(saved)
    expect(plain(folding.snapshot as ConnectionSnapshot)).toEqual(plain(whole))
    const bye = { type: 'PeerClosed', data: { frame: { code: 1000, reason: 'bye' } } } as const
    expect(plain(folding.apply(bye).after)).toEqual(plain(fold([...OPENED, bye]) as never))
  })
})

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

  it('asks for nothing', () => {
    const folding = new Fold()
    for (const event of OPENED) folding.apply(event)
    expect(folding.apply({ type: 'HeartbeatsPassed', data: { pings: 2 } }).effects).toEqual([])
  })

  it('takes nothing that is no number of pings for one', () => {
    for (const pings of [0, -1, Number.NaN]) {
      const end = fold([...OPENED, { type: 'HeartbeatsPassed', data: { pings } }])
      expect(end?.context.pings).toBe(0)
    }
  })
})

describe('what is no list of events', () => {
  it.each([
    ['a promise', Promise.resolve([])],
    ['nothing', undefined],
    ['a number', 3],
  ])('such as %s is told, by fold and by lifeStory', (_, given) => {
    const refusal = expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' })
    expect(() => fold(given as never)).toThrow(refusal)
    expect(() => lifeStory(given as never)).toThrow(refusal)
  })
})
