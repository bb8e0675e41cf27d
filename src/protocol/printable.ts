// Printable: text of others, made fit for a log or a terminal.
//
// What a peer sends can hold line breaks that forge a log line, escape sequences that drive a terminal, and
// characters that turn the reading order round. All of these become `\u{…}`; what is too long is cut, and says so. From
// what is printed one can always tell what there was.

import { utf8Length } from './close-reason.ts'

/** Bytes of UTF-8 that text of others may take in a line. */
export const MAX_PRINTED_BYTES = 200

// Control characters (C0, DEL, C1), what Unicode calls formats (bidi marks, zero-width), line and paragraph separators,
// lone surrogates, and the backslash that the escapes begin with.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\\]/gu

// The same, but only those backslashes that would look like an escape of ours. JSON has no such escape.
const UNCOPYABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|\\(?=u\{)/gu

/** `text` on one line, harmless, and no longer than `maxBytes` of UTF-8, the mark `…` of a cut included. */
export function printable(text: string, maxBytes = MAX_PRINTED_BYTES): string {
  return cut(beginning(text, maxBytes).replace(UNPRINTABLE, escape), maxBytes)
}

/** As `printable`, but backslashes stay as they are, so that JSON can be copied; a line break is `\u{a}` here. */
export function copyable(text: string, maxBytes = MAX_PRINTED_BYTES): string {
  return cut(beginning(text, maxBytes).replace(UNCOPYABLE, inHex), maxBytes)
}

/** Each unit takes a byte at least: nothing beyond can show, and one more than fits is enough to see that it does not. */
function beginning(text: string, maxBytes: number): string {
  return text.slice(0, maxBytes + 1)
}

function cut(escaped: string, maxBytes: number): string {
  let bytes = 0
  let end = 0
  let fits = 0
  for (const character of escaped) {
    bytes += utf8Length(character)
    if (bytes > maxBytes) return `${escaped.slice(0, fits)}…`
    end += character.length
    if (bytes <= maxBytes - ELLIPSIS_BYTES) fits = end
  }
  return escaped
}

const ELLIPSIS_BYTES = 3

function escape(character: string): string {
  if (character === '\\') return '\\\\'
  if (character === '\n') return '\\n'
  if (character === '\r') return '\\r'
  if (character === '\t') return '\\t'
  return inHex(character)
}

function inHex(character: string): string {
  return `\\u{${(character.codePointAt(0) as number).toString(16)}}`
}
