// Opening request: the head of an upgrade request that is as plain as nearly all are.
//
// HTTP is read by Node. But what opens a connection is nearly always the same few lines, whole and in visible ASCII, and
// those are read here, which costs less (docs/adr/0029): a GET of a path, fields of one line each, one Upgrade to
// `websocket`, one Connection with `upgrade`, no body. Anything else, right or wrong, is left to Node, so nothing is
// refused here. What is read here Node reads in the same way; a law over both holds it to that.

import { hasHeader, onlyHeader, type UpgradeRequest } from './handshake.ts'

/** Fields that are looked at; Node's own bound is 2,000. */
const MOST_FIELDS = 100

// RFC 9112 §3 with a target in origin form (RFC 3986 §3.3, §3.4); RFC 9110 §5.6.2 tokens, §5.5 values without obs-text.
const PLAIN_HEAD =
  /^GET \/[\w\-.~!$&'()*+,;=:@%/?]* HTTP\/1\.1\r\n(?:[\w\-!#$%&'*+.^`|~]+: ?(?:[!-~](?:[\t -~]*[!-~])?)?\r\n)+\r\n$/

const METHOD = 'GET '
const VERSION = ' HTTP/1.1'
const LINE_END = '\r\n'

/** An upgrade request that was read here. */
class OpeningRequest implements UpgradeRequest {
  readonly method = 'GET'
  readonly httpVersion = '1.1'
  readonly url: string
  readonly rawHeaders: readonly string[]

  constructor(url: string, rawHeaders: readonly string[]) {
    this.url = url
    this.rawHeaders = rawHeaders
  }
}

/** The request that `bytes` are, all of them and nothing behind it; `undefined` where Node has to say what they are. */
export function openingRequest(bytes: Buffer): UpgradeRequest | undefined {
  const text = bytes.toString('latin1')
  if (!PLAIN_HEAD.test(text)) return undefined
  const lineEnd = text.indexOf(LINE_END)
  const rawHeaders: string[] = []
  let start = lineEnd + LINE_END.length
  while (start < text.length - LINE_END.length) {
    if (rawHeaders.length === 2 * MOST_FIELDS) return undefined
    const end = text.indexOf(LINE_END, start)
    const colon = text.indexOf(':', start)
    const value = text.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1
    // A value may be kept for long, and a slice of the text would keep all of it.
    rawHeaders.push(text.slice(start, colon), bytes.toString('latin1', value, end))
    start = end + LINE_END.length
  }
  const request = new OpeningRequest(
    bytes.toString('latin1', METHOD.length, lineEnd - VERSION.length),
    rawHeaders,
  )
  return isUpgrade(request) ? request : undefined
}

const SPACE = 0x20

/** Whether Node, too, would tell of an upgrade, and read nothing behind the head. */
function isUpgrade(request: UpgradeRequest): boolean {
  return (
    /^websocket$/i.test(onlyHeader(request, 'upgrade') ?? '') &&
    /^(?:keep-alive, ?)?upgrade$/i.test(onlyHeader(request, 'connection') ?? '') &&
    !hasHeader(request, 'content-length') &&
    !hasHeader(request, 'transfer-encoding')
  )
}
