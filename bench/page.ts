// Page: the tables and the picture of docs/explanation/performance.md, and README's table, from one file of results.
//
// Only what stands between two markers is written; the words around it are a person's.

import { chart } from './chart.ts'
import type { Row } from './judge.ts'
import { comparedText, demandText, own } from './report.ts'
import type { Results } from './results.ts'
import { FORMS, WINDSOCK } from './subjects.ts'

export const RESULTS_FILE = 'docs/explanation/performance.json'
export const CHART_FILE = 'docs/explanation/performance.svg'
export const PAGE_FILE = 'docs/explanation/performance.md'
export const README_FILE = 'README.md'

/**
 * All files that follow from `results`, by path.
 *
 * @param textOf - the present text of a page.
 */
export async function filesOf(
  results: Results,
  textOf: (path: string) => string,
): Promise<Record<string, string>> {
  const page = Object.entries({
    machine: machineLine(results),
    own: ownTable(results.rows),
    forms: formsTable(results.rows),
    peers: peersTable(results),
  }).reduce((text, [name, block]) => withBlock(text, name, block), textOf(PAGE_FILE))
  return {
    [RESULTS_FILE]: `${JSON.stringify(results, null, 2)}\n`,
    [CHART_FILE]: await chart(results.rows),
    [PAGE_FILE]: page,
    [README_FILE]: withBlock(textOf(README_FILE), 'cost', readmeTable(results)),
  }
}

/** `text` with `block` between the markers of `name`. */
function withBlock(text: string, name: string, block: string): string {
  const begin = `<!-- bench: ${name} -->`
  const end = `<!-- bench: end of ${name} -->`
  const [before, rest] = text.split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error(`there is no "${begin}"`)
  return `${before}${begin}\n\n${block}\n\n${end}${after}`
}

function machineLine({ machine, rounds, seconds, versions }: Results): string {
  const { node, platform, cpu, cores, loadAverage } = machine
  const busy = `load average ${loadAverage.toFixed(1)} at the end`
  const measured = Object.entries(versions)
    .filter(([name]) => !name.includes(','))
    .map(([name, version]) => `${name} ${version}`.trim())
  return [
    `Node ${node} on ${platform}, ${cores} cores (${cpu}), ${busy}; ${rounds} rounds of ${seconds} s.`,
    `Measured: ${measured.join('; ')}.`,
  ].join('\n')
}

/** windsock beside bare ws. */
function ownTable(rows: readonly Row[]): string {
  const lines = rows
    .filter(({ subject }) => subject === 'windsock')
    .map((row) => {
      const base = rows.find(({ name, subject }) => name === row.name && subject === 'bare ws')
      return [
        row.name,
        base === undefined ? '' : growthOr(base),
        growthOr(row),
        row.comparison === 'growth' ? '' : comparedText(row).replace(/ (?:over )?bare ws$/, ''),
        row.loadCpu === 0 ? '' : `${percent(row.serverCpu)} : ${percent(row.loadCpu)}`,
        demandText(row, 'floor'),
        demandText(row, 'goal'),
      ]
    })
  const head = [
    'Work',
    'bare ws',
    'windsock',
    'compared (min–max)',
    'CPU server : load',
    'Floor',
    'Goal',
  ]
  return markdown([head, ...lines])
}

function growthOr(row: Row): string {
  return row.comparison === 'growth' ? comparedText(row) : own(row)
}

/** Class and actors, of what the stream form does, and of what the same does by hand. */
function formsTable(rows: readonly Row[]): string {
  const names = namesOf(rows.filter(({ subject }) => FORMS.some((form) => form.name === subject)))
  const lines = names.map((name) => {
    const cells = FORMS.flatMap((form) => {
      return [WINDSOCK, form.byHand].map((other) => {
        const row = rows.find((one) => {
          return one.name === name && one.subject === form.name && one.against === other.name
        })
        return row === undefined ? '' : comparedText(row).replace(/ × (\(.*\)) .*$/, ' $1')
      })
    })
    return [name, ...cells]
  })
  const heads = FORMS.flatMap(({ name }) => [name.replace('windsock, ', ''), 'of it by hand'])
  return markdown([['Work', ...heads], ...lines])
}

/** Everyone, as a multiple of bare ws. */
function peersTable({ rows, versions }: Results): string {
  const ratios = rows.filter((row) => row.comparison === 'ratio' && row.against === 'bare ws')
  const subjects = Object.keys(versions).filter((name) => {
    return ratios.some(({ subject }) => subject === name)
  })
  const lines = namesOf(ratios).map((name) => {
    const cells = subjects.map((subject) => {
      const row = ratios.find((one) => one.name === name && one.subject === subject)
      return row?.compared === undefined ? '' : row.compared.median.toFixed(2)
    })
    return [name, ...cells]
  })
  return markdown([['Work', ...subjects], ...lines])
}

/** The four lines that a reader of the README wants: small and large echoes, a broadcast, at both ends of the load. */
function readmeTable({ rows }: Results): string {
  const works = ['echo 16 B', 'echo 1 KB', 'echo 64 KB', 'broadcast 100 B to 1000']
  const lines = works.map((work) => {
    const cells = [1, 16].map((inFlight) => {
      const name = `${work} with ${inFlight} in flight`
      const row = rows.find((one) => one.name === name && one.subject === 'windsock')
      return row === undefined ? '' : comparedText(row).replace(/ × (.*) bare ws$/, ' $1')
    })
    return [work, ...cells]
  })
  return markdown([['Work', 'One message in flight', 'Sixteen in flight'], ...lines])
}

function namesOf(rows: readonly Row[]): readonly string[] {
  return [...new Set(rows.map(({ name }) => name))]
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`
}

/** A table whose columns stand under each other. */
function markdown(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => {
    return Math.max(3, ...rows.map((row) => row[column]?.length ?? 0))
  })
  const line = (cells: readonly string[]) => {
    return `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  }
  const [head = [], ...body] = rows
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n')
}
