// Plain request: an HTTP request becomes a handler's, and the handler's response is written.
//
// The body is read before the handler runs, up to a bound and a deadline. A client that goes away before its request is
// complete gets no handler; of one that goes away later the handler is told, and its answer is then written to nobody.
// Knows sockets only as Node's request and response.
// Source: tornado.http1connection, tornado.web.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestReport } from '../handlers/handler.ts'
import { answerWithLine } from '../http/plain-answer.ts'
import { type Captures, HandshakeRequest, type IncomingUpgrade } from '../http/request.ts'
import { HandlerError, HandshakeError } from '../protocol/errors.ts'
import type { Clock } from '../protocol/ports.ts'
import { bodyOf } from '../protocol/request-body.ts'
import { draft } from './exchange.ts'
import { execute, finished, left, makeHandler, type RequestHandlerClass } from './execute.ts'
import type { HandlerHost } from './host.ts'
import { HttpRequest } from './http-request.ts'

/** What answers, and with what. */
export interface PlainTarget {
  readonly handlerClass: RequestHandlerClass
  readonly kwargs: object
  readonly captured: Captures
  readonly host: HandlerHost
  readonly clock: Clock
  readonly maxBodyBytes: number
  readonly report: RequestReport
  readonly upgrade: IncomingUpgrade
  /** For the body to come, and again for the handler. */
  readonly timeoutMs: number
}

/** Answers a request with a handler of its own. Rejects when that cannot be made, and when the body was read before. */
export async function answerPlain(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  target: PlainTarget,
): Promise<void> {
  // A peer that goes away is no error of ours, and the response is then written to nobody.
  outgoing.on('error', () => {})
  const { handlerClass, kwargs, captured, host, clock, report } = target
  let body: Uint8Array<ArrayBuffer>
  try {
    const { maxBodyBytes: maxBytes, timeoutMs } = target
    body = await bodyOf(incoming, { maxBytes, timeoutMs }, clock)
  } catch (thrown) {
    if (!(thrown instanceof HandshakeError)) throw thrown
    answerWithLine(outgoing, clock, thrown.httpStatus, thrown.message, { Connection: 'close' })
    return
  }
  const head = new HandshakeRequest(target.upgrade, captured)
  const request = new HttpRequest(head, Buffer.from(body.buffer, 0, body.byteLength))
  const handler = makeHandler(handlerClass, { request, host, clock, report }, kwargs)
  const leave = () => left(handler)
  outgoing.once('close', leave)
  const inTime = await within(target, outgoing, execute(handler, argumentsOf(request)))
  outgoing.off('close', leave)
  if (!inTime) {
    const message = `${handlerClass.name} did not answer within ${target.timeoutMs} ms`
    report(new HandlerError(undefined, message), undefined, request)
    answerWithLine(outgoing, clock, 503, 'the answer takes too long', { Connection: 'close' })
    return
  }
  const answer = handler[draft].answer()
  const headers = Object.entries(answer.headers).flatMap(([name, values]) =>
    [values].flat().map((value) => [name, value] as [string, string]),
  )
  if (answer.status !== 204 && answer.status !== 304) {
    headers.push(['Content-Length', String(answer.body.byteLength)])
  }
  outgoing.sendDate = false
  outgoing.writeHead(answer.status, answer.reason, headers.flat())
  outgoing.end(answer.body)
  finished(handler)
}

/** Whether `work` is done in time; what comes later goes nowhere. Once the client has left, nobody waits for it. */
function within(
  { clock, timeoutMs }: PlainTarget,
  outgoing: ServerResponse,
  work: Promise<unknown>,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => resolve(false), timeoutMs)
    const disarm = () => clock.clearTimeout(timer)
    outgoing.once('close', disarm)
    work.then(() => resolve(true), reject).finally(disarm)
  })
}

/** What a pattern captured, as a method's arguments: one object of the named, or one each of the unnamed. */
export function argumentsOf({ params, args }: Captures): readonly unknown[] {
  return Object.keys(params).length > 0 ? [params] : args
}
