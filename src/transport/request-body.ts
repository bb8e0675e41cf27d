// Request body: the bytes of a POST, up to a bound and up to a deadline.
//
// Too much is told before it is read where a header says so, else as soon as it is too much; what comes after is not
// kept. Knows nothing of what the bytes mean.

import type { IncomingMessage } from 'node:http'
import { HandshakeError, WebSocketError } from '../protocol/errors.ts'
import { Gathered } from '../protocol/gathered.ts'
import type { Clock } from '../protocol/ports.ts'

const READ =
  'the body of this request has been read already: hand requests on before anything reads their bodies'

export interface BodyBounds {
  readonly maxBytes: number
  readonly timeoutMs: number
}

/**
 * @throws HandshakeError 413 or 408, also when the client leaves before the end; WebSocketError `ERR_WINDSOCK_TOPIC` for a
 *   body that the program has read already.
 */
export function bodyOf(
  request: IncomingMessage,
  { maxBytes, timeoutMs }: BodyBounds,
  clock: Clock,
): Promise<Uint8Array> {
  if (request.readableEnded) return Promise.reject(new WebSocketError('ERR_WINDSOCK_TOPIC', READ))
  return new Promise((resolve, reject) => {
    const body = new Gathered()
    const settle = (act: () => void) => {
      clock.clearTimeout(timer)
      request.off('data', onData).off('end', onEnd).off('close', onClose)
      // Nothing more is taken in than has come, until the answer is there.
      if (!request.complete) request.pause()
      act()
    }
    const refuse = (status: number, why: string) =>
      settle(() => reject(new HandshakeError(status, why)))
    const onData = (chunk: Buffer) => {
      if (body.length + chunk.byteLength > maxBytes) tooLarge()
      else body.push(chunk)
    }
    const onEnd = () => settle(() => resolve(body.bytes))
    const onClose = () => refuse(400, 'the request ended before its body did')
    const tooLarge = () => refuse(413, `a body may have ${maxBytes} bytes`)
    const timer = clock.setTimeout(
      () => refuse(408, `the body did not come within ${timeoutMs} ms`),
      timeoutMs,
    )
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
      tooLarge()
      return
    }
    request.on('data', onData).on('end', onEnd).on('close', onClose)
  })
}
