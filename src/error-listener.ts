// Error listener: who is told of what user code threw, and what is done where nobody is.
//
// A server has one, `onError`; the default prints. One that fails itself is no reason for silence.

import type { Connection, ConnectionRequest } from './handlers/handler.ts'
import { errorTexts } from './protocol/error-texts.ts'
import { describe, WebSocketError } from './protocol/errors.ts'
import { tell, unfailing } from './protocol/user-code.ts'

/**
 * Told of every error of user code; the connection is missing when none can be blamed. Where a handler's class fails before
 * there is a connection, or where there will be none, `request` is what it was asked.
 */
export type ErrorListener = (
  error: WebSocketError,
  connection?: Connection,
  request?: ConnectionRequest,
) => void

/** The default listener: a line on standard error, and where user code threw, its stack. */
export const printError: ErrorListener = (error, connection, request) => {
  const where = connection?.request.path ?? (request && `${request.method} ${request.path}`)
  for (const text of errorTexts(error, where)) console.error(text)
}

const print = unfailing(printError)

/** Tells `onError`, and never throws. What a listener that fails was told is printed, or nobody would hear of either error. */
export function reportTo(onError: ErrorListener): ErrorListener {
  return (...told) => {
    const failed = (cause: unknown) => {
      print(...told)
      const message = `onError failed: ${describe(cause)}`
      print(new WebSocketError('ERR_WINDSOCK_UNHANDLED', message, { fault: 'bug', cause }))
    }
    tell(onError, failed, ...told)
  }
}
