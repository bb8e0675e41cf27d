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

/** One promise for all that was done at once. */
export const DONE: Promise<void> = Promise.resolve()

/** The same promise; a rejection that nobody looks at does not end the process. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
