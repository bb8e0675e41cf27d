// Exchange: one request to a topic over HTTP, and what its answer means.
//
// An answer is a page of messages and the place behind it, or a loss, or a refusal, or no answer of ours at all. Every
// request has a deadline, which each piece that comes puts off. Sources: docs/reference/http.md.

import type { CloseFrame } from '../../protocol/close-record.ts'
import { formatOffset, parseOffset } from '../../protocol/http-offset.ts'
import { LONGEST_DELAY_MS } from '../../protocol/ports.ts'
import type { LossReason, Position } from '../../protocol/position.ts'
import { type MessageItem, RESUME_ERRORS, type ResumeErrorCode } from '../../protocol/resume.ts'
import { hintInHeader, type RetryHint } from '../../protocol/retry-hint.ts'
import { topicAddress } from '../address.ts'
import type { Environment, FetchInit } from '../environment.ts'
import type { ClientNumbers } from '../settings.ts'

/** Where to ask from: a position, or a word for one. */
export type Place = Position | 'start' | 'now'

/** A piece of a topic. */
export interface Page {
  readonly items: readonly MessageItem[]
  /** Where to ask from next. */
  readonly next: Position
  /** Whether there was nothing behind it. */
  readonly upToDate: boolean
  /** Given back with the next live read. */
  readonly cursor: string | undefined
  /** Nothing up to here will come any more. */
  readonly gapTo?: number
}

/** How a topic is read over HTTP: pages, one or more for each request, from `place` on. */
export type Way = (
  exchange: Exchange,
  place: Place,
  cursor: string | undefined,
) => AsyncIterable<Page>

/** The place is gone; `oldest` is where one can go on from. */
export class Gone extends Error {
  readonly reason: LossReason
  readonly oldest: Position

  constructor(reason: LossReason, oldest: Position) {
    super(reason)
    this.reason = reason
    this.oldest = oldest
  }
}

/** The body of a 410. */
interface Loss {
  readonly reason: LossReason
  readonly oldest: string
}

/** The server understood, and does not want to. */
export class Refused extends Error {
  readonly code: ResumeErrorCode

