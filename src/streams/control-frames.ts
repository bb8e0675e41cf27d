// Control frames: which pong answers which ping, and how many pings and pongs are too many.
//
// A peer may answer only the newest of several pings (RFC 6455 §5.5.3), and may send pongs that answer nothing:
// those are no proof of life for the keepalive. Each ping costs its receiver an answer, so they are counted. A pong that
// we asked for is not: however often we ask, and whoever of us does, an honest peer answers.

import { show, WebSocketError } from '../protocol/errors.ts'
import type { RouteLimits } from '../protocol/limits.ts'
import { copyOf } from '../protocol/message.ts'
import type { Clock } from '../protocol/ports.ts'

/** The most bytes that a control frame carries (RFC 6455 §5.5). */
const MAX_PAYLOAD_BYTES = 125

/** The window of `maxControlFramesPer10s`. */
const WINDOW_MS = 10_000

/** Pings without a pong that are remembered; of more the oldest are forgotten, and pongs to those count. */
const MAX_AWAITED = 1_000

/** A ping that was written and may yet be answered. */
interface WrittenPing {
  /** As text, which is compared at once. */
  readonly payload: string
  readonly atMs: number
  /** Whether its pong is what the keepalive waits for. */
  isProof: boolean
}

/** What a pong answered. */
export interface Answer {
  /** Whether the keepalive had asked before that ping was written. */
  readonly isProof: boolean
  readonly roundTripMs: number
}

export interface ControlFramesOptions {
  readonly clock: Clock
  readonly limits: Pick<RouteLimits, 'maxControlFramesPer10s'>
}

export class ControlFrames {
  readonly #clock: Clock
  readonly #maxPerWindow: number
  #windowStartMs = Number.NEGATIVE_INFINITY
  #inWindow = 0
  /** In the order in which they were written; none while there are none, as most of the time. */
  #awaited: WrittenPing[] | undefined
  /** Whether the keepalive asks, and no ping was written since. */
  #isAsking = false

  constructor({ clock, limits }: ControlFramesOptions) {
    this.#clock = clock
    this.#maxPerWindow = limits.maxControlFramesPer10s
  }

  /** Counts a received ping, or a pong that nobody asked for; false when it is one too many. */
  count(): boolean {
    const now = this.#clock.nowMs()
    if (now - this.#windowStartMs >= WINDOW_MS) {
      this.#windowStartMs = now
      this.#inWindow = 0
    }
    return ++this.#inWindow <= this.#maxPerWindow
  }

  /** The keepalive asks: the next ping that is written, whoever sends it, is one that it waits for. */
  ask(): void {
    this.#isAsking = true
  }

  /** The keepalive waits for no pong any more; false when it did not. */
  excuse(): boolean {
    const isWaiting = this.#isAsking || this.#awaited?.some(({ isProof }) => isProof) === true
    this.#isAsking = false
    if (isWaiting) for (const ping of this.#awaited ?? []) ping.isProof = false
    return isWaiting
  }

  /** Notes a ping that is written: one pong may answer it. */
  written(payload: Uint8Array): void {
    this.#awaited ??= []
    const ping = { payload: textOf(payload), atMs: this.#clock.nowMs(), isProof: this.#isAsking }
    this.#isAsking = false
    if (this.#awaited.push(ping) <= MAX_AWAITED) return
    const [forgotten, oldest] = this.#awaited as [WrittenPing, WrittenPing]
    oldest.isProof ||= forgotten.isProof
    this.#awaited.shift()
  }

  /**
   * Which of our pings a pong answers, once; `undefined` for one that nobody asked for.
   *
   * It answers all pings before that one, too (§5.5.3), so it is proof for the keepalive if any of them was.
   */
  answer(pong: Uint8Array): Answer | undefined {
    const payload = textOf(pong)
    const index = this.#awaited?.findIndex((ping) => ping.payload === payload) ?? -1
    const answered = index < 0 ? undefined : this.#awaited?.splice(0, index + 1)
    const ping = answered?.at(-1)
    if (ping === undefined) return undefined
    if (this.#awaited?.length === 0) this.#awaited = undefined
    const isProof = answered?.some((one) => one.isProof) === true
    return { isProof, roundTripMs: this.#clock.nowMs() - ping.atMs }
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
    return copyOf(payload)
  }
  const found = payload instanceof Uint8Array ? `has ${payload.byteLength}` : `is ${show(data)}`
  throw new WebSocketError(
    'ERR_WINDSOCK_CONTROL_PAYLOAD',
    `a ping carries a string or bytes, at most ${MAX_PAYLOAD_BYTES} of them; this ${found}`,
  )
}

/** One character for each byte. */
function textOf(payload: Uint8Array): string {
  return String.fromCharCode(...payload)
}
