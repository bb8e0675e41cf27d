// Page origin: which pages may ask for a topic over HTTP, and what their browsers have to be told about it.
//
// The policy is the one that WebSockets pass, asked for the same headers; a page that may not open a WebSocket may
// not poll either. But over HTTP a browser names no Origin when a page reads from its own host, or when a foreign page
// has it load an address as an image or a script. Sec-Fetch-Site, which no page can set, tells the two apart: the one
// is decided as if it had named its Origin, the other is refused.
//
// Without Access-Control headers a browser gives a foreign page nothing. They are sent only where the policy lets
// other origins in: for `any` to all, without cookies; for a list or a function to the one that asks, with cookies,
// as a WebSocket of that page has them.
// Sources: RFC 6454, Fetch (CORS protocol), Fetch Metadata.

import type { ConnectionRequest } from '../handlers/handler.ts'
import { headerValues, hostOf, originOf, type UpgradeRequest } from '../protocol/handshake.ts'
import type { ResponseHeaders } from '../protocol/http-answer.ts'
import { askOriginRule, type OriginRule } from '../protocol/origin.ts'
import { type Answer, answer } from './topic-answer.ts'

/** What a page may send beyond what every page may. */
const REQUEST_HEADERS = 'Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID'
/** What a page may read beyond what every page may. */
const RESPONSE_HEADERS =
  'ETag, Retry-After, Stream-Cursor, Stream-Next-Offset, Stream-SSE-Data-Encoding, Stream-Up-To-Date, Windsock-Duplicate, Windsock-Error'
/** How long a browser remembers a preflight, in seconds. */
const PREFLIGHT_S = '600'

export const METHODS = 'GET, HEAD, OPTIONS, POST'

/** Who may ask. */
export interface PagePolicy {
  readonly checkOrigin: OriginRule<ConnectionRequest>
  /** Whether whoever is no page may not. */
  readonly requireOrigin: boolean
}

/** Whether the page that asks, if it is one, may; only `true` is a yes. Throws, or rejects, as a function of the user's. */
export function mayAsk(
  head: UpgradeRequest,
  request: ConnectionRequest,
  { checkOrigin: rule, requireOrigin }: PagePolicy,
): boolean | Promise<boolean> {
  const origin = originOf(head)
  if (origin !== undefined) return askOriginRule(rule, origin, hostOf(head), request)
  const site = headerValues(head, 'sec-fetch-site').join()
  if (site === 'same-origin') return ownPageMay(head, request, rule)
  const isNoPage = site === '' || site === 'none'
  return !requireOrigin && (isNoPage || rule === 'any')
}

/** A page of the host that it reads from; by which scheme it came, a proxy may know better than we do. */
async function ownPageMay(
  head: UpgradeRequest,
  request: ConnectionRequest,
  rule: OriginRule<ConnectionRequest>,
): Promise<boolean> {
  if (rule === 'any' || rule === 'same-origin') return true
  const host = hostOf(head)
  for (const scheme of request.secure ? ['https'] : ['http', 'https']) {
    if ((await askOriginRule(rule, `${scheme}://${host}`, host, request)) === true) return true
  }
  return false
}

/** What a response tells the browser of a page that may ask. */
export function crossOriginHeaders(
  head: UpgradeRequest,
  rule: OriginRule<ConnectionRequest>,
): ResponseHeaders {
  if (rule === 'same-origin') return {}
  const exposed = { 'Access-Control-Expose-Headers': RESPONSE_HEADERS }
  if (rule === 'any') return { 'Access-Control-Allow-Origin': '*', ...exposed }
  const origin = originOf(head)
  const vary = { Vary: 'Origin' }
  // A function may allow what is no origin at all; it is not repeated in a header.
  if (origin === undefined || !/^[\x21-\x7e]+$/.test(origin)) return vary
  return {
    ...vary,
    ...exposed,
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Credentials': 'true',
  }
}

/** The answer to a browser that asks what a page may do, before it lets the page do it. */
export function preflight(): Answer {
  return answer(204, {
    Allow: METHODS,
    'Access-Control-Allow-Methods': METHODS,
    'Access-Control-Allow-Headers': REQUEST_HEADERS,
    'Access-Control-Max-Age': PREFLIGHT_S,
  })
}
