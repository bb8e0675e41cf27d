// Plain request: an HTTP request becomes a handler's, and the handler's response is written.
//
// The body is read before the handler runs, up to a bound. A client that goes away before its request is complete gets no
// handler; of one that goes away later the handler is told, and its answer is then written to nobody. Knows sockets only as
// Node's request and response.
// Source: tornado.http1connection, tornado.web.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerWithLine } from '../http/page.ts'
import { type Captures, HandshakeRequest, type IncomingUpgrade } from '../http/request.ts'
import { HandlerError, type WebSocketError } from '../protocol/errors.ts'
import { Gathered } from '../protocol/gathered.ts'
import type { Clock } from '../protocol/ports.ts'
import { HTTPError } from './errors.ts'
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
  readonly report: (error: WebSocketError) => void
  readonly upgrade: IncomingUpgrade
  /** 0: for ever. */
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
  const body = await bodyOf(incoming, target.maxBodyBytes)
  if (body === 'aborted') return
  if (body === 'too large') {
    const line = `the body is larger than ${target.maxBodyBytes} bytes`
    answerWithLine(outgoing, clock, 413, line, { Connection: 'close' })
    return
  }
  const request = new HttpRequest(new HandshakeRequest(target.upgrade, captured), body)
  const handler = makeHandler(handlerClass, { request, host, clock, report }, kwargs)
  const leave = () => left(handler)
  outgoing.once('close', leave)
  const inTime = await within(target, outgoing, execute(handler, argumentsOf(request)))
  outgoing.off('close', leave)
  if (!inTime) {
    const message = `${handlerClass.name} did not answer within ${target.timeoutMs} ms`
    report(new HandlerError(undefined, message))
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
    const timer = timeoutMs === 0 ? undefined : clock.setTimeout(() => resolve(false), timeoutMs)
    const disarm = () => clock.clearTimeout(timer)
    outgoing.once('close', disarm)
    work.then(() => resolve(true), reject).finally(disarm)
  })
}

/** What a pattern captured, as a method's arguments: one object of the named, or one each of the unnamed. */
export function argumentsOf({ params, args }: Captures): readonly unknown[] {
  return Object.keys(params).length > 0 ? [params] : args
}

function bodyOf(
  incoming: IncomingMessage,
  maxBytes: number,
): Promise<Buffer | 'too large' | 'aborted'> {
  if (incoming.readableEnded) {
    const message = 'the body has been read already: hand requests on before anything reads them'
    return Promise.reject(new HTTPError(500, message))
  }
  return new Promise((resolve) => {
    if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) {
      resolve('too large')
      return
    }
    const body = new Gathered()
    const onData = (chunk: Buffer) => {
      if (body.length + chunk.byteLength <= maxBytes) {
        body.push(chunk)
        return
      }
      incoming.off('data', onData).pause()
      resolve('too large')
    }
    incoming.on('data', onData)
    incoming.once('end', () => resolve(Buffer.from(body.bytes.buffer, 0, body.length)))
    incoming.once('error', () => resolve('aborted'))
    incoming.once('close', () => resolve('aborted'))
  })
}
