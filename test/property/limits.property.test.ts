// Laws of the limits. Each drawn value knows by construction whether it may be set.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SettingError } from '../../src/protocol/errors.ts'
import {
  DEFAULT_LIMITS,
  LIMITS,
  type Limit,
  type LimitName,
  resolveLimits,
} from '../../src/protocol/limits.ts'

const RUNS = { numRuns: 1000 }

const MARK = 'outboundHighWaterBytes'
const BUDGET = 'maxOutboundBytes'
const names = Object.keys(LIMITS) as LimitName[]

interface Drawn {
  readonly name: LimitName
  readonly value: unknown
  readonly isInRange: boolean
}

const drawn = (weightOfBad: number) =>
  fc.constantFrom(...names).chain((name) => {
    const { min, max }: Limit = LIMITS[name]
    const good = fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max))
    const bad = fc.oneof(
      fc.constantFrom(min - 1, max + 1),
      fc.integer({ min: -(2 ** 40), max: min - 1 }),
      fc.integer({ min: max + 1, max: 2 ** 40 }),
      fc.double({ min, max, noInteger: true, noNaN: true }),
      fc.constantFrom<unknown>(Number.NaN, Infinity, -Infinity, '1000', null, true, 10n, {}, []),
    )
    return fc.oneof(
      { weight: 12, arbitrary: good.map((value): Drawn => ({ name, value, isInRange: true })) },
      {
        weight: weightOfBad,
        arbitrary: bad.map((value): Drawn => ({ name, value, isInRange: false })),
      },
    )
  })
const settingsOf = (list: readonly Drawn[]) =>
  Object.fromEntries(list.map(({ name, value }) => [name, value])) as Record<LimitName, number>
const someOf = (weightOfBad: number) =>
  fc.uniqueArray(drawn(weightOfBad), { selector: ({ name }) => name, maxLength: 6 })
const scopes = fc.constantFrom<Limit['scope']>('server', 'route')

describe('limits (RFC 6455 §10.4)', () => {
  it('a settings object is accepted whole or refused naming the field', () => {
    fc.assert(
      fc.property(someOf(1), scopes, (list, scope) => {
        const settings = settingsOf(list)
        const wrong: string[] = list
          .filter(({ name, isInRange }) => {
            return !isInRange || (scope === 'route' && LIMITS[name].scope === 'server')
          })
          .map(({ name }) => name)
        const budget = settings[BUDGET] ?? DEFAULT_LIMITS[BUDGET]
        if (wrong.length === 0 && settings[MARK] > budget) wrong.push(MARK)

        let limits: unknown
        try {
          limits = resolveLimits(DEFAULT_LIMITS, settings, scope)
        } catch (error) {
          expect(error).toBeInstanceOf(SettingError)
          expect(wrong).toContain((error as Error).message.split(' ')[0])
          return
        }
        expect(wrong).toEqual([])
        const mark = Math.min(settings[MARK] ?? DEFAULT_LIMITS[MARK], budget)
        expect(limits).toEqual({ ...DEFAULT_LIMITS, ...settings, [MARK]: mark })
      }),
      RUNS,
    )
  })

  it('resolved limits keep to their ranges, with the high-water mark within the budget', () => {
    fc.assert(
      fc.property(someOf(0), someOf(0), (server, route) => {
        let limits: Readonly<Record<LimitName, number>>
        try {
          const base = resolveLimits(DEFAULT_LIMITS, settingsOf(server), 'server')
          limits = resolveLimits(base, settingsOf(route), 'route')
        } catch (error) {
          expect(error).toBeInstanceOf(SettingError)
          return
        }
        for (const name of names) {
          expect(Number.isInteger(limits[name])).toBe(true)
          expect(limits[name]).toBeGreaterThanOrEqual(LIMITS[name].min)
          expect(limits[name]).toBeLessThanOrEqual(LIMITS[name].max)
        }
        expect(limits[MARK]).toBeLessThanOrEqual(limits[BUDGET])
      }),
      RUNS,
    )
  })

  it('resolving changes neither its base nor its settings, and once is as good as twice', () => {
    fc.assert(
      fc.property(someOf(1), (list) => {
        const settings = Object.freeze(settingsOf(list))
        const before = { ...DEFAULT_LIMITS }
        try {
          const limits = resolveLimits(before, settings, 'server')
          expect(resolveLimits(limits, settings, 'server')).toEqual(limits)
        } catch (error) {
          expect(error).toBeInstanceOf(SettingError)
        }
        expect(before).toEqual(DEFAULT_LIMITS)
      }),
      RUNS,
    )
  })
})
