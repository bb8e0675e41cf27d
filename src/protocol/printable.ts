// Printable: text of others, made fit for a log or a terminal.
//
// What a peer sends can hold line breaks that forge a log line, escape sequences that drive a terminal, and
// characters that turn the reading order round. All of these become `\u{…}`; what is too long is cut, and says so.

/** Bytes of UTF-8 that text of others may take in a line. */
export const MAX_PRINTED_BYTES = 200

// Control characters (C0, DEL, C1), what Unicode calls formats (bidi marks, zero-width), line and paragraph separators,
// lone surrogates, and the backslash that the escapes begin with.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\\]/gu

/** `text` on one line, harmless, and no longer than `maxBytes` of UTF-8, the mark `…` of a cut included. */
export function printable(text: string, maxBytes = MAX_PRINTED_BYTES): string {
  // Nothing beyond it can show; what is cut off need not be looked at.
  const escaped = text.slice(0, maxBytes + 1).replace(UNPRINTABLE, escape)
  let bytes = 0
  let end = 0
  let fits = 0
  for (const character of escaped) {
    bytes += utf8Length(character)
    if (bytes > maxBytes) return `${escaped.slice(0, fits)}…`
    end += character.length
    if (bytes <= maxBytes - ELLIPSIS_BYTES) fits = end
  }
  return text.length > maxBytes + 1 ? `${escaped.slice(0, fits)}…` : escaped
}

const ELLIPSIS_BYTES = 3

function escape(character: string): string {
  if (character === '\\') return '\\\\'
  if (character === '\n') return '\\n'
  if (character === '\r') return '\\r'
  if (character === '\t') return '\\t'
  return `\\u{${(character.codePointAt(0) as number).toString(16)}}`
}

function utf8Length(character: string): number {
  const code = character.codePointAt(0) as number
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
}
