// Close frame: what a client may send when it closes, in a page as in Node.
//
// Pages may close with 1000 and with 3000 to 4999 only, so that is what holds everywhere here.

import { checkReason } from '../protocol/close-reason.ts'
import type { CloseFrame } from '../protocol/close-record.ts'
import { show, WebSocketError } from '../protocol/errors.ts'

/**
 * The frame to close with; no code: an empty one, which is 1005.
 *
 * @throws WebSocketError `ERR_WINDSOCK_CLOSE_CODE` or `ERR_WINDSOCK_CLOSE_REASON`.
 */
export function closeFrame(code: number | undefined, reason: string): CloseFrame {
  if (code === undefined) return { code: 1005, reason: '' }
  if (code === 1000 || (Number.isInteger(code) && code >= 3000 && code <= 4999)) {
    return { code, reason: checkReason(reason) }
  }
  throw new WebSocketError(
    'ERR_WINDSOCK_CLOSE_CODE',
    `a client cannot close with ${show(code)}: use 1000, or one of your own from 3000 to 4999`,
  )
}
