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

/** Tells `listener`, which nobody waits for; what it throws, or rejects with, goes to `failed`, which must not throw. */
export function tell<Told extends unknown[]>(
  listener: ((...told: Told) => unknown) | undefined,
  failed: (thrown: unknown) => void,
  ...told: Told
): void {
  try {
    const result = listener?.(...told)
    if (isPromiseLike(result)) result.then(undefined, failed)
  } catch (thrown) {
    failed(thrown)
  }
}

/** The same listener, which hurts nobody: what it throws, or rejects with, has nobody left to be told. */
export function unfailing<Told extends unknown[]>(
  listener: (...told: Told) => unknown,
): (...told: Told) => void {
  return (...told) => tell(listener, () => {}, ...told)
}
