// Publisher: what was published and is not stored yet, in order, within a bound.
//
// Each message has a key of its own and is sent again with it after a lost connection, so that it is in the log once.
// The server knows a key for two minutes; what was sent longer ago than that, and never acknowledged, may be there or
// not, and is given back to the application rather than sent twice.

import { LimitError, WebSocketError } from '../protocol/errors.ts'
import type { Random, TimerHandle } from '../protocol/ports.ts'
import type { Position } from '../protocol/position.ts'
import { MAX_KEY_LENGTH, type ServerFrame, toBase64 } from '../protocol/resume.ts'
import { boundedRetryMs } from '../protocol/retry-hint.ts'
import type { ClientClock } from './environment.ts'
import type { TopicLink } from './links/link.ts'

/** Where a message stands in its topic. */
export interface Stored extends Position {
  /** Whether it was there already, from an attempt whose answer was lost. */
  readonly duplicate: boolean
}

/** What a publish may say beside its data. */
export interface PublishOptions {
  /** 1 to 128 visible ASCII characters; default a random one. One key publishes once within two minutes. */
  readonly key?: string | undefined
}

/** Three quarters of the two minutes: the rest is for a message that takes its time on the way. */
const KEY_IS_GOOD_MS = 90_000
/** The server counts by the second; ours is longer, so that what is sent here in one does not arrive there in one. */
const PACE_MS = 1_100
/** When a server that is busy does not say how long. */
const BUSY_MS = 1_000

interface Entry {
  readonly id: number
  readonly topic: string
  readonly data: unknown
  readonly key: string
  readonly chars: number
  readonly resolve: (stored: Stored) => void
  readonly reject: (error: WebSocketError) => void
  /** When it was first sent, in monotonic ms. */
  sentMs: number | undefined
  /** The same by the wall clock: on a machine that sleeps the other one stands still. */
  sentWallMs: number
  /** Whether it is on its way on the present link. */
  underWay: boolean
}

export interface PublisherOptions {
  readonly clock: ClientClock
  readonly random: Random
  readonly maxQueued: number
  readonly maxQueuedChars: number
  /** A number for the next request. */
  nextId(): number
}

export class Publisher {
  readonly #options: PublisherOptions
  /** Not stored yet, in order. */
  readonly #entries = new Map<number, Entry>()
  #chars = 0
  #link: TopicLink | undefined
  #underWay = 0
  #paceEndsMs = 0
  #paced = 0
  #pause: TimerHandle
  #ended: WebSocketError | undefined

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /** How many are not stored yet. */
  get size(): number {
    return this.#entries.size
  }

