// User code: what it hands us, looked at without trust.
//
// Hooks have a barrier of their own (handlers/barrier.ts); these are for what stands outside of it.

import { HandlerError, show } from './errors.ts'

/** Whether something is thenable, for values that user code returns. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}

/**
 * Whether a hook that may refuse lets in: by returning nothing or `true`; `false` refuses.
 *
 * @throws HandlerError for anything else: `null` for a user who was not found must not open the door.
 */
export function letsIn(hook: string, answer: unknown): boolean {
  if (answer === undefined || typeof answer === 'boolean') return answer !== false
  const detail = `${hook} returned ${show(answer)}: return nothing or true to let in, false to refuse`
  throw new HandlerError(undefined, detail)
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
