// Error texts: what is printed of an error that nobody else looks at.
//
// A line with its code and its message, made fit for a terminal, and the steps that lead to the mistake where user code
// made one. Prints nothing itself.

import { HandlerError, type WebSocketError } from './errors.ts'
import { printable } from './printable.ts'

const MAX_STACK_LINES = 30

/** One text, or two with a stack; `where`: on which path it happened. */
export function errorTexts(error: WebSocketError, where?: string): readonly string[] {
  const on = where === undefined ? '' : ` on ${printable(where)}`
  const line = `windsock: ${error.code}${on}: ${printable(error.message)}`
  const stack = stackOf(error)
  if (stack.length === 0) return [line]
  // The first lines of a stack are the message, which may be a peer's.
  const steps = stack.slice(0, MAX_STACK_LINES).map((step) => printable(step))
  return [line, steps.join('\n')]
}

// What user code did wrong, such as `close(5000)`, is thrown from within it, so the error's own steps lead there; its
// message is told already. A handler's error without a cause was made here, of something that hung.
function stackOf(error: WebSocketError): readonly string[] {
  const { cause, fault, stack = '' } = error
  if (cause instanceof Error) return cause.stack?.split('\n') ?? []
  const isOfUserCode = fault === 'local' || fault === 'bug'
  if (cause !== undefined || !isOfUserCode || error instanceof HandlerError) return []
  return stack.split('\n').filter((line) => line.startsWith('    at '))
}
