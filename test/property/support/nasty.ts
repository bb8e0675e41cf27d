// Nasty: texts that break lines, strings and parsers, among anything else.

import fc from 'fast-check'

export const nasty = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\r', '\n', '\r\n', '\0', ':', ' ', '"', '\\', '\u2028', '\ud800', '\ufeff'),
    fc.constantFrom('data:', 'event:', 'id: 1', 'retry:1', '{', '}', '[', ',', 'é', '😀', 'x'),
    fc.string({ maxLength: 3, unit: 'binary' }),
  ),
  maxLength: 12,
})
