// Topic input: what the body of a POST becomes, by its content type.
//
//   to a topic of application/json   application/json: its value, or each value of its array; text/plain: one text
//   to a topic of text/…             that type: one text
//   to any other                     that type: one message of bytes
//
// With `envelope` JSON is taken by any: `{"data":…}`, or `{"data64":"…"}` for bytes, or an array of them; so whoever has
// several ways to publish publishes the same over each.
//
// Another type is refused, as the Durable Streams protocol says. What is read here is bounded already.

import type { TopicInput } from '../handlers/topic-rules.ts'
import type { Refusal } from '../protocol/handshake.ts'
import { isDeeper, MAX_JSON_DEPTH } from '../protocol/json-depth.ts'
import { fromBase64 } from '../protocol/resume.ts'
import { mediaType } from './topic-format.ts'

/** Turns a body into messages, one at least. */
export type BodyReader = (body: Uint8Array) => readonly TopicInput[] | Refusal

/** How a body of type `posted` is read for a topic of type `kept`. */
export function bodyReader(
  kept: string,
  posted: string | undefined,
  envelope = false,
): BodyReader | Refusal {
  if (posted === undefined || posted.trim() === '') return bad('a POST needs a Content-Type')
  if (!isUtf8(posted)) return { status: 415, reason: 'the charset must be utf-8' }
  const [topic, body] = [mediaType(kept), mediaType(posted)]
  if (envelope) {
    return body === 'application/json'
      ? readEnvelopes
      : { status: 415, reason: 'an envelope is application/json' }
  }
  if (topic === 'application/json' && body === topic) return readJson
  if (topic === body) return topic.startsWith('text/') ? readText : readBytes
  if (topic === 'application/json' && body === 'text/plain') return readText
  return { status: 409, reason: `this topic takes ${taken(topic)}` }
}

function taken(topic: string): string {
  return topic === 'application/json' ? 'application/json, or text/plain for one text' : topic
}

function isUtf8(contentType: string): boolean {
  const [, charset] = /;\s*charset\s*=\s*"?([^;"\s]*)/i.exec(contentType) ?? []
  return charset === undefined || /^(utf-?8|us-ascii)$/i.test(charset)
}

function readJson(body: Uint8Array): readonly TopicInput[] | Refusal {
  const text = decode(body)
  if (text === undefined) return bad('the body is not valid UTF-8')
  if (isDeeper(text, MAX_JSON_DEPTH))
    return bad(`the body is nested deeper than ${MAX_JSON_DEPTH} levels`)
  try {
    const value: TopicInput = JSON.parse(text)
    if (!Array.isArray(value)) return [value]
    return value.length > 0 ? value : bad('an empty array publishes nothing')
  } catch {
    return bad('the body is not JSON')
  }
}

function readEnvelopes(body: Uint8Array): readonly TopicInput[] | Refusal {
  const values = readJson(body)
  if ('status' in values) return values
  const inputs: TopicInput[] = []
  for (const value of values) {
    const { data, data64 } = (value ?? {}) as { data?: TopicInput; data64?: unknown }
    const input = data64 === undefined ? data : fromBase64(data64)
    if (input === undefined) return bad('an envelope has data, or bytes as base64 in data64')
    inputs.push(input)
  }
  return inputs
}

function readText(body: Uint8Array): readonly TopicInput[] | Refusal {
  const text = decode(body)
  if (text === undefined) return bad('the body is not valid UTF-8')
  return text === '' ? bad('an empty body publishes nothing') : [text]
}

function readBytes(body: Uint8Array): readonly TopicInput[] | Refusal {
  return body.byteLength === 0 ? bad('an empty body publishes nothing') : [body]
}

function decode(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    return undefined
  }
}

function bad(reason: string): Refusal {
  return { status: 400, reason }
}
