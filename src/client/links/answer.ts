// Answer: what an answer to a request over HTTP comes to.
//
// A page of messages and the place behind it, or a loss, or a refusal, or no answer of ours at all: what a proxy says
// while the server is away. Sources: docs/reference/http.md.

import type { CloseFrame } from '../../protocol/close-record.ts'
import { parseOffset } from '../../protocol/http-offset.ts'
import type { LossReason, Position } from '../../protocol/position.ts'
import { type MessageItem, RESUME_ERRORS, type ResumeErrorCode } from '../../protocol/resume.ts'
import type { RetryHint } from '../../protocol/retry-hint.ts'

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

/** The server understood, and does not want to, or not now. */
export class Refused extends Error {
  readonly code: ResumeErrorCode
  readonly retryAfterMs: number | undefined

  constructor(code: ResumeErrorCode, message: string, retryAfterMs?: number) {
    super(message)
    this.code = code
    this.retryAfterMs = retryAfterMs
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

/** Above this a page has no end, and is not one of a topic's. */
const MAX_PAGE_CHARS = 64 * 1024 * 1024

/** Counts what came of a page. @throws Broken once it is too much. */
export function pageBound(): (text: string) => void {
  let chars = 0
  return (text) => {
    chars += text.length
    if (chars > MAX_PAGE_CHARS) throw new Broken('a page without an end')
  }
}

/** Why the server refused, if it was the server: whatever stands before it has no such word. */
export function wordOf({ headers }: Response): ResumeErrorCode | undefined {
  const word = headers.get('Windsock-Error') ?? ''
  return word in RESUME_ERRORS ? (word as ResumeErrorCode) : undefined
}

/** A body as text, piece by piece; `heard` is told of each. */
export async function* textOf(
  body: ReadableStreamDefaultReader<Uint8Array> | undefined,
  heard: () => void,
): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  for (;;) {
    const chunk = await body?.read()
    if (chunk === undefined || chunk.done) return
    heard()
    yield decoder.decode(chunk.value, { stream: true })
  }
}

/** All of it. @throws Broken when it is too much. */
export async function whole(pieces: AsyncIterable<string>): Promise<string> {
  const bound = pageBound()
  let text = ''
  for await (const piece of pieces) {
    bound(piece)
    text += piece
  }
  return text
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
