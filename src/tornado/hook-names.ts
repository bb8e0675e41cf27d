// Hook names: a class that was ported has all its hooks in camelCase, and one for WebSockets no `get`.
//
// One that kept Tornado's spelling would never be called, and nothing would say so: an `on_close` that lets go of nothing, a
// `check_origin` that lets nobody in. Nor would `get` of a WebSocketHandler, which makes the upgrade in Tornado, so that
// programs ask there for a user: everyone would get in. Nor would `onOpen` or `onmessage`, as browsers have them. All are
// mistakes in the class, told when a route is made of it.

import { WebSocketError } from '../protocol/errors.ts'
import { RequestHandler } from './request-handler.ts'

interface HandlerClass {
  readonly name: string
  readonly prototype: object
}

/**
 * @param Base - of windsock, that `Class` extends.
 * @throws WebSocketError `ERR_WINDSOCK_ROUTE` for a method of `Class` in another spelling of one that `Base` has, Tornado's or
 *   a browser's, and for `get` where `Base` is for WebSockets.
 */
export function checkHookNames(Class: HandlerClass, Base: HandlerClass): void {
  for (const theirs of methodsOf(Class, Base)) {
    const instead = insteadOf(theirs, Base)
    if (instead === undefined) continue
    throw new WebSocketError(
      'ERR_WINDSOCK_ROUTE',
      `${Class.name || 'a class without a name'} has ${theirs}, which is never called: ${instead}`,
    )
  }
}

function insteadOf(theirs: string, Base: HandlerClass): string | undefined {
  if (theirs === 'get' && Base !== RequestHandler) {
    return 'it is prepare() that decides who may connect'
  }
  if (theirs in Base.prototype) return undefined
  const spoken = plain(theirs) === 'onopen' ? 'open' : plain(theirs)
  const ours = [...methodsOf(Base, Object)].find((name) => plain(name) === spoken)
  return ours && `here it is ${ours}`
}

function plain(name: string): string {
  // With an underscore at either end it is a helper of their own.
  return name.toLowerCase().replaceAll(/(?<!^)_(?!$)/g, '')
}

function* methodsOf(Class: HandlerClass, Base: HandlerClass): Generator<string> {
  let prototype = Class.prototype
  while (prototype !== Base.prototype) {
    yield* Object.getOwnPropertyNames(prototype)
    prototype = Object.getPrototypeOf(prototype)
  }
}
