// Plain answer: how a plain request is answered, also one whose body has not come whole yet.
//
// A response that ends while its client still sends may have the socket closed under it, and the client never reads it. So
// each ends behind what is sent, within the bounds of `linger`.

import type { ServerResponse } from 'node:http'
import { lastAnswered, linger } from '../protocol/linger.ts'
import type { Clock } from '../protocol/ports.ts'

/** Answers with a status and one line of text. */
export function answerWithLine(
  response: ServerResponse,
  clock: Clock,
  status: number,
  line: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const { req: request } = response
  const body = Buffer.from(`${line}\n`)
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(body.byteLength),
    ...headers,
  })
  if (headers['Connection'] === 'close') lastAnswered.add(request.socket)
  response.write(body)
  endBehind(response, clock)
}

/** Ends a response that is written, behind what the client still sends: its end may close the socket. */
export function endBehind(response: ServerResponse, clock: Clock): void {
  response.flushHeaders()
  void linger(response.req, clock).then((isWhole) => {
    if (isWhole) response.end()
    else response.destroy()
  })
}
