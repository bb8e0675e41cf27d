// Clock: one shared feed of the time, however many listen.
//
// Ticks are aligned to the wall clock (a one-second feed ticks on the second) and never burst: a process that
// was stalled skips the ticks it missed. Where the wall clock is set back, the feed follows it.

import { map, Observable, share } from 'rxjs'
import { checkBound } from '../protocol/bound.ts'
import { type Clock, LONGEST_DELAY_MS, type TimerHandle } from '../protocol/ports.ts'
import { checkCalled, checkNames } from '../protocol/setting-names.ts'

const EVERY_MS = { default: 1_000, unit: 'ms', min: 1, max: LONGEST_DELAY_MS }

/** What `clockFeed()` takes. */
export interface ClockFeedOptions {
  /** Milliseconds between ticks, 1 … 2^31-1; default 1,000. */
  readonly everyMs?: number
}

/**
 * A handler that pushes the time to every client, as `YYYY-MM-DD HH:MM:SS.ffffff` in UTC.
 *
 * All clients of one feed share one timer and one text per tick; it runs while anyone listens.
 *
 * @throws SettingError for an `everyMs` that is no whole number in its range.
 */
export function clockFeed(
  options: ClockFeedOptions = {},
): (connection: unknown, context: { readonly clock: Clock }) => Observable<string> {
  checkCalled('clockFeed', options)
  checkNames(options, ['everyMs'])
  const everyMs = checkBound('everyMs', options.everyMs ?? EVERY_MS.default, EVERY_MS)
  const feeds = new WeakMap<Clock, Observable<string>>()
  return (_connection, { clock }) => {
    let feed = feeds.get(clock)
    if (feed === undefined) {
      feed = ticks(everyMs, clock).pipe(map(formatTime), share())
      feeds.set(clock, feed)
    }
    return feed
  }
}

/**
 * Wall-clock time in ms, at each multiple of `everyMs`; cold, one timer per subscriber.
 *
 * However long the process was stalled, the ticks missed become one.
 */
export function ticks(everyMs: number, clock: Clock): Observable<number> {
  return new Observable((subscriber) => {
    const interval = () => Math.floor(clock.wallMs() / everyMs)
    let timer: TimerHandle
    let last = interval()
    const arm = () => {
      timer = clock.setTimeout(tick, everyMs - (clock.wallMs() % everyMs))
    }
    const tick = () => {
      arm()
      const now = interval()
      // A timer may fire a moment early against the wall clock: then its tick is still to come.
      if (now === last) return
      last = now
      subscriber.next(clock.wallMs())
    }
    arm()
    return () => clock.clearTimeout(timer)
  })
}

/** `YYYY-MM-DD HH:MM:SS.ffffff` in UTC, of milliseconds since 1970 (a fraction gives the microseconds). */
export function formatTime(wallMs: number): string {
  const whole = Math.floor(wallMs)
  const micros = Math.floor((wallMs - whole) * 1000)
  // oxlint-disable-next-line no-restricted-globals -- a calendar calculation on its argument, not a look at the time
  const iso = new Date(whole).toISOString()
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}${String(micros).padStart(3, '0')}`
}
