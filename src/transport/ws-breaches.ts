// ws breaches: the errors of a receiver of `ws`, in the words of RFC 6455.
//
// `ws` answers a breach itself; what it has answered only the code of its error says.

import type { CloseCause } from '../protocol/close-record.ts'

/** Which close code `ws` has sent for an error of its receiver, and what that means (RFC 6455 §7.4.1). */
export function breachOf(
  code: string | undefined,
): { code: number; cause: CloseCause } | undefined {
  switch (code) {
    case 'WS_ERR_EXPECTED_FIN':
    case 'WS_ERR_EXPECTED_MASK':
    case 'WS_ERR_INVALID_CLOSE_CODE':
    case 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH':
    case 'WS_ERR_INVALID_OPCODE':
    case 'WS_ERR_UNEXPECTED_MASK':
    case 'WS_ERR_UNEXPECTED_RSV_1':
    case 'WS_ERR_UNEXPECTED_RSV_2_3':
      return { code: 1002, cause: 'protocolError' }
    case 'WS_ERR_INVALID_UTF8':
      return { code: 1007, cause: 'invalidPayload' }
    case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
      return { code: 1009, cause: 'messageTooBig' }
    case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
      return { code: 1008, cause: 'limitExceeded' }
    default:
      return code?.startsWith('Z_') ? { code: 1007, cause: 'invalidPayload' } : undefined
  }
}
