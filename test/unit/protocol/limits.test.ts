import { describe, expect, it } from 'vitest'
import { SettingError } from '../../../src/protocol/errors.ts'
import {
  DEFAULT_LIMITS,
  LIMITS,
  type Limit,
  type LimitName,
  resolveLimits,
} from '../../../src/protocol/limits.ts'

const rows = Object.entries(LIMITS) as [LimitName, Limit][]

describe('the table of limits (RFC 6455 §10.4)', () => {
  it.each(rows)('gives %s a default within its range, a reason, and a behaviour', (name, limit) => {
    expect(Number.isInteger(limit.default)).toBe(true)
    expect(limit.default).toBeGreaterThanOrEqual(limit.min)
    expect(limit.default).toBeLessThanOrEqual(limit.max)
    expect(limit.why).not.toBe('')
    expect(limit.atBound).not.toBe('')
    expect(DEFAULT_LIMITS[name]).toBe(limit.default)
  })

  it.each(rows.filter(([, limit]) => limit.unit === 'ms'))(
    'keeps %s within what a timer of Node can wait',
    (_name, limit) => {
      expect(limit.max).toBeLessThanOrEqual(2 ** 31 - 1)
    },
  )

  it('holds the defaults that the design promises', () => {
    expect(DEFAULT_LIMITS).toMatchObject({
      maxMessageBytes: 10 * 1024 * 1024,
      closeTimeoutMs: 5_000,
      pingIntervalMs: 30_000,
      pingTimeoutMs: 10_000,
      maxOutboundBytes: 1024 * 1024,
    })
    expect(Object.isFrozen(DEFAULT_LIMITS)).toBe(true)
  })
})

describe('settings joined to limits (RFC 6455 §10.4)', () => {
  it('override the base, and leave the rest of it', () => {
    const limits = resolveLimits(DEFAULT_LIMITS, { pingIntervalMs: 0 }, 'server')
    expect(limits).toEqual({ ...DEFAULT_LIMITS, pingIntervalMs: 0 })
    expect(Object.isFrozen(limits)).toBe(true)
  })

  it('leave the base as it was when they are undefined or unknown', () => {
    const others = { pingIntervalMs: undefined, routes: [] }
    expect(resolveLimits(DEFAULT_LIMITS, others, 'server')).toEqual(DEFAULT_LIMITS)
  })

  it.each(rows)('may set %s to either end of its range and to nothing beyond', (name, limit) => {
    for (const end of [limit.min, limit.max]) {
      // The mark may not stand above the budget, so both go together.
      const settings = { maxOutboundBytes: 2 ** 31 - 1, [name]: end }
      expect(resolveLimits(DEFAULT_LIMITS, settings, 'server')[name]).toBe(end)
    }
    for (const beyond of [limit.min - 1, limit.max + 1]) {
      const attempt = () => resolveLimits(DEFAULT_LIMITS, { [name]: beyond }, 'server')
      expect(attempt).toThrow(SettingError)
      expect(attempt).toThrow(new RegExp(`^${name} is ${beyond}:`))
    }
  })

  it.each([Number.NaN, Infinity, -1, 1.5, '1000', null, {}, 10n])(
    'are refused with %s for a number',
    (value) => {
      const settings = { closeTimeoutMs: value as unknown as number }
      expect(() => resolveLimits(DEFAULT_LIMITS, settings, 'server')).toThrow(SettingError)
    },
  )

  it('are refused on a route when they belong to the server', () => {
    const attempt = () => resolveLimits(DEFAULT_LIMITS, { maxConnections: 5 }, 'route')
    expect(attempt).toThrow(SettingError)
    expect(attempt).toThrow(/maxConnections/)
    expect(resolveLimits(DEFAULT_LIMITS, { closeTimeoutMs: 5 }, 'route').closeTimeoutMs).toBe(5)
  })

  it('draw the high-water mark down with a small budget', () => {
    const limits = resolveLimits(DEFAULT_LIMITS, { maxOutboundBytes: 100 }, 'server')
    expect(limits.outboundHighWaterBytes).toBe(100)
  })

  it('are refused with a high-water mark above the budget', () => {
    const settings = { maxOutboundBytes: 100, outboundHighWaterBytes: 101 }
    const attempt = () => resolveLimits(DEFAULT_LIMITS, settings, 'server')
    expect(attempt).toThrow(SettingError)
    expect(attempt).toThrow(/outboundHighWaterBytes is 101/)
  })
})
