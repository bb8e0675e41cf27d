// Laws of the client machine: one link at a time, nothing from an old one, waits within their bounds, and an end.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from 'windsock/testing'
import type { ClientInput } from '../../src/machines/client-context.ts'
import { ClientDriver } from '../../src/machines/client-driver.ts'
import type { ClientEffect, ClientEvent } from '../../src/machines/client-effects.ts'
import { backoffMs } from '../../src/protocol/backoff.ts'
import { hintInHeader, hintInReason, MAX_RETRY_MS } from '../../src/protocol/retry-hint.ts'
import { lawOf } from './support/law.ts'

const BACKOFF = { firstMs: 500, capMs: 30_000 }
const INPUT: ClientInput = {
  deadlines: { connectTimeoutMs: 1_000, steadyMs: 5_000, upgradeMs: 10_000, closeTimeoutMs: 500 },
  backoff: BACKOFF,
  transports: ['websocket', 'sse', 'poll'],
  online: true,
}

type Move =
  /** An event about a link, counted back from the newest. */
  | { readonly do: 'writable' | 'opened' | 'heard' | 'ready'; readonly back: number }
  | {
      readonly do: 'closed'
      readonly back: number
      readonly code: number
      readonly hintMs: number | undefined
      readonly chance: number
    }
  | { readonly do: 'online' | 'offline' | 'retried' | 'closedByApp' }
  | { readonly do: 'chose'; readonly count: number }
  | { readonly do: 'wait'; readonly ms: number }

const back = fc.constantFrom(0, 0, 0, 1, 2)
const code = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(1006, 1001, 1012, 1013) },
  { weight: 1, arbitrary: fc.constantFrom(1000, 1002, 4001) },
)
const chance = fc.double({ min: 0, max: 0.999_999, noNaN: true })
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...(['writable', 'opened', 'opened', 'heard', 'ready', 'ready'] as const),
      ),
      back,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('closed' as const),
      back,
      code,
      hintMs: fc.option(fc.nat(60_000), { nil: undefined }),
      chance,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('online' as const, 'offline' as const, 'retried' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('chose' as const),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat(400), fc.nat(40_000)),
    }),
  },
)
/** The first transport fails, the second opens and is held until the first is tried beside it: by chance that is rare. */
const UPGRADING: readonly Move[] = [
  { do: 'closed', back: 0, code: 1006, hintMs: undefined, chance: 0 },
  { do: 'wait', ms: 1 },
  { do: 'opened', back: 0 },
  { do: 'ready', back: 0 },
  { do: 'wait', ms: INPUT.deadlines.upgradeMs },
]
const lives = fc.record({
  moves: fc
    .tuple(fc.constantFrom([], UPGRADING), fc.array(move, { minLength: 1, maxLength: 40 }))
    .map(([before, moves]) => [...before, ...moves]),
  /** Closed in the end. */
  isClosed: fc.boolean(),
})

/** A driver in virtual time, and the links that its effects left alive. */
class Machine {
  readonly clock = new VirtualClock()
  readonly effects: ClientEffect[] = []
  readonly alive = new Set<number>()
  /** The most links there were at a time, while none was dialed beside the present one. */
  mostAlive = 0
  dialsOffline = 0
  dials = 0
  online = true
  #byTimer = false
  readonly driver: ClientDriver

  constructor() {
    this.driver = new ClientDriver({
      clock: this.clock,
      input: INPUT,
      perform: (effect) => this.#perform(effect),
      stepped: () => {},
    })
    this.driver.dispatch({ type: 'app.started' })
  }

  get context() {
    return this.driver.snapshot.context
  }

  async take(one: Move): Promise<void> {
    if (one.do === 'wait') {
      this.#byTimer = true
      await this.clock.advance(one.ms)
      this.#byTimer = false
      return
    }
    const event = this.eventOf(one)
    if (event.type === 'link.closed') this.alive.delete(event.link)
    this.driver.dispatch(event)
  }

