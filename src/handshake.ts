// Handshake: the policy that an upgrade request has to pass, in order.
//
//   request → Origin → version, Host, key → `prepare` → subprotocol → 101
//
// Each step may refuse with an HTTP status; user code among them runs in a barrier, and a HandshakeError that
// it throws carries the status. The result is one event for the connection's machine.

import type { LiveConnection } from './connection.ts'
import type { Handler } from './handlers/handler.ts'
import { HandshakeError, WebSocketError } from './protocol/errors.ts'
import {
  headerValues,
  hostOf,
  originOf,
  type Refusal,
  refuseHandshake,
  refuseUpgrade,
  type UpgradeRequest,
} from './protocol/handshake.ts'
import { isOriginAllowed } from './protocol/origin.ts'
import { chooseSubprotocol, parseSubprotocols } from './protocol/subprotocol.ts'
import type { ResolvedSettings } from './route.ts'

const FOREIGN_ORIGIN: Refusal = {
  status: 403,
  reason: 'this origin may not connect; the server has to list it in checkOrigin',
}

const NO_ORIGIN: Refusal = {
  status: 403,
  reason: 'only pages may connect here: the request has no Origin header',
}

/** Decides, and tells the connection; never rejects. */
export async function shakeHands(
  connection: LiveConnection,
  handler: Handler,
  request: UpgradeRequest,
  settings: ResolvedSettings,
): Promise<void> {
  try {
    const refusal =
      refuseUpgrade(request) ??
      (await refuseOrigin(connection, handler, request, settings)) ??
      refuseHandshake(request)
    if (refusal !== undefined) {
      connection.dispatch({ type: 'handshake.refused', ...refusal })
      return
    }
    if (settings.prepare !== undefined) await settings.prepare(connection.request)
    if (handler.prepare !== undefined) await handler.prepare()
    connection.accept(await subprotocolOf(handler, request, settings))
  } catch (thrown) {
    if (thrown instanceof HandshakeError) {
      const { httpStatus: status, message: reason, headers, body } = thrown
      connection.dispatch({
        type: 'handshake.refused',
        status,
        reason,
        headers,
        ...(body !== undefined && { body }),
      })
    } else {
      connection.fail(thrown)
    }
  }
}

/** RFC 6455 §10.2; without an Origin header it is no browser, and there is nothing to check. */
async function refuseOrigin(
  connection: LiveConnection,
  handler: Handler,
  request: UpgradeRequest,
  { checkOrigin, requireOrigin }: ResolvedSettings,
): Promise<Refusal | undefined> {
  const origin = originOf(request)
  if (origin === undefined) return requireOrigin ? NO_ORIGIN : undefined
  let allowed: boolean
  if (handler.checkOrigin !== undefined) allowed = await handler.checkOrigin(origin)
  else if (typeof checkOrigin === 'function') {
    allowed = await checkOrigin(origin, connection.request)
  } else {
    allowed = isOriginAllowed(origin, hostOf(request), checkOrigin, connection.request.secure)
  }
  // Only a plain `true` allows: a truthy mistake must not open the door.
  return allowed === true ? undefined : FOREIGN_ORIGIN
}

async function subprotocolOf(
  handler: Handler,
  request: UpgradeRequest,
  { subprotocols }: ResolvedSettings,
): Promise<string | undefined> {
  const header = headerValues(request, 'sec-websocket-protocol').join(', ')
  const offered = parseSubprotocols(header === '' ? undefined : header) ?? []
  if (handler.selectSubprotocol === undefined) return chooseSubprotocol(offered, subprotocols)
  const selected = (await handler.selectSubprotocol(offered)) ?? undefined
  if (selected !== undefined && !offered.includes(selected)) {
    throw new WebSocketError(
      'ERR_WINDSOCK_SUBPROTOCOL',
      `selectSubprotocol chose ${JSON.stringify(selected)}, which the client did not offer (it offered ${JSON.stringify(offered)}): choose one of those, or nothing`,
      { fault: 'bug' },
    )
  }
  return selected
}
