import { expect, it } from 'vitest'
import { keepalive, milliseconds } from '../../../src/tornado/keepalive.ts'

it.each([
  [undefined, undefined, 0, 0],
  [null, null, 0, 0],
  [0, undefined, 0, 0],
  [0, 5, 0, 5000],
  [30, undefined, 30_000, 30_000],
  [30, null, 30_000, 30_000],
  [30, 0, 30_000, 0],
  [30, 10, 30_000, 10_000],
  [30, 30, 30_000, 30_000],
  [0.05, 0.0001, 50, 1],
])('an interval of %s s and a timeout of %s s (T69, T70)', (interval, timeout, every, wait) => {
  expect(keepalive(interval, timeout)).toEqual({ pingIntervalMs: every, pingTimeoutMs: wait })
})

it('a timeout above the interval is cut down to it, with one warning (T70)', async () => {
  const warnings: string[] = []
  const listener = (warning: Error & { code?: string }) => warnings.push(warning.code ?? '')
  process.on('warning', listener)
  for (let time = 0; time < 3; time++) {
    expect(keepalive(10, 20)).toEqual({ pingIntervalMs: 10_000, pingTimeoutMs: 10_000 })
  }
  // Warnings are told in the next tick, before a later one of ours.
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
  process.off('warning', listener)
  expect(warnings).toEqual(['WINDSOCK_PING_TIMEOUT'])
})

it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5', true])(
  '%s is no number of seconds',
  (seconds) => {
    expect(() => milliseconds('pingInterval', seconds as number)).toThrow(
      expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' }),
    )
  },
)
