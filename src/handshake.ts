// Handshake: the policy that an upgrade request has to pass, in order.
//
//   request → Origin → version, Host, key → `prepare` → subprotocol → 101
//
// Each step may refuse with an HTTP status; user code among them runs in a barrier, and a HandshakeError that
// it throws carries the status. The result is one event for the connection's machine.

import type { LiveConnection } from './connection.ts'
import type { Handler } from './handlers/handler.ts'
import { FinishedResponse, HandshakeError, WebSocketError } from './protocol/errors.ts'
import {
  bugOfRefusal,
  headerValues,
  hostOf,
  originOf,
  type Refusal,
  refuseHandshake,
  refuseUpgrade,
  type UpgradeRequest,
} from './protocol/handshake.ts'
import { askOriginRule } from './protocol/origin.ts'
import { chooseSubprotocol, parseSubprotocols } from './protocol/subprotocol.ts'
import { isPromiseLike, letsIn } from './protocol/user-code.ts'
import type { ResolvedSettings } from './route-settings.ts'

const NONE: readonly string[] = []

const FOREIGN_ORIGIN: Refusal = {
  status: 403,
  reason: 'this origin may not connect; the server has to list it in checkOrigin',
}

const NO_ORIGIN: Refusal = {
  status: 403,
  reason: 'only pages may connect here: the request has no Origin header',
}

/**
 * Decides, and tells the connection; never throws.
 *
 * Only what a policy gives a promise for is waited for: where nothing is, the answer leaves in the turn of the request.
 */
export function shakeHands(
  connection: LiveConnection,
  handler: Handler,
  request: UpgradeRequest,
  settings: ResolvedSettings,
): void {
  const refused = (thrown: unknown) => {
    if (!(thrown instanceof HandshakeError)) return connection.fail(thrown)
    const bug = thrown instanceof FinishedResponse ? undefined : bugOfRefusal(thrown)
    if (bug !== undefined) return connection.fail(bug)
    const { httpStatus: status, message: reason, headers, body } = thrown
    connection.dispatch({
      type: 'handshake.refused',
      status,
      reason,
      headers,
      ...(body !== undefined && { body }),
    })
  }
  run(connection, decide(connection, handler, request, settings), refused)
}

/** The steps in order; each `yield` is a place where user code may take its time. */
function* decide(
  connection: LiveConnection,
  handler: Handler,
  request: UpgradeRequest,
  settings: ResolvedSettings,
): Steps<void> {
  const refusal =
    refuseUpgrade(request) ??
    refuseOrigin(request, settings, yield isAllowed(connection, handler, request, settings)) ??
    refuseHandshake(request)
  if (refusal !== undefined) {
    connection.dispatch({ type: 'handshake.refused', ...refusal })
    return
  }
  if (settings.prepare !== undefined) {
    if (!letsIn('prepare', yield settings.prepare(connection.request))) throw notHere()
  }
  // A class's may end in whatever it likes, as in Tornado; a plain no is taken for one.
  if (handler.prepare !== undefined && (yield handler.prepare()) === false) throw notHere()
  const offered = offeredBy(request)
  if (handler.selectSubprotocol === undefined) {
    connection.accept(chooseSubprotocol(offered, settings.subprotocols))
  } else {
    connection.accept(checkSelected(yield handler.selectSubprotocol(offered), offered))
  }
}

function notHere(): HandshakeError {
  return new HandshakeError(403, 'you may not connect here')
}

/** Whether this page may connect (RFC 6455 §10.2); without an Origin header it is no browser, and there is nothing to check. */
function isAllowed(
  connection: LiveConnection,
  handler: Handler,
  request: UpgradeRequest,
  { checkOrigin }: ResolvedSettings,
): unknown {
  const origin = originOf(request)
  if (origin === undefined) return true
  if (handler.checkOrigin !== undefined) return handler.checkOrigin(origin)
  return askOriginRule(checkOrigin, origin, hostOf(request), connection.request)
}

function refuseOrigin(
  request: UpgradeRequest,
  { requireOrigin }: ResolvedSettings,
  allowed: unknown,
): Refusal | undefined {
  if (requireOrigin && originOf(request) === undefined) return NO_ORIGIN
  // Only a plain `true` allows: a truthy mistake must not open the door.
  return allowed === true ? undefined : FOREIGN_ORIGIN
}

function offeredBy(request: UpgradeRequest): readonly string[] {
  const headers = headerValues(request, 'sec-websocket-protocol')
  return headers.length === 0 ? NONE : (parseSubprotocols(headers.join(', ')) ?? NONE)
}

function checkSelected(selected: unknown, offered: readonly string[]): string | undefined {
  if (selected === undefined || selected === null) return undefined
  if (offered.includes(selected as string)) return selected as string
  throw new WebSocketError(
    'ERR_WINDSOCK_SUBPROTOCOL',
    `selectSubprotocol chose ${JSON.stringify(selected)}, which the client did not offer (it offered ${JSON.stringify(offered)}): choose one of those, or nothing`,
    { fault: 'bug' },
  )
}

/** Yields what user code returned, promise or not, and is given what that comes to. */
type Steps<Result> = Generator<unknown, Result, unknown>

// An async function would wait a turn of the promise queue at each step, also for what is no promise.
function run(
  connection: LiveConnection,
  steps: Steps<void>,
  failed: (thrown: unknown) => void,
  value?: unknown,
): void {
  try {
    // Its peer may leave meanwhile, or user code close it: then nobody is asked any more.
    while (connection.state === 'connecting') {
      const { done, value: step } = steps.next(value)
      if (done) return
      if (isPromiseLike(step)) {
        Promise.resolve(step).then((settled) => run(connection, steps, failed, settled), failed)
        return
      }
      value = step
    }
  } catch (thrown) {
    failed(thrown)
  }
}
