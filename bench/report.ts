// Report: the rows as a table, and the notes below it.
//
// Only what is compared means something on another machine; the rates are printed to be doubted.

import { meets, type Row } from './judge.ts'
import type { Spread } from './spread.ts'

/** A share of a core above which a process has nothing left to give. */
const BUSY = 0.95

/** The rows whose median misses their floor. */
export function belowFloor(rows: readonly Row[]): readonly Row[] {
  return rows.filter((row) => meets(row, 'floor') === false)
}

export function table(rows: readonly Row[]): string {
  const head = ['case', '', '/s', 'own', 'compared (min–max)', 'CPU server:load', 'floor', 'goal']
  const lines = rows.map((row, index) => [
    row.name === rows[index - 1]?.name ? '' : row.name,
    row.subject,
    row.perSecond === 0 ? '' : rate(row.perSecond),
    own(row),
    comparedText(row),
    row.loadCpu === 0 ? '' : `${percent(row.serverCpu)}:${percent(row.loadCpu)}`,
    demandText(row, 'floor'),
    demandText(row, 'goal'),
  ])
  return [...columns([head, ...lines]), ...notes(rows)].join('\n')
}

/** The row's own figure with its unit. */
export function own({ value, unit, comparison }: Row): string {
  if (comparison === 'growth') return ''
  if (unit === '/CPU s') return `${rate(value)}/CPU s`
  const places = { µs: 0, KiB: 1, '×': 2 }[unit]
  return `${value.toFixed(places)} ${unit}`
}

export function comparedText({ compared, comparison, against }: Row): string {
  if (compared === undefined) return ''
  const text = withRange(compared, comparison === 'difference' ? ' KiB' : ' ×')
  if (comparison === 'growth') return text
  return comparison === 'difference' ? `${text} over ${against}` : `${text} ${against}`
}

export function demandText(row: Row, demand: 'floor' | 'goal'): string {
  const limit = row[demand]
  if (limit === undefined) return ''
  const sign = row.lessIsBetter ? '≤' : '≥'
  return `${sign} ${limit} ${meets(row, demand) === true ? 'met' : 'not met'}`
}

function notes(rows: readonly Row[]): string[] {
  const busy = rows.filter(({ unit, loadCpu, serverCpu }) => {
    return unit === '/CPU s' && loadCpu > BUSY && serverCpu < BUSY
  })
  if (busy.length === 0) return []
  return [
    '',
    ...busy.map(({ name, subject }) => {
      return `* ${name}: the load process was the bottleneck, not ${subject}; trust what is per CPU second.`
    }),
  ]
}

function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(2)} M`
  return `${(perSecond / 1e3).toFixed(1)} k`
}

function withRange({ median, min, max }: Spread, unit: string): string {
  return `${figure(median)}${unit} (${figure(min)}–${figure(max)})`
}

/** With two places below 10, one above. */
function figure(value: number): string {
  return value.toFixed(Math.abs(value) < 10 ? 2 : 1)
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`
}

/** Left-aligned first columns, right-aligned others, two spaces between. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => {
    return Math.max(...rows.map((row) => row[column]?.length ?? 0))
  })
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0
      return column < 2 ? cell.padEnd(width) : cell.padStart(width)
    })
    return cells.join('  ').trimEnd()
  })
}
