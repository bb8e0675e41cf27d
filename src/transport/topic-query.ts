// Topic query: what a GET or HEAD asks of a topic, read from its address and headers.
//
// Total: any strings give a query or a refusal. Unknown parameters are left alone, as the Durable Streams protocol
// says, known ones must come once and mean something.

import { headerValues, type Refusal, type UpgradeRequest } from '../protocol/handshake.ts'
import { parseOffset } from '../protocol/http-offset.ts'
import type { From } from '../streams/topic-reader.ts'

export interface TopicQuery {
  /** Where to begin. */
  readonly from: From
  /** How it waits for what is to come; `undefined`: it does not. */
  readonly live: 'long-poll' | 'sse' | undefined
  /** Whether each message comes with its offset and its time. */
  readonly envelope: boolean
  /** The cursor of the answer before; not looked into here. */
  readonly cursor: string | undefined
  /** The entity tags that the client has, as they came; empty when none. */
  readonly known: readonly string[]
}

const BAD_OFFSET =
  'offset must be one that an answer gave in Stream-Next-Offset, or -1 (all that is kept), or now'

/** Reads a request; `query` are the arguments of its address. */
export function readQuery(head: UpgradeRequest, query: URLSearchParams): TopicQuery | Refusal {
  for (const name of ['offset', 'live', 'envelope', 'cursor']) {
    if (query.getAll(name).length > 1) return bad(`${name} may be given once`)
  }
  const live = query.get('live') ?? undefined
  if (live !== undefined && live !== 'long-poll' && live !== 'sse') {
    return bad('live must be long-poll or sse')
  }
  const envelope = query.get('envelope') ?? '0'
  if (envelope !== '0' && envelope !== '1') return bad('envelope must be 0 or 1')
  const word = offsetWord(head, query, live)
  if (word === undefined && live !== undefined) {
    return bad('a live read needs an offset: the one of the last answer, or -1, or now')
  }
  const from = parseOffset(word ?? '-1')
  if (from === undefined) return bad(BAD_OFFSET)
  return {
    from,
    live,
    envelope: envelope === '1',
    cursor: query.get('cursor') ?? undefined,
    known: headerValues(head, 'if-none-match'),
  }
}

/** An EventSource that comes back tells in a header how far it got; its address is the one it began with. */
function offsetWord(
  head: UpgradeRequest,
  query: URLSearchParams,
  live: string | undefined,
): string | undefined {
  const ids = live === 'sse' ? headerValues(head, 'last-event-id') : []
  return ids.length > 0 ? ids.join(', ') : (query.get('offset') ?? undefined)
}

function bad(reason: string): Refusal {
  return { status: 400, reason }
}
