// Resume: the frames of the subprotocol `windsock.v1.json`, both ways.
//
// One JSON object per text message, called a frame here; it is none of RFC 6455's. A client subscribes from a position
// and gets every message after it once and in order, or is told of a gap. `docs/reference/protocol.md` is the written
// protocol; its vectors run against this file.
//
// Parsing is total and linear: any text gives a frame or a problem. Knows nothing of sockets, topics or rules, and runs
// in a browser.

import { isDeeper, MAX_JSON_DEPTH } from './json-depth.ts'
import { isOffset, type LossReason, MAX_EPOCH_LENGTH, type Position } from './position.ts'

export const RESUME_SUBPROTOCOL = 'windsock.v1.json'

/**
 * The longest topic name and idempotency key, in UTF-16 units, as a client may write them. Topics take none that are
 * longer in bytes of UTF-8.
 */
export const MAX_TOPIC_LENGTH = 255
export const MAX_KEY_LENGTH = 128
/** The most messages that a subscription may ask for with `last`. */
export const MAX_LAST = 10_000

/** Why a request was refused; each is an HTTP status, too. */
export const RESUME_ERRORS = {
  bad_frame: 400,
  unauthorized: 401,
  forbidden: 403,
  topic_not_found: 404,
  conflict: 409,
  too_large: 413,
  rate_limited: 429,
  internal: 500,
  overloaded: 503,
} as const

export type ResumeErrorCode = keyof typeof RESUME_ERRORS

/** The word for a status, if there is one. */
export function resumeErrorOf(status: number): ResumeErrorCode | undefined {
  return WORDS.find((word) => RESUME_ERRORS[word] === status)
}

const WORDS = Object.keys(RESUME_ERRORS) as ResumeErrorCode[]

/** Where a subscription begins. */
export type SubscribeFrom =
  | { readonly since: Position }
  | { readonly last: number }
  | { readonly from: 'start' | 'now' }

export type ClientFrame =
  | {
      readonly type: 'subscribe'
      readonly id: number
      readonly topic: string
      readonly begin: SubscribeFrom
    }
  | { readonly type: 'unsubscribe'; readonly id: number; readonly topic: string }
  | {
      readonly type: 'publish'
      readonly id: number
      readonly topic: string
      /** What JSON expressed, or the bytes of `data64`. */
      readonly data: unknown
      readonly key: string | undefined
      readonly expect: number | undefined
      /** The publish that has to be settled right before it on this connection: stored, or refused for good. */
      readonly after: number | undefined
    }
  | { readonly type: 'ping'; readonly id: number }

/** A client's frame as it travels. */
export function clientFrameJson(frame: ClientFrame): string {
  if (frame.type === 'subscribe') {
    const { begin, ...rest } = frame
    return JSON.stringify({ ...rest, ...begin })
  }
  if (frame.type !== 'publish' || !(frame.data instanceof Uint8Array)) return JSON.stringify(frame)
  const { data, ...rest } = frame
  return JSON.stringify({ ...rest, data64: toBase64(data) })
}

/** A frame that cannot be understood; `id` where there was one. */
export interface FrameProblem {
  readonly type: 'problem'
  readonly id: number | undefined
  readonly message: string
}

/** What a client's text frame says. */
export function parseClientFrame(text: string): ClientFrame | FrameProblem {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return problem(undefined, 'a frame is one JSON object; this is no JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return problem(undefined, 'a frame is one JSON object')
  }
  const frame = value as Readonly<Record<string, unknown>>
  const { type, id, topic } = frame
  if (!isOffset(id)) return problem(undefined, '"id" must be a whole number, 0 or more')
  if (type === 'ping') return { type, id }
  if (type !== 'subscribe' && type !== 'unsubscribe' && type !== 'publish') {
    return problem(id, '"type" must be subscribe, unsubscribe, publish or ping')
  }
  if (isDeeper(text, MAX_JSON_DEPTH)) {
    return problem(id, `a frame is nested deeper than ${MAX_JSON_DEPTH} levels`)
  }
  if (!isText(topic, MAX_TOPIC_LENGTH)) {
    return problem(id, `"topic" must be a text of 1 to ${MAX_TOPIC_LENGTH} characters`)
  }
  if (type === 'unsubscribe') return { type, id, topic }
  return type === 'subscribe' ? parseSubscribe(frame, id, topic) : parsePublish(frame, id, topic)
}

function parseSubscribe(
  { since, last, from }: Readonly<Record<string, unknown>>,
  id: number,
  topic: string,
): ClientFrame | FrameProblem {
  const type = 'subscribe'
  if (since !== undefined) {
    const { epoch, offset } = (since ?? {}) as Readonly<Record<string, unknown>>
    return isText(epoch, MAX_EPOCH_LENGTH) && isOffset(offset)
      ? { type, id, topic, begin: { since: { epoch, offset } } }
      : problem(id, '"since" must be {"epoch": a text, "offset": a whole number}')
  }
  if (last !== undefined) {
    return isOffset(last) && last <= MAX_LAST
      ? { type, id, topic, begin: { last } }
      : problem(id, `"last" must be a whole number from 0 to ${MAX_LAST}`)
  }
  if (from === undefined) return { type, id, topic, begin: { from: 'now' } }
  return from === 'start' || from === 'now'
    ? { type, id, topic, begin: { from } }
    : problem(id, '"from" must be "start" or "now"')
}

