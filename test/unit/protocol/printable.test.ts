import { describe, expect, it } from 'vitest'
import { copyable, MAX_PRINTED_BYTES, printable } from '../../../src/protocol/printable.ts'

describe('text of others in a log', () => {
  it('is printed as it is where nothing is wrong with it', () => {
    expect(printable('Grüße, 世界 😀')).toBe('Grüße, 世界 😀')
  })

  it.each([
    ['a line break', 'a\nb\rc', 'a\\nb\\rc'],
    ['a tab', 'a\tb', 'a\\tb'],
    ['the backslash of the escapes', 'a\\nb', 'a\\\\nb'],
    ['an escape sequence of a terminal', '\u001b[31m', '\\u{1b}[31m'],
    ['C1 and DEL', '\u009b\u007f', '\\u{9b}\\u{7f}'],
    ['a mark that turns the reading order round', '\u202e', '\\u{202e}'],
    ['separators of lines and paragraphs', '\u2028\u2029', '\\u{2028}\\u{2029}'],
    ['what has no width', '\u200b\ufeff', '\\u{200b}\\u{feff}'],
    ['half a pair', '\ud800', '\\u{d800}'],
    ['a format beyond the first 65,536 characters', '\u{e0001}', '\\u{e0001}'],
  ])('shows %s instead of doing what it says', (_what, text, printed) => {
    expect(printable(text)).toBe(printed)
  })

  it('may have 200 bytes, and is cut to them, mark included, when it has more', () => {
    expect(MAX_PRINTED_BYTES).toBe(200)
    expect(printable('x'.repeat(200))).toBe('x'.repeat(200))
    expect(printable('x'.repeat(201))).toBe(`${'x'.repeat(197)}…`)
    expect(printable('x'.repeat(1_000_000))).toBe(`${'x'.repeat(197)}…`)
  })

  it('is measured in bytes of UTF-8, escapes included, and cut between characters', () => {
    expect(printable('€€€', 9)).toBe('€€€')
    expect(printable('€€€x', 9)).toBe('€€…')
    expect(printable('€€€x', 8)).toBe('€…')
    expect(printable('😀😀😀', 11)).toBe('😀😀…')
    expect(printable('\n\n\n\n\n', 9)).toBe('\\n\\n\\n…')
  })
})

describe('text of others that one may want to copy', () => {
  it('keeps the backslashes of JSON', () => {
    const json = '{"html":"<p class=\\"a\\">\\n\\u001b<\\/p>"}'
    expect(copyable(json)).toBe(json)
  })

  it.each([
    ['a line break', 'a\nb', 'a\\u{a}b'],
    ['an escape sequence of a terminal', '\u001b[31m', '\\u{1b}[31m'],
    ['a mark that turns the reading order round', '\u202e', '\\u{202e}'],
    ['a backslash that would look like such an escape', '\\u{1b}', '\\u{5c}u{1b}'],
    ['one behind another', '\\\\u{1b}', '\\\\u{5c}u{1b}'],
  ])('shows %s instead of doing what it says', (_what, text, printed) => {
    expect(copyable(text)).toBe(printed)
  })

  it('is cut as any other', () => {
    expect(copyable('x'.repeat(201))).toBe(`${'x'.repeat(197)}…`)
    expect(copyable('\n\n\n', 13)).toBe('\\u{a}\\u{a}…')
  })
})
