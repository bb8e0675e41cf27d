// Topic append: a POST becomes messages of a topic, in order, and is answered when they are published.
//
// All of a body is looked at before any of it is published, so that a refusal publishes nothing. With an
// Idempotency-Key a POST whose answer was lost may be sent again: what was published is not published twice.

import type { TopicCaller, TopicInput, TopicRules } from '../handlers/topic-rules.ts'
import { headerValues, type Refusal, type UpgradeRequest } from '../protocol/handshake.ts'
import { formatOffset } from '../protocol/http-offset.ts'
import { type Sendable, toMessage } from '../protocol/message.ts'
import type { Clock } from '../protocol/ports.ts'
import { MAX_KEY_BYTES, type Published, type TopicLog } from '../streams/broadcast.ts'
import { inTime, type Lifeline } from '../streams/lifeline.ts'
import type { PublishRate } from '../streams/publish-rate.ts'
import { type Answer, answer, line } from './topic-answer.ts'
import { bodyReader } from './topic-input.ts'
import type { TopicLimits } from './topic-limits.ts'

/** A request to write to a topic, and what answering it may use. */
export interface TopicWrite {
  readonly topic: TopicLog
  readonly head: UpgradeRequest
  readonly caller: TopicCaller
  readonly contentType: string
  /** Whether the body is JSON that says what each message is. */
  readonly envelope: boolean
  readonly accept: TopicRules['accept']
  /** Reads the body; rejects with a `HandshakeError` for one that is too large or too slow. */
  readonly body: () => Promise<Uint8Array>
  readonly limits: TopicLimits
  readonly rate: PublishRate
  readonly clock: Clock
  readonly lifeline: Lifeline
}

/** Headers that promise what is not kept here; to leave them out of account would break the promise silently. */
const UNKNOWN_PROMISES = [
  'producer-id',
  'producer-epoch',
  'producer-seq',
  'stream-seq',
  'stream-closed',
]

/** Answers a POST. */
export async function append(write: TopicWrite): Promise<Answer> {
  const { topic, head, caller, contentType, envelope, accept, limits, rate, clock } = write
  const promise = UNKNOWN_PROMISES.find((name) => headerValues(head, name).length > 0)
  if (promise !== undefined) {
    return line(501, `${promise} is not supported: use Idempotency-Key to send a POST again`)
  }
  if (accept === undefined) return line(403, 'this topic takes no messages from outside')
  // RFC 9110 §15.5.16: what it would become is not what was sent.
  const coded = headerValues(head, 'content-encoding').some(
    (coding) => !/^(identity)?$/i.test(coding),
  )
  if (coded)
    return line(415, 'send the body without a Content-Encoding', { 'Accept-Encoding': 'identity' })
  const posted = headerValues(head, 'content-type')
  const type = posted.length > 1 ? posted.join(', ') : posted[0]
  const reader = bodyReader(contentType, type, envelope)
  if (typeof reader !== 'function') return refuse(reader)
  const key = keyOf(head)
  if (typeof key === 'object') return refuse(key)

  const inputs = reader(await write.body())
  if ('status' in inputs) return refuse(inputs)
  if (inputs.length > limits.maxPostMessages) {
    return line(413, `a POST may carry ${limits.maxPostMessages} messages`)
  }
  const waitMs = rate.take(clock.nowMs(), caller.request.remoteAddress, inputs.length)
  if (waitMs > 0) {
    const seconds = String(Math.ceil(waitMs / 1_000))
    return line(429, 'too many messages a second from this address', { 'Retry-After': seconds })
  }
  const keys = inputs.map((_, index) => keyFor(key, index))
  if ((keys.at(-1)?.length ?? 0) > MAX_KEY_BYTES) {
    return line(400, 'Idempotency-Key is too long for so many messages; a UUID does')
  }
  const values = await soon(write, 'accept', accepted(inputs, write, accept))
  const { duplicate, ...position } = await soon(write, 'the topic', publish(topic, values, keys))
  return answer(204, {
    'Stream-Next-Offset': formatOffset(position),
    ...(duplicate && { 'Windsock-Duplicate': 'true' }),
  })
}

/** What user code makes of each; in order, one after the other. */
async function accepted(
  inputs: readonly TopicInput[],
  { caller, lifeline }: TopicWrite,
  accept: NonNullable<TopicRules['accept']>,
): Promise<Sendable[]> {
  const values: Sendable[] = []
  for (const input of inputs) {
    if (lifeline.ended === 'gone') break
    const value = await accept(input, caller)
    // What cannot be sent is told now, before any other is published.
    toMessage(value)
    values.push(value)
  }
  return values
}

/** All in one turn, so that nobody's messages come between where the topic is in memory; the last one's place. */
async function publish(
  topic: TopicLog,
  values: readonly Sendable[],
  keys: readonly (string | undefined)[],
): Promise<Published> {
  const appended = await Promise.allSettled(
    values.map(async (value, index) => {
      const key = keys[index]
      return topic.append(value, key === undefined ? {} : { key })
    }),
  )
  let last: Published | undefined
  for (const one of appended) {
    if (one.status === 'rejected') throw one.reason
    if (last === undefined || one.value.offset > last.offset) last = one.value
  }
  return last as Published
}

function keyOf(head: UpgradeRequest): string | undefined | Refusal {
  const [key, ...more] = headerValues(head, 'idempotency-key')
  if (key === undefined) return undefined
  const isKey = more.length === 0 && key.length <= MAX_KEY_BYTES && /^[\x21-\x7e]+$/.test(key)
  const reason = `Idempotency-Key must be 1 to ${MAX_KEY_BYTES} visible ASCII characters`
  return isKey ? key : { status: 400, reason }
}

/** Each message of an array has a key of its own; the first has the one that was sent. */
function keyFor(key: string | undefined, index: number): string | undefined {
  return key === undefined || index === 0 ? key : `${key}/${index}`
}

function refuse({ status, reason }: Refusal): Answer {
  return line(status, reason)
}

function soon<T>(write: TopicWrite, what: string, promise: Promise<T>): T | Promise<T> {
  return inTime(promise, what, write.limits.answerTimeoutMs, write.clock, write.lifeline)
}
