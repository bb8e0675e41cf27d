// The opening handshake: whether a request may become a WebSocket connection, from its head alone.
//
// The rules are RFC 6455 §4.2.1, asked in Tornado's order: method, HTTP version, Upgrade,
// Connection; then the origin, which is decided elsewhere (origin.ts); then Version, Host, Key,
// body and subprotocols. A request is refused with the first rule that it breaks, by an HTTP status
// and one line that says what was expected.
//
// Total and linear: any strings at all give an answer, in one pass over the headers per rule. A
// reason never repeats what the client sent. Refuses to know routes, cookies, extensions, sockets,
// and how the accepting answer is computed (§4.2.2 item 5), which is the transport's; it reads raw
// headers, because a parsed object has already hidden the duplicates.

import { HandlerError, type HandshakeError, show } from './errors.ts'
import { parseHost } from './origin.ts'
import { listElements, parseSubprotocols } from './subprotocol.ts'

/** The head of a request that asks for an upgrade; an `http.IncomingMessage` is one. */
export interface UpgradeRequest {
  readonly method: string
  readonly url: string
  /** Such as `1.1`. */
  readonly httpVersion: string
  /** Name, value, name, value …, as they came. */
  readonly rawHeaders: readonly string[]
}

/** How a handshake is refused: an HTTP status and one line of text for the body. */
export interface Refusal {
  readonly status: number
  readonly reason: string
  readonly headers?: Readonly<Record<string, string>>
}

const NONE: readonly string[] = []

/**
 * The bug of a program that refuses with a status which does not refuse, or `undefined`.
 *
 * A redirection or an error refuses; any other status would say that what was asked for is granted, or nothing at all.
 */
export function bugOfRefusal(refusal: HandshakeError): HandlerError | undefined {
  const status = refusal.httpStatus
  if (Number.isInteger(status) && status >= 300 && status <= 599 && status !== 304) return undefined
  const message = `a HandshakeError has the status ${show(status)}, which refuses nothing: it must be a whole number from 300 to 599, and not 304. The client was answered 500`
  return new HandlerError(refusal, message)
}

/**
 * The values of all headers of one name, in the order they came; `[]` when there is none.
 *
 * Names match in any case, ASCII only (RFC 9110 §5.1).
 */
export function headerValues(
  { rawHeaders }: Pick<UpgradeRequest, 'rawHeaders'>,
  lowerCaseName: string,
): readonly string[] {
  let values: string[] | undefined
  let index = indexOfHeader(rawHeaders, lowerCaseName, 0)
  for (; index >= 0; index = indexOfHeader(rawHeaders, lowerCaseName, index + 2)) {
    const value = rawHeaders[index + 1] as string
    if (values === undefined) values = [value]
    else values.push(value)
  }
  return values ?? NONE
}

/** The value of the header of that name; `undefined` when there is none, and when there are several. */
export function onlyHeader(
  { rawHeaders }: Pick<UpgradeRequest, 'rawHeaders'>,
  lowerCaseName: string,
): string | undefined {
  const index = indexOfHeader(rawHeaders, lowerCaseName, 0)
  if (index < 0 || indexOfHeader(rawHeaders, lowerCaseName, index + 2) >= 0) return undefined
  return rawHeaders[index + 1]
}

/** Whether a header of that name is there, once or more often. */
export function hasHeader(
  { rawHeaders }: Pick<UpgradeRequest, 'rawHeaders'>,
  lowerCaseName: string,
): boolean {
  return indexOfHeader(rawHeaders, lowerCaseName, 0) >= 0
}

function indexOfHeader(rawHeaders: readonly string[], lowerCaseName: string, from: number): number {
  for (let index = from; index + 1 < rawHeaders.length; index += 2) {
    if (isNamed(rawHeaders[index] as string, lowerCaseName)) return index
  }
  return -1
}

/**
 * The origin that the client names: Origin, or else the Sec-WebSocket-Origin of version 8 (RFC 6455
 * §4.2.1 item 7).
 *
 * @returns `undefined` when there is neither; `''`, which no policy but `any` allows, when one
 *   comes several times.
 */
export function originOf(request: UpgradeRequest): string | undefined {
  const name = hasHeader(request, 'origin') ? 'origin' : 'sec-websocket-origin'
  return hasHeader(request, name) ? (onlyHeader(request, name) ?? '') : undefined
}

