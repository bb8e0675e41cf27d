// Row marks: which tests say in their titles which rows of Tornado's surface they show.
//
// A mark is `(T23)`, `(T80, T89)` or `(T69–T71)`, the last a range with both ends. It counts in the title of a test, of a
// table of tests, of a property, and of a group, all of whose tests then show the row.
// Reads titles as text, so it knows the way our own tests are written: a call whose first argument is the title.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A test that shows rows. */
export interface RowTest {
  /** From the folder of the project. */
  readonly file: string
  /** After those of its groups, without marks. */
  readonly title: string
  readonly rows: readonly number[]
}

// `])(` is the end of a table of tests.
const TITLE =
  /^( *)(?:.*\b(it|test|law|describe)(?:\.\w+)?|.*\))\(\s*(['"`])((?:\\.|(?!\3)[^\\\n])*)\3,/gm
const MARK = /\(T\d+(?:(?:, |–)T\d+)*\)/g

/** The test of these marks, whose titles are examples. */
const OWN_TEST = 'test/tornado-rows.test.ts'

/** Every marked test below `root/test`, by file and then in the order of the text. */
export function rowTests(root: string): RowTest[] {
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .map((file) => `test/${file.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith('.test.ts') && file !== OWN_TEST)
    .sort()
    .flatMap((file) => rowTestsIn(file, readFileSync(join(root, file), 'utf8')))
}

export function rowTestsIn(file: string, text: string): RowTest[] {
  const found: RowTest[] = []
  let groups: { readonly indent: number; readonly title: string }[] = []
  for (const [whole, blanks = '', call, , title = ''] of text.matchAll(TITLE)) {
    const indent = blanks.length
    groups = groups.filter((group) => group.indent < indent)
    const plain = title.replace(/\\(.)/g, '$1')
    const rows = rowsOf(title)
    const path = [...groups.map((group) => group.title), plain].map(withoutMark)
    if (rows.length > 0) found.push({ file, title: path.join(' › '), rows })
    if (call === 'describe' || /^ *describe\b/.test(whole)) groups.push({ indent, title: plain })
  }
  return found
}

/** The rows that a title names, in its order. */
function rowsOf(title: string): number[] {
  return [...title.matchAll(MARK)].flatMap(([mark]) =>
    mark
      .slice(1, -1)
      .split(', ')
      .flatMap((part) => {
        const [first = 0, last = first] = part.split('–').map((row) => Number(row.slice(1)))
        return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
      }),
  )
}

function withoutMark(title: string): string {
  return title.replace(MARK, '').trim()
}
