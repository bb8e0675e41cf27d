// The page of Tornado's surface: what became of each piece of it, and the tests that show it.

import { fileURLToPath } from 'node:url'
import { page, sentence, table } from './markdown.ts'
import { type RowTest, rowTests } from './row-marks.ts'
import { TORNADO_ROWS, TORNADO_SECTIONS, type TornadoRow, type Verdict } from './tornado-rows.ts'

const WORDS: Readonly<Record<Verdict, string>> = {
  kept: 'as in Tornado, save where the row says otherwise',
  fixed: 'the same name, and another behaviour, because the old one is a trap',
  added: 'not in Tornado',
  'left out': 'not here, and why',
}

export function tornadoPage(): string {
  const tests = rowTests(fileURLToPath(new URL('../../../', import.meta.url)))
  return page(
    'Tornado, row by row',
    'tools/reference/tornado-rows.ts and the titles of the tests',
    "What Tornado's WebSocket surface is, and what `windsock/tornado` does with each piece of it. " +
      '[Porting from Tornado](../how-to/port-from-tornado.md) shows whole programs side by side.',
    'Names are camelCase, keyword arguments an object, seconds stay seconds, `None` is `null`. **Not yet** says what is ' +
      'missing. What Tornado does was measured on version 6.5.10. The tests are in the project, and not in its package.',
    table(['Verdict', 'Rows', 'Meaning'], verdicts()),
    ...TORNADO_SECTIONS.flatMap(({ title, rows }) => [
      `## ${title}`,
      table(
        ['Row', 'Tornado', 'Here', 'What we do', 'Shown by'],
        rows.map((row) => [
          `T${row.number}`,
          row.theirs,
          row.ours,
          whatWeDo(row),
          shownBy(row, tests),
        ]),
      ),
    ]),
  )
}

function verdicts(): string[][] {
  return Object.entries(WORDS).map(([verdict, meaning]) => [
    `**${verdict}**`,
    String(TORNADO_ROWS.filter((row) => row.verdict === verdict).length),
    sentence(meaning),
  ])
}

function whatWeDo({ verdict, how, notYet }: TornadoRow): string {
  const missing = notYet === undefined ? '' : ` **Not yet:** ${notYet}.`
  return `**${sentence(verdict)}:** ${how}.${missing}`
}

function shownBy({ number, shownIn }: TornadoRow, tests: readonly RowTest[]): string {
  const own = tests.filter(({ rows }) => rows.includes(number))
  const files = [...new Set(own.map(({ file }) => file))]
  const shown = files.map((file) => {
    const titles = own.filter((test) => test.file === file).map(({ title }) => `“${plain(title)}”`)
    return `${code(file)}: ${titles.join('; ')}`
  })
  return [...shown, ...(shownIn === undefined ? [] : [code(shownIn)])].join('<br>')
}

// Its path, and no link: the package has the page, and not the tests.
function code(file: string): string {
  return `\`${file}\``
}

/** A title as text: what Markdown or HTML would take for its own is none of theirs. */
function plain(title: string): string {
  return title.replace(/[\\`*_[\]<>#]/g, (character) => `&#${character.charCodeAt(0)};`)
}