  eventOf(one: Exclude<Move, { do: 'wait' }>): ClientEvent {
    const nowMs = this.clock.nowMs()
    switch (one.do) {
      case 'writable':
      case 'opened':
      case 'heard':
      case 'ready':
        return { type: `link.${one.do}`, link: this.context.links - one.back }
      case 'closed': {
        const hint = one.hintMs === undefined ? undefined : { afterMs: 0, windowMs: one.hintMs }
        const frame = { code: one.code, reason: '' }
        const link = this.context.links - one.back
        return { type: 'link.closed', link, frame, hint, chance: one.chance, nowMs }
      }
      case 'online':
      case 'offline':
        this.online = one.do === 'online'
        return { type: 'network.changed', online: this.online, nowMs }
      case 'retried':
        return { type: 'app.retried' }
      case 'chose':
        return { type: 'app.chose', transports: INPUT.transports.slice(0, one.count) }
      case 'closedByApp':
        return { type: 'app.closed', frame: { code: 1000, reason: '' } }
    }
  }

  #perform(effect: ClientEffect): void {
    this.effects.push(effect)
    if (effect.type === 'dial') {
      this.dials++
      this.alive.add(effect.link)
      if (!this.online && this.#byTimer) this.dialsOffline++
    } else if (effect.type === 'keep') {
      for (const link of [...this.alive]) if (link !== effect.link) this.alive.delete(link)
    } else if (effect.type === 'abandon') {
      this.alive.delete(effect.link)
      const frame = { code: 1006, reason: effect.reason }
      const nowMs = this.clock.nowMs()
      this.driver.dispatch({ type: 'link.closed', link: effect.link, frame, chance: 0.5, nowMs })
    }
    if (this.context.candidate === 0) this.mostAlive = Math.max(this.mostAlive, this.alive.size)
  }
}