  publish(topic: string, data: unknown, options?: PublishOptions): Promise<Stored> {
    const stored = new Promise<Stored>((resolve, reject) => {
      const key = options?.key ?? this.#randomKey()
      const kept = asItIs(data)
      const chars = charsOf(kept)
      const refusal = this.#ended ?? this.#refusal(key, chars)
      if (refusal !== undefined) return reject(refusal)
      const id = this.#options.nextId()
      this.#chars += chars
      this.#entries.set(id, {
        ...{ id, topic, data: kept, key, chars, resolve, reject },
        sentMs: undefined,
        sentWallMs: 0,
        underWay: false,
      })
      this.#flush()
    })
    // Who does not look at it is not punished by the end of a Node process (docs/adr/0005).
    stored.catch(() => {})
    return stored
  }

  /** A link that takes requests. */
  resume(link: TopicLink): void {
    this.pause()
    this.#link = link
    this.#flush()
  }

  /** There is no link. */
  pause(): void {
    this.#link = undefined
    this.#underWay = 0
    this.#paceEndsMs = 0
    this.#options.clock.clearTimeout(this.#pause)
    this.#pause = undefined
    for (const entry of this.#entries.values()) entry.underWay = false
  }

  /** Nothing will be published any more. */
  end(error: WebSocketError): void {
    this.pause()
    this.#ended = error
    for (const entry of this.#entries.values()) this.#settle(entry, () => entry.reject(error))
  }

  /** Takes an answer; false when it is not to one of ours. */
  answered(frame: Extract<ServerFrame, { type: 'ack' | 'error' }>): boolean {
    const entry = frame.id === undefined ? undefined : this.#entries.get(frame.id)
    if (entry === undefined) return false
    if (entry.underWay) this.#underWay--
    entry.underWay = false
    if (frame.type === 'ack') {
      const { epoch, offset, duplicate } = frame
      this.#settle(entry, () => entry.resolve({ epoch, offset, duplicate }))
    } else if (frame.code === 'rate_limited' || frame.code === 'overloaded') {
      this.#wait(boundedRetryMs(frame.retryAfterMs ?? BUSY_MS))
    } else {
      this.#settle(entry, () => entry.reject(refused(frame.code, frame.message)))
    }
    this.#flush()
    return true
  }

  #flush(): void {
    const link = this.#link
    if (link === undefined || this.#pause !== undefined) return
    const { clock } = this.#options
    // What is refused for now is sent again; those on their way behind it must not be stored before it.
    let after: number | undefined
    for (const entry of this.#entries.values()) {
      const { id, topic, data, key } = entry
      if (entry.underWay) {
        after = id
        continue
      }
      if (this.#underWay >= link.publishesAtOnce) return
      const nowMs = clock.nowMs()
      const wallMs = clock.wallMs()
      if (entry.sentMs !== undefined && agedMs(entry, nowMs, wallMs) > KEY_IS_GOOD_MS) {
        this.#settle(entry, () => entry.reject(uncertain()))
        continue
      }
      if (nowMs >= this.#paceEndsMs) {
        this.#paceEndsMs = nowMs + PACE_MS
        this.#paced = 0
      }
      if (++this.#paced > link.publishPerSecond) return this.#wait(this.#paceEndsMs - nowMs)
      if (entry.sentMs === undefined) {
        entry.sentMs = nowMs
        entry.sentWallMs = wallMs
      }
      entry.underWay = true
      this.#underWay++
      link.send({ type: 'publish', id, topic, data, key, expect: undefined, after })
      after = id
    }
  }

  #wait(ms: number): void {
    const { clock } = this.#options
    clock.clearTimeout(this.#pause)
    this.#pause = clock.setTimeout(() => {
      this.#pause = undefined
      this.#flush()
    }, ms)
  }

  #settle(entry: Entry, tell: () => void): void {
    this.#entries.delete(entry.id)
    this.#chars -= entry.chars
    tell()
  }

  #refusal(key: string, chars: number): WebSocketError | undefined {
    const { maxQueued, maxQueuedChars } = this.#options
    if (typeof key !== 'string' || !/^[!-~]+$/.test(key) || key.length > MAX_KEY_LENGTH) {
      const allowed = `1 to ${MAX_KEY_LENGTH} visible ASCII characters`
      return new WebSocketError('ERR_WINDSOCK_TOPIC', `a key must be ${allowed}`)
    }
    if (Number.isNaN(chars)) {
      const message = 'this cannot be published: pass what JSON can express, or bytes'
      return new WebSocketError('ERR_WINDSOCK_MESSAGE_TYPE', message)
    }
    if (this.#entries.size < maxQueued && this.#chars + chars <= maxQueuedChars) return undefined
    return new LimitError(
      `${this.#entries.size} messages (${this.#chars} characters) wait to be stored: at most ` +
        `${maxQueued} (${maxQueuedChars}) may`,
      { fault: 'local' },
    )
  }

  #randomKey(): string {
    return toBase64(this.#options.random.bytes(16))
  }
}

/** The length of what will be sent; NaN when it cannot be. */
function charsOf(data: unknown): number {
  if (data instanceof Uint8Array) return Math.ceil(data.length / 3) * 4
  return JSON.stringify(data)?.length ?? Number.NaN
}

/**
 * A copy, since it may wait, and be sent again: what becomes of the caller's meanwhile is not what was published.
 *
 * @returns bytes as a `Uint8Array`; `undefined` for what cannot be published, and for that of which JSON leaves nothing.
 */
function asItIs(data: unknown): unknown {
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
  }
  if (data instanceof ArrayBuffer) return new Uint8Array(data.slice(0))
  try {
    const json = JSON.stringify(data)
    const prototype: unknown = json === '{}' ? Object.getPrototypeOf(data) : null
    // A map, a set, a promise: nothing of them would arrive.
    return prototype && Object.getPrototypeOf(prototype) ? undefined : JSON.parse(json)
  } catch {
    return undefined
  }
}

/** What the server refused, as an error. */
export function refused(code: string, message: string): WebSocketError {
  return new WebSocketError('ERR_WINDSOCK_REFUSED', `${message} (${code})`, { fault: 'peer' })
}

function agedMs({ sentMs = 0, sentWallMs }: Entry, nowMs: number, wallMs: number): number {
  return Math.max(nowMs - sentMs, wallMs - sentWallMs)
}

function uncertain(): WebSocketError {
  return new WebSocketError(
    'ERR_WINDSOCK_UNCERTAIN',
    'it was sent too long ago to be sent again: it may be stored or not',
    { fault: 'network' },
  )
}
