// Message bytes: the largest message, which Tornado calls a size.
//
// Source: tornado.websocket, `websocket_max_message_size`, `max_message_size`.

import { checkBound } from '../protocol/bound.ts'
import { LIMITS } from '../protocol/limits.ts'

/** The limit that `size` sets; none for `undefined`. @throws SettingError by the name that it was set by. */
export function messageBytes(
  name: string,
  size: number | undefined,
): { readonly maxMessageBytes?: number } {
  return size === undefined
    ? {}
    : { maxMessageBytes: checkBound(name, size, LIMITS.maxMessageBytes) }
}
