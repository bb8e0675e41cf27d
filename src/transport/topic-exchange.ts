// Topic exchange: one request for a topic, decided from what it says to the answer, with no socket in sight.
//
//   Origin → method → topic → what is asked → who asks → poll, long poll, event stream or append
//
// The Origin comes before anything of the user's is called, but the policy itself. User code runs in a barrier and
// within a deadline: what it throws is a status, what never settles is 503. Every request gets one answer.

import type { ConnectionRequest } from '../handlers/handler.ts'
import type { TopicCaller, TopicRules } from '../handlers/topic-rules.ts'
import { WebSocketError } from '../protocol/errors.ts'
import type { UpgradeRequest } from '../protocol/handshake.ts'
import type { Clock, Random } from '../protocol/ports.ts'
import type { TopicLog } from '../streams/broadcast.ts'
import { inTime, type Lifeline } from '../streams/lifeline.ts'
import type { PublishRate } from '../streams/publish-rate.ts'
import type { Refusals } from '../streams/refusals.ts'
import { eventStream } from './event-stream.ts'
import { longPoll } from './long-poll.ts'
import { crossOriginHeaders, METHODS, mayAsk, type PagePolicy, preflight } from './page-origin.ts'
import { end, poll, type TopicRead } from './poll.ts'
import type { Presence } from './presence.ts'
import { type Answer, answerFor, line } from './topic-answer.ts'
import { append } from './topic-append.ts'
import type { TopicFormats } from './topic-format.ts'
import type { TopicLimits } from './topic-limits.ts'
import { readQuery } from './topic-query.ts'

/** One request, however it came. */
export interface TopicRequest {
  readonly head: UpgradeRequest
  /** The same, as user code sees it. */
  readonly request: ConnectionRequest
  /** The topic that the path names. */
  readonly name: string
  /** Reads the body; rejects with a `HandshakeError` for one that is too large or too slow. Called at most once. */
  readonly body: () => Promise<Uint8Array>
  /** Whoever brings the request ends it when the client is gone, which it is after the answer, too. */
  readonly lifeline: Lifeline
}

/** What requests are answered from. */
export interface TopicService extends PagePolicy {
  /** The topic of that name, if there is one. A `Map` of them does. */
  readonly topics: { get(name: string): TopicLog | undefined }
  readonly rules: TopicRules
  readonly formats: TopicFormats
  readonly limits: TopicLimits
  readonly clock: Clock
  readonly random: Random
  readonly presence: Presence
  /** Of what each address publishes. */
  readonly rate: PublishRate
  /** Told of what user code threw, and of what a store could not do. Must not throw. */
  readonly report: (error: WebSocketError) => void
  /** What a journal refuses is told once in a while. */
  readonly refusals: Refusals
}

const FOREIGN_ORIGIN =
  'this page may not read or write here; the server has to list its origin in checkOrigin'

/** Answers a request. Never rejects; when its client leaves it lets go of everything at once. */
export async function answerTopic(asked: TopicRequest, service: TopicService): Promise<Answer> {
  const { head, request } = asked
  const failed = (thrown: unknown) => answerFor(thrown, (error) => report(asked, service, error))
  try {
    const verdict = mayAsk(head, request, service)
    const allowed = await inTimeFor(asked, service, 'checkOrigin', verdict)
    // Only a plain `true` allows: a truthy mistake must not open the door.
    if (allowed !== true) return line(403, FOREIGN_ORIGIN)
  } catch (thrown) {
    return failed(thrown)
  }
  const told = await decide(asked, service).catch(failed)
  return { ...told, headers: { ...told.headers, ...crossOriginHeaders(head, service.checkOrigin) } }
}

async function decide(asked: TopicRequest, service: TopicService): Promise<Answer> {
  const { head, request, name, lifeline, body } = asked
  const { topics, rules, formats, limits, rate, clock, random } = service
  const { method } = head
  if (method === 'OPTIONS') return preflight()
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') {
    return line(405, 'a topic is read with GET and written with POST', { Allow: METHODS })
  }
  const topic = topics.get(name)
  if (topic === undefined) return line(404, 'there is no topic of this name')
  const caller: TopicCaller = { request, topic: name }
  const { plain, envelope } = formats.of(topic, name)
  if (method === 'POST') {
    const { accept } = rules
    const { contentType } = plain
    const inEnvelopes = request.query.get('envelope') === '1'
    const what = { topic, head, caller, contentType, envelope: inEnvelopes, accept, body }
    return append({ ...what, limits, rate, clock, lifeline })
  }
  const query = readQuery(head, request.query)
  if ('status' in query) return line(query.status, query.reason)
  await inTimeFor(asked, service, 'mayRead', rules.mayRead?.(caller))
  await inTimeFor(asked, service, 'the topic', topic.ready)
  const format = query.envelope ? envelope : plain
  const read: TopicRead = { topic, query, format, limits, clock, random, lifeline }
  if (method === 'HEAD') return end(read)
  if (query.live === 'sse') return stay(read, caller, asked, service)
  return query.live === 'long-poll' ? longPoll(read) : poll(read)
}

/** An event stream stays, as a WebSocket does: whoever reads it is present, until the client is gone and stays away. */
async function stay(
  read: TopicRead,
  caller: TopicCaller,
  asked: TopicRequest,
  service: TopicService,
): Promise<Answer> {
  const { lifeline } = asked
  const told = await eventStream(read, (thrown) => {
    report(asked, service, WebSocketError.from(thrown))
  })
  const { events } = told
  if (events === undefined || lifeline.ended === 'gone') return told
  const depart = service.presence.arrive(caller, service.clock)
  let isDraining = false
  lifeline.onEnd((why) => {
    if (why === 'draining') isDraining = true
    else depart(events.isOver && !isDraining)
  })
  return told
}

function inTimeFor<T>(
  { lifeline }: TopicRequest,
  { limits, clock }: TopicService,
  what: string,
  promise: T | PromiseLike<T>,
): T | Promise<T> {
  return inTime(promise, what, limits.answerTimeoutMs, clock, lifeline)
}

/** Who has left made nothing go wrong. */
function report(
  { lifeline, name }: TopicRequest,
  service: TopicService,
  error: WebSocketError,
): void {
  const { clock, refusals } = service
  if (lifeline.ended === 'gone') return
  if (refusals.isNews(name, error, clock.nowMs())) service.report(error)
}
