// Laws of pings: ours, the peer's, and what follows from a pong that does not come.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { route } from 'windsock'
import { harness } from 'windsock/testing'
import {
  anyMove,
  calmHandlers,
  hook,
  kindMove,
  movesOf,
  plainMoves,
  scripts,
  speech,
  waits,
  watcher,
  wideSettings,
} from './support/arbitraries.ts'
import { textOf } from './support/behaviour.ts'
import { law, lawOf } from './support/law.ts'
import { type Life, play } from './support/play.ts'
import type { Move, Settings } from './support/script.ts'

const A = fc.constant(0 as const)
const GRACE_MS = 50
const pass = (ms: number): Move => ({ do: 'wait', ms })

/** Wide bounds, and pings; a timeout is longer than two ways over the slowest link. */
const pinging = (parts: Record<string, fc.Arbitrary<number>> = {}) =>
  fc.record({
    latencyMs: fc.nat(20),
    closeTimeoutMs: fc.integer({ min: 100, max: 400 }),
    pingIntervalMs: fc.integer({ min: 1, max: 500 }),
    pingTimeoutMs: fc.integer({ min: 50, max: 500 }),
    ...parts,
  }) as fc.Arbitrary<Settings>

/** Of any ping of ours, the app's among them. */
const pingTimes = ({ peer }: Life) =>
  peer.wire.filter(({ item }) => item.kind === 'ping').map(({ atMs }) => atMs)
const wirePings = ({ peer }: Life) =>
  peer.wire.flatMap(({ atMs, item }) =>
    item.kind === 'ping' && /^\d+$/.test(textOf(item.data))
      ? [{ atMs, sequence: Number(textOf(item.data)) }]
      : [],
  )
const wirePongs = ({ peer }: Life) =>
  peer.wire.flatMap(({ atMs, item }) =>
    item.kind === 'pong' ? [{ atMs, text: textOf(item.data) }] : [],
  )

describe("the peer's pings", () => {
  law(
    'each ping gets one pong at most, in order, and never behind our Close frame (I-33)',
    scripts({ moves: movesOf(fc.oneof(anyMove(A), plainMoves(A, 'ping'))) }),
    ({ lives }) => {
      let pinged = false
      for (const life of lives) {
        const asked = life.did('ping').map(({ text }) => text)
        const answered = wirePongs(life).map(({ text }) => text)
        pinged ||= answered.length > 0
        expect(answered).toEqual(asked.filter((text) => answered.includes(text)))
        const kinds = life.peer.wire.map(({ item }) => item.kind)
        const closed = kinds.indexOf('close')
        if (closed >= 0) expect(kinds.slice(closed)).not.toContain('pong')
      }
      return pinged
    },
  )

  law(
    'a ping is answered with its own payload, or with that of a later one (I-33)',
    scripts({
      settings: fc
        .record({ wide: wideSettings, bufferBytes: fc.integer({ min: 1, max: 300 }) })
        .map(({ wide, bufferBytes }) => ({
          ...wide,
          bufferBytes,
          maxControlFramesPer10s: 1000,
          slow: 'drop-oldest',
        })),
      handlers: calmHandlers.map((one) => [one]),
      moves: movesOf(fc.oneof(speech(A), waits, plainMoves(A, 'ping', 'ping')), { minLength: 1 }),
    }),
    ({ lives, script, drainedAtMs }) => {
      const { latencyMs } = script.settings
      let pinged = false
      for (const life of lives) {
        const asked = life.did('ping')
        for (const [index, { atMs }] of asked.entries()) {
          // There, a full buffer's way, and back.
          const dueMs = atMs + 4 * latencyMs
          if (dueMs >= drainedAtMs) continue
          pinged = true
          const good = asked.slice(index).map(({ text }) => text)
          const answer = wirePongs(life).find((pong) => good.includes(pong.text))
          expect(answer?.atMs).toBeLessThanOrEqual(dueMs)
        }
      }
      return pinged
    },
  )
})

