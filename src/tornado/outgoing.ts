// Outgoing: what `writeMessage` takes, in Tornado's rules, becomes what a connection sends.
//
// Text is text, an object is JSON text in which `</` is written `<\/` (Tornado's `json_encode`, so that it may stand
// in a page), and bytes go only where the caller says binary. Handlers and clients share these rules.
// Refuses to know connections. Source: tornado.websocket, `write_message`; tornado.escape.

import { typeName, WebSocketError } from '../protocol/errors.ts'
import { jsonOf, type Sendable } from '../protocol/message.ts'

/**
 * What goes out for `writeMessage(message, binary)`.
 *
 * @throws WebSocketError `ERR_WINDSOCK_MESSAGE_TYPE` for anything but a string, bytes or an object that JSON can express,
 *   and for bytes without `binary`.
 */
export function outgoing(message: Sendable, binary: boolean): Sendable {
  if (typeof message === 'string') return binary ? new TextEncoder().encode(message) : message
  if (message instanceof ArrayBuffer || ArrayBuffer.isView(message)) {
    if (binary) return message
    throw new WebSocketError(
      'ERR_WINDSOCK_MESSAGE_TYPE',
      'bytes are no text: call writeMessage(bytes, true) to send a binary message',
    )
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    throw new WebSocketError(
      'ERR_WINDSOCK_MESSAGE_TYPE',
      `writeMessage takes a string, bytes or an object, not ${Array.isArray(message) ? 'an array: wrap it in an object' : typeName(message)}`,
    )
  }
  return jsonEncode(message)
}

/** The JSON text of an object, fit to stand in a page. @throws WebSocketError `ERR_WINDSOCK_MESSAGE_TYPE` when there is none. */
export function jsonEncode(value: object): string {
  return jsonOf(value).replaceAll('</', '<\\/')
}
