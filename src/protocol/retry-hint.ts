// Retry hint: what a server says about when its clients may come back, and what they make of it.
//
// A Close frame's reason may carry `retry=30s` (or `retry=1500ms`): a window, over which the clients spread themselves
// evenly. HTTP's `Retry-After` names the earliest moment instead (RFC 9110 §10.2.3), and the same time again is the
// window after it. Reading is total; a hint above an hour counts as an hour, because whoever obeys it for longer looks
// broken.

export interface RetryHint {
  /** Not sooner than this, ms. */
  readonly afterMs: number
  /** And then anywhere within this, ms. */
  readonly windowMs: number
}

export const MAX_RETRY_MS = 3_600_000

const REASON = /(?:^|[\s,;])retry=(\d{1,9})(ms|s)(?=$|[\s,;.])/

/** The hint in a close reason, such as `restarting; retry=30s`; `undefined` when there is none. */
export function hintInReason(reason: string): RetryHint | undefined {
  const [, number, unit] = REASON.exec(reason) ?? []
  if (number === undefined) return undefined
  return { afterMs: 0, windowMs: boundedRetryMs(Number(number) * (unit === 's' ? 1_000 : 1)) }
}

/** The hint in a `Retry-After` header: seconds, or a date; `undefined` when it is neither. */
export function hintInHeader(value: string | null, wallMs: number): RetryHint | undefined {
  if (value === null) return undefined
  const text = value.trim()
  // oxlint-disable-next-line no-restricted-globals -- it reads a date; no time enters.
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - wallMs
  if (Number.isNaN(ms)) return undefined
  return { afterMs: boundedRetryMs(ms), windowMs: boundedRetryMs(ms) }
}

/** The delay that obeys a hint, in ms; `chance` uniformly from [0, 1). */
export function hintedMs({ afterMs, windowMs }: RetryHint, chance: number): number {
  return afterMs + chance * windowMs
}

/** What a server asks to wait, in ms, within 0 … `MAX_RETRY_MS`. */
export function boundedRetryMs(ms: number): number {
  return Math.min(Math.max(ms, 0), MAX_RETRY_MS)
}
