// Forms: which of the ways to write a handler a value is.
//
// A class that carries `toHandler` (Tornado's shape), an object with a `transition` (actor logic), or
// a function (a stream). Anything else is a mistake that is told when the route is made.

import { isObservable } from 'rxjs'
import type { AnyActorLogic } from 'xstate'
import { show, WebSocketError } from '../protocol/errors.ts'
import { actorHandler } from './actor-handler.ts'
import { type Connection, type HandlerFactory, toHandler } from './handler.ts'
import { type StreamFunction, streamHandler } from './stream-handler.ts'

/** A class that turns itself into a handler. */
export interface HandlerClass {
  [toHandler](): HandlerFactory
}

/** Actor logic that asks for no other input than there is. */
type ConnectionLogic = AnyActorLogic & {
  readonly getInitialSnapshot: (scope: never, input: { readonly connection: Connection }) => unknown
}

/** What may stand behind a route. */
export type HandlerForm = StreamFunction | HandlerClass | ConnectionLogic

/**
 * The factory that a form becomes.
 *
 * @throws WebSocketError `ERR_WINDSOCK_ROUTE` when `form` is none of the three.
 */
export function handlerFactory(form: HandlerForm): HandlerFactory {
  if (isHandlerClass(form)) return form[toHandler]()
  if (isActorLogic(form)) return actorHandler(form)
  if (typeof form === 'function' && !isClass(form)) return streamHandler(form)
  throw new WebSocketError(
    'ERR_WINDSOCK_ROUTE',
    `a handler cannot be ${whatElse(form)}: ` +
      'give a stream function, a class that extends WebSocketHandler, or XState actor logic',
  )
}

/** The likely mistakes by their names. */
function whatElse(form: unknown): string {
  if (isClass(form)) return 'a class that does not extend WebSocketHandler'
  if (isObservable(form))
    return 'a stream itself, without a function around it, as in () => stream$'
  if (typeof form !== 'object' || form === null) return show(form)
  return typeof (form.constructor as { [toHandler]?: unknown } | undefined)?.[toHandler] ===
    'function'
    ? 'an instance of a class, without the class itself, as in route(path, Echo)'
    : 'an object that is no actor logic'
}

function isHandlerClass(form: unknown): form is HandlerClass {
  return typeof form === 'function' && toHandler in form
}

function isActorLogic(form: unknown): form is AnyActorLogic {
  return (
    typeof form === 'object' &&
    form !== null &&
    'transition' in form &&
    typeof form.transition === 'function' &&
    'getInitialSnapshot' in form
  )
}

function isClass(form: unknown): boolean {
  return typeof form === 'function' && /^class\b/.test(Function.prototype.toString.call(form))
}
