// Keepalive: Tornado's ping settings, which are seconds, as the machine's deadlines in milliseconds.
//
// Rules that live here: no interval means no pings; no timeout means the interval; a timeout of 0 means to wait for
// ever; and a timeout above the interval is cut down to it, with one warning a process (Tornado 6.5).
// Refuses to know who pings whom: handlers and clients have the same rules.
// Source: tornado.websocket, `websocket_ping_interval`, `websocket_ping_timeout`.

import { emitWarning } from 'node:process'
import { SettingError, show } from '../protocol/errors.ts'
import { LONGEST_DELAY_MS } from '../protocol/ports.ts'

/** Milliseconds; 0 is "never", for either. */
export interface Keepalive {
  readonly pingIntervalMs: number
  readonly pingTimeoutMs: number
}

let warned = false

/**
 * The deadlines that Tornado's settings mean.
 *
 * @param pingInterval - seconds; `undefined`, `null` and 0 turn pings off.
 * @param pingTimeout - seconds; default the interval, 0 waits for ever.
 * @param names - what the two are called where they were set.
 * @throws SettingError for anything that is no number of seconds.
 */
export function keepalive(
  pingInterval: number | null | undefined,
  pingTimeout: number | null | undefined,
  names: readonly [interval: string, timeout: string] = ['pingInterval', 'pingTimeout'],
): Keepalive {
  const [interval, timeout] = names
  const pingIntervalMs = milliseconds(interval, pingInterval ?? 0)
  if (pingTimeout === undefined || pingTimeout === null) {
    return { pingIntervalMs, pingTimeoutMs: pingIntervalMs }
  }
  const pingTimeoutMs = milliseconds(timeout, pingTimeout)
  if (pingIntervalMs === 0 || pingTimeoutMs <= pingIntervalMs) {
    return { pingIntervalMs, pingTimeoutMs }
  }
  if (!warned) {
    warned = true
    emitWarning(
      `${timeout} is ${pingTimeout} s, longer than the ${interval} of ${String(pingInterval)} s: the interval is used`,
      { code: 'WINDSOCK_PING_TIMEOUT' },
    )
  }
  return { pingIntervalMs, pingTimeoutMs: pingIntervalMs }
}

/**
 * A setting in seconds as whole milliseconds; what is above 0 stays above it.
 *
 * @throws SettingError for a negative value, and for anything that is no number.
 */
export function milliseconds(name: string, seconds: number): number {
  if (typeof seconds !== 'number' || !(seconds >= 0) || seconds > MOST_SECONDS) {
    throw new SettingError(
      `${name} is ${show(seconds)}: it must be a number of seconds from 0 to ${MOST_SECONDS}`,
    )
  }
  return seconds === 0 ? 0 : Math.max(1, Math.round(seconds * 1000))
}

/** The longest delay, in whole seconds: 24 days. */
const MOST_SECONDS = Math.floor(LONGEST_DELAY_MS / 1000)