/**
 * The one Host header; `''`, which equals no origin's host, when there is none or several (RFC 6455
 * §4.2.1 item 2).
 */
export function hostOf(request: UpgradeRequest): string {
  return onlyHeader(request, 'host') ?? ''
}

/**
 * Why a request is no upgrade to WebSocket at all, or `undefined` (RFC 6455 §4.2.1 items 1, 3 and
 * 4).
 *
 * To be asked before the origin is looked at.
 */
export function refuseUpgrade(request: UpgradeRequest): Refusal | undefined {
  if (request.method !== 'GET') {
    return { status: 405, reason: 'Method not allowed: expected GET.', headers: { Allow: 'GET' } }
  }
  // Not 505: that speaks of the major version, and an HTTP/1.0 request for a page is served.
  const version = request.httpVersion
  if (!/^[0-9]\.[0-9]$/.test(version) || version < '1.1') {
    return bad('HTTP version too old: expected 1.1 or higher.')
  }
  if (!listHas(request, 'upgrade', /^websocket$/i)) {
    return bad('No upgrade to WebSocket: expected "Upgrade: websocket".')
  }
  if (!listHas(request, 'connection', /^upgrade$/i)) {
    return bad('No upgrade of the connection: expected "Connection: Upgrade".')
  }
  return undefined
}

/**
 * Why an upgrade to WebSocket cannot be granted, or `undefined` (RFC 6455 §4.2.1 items 2, 5, 6 and
 * 8, §4.4).
 *
 * To be asked after the origin has been accepted.
 */
export function refuseHandshake(request: UpgradeRequest): Refusal | undefined {
  const version = onlyHeader(request, 'sec-websocket-version')
  if (version !== '13' && version !== '8') {
    return {
      status: 426,
      reason: 'WebSocket version not supported: expected "Sec-WebSocket-Version: 13".',
      headers: { 'Sec-WebSocket-Version': '13, 8' },
    }
  }
  if (parseHost(onlyHeader(request, 'host')) === undefined) {
    return bad('Host missing, repeated or malformed: expected one "Host: name[:port]".')
  }
  if (!isKey(onlyHeader(request, 'sec-websocket-key') ?? '')) {
    return bad('Sec-WebSocket-Key missing, repeated or malformed: expected 16 bytes in base64.')
  }
  if (hasBody(request)) {
    return bad('An upgrade request carries no body: expected no Transfer-Encoding, no length.')
  }
  const offers = headerValues(request, 'sec-websocket-protocol')
  if (offers.length > 0 && parseSubprotocols(offers.join(',')) === undefined) {
    return bad('Sec-WebSocket-Protocol malformed: expected distinct tokens between commas.')
  }
  return undefined
}

// 22 characters of base64 carry the 128 bits, "==" ends them; the four bits left over may be
// anything (§4.2.1 item 5).
function isKey(key: string): boolean {
  return /^[A-Za-z0-9+/]{22}==$/.test(key)
}

// The bytes after the head are frames: a body would be read as such (request smuggling).
function hasBody(request: UpgradeRequest): boolean {
  const hasLength = hasHeader(request, 'content-length')
  if (hasLength && onlyHeader(request, 'content-length') !== '0') return true
  return hasHeader(request, 'transfer-encoding')
}

function listHas(request: UpgradeRequest, lowerCaseName: string, token: RegExp): boolean {
  // Most lists are one token.
  const only = onlyHeader(request, lowerCaseName)
  if (only !== undefined && token.test(only)) return true
  return headerValues(request, lowerCaseName)
    .flatMap(listElements)
    .some((element) => token.test(element))
}

// toLowerCase() would also turn the Kelvin sign into a "k". Asked some eighty times a request: no text is made.
function isNamed(name: string, lowerCaseName: string): boolean {
  if (name.length !== lowerCaseName.length) return false
  for (let index = 0; index < name.length; index++) {
    let code = name.charCodeAt(index)
    if (code >= 0x41 && code <= 0x5a) code += 0x20
    if (code !== lowerCaseName.charCodeAt(index)) return false
  }
  return true
}

function bad(reason: string): Refusal {
  return { status: 400, reason }
}