describe('unsolicited pongs', () => {
  lawOf(
    'a pong that answers nothing changes nothing but when the peer was last seen (I-34)',
    scripts({
      settings: pinging(),
      // A process that stands still brings instants together.
      moves: movesOf(
        fc.oneof(
          anyMove(A).filter((move) => move.do !== 'freeze'),
          plainMoves(A, 'pong'),
        ),
      ),
    }),
    async (script) => {
      // At an instant of its own, for two things of one instant have an order that a third may change.
      const apart = (moves: readonly Move[]) =>
        script.moves.flatMap((move) =>
          move.do === 'pong' ? [pass(0.5), ...moves, pass(0.5)] : [move],
        )
      const noisy = script.with({ moves: apart([{ do: 'pong', who: 0 }]) })
      const [one, other] = [await play(noisy), await play(script.with({ moves: apart([]) }))]
      for (const [index, life] of one.lives.entries()) {
        const twin = other.lives[index] as Life
        expect(lanesOf(life)).toEqual(lanesOf(twin))
        expect(logOf(life)).toEqual(logOf(twin))
        expect({ ...life.record, silentForMs: 0 }).toEqual({ ...twin.record, silentForMs: 0 })
        expect(life.record.silentForMs).toBeLessThanOrEqual(twin.record.silentForMs)
      }
      return one.lives.some((life) => life.did('pong').length > 0)
    },
  )

  /** What came, by kind: control frames may overtake data, so their order among each other is no promise. */
  function lanesOf({ peer }: Life) {
    return ['message', 'ping', 'pong', 'close', 'end'].map((kind) =>
      peer.wire.filter(({ item }) => item.kind === kind),
    )
  }

  function logOf({ diary }: Life): unknown[] {
    return diary.entries.flatMap<unknown>((entry) => {
      if (entry.what === 'pong' && entry.data.startsWith('pong')) return []
      return 'record' in entry ? [entry.what] : [entry]
    })
  }
})

describe('a peer that is gone', () => {
  law(
    'a peer that vanished is given up between the timeout and interval + timeout + grace after its last sign of life (I-35)',
    scripts({
      settings: pinging(),
      handlers: fc
        .record({ calm: calmHandlers, takes: fc.constantFrom('now' as const, 30) })
        .map(({ calm, takes }) => [
          { ...calm, open: hook({ takes: calm.form === 'actor' ? 'now' : takes }) },
        ]),
      moves: fc
        .tuple(movesOf(fc.oneof(speech(A), waits, plainMoves(A, 'ping', 'pong'))), fc.nat(60))
        .map(([moves, ms]) => [...moves, pass(30 + ms), { do: 'vanish', who: 0 }, pass(1_200)]),
    }),
    ({ lives, script }) => {
      const { latencyMs, pingIntervalMs = 0, pingTimeoutMs = 0, closeTimeoutMs } = script.settings
      for (const life of lives) {
        const goneAtMs = life.did('vanish')[0]?.atMs ?? Number.NaN
        const signs = [
          life.diary.of('opened')[0]?.atMs ?? Number.NaN,
          ...life.did('text', 'bytes', 'ping', 'pong').map(({ atMs }) => atMs + latencyMs),
          ...pingTimes(life).map((atMs) => atMs + latencyMs),
        ]
        const lastSeenAtMs = Math.max(...signs)
        const closing = life.diary.of('state').find(({ state }) => state === 'closing')
        const closingAtMs = closing?.atMs ?? Number.NaN
        const after = closingAtMs - lastSeenAtMs
        expect(goneAtMs + latencyMs).toBeGreaterThanOrEqual(lastSeenAtMs - latencyMs)
        expect(after).toBeGreaterThanOrEqual(pingTimeoutMs)
        expect(after).toBeLessThanOrEqual(pingIntervalMs + pingTimeoutMs + GRACE_MS)
        expect(life.endedAtMs - closingAtMs).toBeLessThanOrEqual(closeTimeoutMs)
        const { cause, code, initiator, silentForMs } = life.record
        expect([cause, code, initiator]).toEqual(['pingTimeout', 1006, 'local'])
        // `open` finishing is no sign of life, only the beginning of the wait.
        const heardAtMs = Math.max(...signs.slice(1), 0)
        expect(silentForMs).toBe(life.endedAtMs - heardAtMs)
      }
    },
  )

  law(
    'with pingTimeoutMs 0 a silent peer is pinged for ever and kept (I-35)',
    scripts({
      settings: pinging({
        pingTimeoutMs: fc.constant(0),
        pingIntervalMs: fc.integer({ min: 20, max: 200 }),
      }),
      handlers: fc.constant([watcher()]),
      moves: fc
        .nat(300)
        .map((ms) => [{ do: 'dial', who: 0 }, { do: 'deaf', who: 0 }, pass(900 + ms)]),
    }),
    ({ lives, script, drainedAtMs }) => {
      for (const life of lives) {
        const { pingIntervalMs = 0, latencyMs } = script.settings
        expect(life.record.cause).toBe('draining')
        const due = Math.floor(drainedAtMs / pingIntervalMs)
        const seen = wirePings(life).filter(({ atMs }) => atMs - latencyMs <= drainedAtMs)
        expect(seen.map(({ atMs }) => atMs - latencyMs)).toEqual(
          Array.from({ length: due }, (_, index) => (index + 1) * pingIntervalMs),
        )
      }
    },
  )
})

