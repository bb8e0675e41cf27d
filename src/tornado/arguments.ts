// Arguments: the names and values of a query or a form, as bytes first and as text when asked for.
//
// Percent-decoded, `+` is a space, a name without `=` has an empty value, `%` without two digits stays itself. Text is
// UTF-8 or nothing: what is not is refused by whoever asks for it, not replaced. How many there may be is bounded, for
// each costs more than its bytes. Knows nothing of requests and handlers.
// Sources: tornado.escape.parse_qs_bytes; tornado.web.RequestHandler._get_arguments; WHATWG URL §5.1.

import { HTTPError } from './errors.ts'

/** Values by name, in the order they came. */
export type Arguments = ReadonlyMap<string, readonly Uint8Array[]>

/** The most arguments of one query or form. */
const MAX_ARGUMENTS = 10_000

/**
 * Reads `a=1&b=2`.
 *
 * @param text - one character for each byte, as Node gives a request's target.
 * @throws HTTPError 400 for more than `MAX_ARGUMENTS`.
 */
export function parseArguments(text: string): Arguments {
  const found = new Map<string, Uint8Array[]>()
  let count = 0
  for (const pair of pairsOf(text)) {
    if (pair === '') continue
    if (++count > MAX_ARGUMENTS) throw new HTTPError(400, `more than ${MAX_ARGUMENTS} arguments`)
    const equals = pair.indexOf('=')
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals)).toString('utf8')
    const value = decoded(equals < 0 ? '' : pair.slice(equals + 1))
    const values = found.get(name)
    if (values === undefined) found.set(name, [value])
    else values.push(value)
  }
  return found
}

/** The values of both, those of `first` before those of `second`. */
export function valuesOf(name: string, ...sources: readonly Arguments[]): readonly Uint8Array[] {
  return sources.flatMap((source) => source.get(name) ?? [])
}

/** UTF-8 as text; `undefined` when it is none. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Control characters, save tab and the ends of lines, become spaces; then, where wanted, the ends are stripped. */
export function cleanText(text: string, strip: boolean): string {
  const printable = text.replace(/\p{Cc}/gu, (one) => (/\s/.test(one) || one >= '\x7f' ? one : ' '))
  return strip ? printable.trim() : printable
}

// One at a time: a split would make them all before they are counted.
function* pairsOf(text: string): Generator<string> {
  let start = 0
  while (start <= text.length) {
    const end = text.indexOf('&', start)
    yield text.slice(start, end < 0 ? undefined : end)
    if (end < 0) return
    start = end + 1
  }
}

function decoded(text: string): Buffer {
  const bytes = Buffer.alloc(text.length)
  let length = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    const hex = code === 0x25 ? text.slice(index + 1, index + 3) : ''
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      bytes[length++] = Number.parseInt(hex, 16)
      index += 2
    } else {
      bytes[length++] = code === 0x2b ? 0x20 : code
    }
  }
  return bytes.subarray(0, length)
}
