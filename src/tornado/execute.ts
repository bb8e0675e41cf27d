// Execute: runs a handler's hooks for one request, so that it always ends with a response.
//
// What a hook throws becomes a status page: an HTTPError its own, a HandshakeError its status, `Finish` what has been
// written, anything else 500. Knows no sockets: the response is left in the handler's draft.
// Source: tornado.web.RequestHandler._execute.

import { HandshakeError } from '../protocol/errors.ts'
import { tell } from '../protocol/user-code.ts'
import { atOnce, Finish, HTTPError } from './errors.ts'
import { begin, draft, type ExchangeSetup, report, setup } from './exchange.ts'
import { RequestHandler } from './request-handler.ts'

/** A class of handlers, as a rule names it. */
export type RequestHandlerClass<Handler extends RequestHandler = RequestHandler> = new () => Handler

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'] as const

/** Makes a handler for one request, up to `initialize`. */
export function makeHandler<Handler extends RequestHandler>(
  Class: RequestHandlerClass<Handler>,
  made: ExchangeSetup,
  kwargs: object,
): Handler {
  const handler = new Class()
  handler[begin](made)
  atOnce('initialize', handler.initialize(kwargs as never))
  return handler
}

/** Runs `prepare` and the method; then the draft is finished. Never rejects. */
export async function execute(handler: RequestHandler, args: readonly unknown[]): Promise<void> {
  const response = handler[draft]
  try {
    const name = METHODS.find((method) => method === handler.request.method.toLowerCase())
    if (name === undefined) throw new HTTPError(405)
    // Tornado takes any answer for none; a plain no is one here, as it is before an upgrade.
    if (((await handler.prepare()) as unknown) === false) throw new HTTPError(403)
    if (!response.isFinished) await handler[name](...(args as never[]))
    if (!response.isFinished) handler.finish()
  } catch (thrown) {
    fail(handler, thrown)
    if (response.status === 405) allow(handler)
  }
}

/** What was thrown becomes the response. */
export function fail(handler: RequestHandler, thrown: unknown): void {
  if (thrown instanceof Finish) {
    if (!handler[draft].isFinished) handler.finish()
    return
  }
  log(handler, thrown)
  const status = thrown instanceof HTTPError || thrown instanceof HandshakeError
  handler.sendError(status ? thrown.httpStatus : 500, { error: thrown })
}

/** Tells `logException`; when that fails, the server hears of both. */
export function log(handler: RequestHandler, thrown: unknown): void {
  const failed = (again: unknown) => {
    report(handler, thrown)
    report(handler, again)
  }
  tell((told: unknown) => handler.logException(told), failed, thrown)
}

/** Tells a handler that its client has left. Never throws. */
export function left(handler: RequestHandler): void {
  tell(
    () => handler.onConnectionClose(),
    (thrown) => log(handler, thrown),
  )
}

/** Runs what comes after the response. Never throws. */
export function finished(handler: RequestHandler): void {
  const failed = (thrown: unknown) => log(handler, thrown)
  tell(() => handler.onFinish(), failed)
  tell(() => handler[setup].host.answered(handler), failed)
}

// RFC 9110 §15.5.6 wants it, Tornado leaves it out.
function allow(handler: RequestHandler): void {
  const base = RequestHandler.prototype
  const own = METHODS.filter((name) => handler[name] !== base[name])
  handler[draft].set('Allow', own.join(', ').toUpperCase())
}