describe('a peer that answers', () => {
  const lags: fc.Arbitrary<Move> = fc.oneof(
    fc.record({ do: fc.constant('freeze' as const), ms: fc.oneof(fc.nat(60), fc.nat(2_000)) }),
    fc.record({
      do: fc.constant('stepWall' as const),
      ms: fc.integer({ min: -1e9, max: 1e9 }),
    }),
    waits,
    kindMove(A).filter((move) => !['drain', 'close'].includes(move.do)),
  )
  law(
    'a peer that answers in time is never closed by a ping, whatever the process and the wall clock do (I-36)',
    scripts({
      settings: pinging(),
      handlers: calmHandlers.map((one) => [one]),
      moves: movesOf(lags, { maxLength: 16 }),
    }),
    ({ lives, script }) => {
      for (const life of lives) expect(life.record.cause).toBe('draining')
      return script.moves.some((move) => move.do === 'freeze')
    },
  )

  law(
    'a pong that lies in the link when the process stands still counts as in time (I-36)',
    scripts({
      settings: pinging(),
      handlers: fc.constant([watcher()]),
      moves: fc.constant([]),
    }).chain((script) => {
      const { pingIntervalMs = 0, latencyMs } = script.settings
      // It stands still somewhere between the ping's leaving and its answer's arrival.
      return fc.record({ into: fc.nat(2 * latencyMs), ms: fc.nat(3_000) }).map(({ into, ms }) =>
        script.with({
          moves: [
            { do: 'dial', who: 0 },
            pass(pingIntervalMs + into),
            { do: 'freeze', ms },
            pass(latencyMs * 2 + GRACE_MS),
          ],
        }),
      )
    }),
    ({ lives }) => {
      for (const life of lives) expect(life.record.cause).toBe('draining')
    },
  )
})

describe('our pings', () => {
  law(
    'pings are numbered from 1, an interval apart, and one at most waits for its answer; 0 sends none (I-37)',
    scripts({
      settings: pinging({
        pingIntervalMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 300 })),
        pingTimeoutMs: fc.oneof(fc.constant(0), fc.integer({ min: 50, max: 300 })),
      }),
      handlers: calmHandlers.map((one) => [one]),
      moves: movesOf(fc.oneof(kindMove(A), waits, waits, plainMoves(A, 'deaf'))),
    }),
    ({ lives, script }) => {
      const { pingIntervalMs = 0, pingTimeoutMs } = script.settings
      let pinged = false
      for (const life of lives) {
        const pings = wirePings(life)
        pinged ||= pings.length > 0
        expect(pings.map(({ sequence }) => sequence)).toEqual(pings.map((_, index) => index + 1))
        if (pingIntervalMs === 0) expect(pings).toEqual([])
        for (const [index, { atMs }] of pings.entries()) {
          const next = pings[index + 1]
          if (next) expect(next.atMs - atMs).toBeGreaterThanOrEqual(pingIntervalMs)
        }
        const deafAtMs = life.did('deaf')[0]?.atMs ?? Number.POSITIVE_INFINITY
        const unanswered = pings.filter(({ atMs }) => atMs > deafAtMs)
        if (pingTimeoutMs !== 0) expect(unanswered.length).toBeLessThanOrEqual(1)
      }
      return pinged
    },
  )

  const values = fc.oneof(
    fc.integer({ min: -5, max: 5 }),
    fc.integer(),
    fc.double(),
    fc.constantFrom(2 ** 31 - 1, 2 ** 31, Number.NaN, Number.POSITIVE_INFINITY),
    fc.constantFrom<unknown>('1', null, true, 1n, []),
  )
  lawOf(
    'interval and timeout are whole milliseconds from 0 to what a timer keeps, or an error at the start (I-37)',
    fc.record({ name: fc.constantFrom('pingIntervalMs', 'pingTimeoutMs'), value: values }),
    ({ name, value }) => {
      const good = Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 31
      const make = () => route('/', () => {}, { [name]: value })
      if (good) expect(make).not.toThrow()
      else expect(make).toThrow(expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' }))
    },
  )
})

