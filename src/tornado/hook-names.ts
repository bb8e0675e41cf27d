// Hook names: a class that was ported has all its hooks in camelCase.
//
// One that kept Tornado's spelling would never be called, and nothing would say so: an `on_close` that lets go of nothing, a
// `check_origin` that lets nobody in. So it is a mistake in the class, told when a route is made of it.

import { WebSocketError } from '../protocol/errors.ts'

interface HandlerClass {
  readonly name: string
  readonly prototype: object
}

/** @throws WebSocketError `ERR_WINDSOCK_ROUTE` for a method of `Class` in Tornado's spelling of one that `Base` has. */
export function checkHookNames(Class: HandlerClass, Base: HandlerClass): void {
  for (const theirs of methodsOf(Class, Base)) {
    const ours = theirs.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    if (ours === theirs || !(ours in Base.prototype)) continue
    throw new WebSocketError(
      'ERR_WINDSOCK_ROUTE',
      `${Class.name || 'a class without a name'} has ${theirs}, which is never called: here it is ${ours}`,
    )
  }
}

function* methodsOf(Class: HandlerClass, Base: HandlerClass): Generator<string> {
  let prototype = Class.prototype
  while (prototype !== Base.prototype) {
    yield* Object.getOwnPropertyNames(prototype)
    prototype = Object.getPrototypeOf(prototype)
  }
}
