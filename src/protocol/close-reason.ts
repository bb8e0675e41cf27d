// Close reasons: how long one may be, and how a text becomes one.
//
// A control frame carries at most 125 bytes (RFC 6455 §5.5); two of a Close frame's are the code,
// so 123 are left for the reason, which is UTF-8 (§5.5.1). Strings of JavaScript may hold lone
// surrogates, which UTF-8 cannot express; every encoder writes U+FFFD instead, and so does this
// file. It counts and cuts text, and knows nothing of buffers, codes or sockets.

import { typeName, WebSocketError } from './errors.ts'

/** The most bytes of UTF-8 that fit into a Close frame beside its code (RFC 6455 §5.5, §5.5.1). */
export const MAX_REASON_BYTES = 123

const REPLACEMENT = '\uFFFD'

/**
 * How many bytes `text` has in UTF-8; a lone surrogate counts 3, as the U+FFFD that stands for it.
 *
 * Takes one pass and allocates nothing (RFC 6455 §5.6: text is UTF-8).
 */
export function utf8Length(text: string): number {
  let bytes = 0
  for (const character of text) bytes += utf8Width(character.codePointAt(0) as number)
  return bytes
}

/**
 * Lets a reason through that fits a Close frame (RFC 6455 §5.5.1); lone surrogates come back as
 * U+FFFD.
 *
 * For the edge of the API, where a reason that is too long is a mistake to be told; where something
 * must be sent at any rate, use `fitReason`.
 *
 * @throws WebSocketError `ERR_WINDSOCK_CLOSE_REASON` for anything but a string, and above 123
 *   bytes.
 */
export function checkReason(reason: unknown): string {
  if (typeof reason !== 'string') {
    throw refused(`a close reason is of type ${typeName(reason)}: pass a string, or leave it out`)
  }
  const fitted = fitReason(reason)
  if (fitted.length === reason.length) return fitted
  throw refused(
    `a close reason has ${reason.length} characters: at most ${MAX_REASON_BYTES} bytes of UTF-8 fit into a ` +
      'Close frame, so shorten it or send the text as a message before closing',
  )
}

/**
 * The longest beginning of `text` that fits a Close frame (RFC 6455 §5.5.1).
 *
 * Cuts between code points, never within one, and writes U+FFFD for lone surrogates. Looks at no
 * more than the first 124 code points, however long the text is.
 */
export function fitReason(text: string): string {
  let fitted = ''
  let bytes = 0
  for (const character of text) {
    const point = character.codePointAt(0) as number
    bytes += utf8Width(point)
    if (bytes > MAX_REASON_BYTES) break
    fitted += isSurrogate(point) ? REPLACEMENT : character
  }
  return fitted
}

function utf8Width(point: number): number {
  if (point < 0x80) return 1
  if (point < 0x800) return 2
  return point < 0x10000 ? 3 : 4
}

// A code point in this range is half of a pair that lacks its other half.
function isSurrogate(point: number): boolean {
  return point >= 0xd800 && point <= 0xdfff
}

function refused(message: string): WebSocketError {
  return new WebSocketError('ERR_WINDSOCK_CLOSE_REASON', message)
}
