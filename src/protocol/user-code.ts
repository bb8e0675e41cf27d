// User code: what it hands us, looked at without trust.
//
// Hooks have a barrier of their own (handlers/barrier.ts); these are for what stands outside of it.

/** Whether something is thenable, for values that user code returns. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}

/** The same listener, which hurts nobody: what it throws, or rejects with, has nobody left to be told. */
export function unfailing<Told extends unknown[]>(
  listener: (...told: Told) => unknown,
): (...told: Told) => void {
  return (...told) => {
    try {
      const result = listener(...told)
      if (isPromiseLike(result)) result.then(undefined, () => {})
    } catch {}
  }
}