describe('the bound on control frames', () => {
  // Rates and waits at which fewer than a thousand pings are without an answer: more are not remembered.
  const settings = fc.record({
    maxControlFramesPer10s: fc.integer({ min: 1, max: 30 }),
    pingIntervalMs: fc.oneof(fc.constant(0), fc.integer({ min: 5, max: 99 })),
    pingTimeoutMs: fc.constant(0),
    proofOfLife: fc.constantFrom('pong' as const, 'anything' as const),
    latencyMs: fc.nat(20),
    // Where little goes at once pings wait, and the newest takes the place of those before it.
    bufferBytes: fc.constantFrom(undefined, 1, 60),
  })
  const app: fc.Arbitrary<Pinging> = fc.record({
    everyMs: fc.integer({ min: 10, max: 200 }),
    atOnce: fc.integer({ min: 1, max: 5 }),
    payloads: fc.constantFrom([''], ['one', 'other']),
  })
  interface Pinging {
    readonly everyMs: number
    readonly atOnce: number
    readonly payloads: readonly string[]
  }

  /** A peer that answers nothing by itself, before an application that pings. */
  async function pinged({ everyMs, atOnce, payloads }: Pinging, bounds: object) {
    const pinging = route('/', (connection, { clock }) => {
      const ping = () => {
        if (connection.state === 'closing' || connection.state === 'closed') return
        for (let count = 0; count < atOnce; count++) {
          connection.ping(payloads[count % payloads.length])
        }
        clock.setTimeout(ping, everyMs)
      }
      ping()
    })
    const server = harness([pinging], bounds)
    const peer = await server.connect('/')
    peer.answersPings = false
    /** Payloads of the pings that have come. */
    const asked = () =>
      peer.wire.flatMap(({ item }) => (item.kind === 'ping' ? [textOf(item.data)] : []))
    const answer = (payloads: readonly string[]) => {
      for (const payload of payloads) peer.pong(new TextEncoder().encode(payload))
    }
    return { server, asked, answer }
  }

  lawOf(
    'is not reached by who answers our pings, each or the newest, at once or late, however often we ask',
    fc.record({
      app,
      settings,
      waits: fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 3, maxLength: 10 }),
      answersAll: fc.boolean(),
    }),
    async ({ app, settings, waits, answersAll }) => {
      const { server, asked, answer } = await pinged(app, settings)
      let seen = 0
      let pongs = 0
      for (const ms of waits) {
        await server.advance(ms)
        const open = asked().slice(seen)
        seen += open.length
        const answered = answersAll ? open : open.slice(-1)
        answer(answered)
        pongs += answered.length
      }
      await server.advance(100)
      expect(server.records).toEqual([])
      await server.close()
      return pongs > settings.maxControlFramesPer10s
    },
    300,
  )

  lawOf(
    'counts each pong that nobody asked for, and those beyond one for each ping of ours',
    fc.record({
      app,
      settings,
      ms: fc.integer({ min: 1, max: 400 }),
      // Of each ping in turn.
      copies: fc.oneof(
        fc.constant<number[]>([1]),
        fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }),
      ),
      unasked: fc.nat(40),
    }),
    async ({ app, settings, ms, copies, unasked }) => {
      const { server, asked, answer } = await pinged(app, settings)
      await server.advance(ms)
      const said = asked().flatMap((payload, index) =>
        Array.from({ length: copies[index % copies.length] as number }, () => payload),
      )
      answer(said)
      answer(Array.from({ length: unasked }, (_, index) => `unasked ${index}`))
      // There and back: pings that were under way may be answered by what it said too often.
      await server.advance(2 * (settings.latencyMs + 1))
      const tooOften = Math.max(0, said.length - asked().length)
      const { maxControlFramesPer10s: most } = settings
      const isFlood = unasked + tooOften > most
      const isHonest = copies.every((count) => count === 1) && unasked <= most
      await server.advance(5_000)
      const causes = server.records.map(({ cause }) => cause)
      if (isFlood) expect(causes).toEqual(['limitExceeded'])
      if (isHonest) expect(causes).toEqual([])
      await server.close()
      return isFlood || isHonest
    },
    300,
  )
})
