// Deferred: promises whose end is decided elsewhere.
//
// Node 20 has no `Promise.withResolvers`; when it is gone, so is `deferred`.

export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
}

export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** Rejected for those who look, handled for those who do not: it never ends the process. */
export function handledRejection(error: Error): Promise<never> {
  const rejection = Promise.reject<never>(error)
  rejection.catch(() => {})
  return rejection
}
