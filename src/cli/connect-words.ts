// Connect words: what happens to a terminal client, as a line for people or as a JSON object for programs.
//
// What the other end sent is escaped and, for people, cut: nothing of it drives the terminal. What is JSON can be copied.

import type { ClientState, TopicGap, TopicMessage } from '../client/index.ts'
import { closeLine } from '../protocol/close-line.ts'
import type { CloseFrame, CloseRecord } from '../protocol/close-record.ts'
import type { Message } from '../protocol/message.ts'
import { copyable, printable } from '../protocol/printable.ts'
import { toBase64 } from '../protocol/resume.ts'
import { frameText } from './replay-words.ts'
import { jsonLine, lasted, quoted } from './terminal-text.ts'

/** The most bytes of one message that are shown to people. */
const SHOWN_BYTES = 4_096

/** What can happen; `atMs` is added when it is told. */
export type Happening =
  | { readonly type: 'connecting'; readonly url: string }
  | { readonly type: 'open'; readonly subprotocol: string | undefined }
  | { readonly type: 'state'; readonly state: ClientState }
  | { readonly type: 'received' | 'sent'; readonly message: Message }
  | { readonly type: 'ping'; readonly bytes: number }
  /** Without a round trip: it answers no ping of ours. */
  | { readonly type: 'pong'; readonly roundTripMs: number | undefined }
  | { readonly type: 'closing' }
  | { readonly type: 'closed'; readonly record: CloseRecord }
  | TopicMessage
  | TopicGap
  | { readonly type: 'published'; readonly offset: number; readonly duplicate: boolean }
  | { readonly type: 'refused'; readonly what: 'read' | 'publish'; readonly why: string }

/** `14:03:12.345  < 5 B  hello`, the time as the clock on the wall here shows it. */
export function happeningLine(happening: Happening, atMs: number): string {
  const time = new Date(atMs)
  const pad = (number: number, digits: number) => String(number).padStart(digits, '0')
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()]
  return `${clock.map((part) => pad(part, 2)).join(':')}.${pad(time.getMilliseconds(), 3)}  ${words(happening, atMs)}`
}

/** One JSON object on one line; bytes as base64 in `data64`. */
export function happeningJson(happening: Happening, atMs: number): string {
  const { type } = happening
  switch (type) {
    case 'received':
    case 'sent': {
      const { message } = happening
      return jsonLine({ atMs, type, bytes: bytesOf(message), ...dataOf(message) })
    }
    case 'state':
      return jsonLine({ atMs, type, ...happening.state })
    case 'message': {
      const { topic, epoch, offset, atMs: publishedMs, data } = happening
      return jsonLine({ atMs, type, topic, epoch, offset, publishedMs, ...dataOf(data) })
    }
    default:
      return jsonLine({ atMs, ...happening })
  }
}

function words(happening: Happening, nowMs: number): string {
  switch (happening.type) {
    case 'connecting':
      return `connecting to ${quoted(happening.url)}`
    case 'open':
      return happening.subprotocol === undefined ? 'open' : `open, ${quoted(happening.subprotocol)}`
    case 'state':
      return stateWords(happening.state, nowMs)
    case 'received':
      return `< ${messageWords(happening.message)}`
    case 'sent':
      return `> ${messageWords(happening.message)}`
    case 'ping':
      return `ping received, ${happening.bytes} B`
    case 'pong':
      return happening.roundTripMs === undefined
        ? 'pong received, to no ping of ours'
        : `pong after ${happening.roundTripMs.toFixed(1)} ms`
    case 'closing':
      return 'closing'
    case 'closed':
      return closeLine(happening.record)
    case 'message':
      return `${happening.offset}  ${dataWords(happening.data)}`
    case 'gap':
      return `gap: nothing comes up to ${happening.to.offset} (${happening.reason})`
    case 'published':
      return `> stored as ${happening.offset}${happening.duplicate ? ', it was there already' : ''}`
    case 'refused':
      return `${happening.what === 'read' ? '< refused' : '> not taken'}: ${printable(happening.why)}`
  }
}

function stateWords(
  { state, transport, attempt, retryAtMs, lastClose }: ClientState,
  nowMs: number,
): string {
  switch (state) {
    case 'connecting':
      return `connecting over ${transport}${attempt > 1 ? `, attempt ${attempt}` : ''}`
    case 'open':
    case 'resuming':
      return `${state} over ${transport}`
    case 'waiting':
      return `waiting ${lasted(Math.max(0, retryAtMs - nowMs))}${after(lastClose)}`
    default:
      return `${state}${after(lastClose)}`
  }
}

function after(frame: CloseFrame | null): string {
  return frame === null ? '' : `, after ${frameText(frame)}`
}

function messageWords(message: Message): string {
  return `${bytesOf(message)} B  ${dataWords(message)}`
}

function dataWords(data: unknown): string {
  if (data instanceof Uint8Array) {
    return `(binary) ${Buffer.from(data.subarray(0, 32)).toString('hex')}${data.length > 32 ? '…' : ''}`
  }
  return copyable(typeof data === 'string' ? data : jsonLine(data), SHOWN_BYTES)
}

function bytesOf(message: Message): number {
  return typeof message === 'string' ? Buffer.byteLength(message) : message.byteLength
}

function dataOf(data: unknown): { data: unknown } | { data64: string } {
  return data instanceof Uint8Array ? { data64: toBase64(data) } : { data }
}
