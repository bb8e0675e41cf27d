// Tornado's rows: each that is kept or fixed is shown by a test that names it, and no test names one that there is not.
//
// The rows stand in `tools/reference/tornado-rows.ts`, and `npm run reference` prints them with their tests.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { rowTests, rowTestsIn } from '../tools/reference/row-marks.ts'
import { TORNADO_ROWS } from '../tools/reference/tornado-rows.ts'

const tests = rowTests(fileURLToPath(new URL('../', import.meta.url)))
const shown = new Set(tests.flatMap(({ rows }) => rows))

describe('the rows of Tornado’s surface', () => {
  it('are numbered from 1 without a gap', () => {
    expect(TORNADO_ROWS.map(({ number }) => number)).toEqual(
      Array.from({ length: 115 }, (_, index) => index + 1),
    )
  })

  it('that are kept or fixed have a test, or say why not yet', () => {
    const bare = TORNADO_ROWS.filter(({ verdict }) => verdict === 'kept' || verdict === 'fixed')
      .filter(({ notYet, shownIn }) => notYet === undefined && shownIn === undefined)
      .filter(({ number }) => !shown.has(number))
      .map(
        ({ number, theirs }) => `T${number} ${theirs} → name it in a test’s title, or add notYet`,
      )
    expect(bare).toEqual([])
  })

  it('are shown by files that there are', () => {
    const files = TORNADO_ROWS.flatMap(({ shownIn }) => shownIn ?? [])
    expect(files.filter((file) => !existsSync(new URL(`../${file}`, import.meta.url)))).toEqual([])
  })

  it('are all that the titles of tests name', () => {
    const known = new Set(TORNADO_ROWS.map(({ number }) => number))
    const strays = tests
      .filter(({ rows }) => rows.some((row) => !known.has(row)))
      .map(({ file, title }) => `${file}: ${title}`)
    expect(strays).toEqual([])
  })
})

describe('a mark in a title', () => {
  const rowsOf = (text: string) => rowTestsIn('file', text).map(({ rows }) => rows)

  it.each([
    ["it('one (T1)', () => {", [[1]]],
    ["  test('two (T1, T23)', async () => {", [[1, 23]]],
    ["law('a range (T1–T3)', x, (run) => {", [[1, 2, 3]]],
    ["law(\n    'on the next line (T7)',\n    x,", [[7]]],
    ["])('of a table %s (T1–T2, T9)', () => {", [[1, 2, 9]]],
    ["it.each(CASES)('of a table $what (T5)', () => {", [[5]]],
    ['it(`runs (T6)`, () => {', [[6]]],
    ["it('has none', () => {", []],
    ["it('of a property (I-4)', () => {", []],
    ["describe.runIf(here)('of a group (T1)', () => {", [[1]]],
    ['// it is said in a comment (T1),', []],
    ["const SAYS = ['of a list (T1)', 1]", []],
  ])('%j', (text, rows) => {
    expect(rowsOf(text)).toEqual(rows)
  })

  it('is not part of what the page shows, which has the groups', () => {
    const text = [
      "describe('group (T1)', () => {",
      "  describe('inner', () => {",
      "    it('one (T2, T3–T4)', () => {})",
      '  })',
      "  it.each([1])('two (T5)', () => {})",
      '})',
      "it('three (T6)', () => {})",
    ].join('\n')
    const titles = rowTestsIn('file', text).map(({ title }) => title)
    expect(titles).toEqual(['group', 'group › inner › one', 'group › two', 'three'])
  })
})