function parsePublish(
  { data, data64, key, expect, after }: Readonly<Record<string, unknown>>,
  id: number,
  topic: string,
): ClientFrame | FrameProblem {
  if ((data === undefined) === (data64 === undefined)) {
    return problem(id, 'publish takes "data", or "data64" for bytes')
  }
  if (key !== undefined && !isText(key, MAX_KEY_LENGTH)) {
    return problem(id, `"key" must be a text of 1 to ${MAX_KEY_LENGTH} characters`)
  }
  if (expect !== undefined && !isOffset(expect)) {
    return problem(id, '"expect" must be a whole number, 0 or more')
  }
  if (after !== undefined && !isOffset(after)) {
    return problem(id, '"after" must be a whole number, 0 or more')
  }
  if (data64 === undefined) return { type: 'publish', id, topic, data, key, expect, after }
  const bytes = fromBase64(data64)
  return bytes === undefined
    ? problem(id, '"data64" must be base64')
    : { type: 'publish', id, topic, data: bytes, key, expect, after }
}

function problem(id: number | undefined, message: string): FrameProblem {
  return { type: 'problem', id, message }
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxLength
}

/** The bytes of a base64 text; `undefined` when it is none. */
export function fromBase64(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'string') return undefined
  try {
    return Uint8Array.from(atob(value), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}

/** Bytes as a base64 text. */
export function toBase64(bytes: Uint8Array): string {
  let text = ''
  // By pieces: an argument for each byte of a large message would not fit on the stack.
  for (let start = 0; start < bytes.length; start += 8_192) {
    text += String.fromCharCode(...bytes.subarray(start, start + 8_192))
  }
  return btoa(text)
}

/** What a server says, as objects; a message's item is built by `itemJson`. */
export type ServerFrame =
  | {
      readonly type: 'welcome'
      readonly connection: string
      readonly heartbeatMs: number
      readonly limits: ResumeLimits
    }
  | {
      readonly type: 'subscribed'
      readonly id: number
      readonly topic: string
      readonly epoch: string
      /** The last offset when it began; with it, the client has caught up. */
      readonly head: number
      readonly recovered: boolean
      readonly reason?: LossReason
      /** Messages come after this offset. */
      readonly start: number
    }
  | { readonly type: 'messages'; readonly topic: string; readonly items: readonly MessageItem[] }
  | {
      readonly type: 'gap'
      readonly topic: string
      readonly to: number
      readonly reason: 'trimmed'
    }
  | {
      readonly type: 'unsubscribed'
      readonly id?: number
      readonly topic: string
      readonly reason?: string
    }
  | {
      readonly type: 'ack'
      readonly id: number
      readonly topic: string
      readonly epoch: string
      readonly offset: number
      readonly duplicate: boolean
    }
  | {
      readonly type: 'error'
      readonly id?: number
      readonly code: ResumeErrorCode
      readonly message: string
      readonly retryAfterMs?: number
    }
  | { readonly type: 'pong'; readonly id: number }
  | { readonly type: 'heartbeat'; readonly topics: Readonly<Record<string, number>> }

export interface MessageItem {
  readonly offset: number
  /** The offset before it, where offsets are not dense; default `offset - 1`. */
  readonly prev?: number
  /** When it was published, ms since 1970. */
  readonly ts: number
  readonly data?: unknown
  readonly data64?: string
}

export interface ResumeLimits {
  readonly frameBytes: number
  readonly subscriptions: number
  readonly publishPerSecond: number
}

/** One message's item as JSON; an object's JSON text goes in as it is. */
export function itemJson(
  offset: number,
  atMs: number,
  kind: 'text' | 'json' | 'binary',
  message: string | Uint8Array,
): string {
  const data =
    kind === 'binary'
      ? `"data64":"${toBase64(message as Uint8Array)}"`
      : `"data":${kind === 'json' ? (message as string) : JSON.stringify(message)}`
  return `{"offset":${offset},"ts":${atMs},${data}}`
}

/** A `messages` frame around items that are JSON already. */
export function messagesJson(topic: string, items: readonly string[]): string {
  return `{"type":"messages","topic":${JSON.stringify(topic)},"items":[${items.join(',')}]}`
}

/** What a reader does with a message: take it, leave it (it was here), or subscribe again (something is missing). */
export type Verdict = 'take' | 'leave' | 'resubscribe'

/** The rule of the client: each message once and in order, or a gap; never silence. */
export function judge(last: number, { offset, prev = offset - 1 }: MessageItem): Verdict {
  if (offset <= last) return 'leave'
  return prev > last ? 'resubscribe' : 'take'
}
