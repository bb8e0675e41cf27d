// Dial refusal: an answer that is no upgrade (RFC 6455 §4.1), as the error that it becomes.
//
// A server's reason, such as "log in first", is the line of text that its answer carries: it is read as far as it is
// told in an error. The deadline is that of the dial, and what has come by then is told.

import type { IncomingMessage } from 'node:http'
import { HandshakeError, WebSocketError } from '../protocol/errors.ts'
import type { ResponseHeaders } from '../protocol/http-answer.ts'
import { printable } from '../protocol/printable.ts'

/** Of a text that a server refuses with, bytes. */
const MAX_TEXT_BYTES = 1024

/** One character more shows that there was more; the rest is not read. */
const MAX_READ_BYTES = MAX_TEXT_BYTES + 4

/** One answer, and its text as far as it has come. */
export class DialRefusal {
  readonly #response: IncomingMessage
  readonly #decoder = new TextDecoder()
  #text = ''
  #bytes = 0

  constructor(response: IncomingMessage) {
    this.#response = response
  }

  /** Reads the text of an error, if it has one; calls `done` once or more often when that is all, or enough. */
  read(done: () => void): void {
    const response = this.#response
    const { statusCode: status = 0, headers } = response
    const isText = /^text\/plain(?=\s|;|$)/i.test(headers['content-type'] ?? '')
    if (status < 400 || !isText || headers['content-encoding'] !== undefined) return done()
    response.on('data', (chunk: Buffer) => {
      const wanted = chunk.subarray(0, MAX_READ_BYTES - this.#bytes)
      this.#text += this.#decoder.decode(wanted, { stream: true })
      this.#bytes += wanted.byteLength
      if (this.#bytes === MAX_READ_BYTES) done()
    })
    response.on('end', done)
    response.on('close', done)
  }

  /** What to fail with. Tornado: a status of success that is no upgrade is a WebSocketError, any other an error of HTTP. */
  get error(): WebSocketError {
    const { statusCode: status = 0, statusMessage = '', headers } = this.#response
    const said = printable(`${status} ${statusMessage}`.trim())
    if (status >= 200 && status < 300) {
      const message = `the server answered ${said}, not 101: there is no WebSocket at this address`
      return new WebSocketError('ERR_WINDSOCK_HANDSHAKE', message, {
        fault: 'peer',
        httpStatus: status,
      })
    }
    const hint = status >= 300 && status < 400 ? ' (redirects are not followed)' : ''
    const body = printable(this.#text.trim(), MAX_TEXT_BYTES)
    const why = body === '' ? '' : `: ${body}`
    return new HandshakeError(status, `the server refused with ${said}${hint}${why}`, {
      headers: headersOf(headers),
      ...(body !== '' && { body }),
    })
  }
}

/** What the server said beside its refusal, such as `retry-after`; names in lower case. */
function headersOf(headers: IncomingMessage['headers']): ResponseHeaders {
  const said: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) said[name] = value
  return said
}
