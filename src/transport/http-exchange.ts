// HTTP exchange: one request and its response on a socket, from the arrival to the last byte taken.
//
// It writes an answer, or pulls an event stream at the pace at which the client takes it: while a write has not been
// taken, nothing more is asked for. It ends its lifeline when the client has the answer, or is gone. A client that
// takes nothing for too long is cut off; so is one that goes on sending a body that was answered before its end.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { WebSocketError } from '../protocol/errors.ts'
import { lastAnswered, linger } from '../protocol/linger.ts'
import type { Clock, TimerHandle } from '../protocol/ports.ts'
import { Lifeline } from '../streams/lifeline.ts'
import { type Answer, type Events, line } from './topic-answer.ts'

export interface ExchangeOptions {
  readonly clock: Clock
  /** How long a client may take nothing. */
  readonly stallTimeoutMs: number
  /** Told when an answer cannot be written as it is. */
  readonly onError: (thrown: unknown) => void
}

/** Those under way on each socket: more than one where a client does not wait for answers. */
const onSocket = new WeakMap<Socket, Set<HttpExchange>>()

export class HttpExchange {
  readonly message: IncomingMessage
  readonly lifeline = new Lifeline()
  readonly #response: ServerResponse
  readonly #options: ExchangeOptions
  #isGone = false
  #stall: TimerHandle
  /** Resolves what waits for the client to take the last write. */
  #taken: (() => void) | undefined

  constructor(message: IncomingMessage, response: ServerResponse, options: ExchangeOptions) {
    this.message = message
    this.#response = response
    this.#options = options
    // A client that goes away is no error of ours.
    message.on('error', () => {})
    response.on('error', () => {})
    response.once('close', () => this.#gone())
    const { socket } = message
    const all = onSocket.get(socket) ?? new Set<HttpExchange>()
    if (!onSocket.has(socket)) {
      onSocket.set(socket, all)
      // A response behind another one is not told that its socket is closed.
      socket.once('close', () => {
        for (const exchange of all) exchange.#gone()
      })
    }
    all.add(this)
    if (socket.destroyed) this.#gone()
  }

  /** How many requests of its socket are under way, itself among them. */
  get ofSocket(): number {
    return onSocket.get(this.message.socket)?.size ?? 0
  }

  /** Writes the one answer. Never throws; settles when it has been handed over. */
  async finish(answer: Answer): Promise<void> {
    if (this.#isGone) return
    if (this.#response.headersSent) return this.#answeredElsewhere()
    try {
      this.#writeHead(answer)
    } catch (thrown) {
      this.#options.onError(thrown)
      answer = line(500, 'the server could not answer')
      this.#writeHead(answer)
    }
    if (answer.events !== undefined) await this.#pump(answer.events)
    if (this.#isGone) return
    if (!this.message.complete) return this.#finishEarly(answer.body)
    this.#response.end(answer.body)
    this.#armStall()
  }

  /** Ends waiting: a poll is answered, an event stream ends, a client that is not reading is cut off. */
  drain(): void {
    this.lifeline.end('draining')
    if (this.#taken !== undefined) this.#response.destroy()
  }

  /** What cannot even be refused: its client is cut off, and learns so that it has no whole answer. */
  readonly fail = (thrown: unknown): void => {
    this.#options.onError(thrown)
    this.#response.destroy()
  }

  /** A timeout of the framework's has, for example, or code after an `answer` whose result nobody looked at. */
  #answeredElsewhere(): void {
    // Whole, and still on its way: the client takes that, or is cut off.
    if (this.#response.writableEnded) return this.#armStall()
    const text =
      'somebody else has answered this request: where answer(request, response) gives true, leave the response alone'
    this.fail(new WebSocketError('ERR_WINDSOCK_RESPONSE', text, { fault: 'bug' }))
  }

  /** The answer now, and its end, which closes the socket, behind what the client still sends. */
  async #finishEarly(body: Answer['body']): Promise<void> {
    this.#response.flushHeaders()
    if (body !== undefined) this.#response.write(body)
    const isWhole = await linger(this.message, this.#options.clock)
    if (this.#isGone) return
    if (isWhole) {
      this.#response.end()
      this.#armStall()
    } else this.#response.destroy()
  }

  #writeHead({ status, headers, body, events }: Answer): void {
    const all: Record<string, string | string[]> = {}
    for (const [name, value] of Object.entries(headers)) {
      all[name] = typeof value === 'string' ? value : [...value]
    }
    if (body !== undefined) all['Content-Length'] = String(Buffer.byteLength(body))
    // What is left of a body would be read as the next request, or for ever; and a server that drains wants nothing more.
    const isLast = !this.message.complete || this.lifeline.ended === 'draining'
    if (isLast) {
      all['Connection'] = 'close'
      lastAnswered.add(this.message.socket)
    }
    this.#response.writeHead(status, all)
    if (events !== undefined) this.#response.flushHeaders()
  }

  async #pump(events: Events): Promise<void> {
    for (;;) {
      const piece = await events.next()
      if (piece === undefined || this.#isGone) return
      if (!this.#response.write(piece)) await this.#untilTaken()
      if (this.#isGone) return
    }
  }

  #untilTaken(): Promise<void> {
    return new Promise((resolve) => {
      this.#taken = () => {
        this.#taken = undefined
        this.#disarmStall()
        resolve()
      }
      this.#response.once('drain', () => this.#taken?.())
      this.#armStall()
    })
  }

  #armStall(): void {
    const { clock, stallTimeoutMs } = this.#options
    this.#disarmStall()
    this.#stall = clock.setTimeout(() => this.#response.destroy(), stallTimeoutMs)
  }

  #disarmStall(): void {
    this.#options.clock.clearTimeout(this.#stall)
  }

  #gone(): void {
    this.#isGone = true
    this.#disarmStall()
    onSocket.get(this.message.socket)?.delete(this)
    this.lifeline.end('gone')
    this.#taken?.()
  }
}
