// Control frames: which pong answers which ping, and how many pings and pongs are too many.
//
// A peer may answer only the newest of several pings (RFC 6455 §5.5.3), and may send pongs that answer nothing:
// those are no proof of life for the keepalive. Each ping costs its receiver an answer, so they are counted. A pong that
// we asked for is not: however often we ask, and whoever of us does, an honest peer answers.

import { WebSocketError } from '../protocol/errors.ts'
import type { Clock } from '../protocol/ports.ts'

/** The most bytes that a control frame carries (RFC 6455 §5.5). */
const MAX_PAYLOAD_BYTES = 125

/** The window of `maxControlFramesPer10s`. */
const WINDOW_MS = 10_000

/** Pings without a pong that are remembered; of more the oldest are forgotten, and pongs to those count. */
const MAX_AWAITED = 1_000

export type PingSender = 'keepalive' | 'app'

interface SentPing {
  readonly payload: Uint8Array
  readonly sentAtMs: number
}

/** What a pong answered. */
export interface Answer {
  readonly sender: PingSender
  readonly roundTripMs: number
}

export class ControlFrames {
  readonly #clock: Clock
  readonly #maxPerWindow: number
  readonly #pings: { keepalive: SentPing | undefined; app: SentPing | undefined } = {
    keepalive: undefined,
    app: undefined,
  }
  #windowStartMs = Number.NEGATIVE_INFINITY
  #inWindow = 0
  /** Payloads of the pings that went out and may yet be answered, in order; as text, which is compared at once. */
  #awaited: string[] | undefined

  constructor(clock: Clock, maxPerWindow: number) {
    this.#clock = clock
    this.#maxPerWindow = maxPerWindow
  }

  /** Counts a received ping; false when it is one too many. */
  count(): boolean {
    const now = this.#clock.nowMs()
    if (now - this.#windowStartMs >= WINDOW_MS) {
      this.#windowStartMs = now
      this.#inWindow = 0
    }
    return ++this.#inWindow <= this.#maxPerWindow
  }

  /** As `count`, of a pong, which does not count when a ping of ours asked for it. */
  countPong(pong: Uint8Array): boolean {
    return this.#wasAskedFor(pong) || this.count()
  }

  /** Notes a ping that is written: one pong may answer it. */
  written(payload: Uint8Array): void {
    this.#awaited ??= []
    if (this.#awaited.push(textOf(payload)) > MAX_AWAITED) this.#awaited.shift()
  }

  /** Notes a ping that is to go out; it replaces the sender's last one. */
  sent(sender: PingSender, payload: Uint8Array): void {
    this.#pings[sender] = { payload, sentAtMs: this.#clock.nowMs() }
  }

  /** The keepalive's ping needs no pong any more; false when none was waited for. */
  excuse(): boolean {
    const waited = this.#pings.keepalive !== undefined
    this.#pings.keepalive = undefined
    return waited
  }

  /** Which of our pings a pong answers, once; `undefined` for an unsolicited one. */
  answer(pong: Uint8Array): Answer | undefined {
    for (const sender of ['keepalive', 'app'] as const) {
      const ping = this.#pings[sender]
      if (ping === undefined || !sameBytes(ping.payload, pong)) continue
      this.#pings[sender] = undefined
      return { sender, roundTripMs: this.#clock.nowMs() - ping.sentAtMs }
    }
    return undefined
  }

  #wasAskedFor(pong: Uint8Array): boolean {
    const index = this.#awaited?.indexOf(textOf(pong)) ?? -1
    if (index < 0) return false
    // Who answers this ping is done with those before it (§5.5.3).
    this.#awaited?.splice(0, index + 1)
    if (this.#awaited?.length === 0) this.#awaited = undefined
    return true
  }
}

/**
 * The payload of a Ping, as bytes that nobody else holds.
 *
 * @throws WebSocketError `ERR_WINDSOCK_CONTROL_PAYLOAD` for more than 125 bytes, and for anything else.
 */
export function pingPayload(data: string | Uint8Array): Uint8Array {
  const payload = typeof data === 'string' ? new TextEncoder().encode(data) : data
  if (payload instanceof Uint8Array && payload.byteLength <= MAX_PAYLOAD_BYTES) {
    return payload.slice()
  }
  throw new WebSocketError(
    'ERR_WINDSOCK_CONTROL_PAYLOAD',
    `a ping carries a string or bytes, at most ${MAX_PAYLOAD_BYTES} of them; this has ${String(payload?.byteLength ?? typeof data)}`,
  )
}

/** One character for each byte. */
function textOf(payload: Uint8Array): string {
  return String.fromCharCode(...payload)
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && one.every((byte, index) => byte === other[index])
}
