// Backoff: how long a client waits before it connects again, when nobody has told it.
//
// Truncated exponential backoff with full jitter: the bound doubles with each attempt up to a cap, and the delay is
// anywhere below it. Clients that lost one server in one moment so come back spread, not in step (RFC 6455 §7.2.3).

export interface Backoff {
  /** The bound of the first delay, ms. */
  readonly firstMs: number
  /** No delay is longer, ms. */
  readonly capMs: number
}

/**
 * The delay before attempt number `attempt`, in ms: within [0, capMs].
 *
 * @param attempt - 0 for the first after a connection that held.
 * @param chance - uniformly from [0, 1).
 */
export function backoffMs({ firstMs, capMs }: Backoff, attempt: number, chance: number): number {
  // 2 ** attempt may become Infinity, and the cap is the smaller one still.
  return chance * Math.min(capMs, firstMs * 2 ** attempt)
}
