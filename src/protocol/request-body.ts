// Request body: the bytes of a POST, up to a bound and up to a deadline.
//
// Too much is told before it is read where a header says so, else as soon as it is too much; what comes after is not
// kept. Knows nothing of what the bytes mean.

import { HandshakeError, WebSocketError } from './errors.ts'
import { Gathered } from './gathered.ts'
import type { Clock } from './ports.ts'

const READ =
  'the body of this request has been read already: hand requests on before anything reads their bodies'

export interface BodyBounds {
  readonly maxBytes: number
  readonly timeoutMs: number
}

/** A request whose body is still to come. */
export interface Incoming {
  readonly headers: { readonly 'content-length'?: string | undefined }
  readonly readableEnded: boolean
  /** Whether all of it has come. */
  readonly complete: boolean
  on(event: string, listener: (chunk: Uint8Array) => void): unknown
  off(event: string, listener: (chunk: Uint8Array) => void): unknown
  pause(): unknown
}

/**
 * @throws HandshakeError 413 or 408, also when the client leaves before the end; WebSocketError `ERR_WINDSOCK_HTTP` for a
 *   body that the program has read already.
 */
export function bodyOf(
  request: Incoming,
  { maxBytes, timeoutMs }: BodyBounds,
  clock: Clock,
): Promise<Uint8Array<ArrayBuffer>> {
  if (request.readableEnded) return Promise.reject(new WebSocketError('ERR_WINDSOCK_HTTP', READ))
  return new Promise((resolve, reject) => {
    const body = new Gathered()
    const settle = (act: () => void) => {
      clock.clearTimeout(timer)
      request.off('data', onData)
      request.off('end', onEnd)
      request.off('close', onClose)
      // Nothing more is taken in than has come, until the answer is there.
      if (!request.complete) request.pause()
      act()
    }
    const refuse = (status: number, why: string) =>
      settle(() => reject(new HandshakeError(status, why)))
    const onData = (chunk: Uint8Array) => {
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
    request.on('data', onData)
    request.on('end', onEnd)
    request.on('close', onClose)
  })
}