  constructor(code: ResumeErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** This way to the server does not work now. */
export class Broken extends Error {
  readonly frame: CloseFrame
  readonly hint: RetryHint | undefined

  constructor(reason = '', code = 1006, hint?: RetryHint) {
    super(reason)
    this.frame = { code, reason }
    this.hint = hint
  }
}

export interface ExchangeOptions {
  readonly address: URL
  readonly environment: Environment
  readonly numbers: ClientNumbers
  readonly withCredentials: boolean
  /** Ends everything that is under way. */
  readonly signal: AbortSignal
  /** There is a server, and it has understood; its body is still to come. */
  answered(): void
}

/** What an answer comes with, while its body is still to be read. */
export interface Opened {
  readonly response: Response
  /** Puts the deadline off. */
  readonly heard: () => void
  /** The deadline is no more. */
  readonly done: () => void
}

export class Exchange {
  readonly options: ExchangeOptions
  readonly topic: string

  constructor(topic: string, options: ExchangeOptions) {
    this.topic = topic
    this.options = options
  }

  /** Waits; rejects when nobody reads any more. */
  sleep(ms: number): Promise<void> {
    const { environment, signal } = this.options
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new Broken())
      const stop = () => {
        environment.clock.clearTimeout(timer)
        reject(new Broken())
      }
      const timer = environment.clock.setTimeout(() => {
        signal.removeEventListener('abort', stop)
        resolve()
      }, ms)
      signal.addEventListener('abort', stop)
    })
  }

  /** Asks for what comes after `place`. @throws Gone, Refused or Broken. */
  async ask(place: Place, live: Readonly<Record<string, string>> = {}): Promise<Page> {
    const { response, done } = await this.open(place, live)
    try {
      const items = response.status === 204 ? [] : itemsIn(await response.json())
      const { headers } = response
      return {
        items,
        next: positionIn(headers.get('Stream-Next-Offset')),
        upToDate: headers.get('Stream-Up-To-Date') === 'true',
        cursor: headers.get('Stream-Cursor') ?? undefined,
      }
    } catch (thrown) {
      throw broken(thrown)
    } finally {
      done()
    }
  }

  /** Asks, and gives the answer before its body; call `done`. @throws Gone, Refused or Broken. */
  async open(place: Place, live: Readonly<Record<string, string>>): Promise<Opened> {
    const offset = place === 'start' ? '-1' : place === 'now' ? 'now' : formatOffset(place)
    const opened = await this.#request({ offset, envelope: '1', ...live }, {})
    const { response, done } = opened
    if (response.status === 200 || response.status === 204) return opened
    try {
      if (response.status !== 410) throw await refusal(response, this.options.environment)
      const { reason, oldest } = (await response.json()) as Loss
      throw new Gone(reason, positionIn(oldest))
    } catch (thrown) {
      throw broken(thrown)
    } finally {
      done()
    }
  }

  /** Publishes one message. @throws Refused or Broken. */
  async publish(data: unknown, key: string): Promise<Position> {
    if (data instanceof Uint8Array) throw new Refused('bad_frame', 'bytes need a WebSocket')
    const { response, done } = await this.#request(
      {},
      {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
        // An array is several messages; this is one, whatever it is.
        body: JSON.stringify([data]),
      },
    )
    try {
      if (!response.ok) throw await refusal(response, this.options.environment)
      return positionIn(response.headers.get('Stream-Next-Offset'))
    } catch (thrown) {
      throw broken(thrown)
    } finally {
      done()
    }
  }

  async #request(query: Readonly<Record<string, string>>, init: FetchInit): Promise<Opened> {
    const { address, environment, numbers, withCredentials, signal } = this.options
    const { clock } = environment
    const abort = new AbortController()
    const stop = () => abort.abort()
    const deadlineMs = Math.min(numbers.heartbeatMs + numbers.heartbeatTimeoutMs, LONGEST_DELAY_MS)
    let timer = clock.setTimeout(stop, deadlineMs)
    const done = () => {
      clock.clearTimeout(timer)
      signal.removeEventListener('abort', stop)
    }
    signal.addEventListener('abort', stop)
    const heard = () => {
      clock.clearTimeout(timer)
      timer = clock.setTimeout(stop, deadlineMs)
    }
    try {
      if (signal.aborted) throw new Broken()
      const response = await environment.fetch(topicAddress(address, this.topic, query), {
        ...init,
        signal: abort.signal,
        cache: 'no-store',
        ...(withCredentials && { credentials: 'include' }),
      })
      if (!mayPass(response.status)) this.options.answered()
      return { response, heard, done }
    } catch (thrown) {
      done()
      throw broken(thrown, 'the server cannot be reached')
    }
  }
}

const NOT_A_TOPIC = 'the answer is not one of a topic'

/** @throws Broken: an answer without a place, or with another one, is not from a topic. */
export function positionIn(word: unknown): Position {
  const position = typeof word === 'string' ? parseOffset(word) : undefined
  if (typeof position === 'object') return position
  throw new Broken(NOT_A_TOPIC)
}

/** @throws Broken for what is no array. */
export function itemsIn(value: unknown): readonly MessageItem[] {
  if (Array.isArray(value)) return value as MessageItem[]
  throw new Broken(NOT_A_TOPIC)
}

/** What was thrown, as one of ours: each browser has words of its own for it, and those of none say what happened. */
export function broken(
  thrown: unknown,
  otherwise = 'the answer was cut off',
): Gone | Refused | Broken {
  if (thrown instanceof Gone || thrown instanceof Refused || thrown instanceof Broken) return thrown
  const name = thrown instanceof Error ? thrown.name : ''
  if (name === 'SyntaxError') return new Broken(NOT_A_TOPIC)
  return new Broken(name === 'AbortError' ? 'the server has fallen silent' : otherwise)
}

/** 500 is about what was asked, as `internal` is over WebSocket; the others above it are about the way or the moment. */
function mayPass(status: number): boolean {
  return status > 500 || status === 408 || status === 429
}

async function refusal(response: Response, { clock }: Environment): Promise<Refused | Broken> {
  const { status, headers } = response
  const hint = hintInHeader(headers.get('Retry-After'), clock.wallMs())
  if (mayPass(status)) return new Broken(`HTTP ${status}`, 1013, hint)
  const known = Object.entries(RESUME_ERRORS).find(([, one]) => one === status)
  const text = (await response.text()).trim().slice(0, 200)
  return new Refused((known?.[0] ?? 'bad_frame') as ResumeErrorCode, text || `HTTP ${status}`)
}
