// The remembering host: asks XState once for what is the same for all, and gives each connection its own.

import { describe, expect, it, vi } from 'vitest'
import { connectionMachine, NO_TOTALS } from '../../../src/machines/connection.ts'
import type { ConnectionEvent } from '../../../src/machines/effects.ts'
import { type ConnectionSnapshot, createHost, type Host } from '../../../src/machines/host.ts'
import { rememberingHost } from '../../../src/machines/remembering.ts'

const DEADLINES = {
  handshakeTimeoutMs: 1,
  openTimeoutMs: 2,
  pingIntervalMs: 3,
  pingTimeoutMs: 4,
  closeTimeoutMs: 5,
}
const inputOf = (connectionId: string, deadlines = DEADLINES) => ({
  connectionId,
  startedAtMs: connectionId.length,
  deadlines,
})
const ACCEPTED = { type: 'handshake.accepted' } as const
const OPENED = { type: 'open.finished' } as const
const PONG = { type: 'pong.received' } as const
const PING_INTERVAL = { type: 'xstate.after.pingInterval.connection.open.alive' }
const ended = (durationMs: number): ConnectionEvent => ({
  type: 'transport.ended',
  totals: NO_TOTALS,
  durationMs,
  silentForMs: 0,
  sent: null,
})

/** A remembering host, and the host that it asks, watched. */
function remembering() {
  const inner = createHost(connectionMachine)
  const asked = {
    start: vi.fn<Host['start']>((input) => inner.start(input)),
    next: vi.fn<Host['next']>((snapshot, event) => inner.next(snapshot, event)),
    adopt: (snapshot: ConnectionSnapshot) => inner.adopt(snapshot),
  }
  return { asked, host: rememberingHost(asked), plain: inner }
}

/** What both hosts say of one life; equal, or the test fails. */
function live(
  { host, plain }: { host: Host; plain: Host },
  input: ReturnType<typeof inputOf>,
  events: readonly (ConnectionEvent | { readonly type: string })[],
): ConnectionSnapshot {
  let [one, other] = [host.start(input), plain.start(input)]
  const same = () => {
    expect(one.effects).toEqual(other.effects)
    for (const key of ['value', 'context', 'status', 'output'] as const) {
      expect(one.snapshot[key]).toEqual(other.snapshot[key])
    }
  }
  same()
  for (const event of events) {
    ;[one, other] = [host.next(one.snapshot, event), plain.next(other.snapshot, event)]
    same()
  }
  return one.snapshot
}

describe('a remembering host', () => {
  it('asks once for what says the same to all, and says it to each as its own', () => {
    const hosts = remembering()
    const events = [ACCEPTED, OPENED, ended(7)]
    live(hosts, inputOf('first'), events)
    expect(hosts.asked.next).toHaveBeenCalledTimes(3)
    const last = live(hosts, inputOf('the second'), [ACCEPTED, OPENED, ended(9)])
    expect(hosts.asked.start).toHaveBeenCalledTimes(1)
    expect(hosts.asked.next).toHaveBeenCalledTimes(3)
    expect(last.output).toMatchObject({
      connectionId: 'the second',
      durationMs: 9,
      startedAtMs: 10,
    })
  })

  it('tells one set of deadlines from another', () => {
    const hosts = remembering()
    live(hosts, inputOf('first'), [ACCEPTED])
    live(hosts, inputOf('second', { ...DEADLINES, openTimeoutMs: 99 }), [ACCEPTED])
    expect(hosts.asked.start).toHaveBeenCalledTimes(2)
    expect(hosts.asked.next).toHaveBeenCalledTimes(2)
  })

  it('tells one state from another: the same event may lead elsewhere', () => {
    const hosts = remembering()
    const waiting = [ACCEPTED, OPENED, PING_INTERVAL, PONG]
    live(hosts, inputOf('first'), waiting)
    live(hosts, inputOf('second'), [...waiting, PONG, PING_INTERVAL, PONG])
    live(hosts, inputOf('third'), [PONG, ACCEPTED, ACCEPTED, PONG, OPENED, OPENED, PONG])
  })

  it('asks once for the pong that leads back, as for the beginning', () => {
    const hosts = remembering()
    const round = [PING_INTERVAL, PONG]
    live(hosts, inputOf('first'), [ACCEPTED, OPENED, ...round, ...round])
    const asked = hosts.asked.next.mock.calls.map(([, { type }]) => type)
    expect(asked).toEqual([
      ACCEPTED.type,
      OPENED.type,
      PING_INTERVAL.type,
      PONG.type,
      PING_INTERVAL.type,
    ])
  })

  it('asks once for a Close frame, ours or the peer’s, and says it to each with its own', () => {
    const hosts = remembering()
    const frame = (reason: string) => ({ code: 1000, reason })
    const closed = (reason: string) => ({ type: 'app.closed', frame: frame(reason) })
    const peerClosed = (reason: string) => ({ type: 'peer.closed', frame: frame(reason) })
    const lives = ['one', 'other'].map((name) => [
      [ACCEPTED, OPENED, closed(name), peerClosed(`${name} too`), ended(7)],
      [ACCEPTED, OPENED, peerClosed(name), ended(7)],
    ])
    for (const events of lives.flat()) live(hosts, inputOf('a life'), events)
    expect(hosts.asked.next).toHaveBeenCalledTimes(6)
  })

  it('lets each connection that is closed in its handshake be refused in its own words', () => {
    const hosts = remembering()
    for (const reason of ['one', 'other']) {
      const closed = { type: 'app.closed', frame: { code: 4000, reason } }
      const { context } = live(hosts, inputOf('a life'), [closed, ended(7)])
      expect(context.detail).toContain(reason)
    }
  })

  it('asks each time for an event whose context it is not told', () => {
    const hosts = remembering()
    const failed = (detail: string): ConnectionEvent => ({
      type: 'handler.failed',
      cause: 'handlerFailed',
      detail,
    })
    live(hosts, inputOf('first'), [ACCEPTED, OPENED, failed('one'), ended(7)])
    const last = live(hosts, inputOf('second'), [ACCEPTED, OPENED, failed('other'), ended(7)])
    expect(last.context.detail).toBe('other')
  })

  it('asks each time for an event that nobody knows, and gives back the snapshot itself', () => {
    const { host, asked } = remembering()
    const { snapshot } = host.start(inputOf('first'))
    for (const event of [OPENED, OPENED]) expect(host.next(snapshot, event).snapshot).toBe(snapshot)
    expect(asked.next).toHaveBeenCalledTimes(2)
  })

  it('adopts as the host that it asks', () => {
    const { host, plain } = remembering()
    const { snapshot } = plain.next(plain.start(inputOf('first')).snapshot, ACCEPTED)
    expect(host.adopt(snapshot).value).toEqual({ connecting: 'opening' })
  })
})
