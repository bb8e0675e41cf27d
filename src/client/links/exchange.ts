// Exchange: one request to a topic over HTTP, and its answer (answer.ts).
//
// Every request has a deadline, which each piece that comes puts off.

import { formatOffset } from '../../protocol/http-offset.ts'
import { LONGEST_DELAY_MS } from '../../protocol/ports.ts'
import type { LossReason, Position } from '../../protocol/position.ts'
import { toBase64 } from '../../protocol/resume.ts'
import { hintInHeader } from '../../protocol/retry-hint.ts'
import { topicAddress } from '../address.ts'
import type { Environment, FetchInit } from '../environment.ts'
import type { Stored } from '../publisher.ts'
import type { ClientNumbers } from '../settings.ts'
import {
  Broken,
  broken,
  Gone,
  itemsIn,
  type Page,
  positionIn,
  Refused,
  textOf,
  whole,
  wordOf,
} from './answer.ts'

/** Where to ask from: a position, or a word for one. */
export type Place = Position | 'start' | 'now'

/** How a topic is read over HTTP: pages, one or more for each request, from `place` on. */
export type Way = (
  exchange: Exchange,
  place: Place,
  cursor: string | undefined,
) => AsyncIterable<Page>

/** The body of a 410. */
interface Loss {
  readonly reason: LossReason
  readonly oldest: string
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
  /** A piece of a body has come. */
  heard(): void
}

/** What an answer comes with, while its body is still to be read. */
export interface Opened {
  readonly response: Response
  /** The text of the body, piece by piece; each puts the deadline off. */
  readonly pieces: () => AsyncIterable<string>
  /** The deadline is no more, and what is left of the body is not wanted. */
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
    const { response, pieces, done } = await this.open(place, live)
    try {
      const items = response.status === 204 ? [] : itemsIn(JSON.parse(await whole(pieces())))
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
    const opened = await this.#request(this.#address({ offset, ...live }), {})
    const { response, pieces, done } = opened
    if (response.status === 200 || response.status === 204) return opened
    try {
      if (response.status !== 410) throw await this.#refusal(opened)
      const { reason, oldest } = JSON.parse(await whole(pieces())) as Loss
      throw new Gone(reason, positionIn(oldest))
    } catch (thrown) {
      throw broken(thrown)
    } finally {
      done()
    }
  }

  /** Publishes one message. @throws Refused or Broken. */
  async publish(data: unknown, key: string): Promise<Stored> {
    const init = {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
      body: JSON.stringify(data instanceof Uint8Array ? { data64: toBase64(data) } : { data }),
    }
    let opened = await this.#request(this.#address({}), init)
    const { redirected, status, url } = opened.response
    if (redirected && status !== 204) {
      // A redirect makes a GET of it, which stores nothing and is answered all the same (Fetch §4.4).
      opened.done()
      opened = await this.#request(url, init)
    }
    const { response, done } = opened
    try {
      if (response.status !== 204) throw await this.#refusal(opened)
      const { headers } = response
      const duplicate = headers.get('Windsock-Duplicate') === 'true'
      return { ...positionIn(headers.get('Stream-Next-Offset')), duplicate }
    } catch (thrown) {
      throw broken(thrown)
    } finally {
      done()
    }
  }

  /** Finds out whether there is a server. @throws Refused or Broken. */
  async probe(): Promise<void> {
    const opened = await this.#request(this.#address({}), { method: 'OPTIONS' })
    try {
      if (!opened.response.ok) throw await this.#refusal(opened)
    } finally {
      opened.done()
    }
  }

  #address(query: Readonly<Record<string, string>>): string {
    return topicAddress(this.options.address, this.topic, { envelope: '1', ...query })
  }

  async #request(address: string, init: FetchInit): Promise<Opened> {
    const { environment, numbers, withCredentials, signal } = this.options
    const { heartbeatMs, heartbeatTimeoutMs } = numbers
    const { clock } = environment
    const abort = new AbortController()
    const stop = () => {
      abort.abort()
      done()
    }
    // Without heartbeats nobody has promised to say anything.
    const deadlineMs =
      heartbeatMs === 0
        ? LONGEST_DELAY_MS
        : Math.min(heartbeatMs + heartbeatTimeoutMs, LONGEST_DELAY_MS)
    let timer = clock.setTimeout(stop, deadlineMs)
    let isDone = false
    const heard = () => {
      if (isDone) return
      clock.clearTimeout(timer)
      timer = clock.setTimeout(stop, deadlineMs)
      this.options.heard()
    }
    let body: ReadableStreamDefaultReader<Uint8Array> | undefined
    const done = () => {
      isDone = true
      clock.clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      body?.cancel().catch(() => {})
    }
    signal.addEventListener('abort', stop)
    try {
      if (signal.aborted) throw new Broken()
      const response = await environment.fetch(address, {
        ...init,
        signal: abort.signal,
        cache: 'no-store',
        ...(withCredentials && { credentials: 'include' }),
      })
      body = response.body?.getReader()
      if (response.ok || response.status === 410 || wordOf(response)) this.options.answered()
      return { response, pieces: () => textOf(body, heard), done }
    } catch (thrown) {
      done()
      throw broken(thrown, 'the server cannot be reached')
    }
  }

  /** What is no answer of ours is about the way, or the moment. */
  async #refusal({ response, pieces }: Opened): Promise<Refused | Broken> {
    const { status, headers } = response
    const { clock } = this.options.environment
    const hint = hintInHeader(headers.get('Retry-After'), clock.wallMs())
    const word = wordOf(response)
    if (word === undefined) return new Broken(`HTTP ${status}`, 1013, hint)
    const text = (await whole(pieces())).trim().slice(0, 200)
    return new Refused(word, text || `HTTP ${status}`, hint?.afterMs)
  }
}
