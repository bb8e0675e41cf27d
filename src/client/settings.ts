// Settings of a client: what may be set, within which bounds, and what holds otherwise.
//
// Every wait and every queue of the client is bounded by one of these. A wrong one is told when the client is made.

import type { ClientTransport } from '../machines/client-effects.ts'
import { SettingError, show } from '../protocol/errors.ts'
import { LONGEST_DELAY_MS } from '../protocol/ports.ts'

/** Name, default, and range of each number. */
export const CLIENT_BOUNDS = {
  /** The bound of the first delay before a client connects again, ms; it doubles with each attempt. Default 500. */
  firstRetryMs: { default: 500, min: 1, max: LONGEST_DELAY_MS },
  /** The longest such delay, ms. Default 30,000. */
  maxRetryMs: { default: 30_000, min: 1, max: LONGEST_DELAY_MS },
  /** From the dial, or a piece of an answer, until messages flow, ms; then the attempt has failed. Default 10,000. */
  connectTimeoutMs: { default: 10_000, min: 1, max: LONGEST_DELAY_MS },
  /**
   * A client that was open this long starts again with the first delay; a connection that was not counts as a failure of
   * its transport, ms. Default 5,000.
   */
  steadyMs: { default: 5_000, min: 0, max: LONGEST_DELAY_MS },
  /** A client on another transport than its first tries that again after this long, ms. Default 60,000. */
  upgradeMs: { default: 60_000, min: 1, max: LONGEST_DELAY_MS },
  /**
   * The server says something at least this often, ms. Topics over WebSocket: the server tells how often, and this is for
   * its answers. Over HTTP: default 25,000. A plain connection: default 0, not known and not watched.
   */
  heartbeatMs: { default: 25_000, min: 0, max: LONGEST_DELAY_MS },
  /** A server that is silent, or does not answer, for this much longer than that is gone, ms. Default 10,000. */
  heartbeatTimeoutMs: { default: 10_000, min: 2, max: LONGEST_DELAY_MS },
  /** How long the closing handshake may take, ms. Default 5,000. */
  closeTimeoutMs: { default: 5_000, min: 1, max: LONGEST_DELAY_MS },
  /** Between two polls, ms. Default 2,000. */
  pollMs: { default: 2_000, min: 10, max: LONGEST_DELAY_MS },
  /** The most publishes that wait to be stored; the next is rejected. Default 1,000. */
  maxQueued: { default: 1_000, min: 1, max: 1_000_000 },
  /** The most characters of theirs, as JSON. Default 1,048,576. */
  maxQueuedChars: { default: 1_048_576, min: 1, max: 2 ** 30 },
} as const

type BoundName = keyof typeof CLIENT_BOUNDS

/** In the order of preference, when nothing else is said. */
export const TRANSPORTS: readonly ClientTransport[] = ['websocket', 'sse', 'long-poll', 'poll']

export type ClientNumbers = { readonly [Name in BoundName]: number }

/** The address to dial; a function is asked before each dial, for one with a fresh token. */
export type ClientUrl = string | URL | (() => string | URL | Promise<string | URL>)

/** @throws SettingError for options that are no object, for a name that is unknown, and for a number out of range. */
export function resolveNumbers(
  options: { readonly [Name in BoundName]?: number | undefined },
  otherNames: readonly string[],
  defaults: Partial<ClientNumbers> = {},
): ClientNumbers {
  if (typeof options !== 'object' || Array.isArray(options ?? [])) {
    const given = show(options) || 'an array'
    throw new SettingError(`the options are ${given}: they must be an object`)
  }
  const known = [...otherNames, ...Object.keys(CLIENT_BOUNDS)]
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    throw new SettingError(`there is no client option ${show(name)}; known are ${known.join(', ')}`)
  }
  const entries = Object.entries(CLIENT_BOUNDS).map(([key, { default: usual, min, max }]) => {
    const name = key as BoundName
    const value = options[name] ?? defaults[name] ?? usual
    if (Number.isInteger(value) && value >= min && value <= max) return [name, value]
    const range = `it must be a whole number from ${min} to ${max}`
    throw new SettingError(`${name} is ${show(value)}: ${range} (default ${usual})`)
  })
  return Object.fromEntries(entries)
}

/** @throws SettingError for none, one twice, or one that is unknown. */
export function checkTransports(chosen: readonly ClientTransport[]): readonly ClientTransport[] {
  const known = Array.isArray(chosen) && chosen.every((one) => TRANSPORTS.includes(one))
  if (known && chosen.length > 0 && new Set(chosen).size === chosen.length) return [...chosen]
  throw new SettingError(
    `transports are ${show(chosen) || 'none'}: they must be an array of one or more of ${TRANSPORTS.join(', ')}, each once`,
  )
}