describe('the client machine', () => {
  lawOf(
    'has one link at a time, and one beside it only to take its place',
    lives,
    async ({ moves }) => {
      const machine = new Machine()
      for (const one of moves) {
        await machine.take(one)
        const { link, candidate } = machine.context
        for (const alive of machine.alive) expect([link, candidate]).toContain(alive)
      }
      expect(machine.mostAlive).toBeLessThanOrEqual(1)
      return machine.dials > 1
    },
  )

  lawOf('does not hear what a link says that it has let go of', lives, async ({ moves }) => {
    const machine = new Machine()
    let spoken = false
    for (const one of moves) {
      if ('back' in one) {
        const event = machine.eventOf(one) as Extract<ClientEvent, { link: number }>
        if (!machine.alive.has(event.link)) {
          const [before, count] = [machine.driver.snapshot, machine.effects.length]
          machine.driver.dispatch(event)
          expect(machine.driver.snapshot.value).toEqual(before.value)
          expect(machine.driver.snapshot.context).toEqual(before.context)
          expect(machine.effects.length).toBe(count)
          spoken = true
          continue
        }
      }
      await machine.take(one)
    }
    return spoken
  })

  lawOf(
    'waits no longer than the cap, or than the server asked, and then dials',
    lives,
    async ({ moves }) => {
      const machine = new Machine()
      let spoken = false
      for (const one of moves) {
        const { attempt } = machine.context
        await machine.take(one)
        const { value, context } = machine.driver.snapshot
        if (one.do !== 'closed' || value !== 'waiting' || one.back !== 0) continue
        if (context.attempt !== attempt + 1) continue
        spoken = true
        const bound = one.hintMs ?? Math.min(BACKOFF.capMs, BACKOFF.firstMs * 2 ** attempt)
        expect(context.delayMs).toBeGreaterThanOrEqual(0)
        expect(context.delayMs).toBeLessThanOrEqual(bound)
        const dials = machine.dials
        await machine.take({ do: 'wait', ms: context.delayMs + 1 })
        expect(machine.dials).toBeGreaterThan(dials)
      }
      return spoken
    },
  )

  const { steadyMs, upgradeMs } = INPUT.deadlines
  const lost = { do: 'closed', back: 0, code: 1006, hintMs: undefined, chance: 0 } as const

  lawOf(
    'gives up each transport within three links, however far they come, when none of them holds',
    fc.array(
      fc.record({
        carries: fc.constantFrom<('writable' | 'opened' | 'ready')[]>(
          ...([[], ['writable'], ['opened'], ['opened', 'ready']] as const).map((one) => [...one]),
          ['writable', 'opened', 'ready'],
          // What was asked for is not wanted any more.
          ['writable', 'ready', 'opened'],
        ),
        ms: fc.nat(steadyMs - 1),
      }),
      { minLength: 9, maxLength: 9 },
    ),
    async (links) => {
      const machine = new Machine()
      for (const { carries, ms } of links) {
        const { link } = machine.context
        for (const one of carries) await machine.take({ do: one, back: 0 })
        await machine.take({ do: 'wait', ms })
        // Its deadline may have come before.
        if (machine.context.link === link && machine.alive.has(link)) await machine.take(lost)
        await machine.take({ do: 'retried' })
      }
      const dialed = machine.effects.flatMap((one) => (one.type === 'dial' ? [one.transport] : []))
      for (const transport of INPUT.transports) expect(dialed).toContain(transport)
      return links.some(({ carries }) => carries.length > 1)
    },
  )

  lawOf(
    'is not kept from its first transport by links of another that hold and are lost again and again',
    fc.array(fc.integer({ min: steadyMs, max: upgradeMs + 2_000 }), {
      minLength: 2,
      maxLength: 10,
    }),
    async (stays) => {
      const machine = new Machine()
      const isUsed = () => INPUT.transports[machine.context.index]
      let [seen, unsought] = [1, 0]
      for (const ms of stays) {
        while (isUsed() === 'websocket') {
          await machine.take(lost)
          await machine.take({ do: 'retried' })
        }
        await machine.take({ do: 'opened', back: 0 })
        await machine.take({ do: 'ready', back: 0 })
        await machine.take({ do: 'wait', ms })
        const { link } = machine.context
        const nowMs = machine.clock.nowMs()
        const { code, chance } = lost
        const frame = { code, reason: '' }
        machine.driver.dispatch({ type: 'link.closed', link, frame, chance, nowMs })
        await machine.take({ do: 'retried' })
        expect(isUsed()).not.toBe('poll')
        const tries = machine.effects.filter(
          (one) => one.type === 'dial' && one.transport === 'websocket',
        ).length
        unsought = tries > seen ? 0 : unsought + 1
        seen = tries
        expect(unsought).toBeLessThan(2)
      }
    },
  )

  lawOf('dials nothing by itself while there is no network', lives, async ({ moves }) => {
    const machine = new Machine()
    for (const one of moves) await machine.take(one)
    expect(machine.dialsOffline).toBe(0)
    return moves.some((one) => one.do === 'offline')
  })

  it('tries its first transport once the network is back, when it was away at that time', async () => {
    const machine = new Machine()
    const held = UPGRADING.slice(0, -1)
    for (const one of [...held, { do: 'offline' as const }]) await machine.take(one)
    await machine.take({ do: 'wait', ms: upgradeMs })
    expect(machine.driver.snapshot.value).toEqual({ open: 'holding' })
    await machine.take({ do: 'online' })
    await machine.take({ do: 'wait', ms: steadyMs })
    expect(machine.driver.snapshot.value).toEqual({ open: 'upgrading' })
  })

  lawOf(
    'comes to an end when it is closed, with no link and no timer left',
    lives,
    async ({ moves }) => {
      const machine = new Machine()
      for (const one of moves) await machine.take(one)
      await machine.take({ do: 'closedByApp' })
      await machine.take({ do: 'wait', ms: 1_000 })
      expect(['closed', 'failed']).toContain(machine.driver.snapshot.value)
      expect(machine.alive.size).toBe(0)
      expect(machine.clock.timerCount).toBe(0)
      expect(machine.effects.filter(({ type }) => type === 'finish')).toHaveLength(1)
    },
  )
})

describe('backoff and retry hints', () => {
  lawOf(
    'a delay is within its bound, whatever the attempt',
    fc.tuple(fc.nat(10_000), chance),
    ([attempt, random]) => {
      const delay = backoffMs(BACKOFF, attempt, random)
      expect(delay).toBeGreaterThanOrEqual(0)
      expect(delay).toBeLessThanOrEqual(Math.min(BACKOFF.capMs, BACKOFF.firstMs * 2 ** attempt))
    },
  )

  lawOf('a window that is written into a reason is read from it', fc.nat(MAX_RETRY_MS), (ms) => {
    expect(hintInReason(`bye; retry=${ms}ms`)).toEqual({ afterMs: 0, windowMs: ms })
  })

  lawOf(
    'any text and any header gives a bounded hint, or none',
    fc.tuple(fc.string(), fc.nat()),
    ([text, now]) => {
      for (const hint of [hintInReason(text), hintInHeader(text, now)]) {
        if (hint === undefined) continue
        expect(hint.afterMs).toBeGreaterThanOrEqual(0)
        expect(hint.afterMs + hint.windowMs).toBeLessThanOrEqual(2 * MAX_RETRY_MS)
      }
    },
  )
})
