// Report: results as a table, as JSON, and the progress until then.
//
// The table goes to standard output, progress to standard error: one line that changes on a
// terminal, a line per case when piped. Only the ratios mean something on another machine; the
// rates are printed to be doubted.

import { cpus, loadavg } from 'node:os'
import type { Result, Spread } from './measure.ts'

/** A share of a core above which a process has nothing left to give. */
const BUSY = 0.95
/** What the left column is called, and the column that it is compared with. */
export interface Names {
  readonly base: string
  readonly rival: string
}

/** The cases whose median ratio per CPU second is below their floor. */
export function belowFloor(results: readonly Result[]): readonly Result[] {
  return results.filter((result) => !(result.byCpu.median >= result.floor))
}

export function table(results: readonly Result[], names: Names, judged: boolean): string {
  const head = [
    'case',
    `${names.base}/s`,
    `${names.rival}/s`,
    'by throughput',
    'per CPU second (min–max)',
    'CPU server:load',
    ...(judged ? ['floor'] : []),
  ]
  const rows = results.map((result) => [
    result.name,
    rate(result.base.perSecond),
    rate(result.rival.perSecond),
    ratio(result.byThroughput.median),
    withRange(result.byCpu),
    `${shares(result.base)}  ${shares(result.rival)}`,
    ...(judged ? [`${result.floor.toFixed(1)} ${verdict(result)}`] : []),
  ])
  return [...columns([head, ...rows]), ...notes(results, names)].join('\n')
}

export function json(
  results: readonly Result[],
  names: Names,
  settings: { readonly rounds: number; readonly seconds: number },
): string {
  const processors = cpus()
  const machine = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    loadAverage: loadavg()[0] ?? 0,
  }
  return JSON.stringify({ ...settings, ...names, machine, results }, null, 2)
}

/** Tells how far the run is; `end` a case's line with its result. */
export class Progress {
  readonly #live = process.stderr.isTTY === true
  readonly #total: number
  #steps = 0

  constructor(total: number) {
    this.#total = total
  }

  step(what: string): void {
    this.#steps += 1
    if (this.#live) process.stderr.write(`\r\x1b[K[${this.#steps}/${this.#total}] ${what}`)
  }

  end(result: Result): void {
    const line = `${result.name}: ${withRange(result.byCpu)} per CPU second`
    process.stderr.write(`${this.#live ? '\r\x1b[K' : ''}[${this.#steps}/${this.#total}] ${line}\n`)
  }

  /** Leaves a clean line behind. */
  close(): void {
    if (this.#live) process.stderr.write('\r\x1b[K')
  }
}

function notes(results: readonly Result[], names: Names): string[] {
  const lines: string[] = []
  for (const { name, base, rival } of results) {
    const sides = [
      { who: names.base, side: base },
      { who: names.rival, side: rival },
    ]
    for (const { who, side } of sides) {
      if (side.loadCpu > BUSY && side.serverCpu < BUSY) {
        lines.push(
          `* ${name}: the load process was the bottleneck, not ${who}; trust per CPU second.`,
        )
      }
    }
  }
  return lines.length === 0 ? [] : ['', ...lines]
}

function verdict(result: Result): string {
  return belowFloor([result]).length === 0 ? 'ok' : 'BELOW'
}

function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(2)} M`
  return `${(perSecond / 1e3).toFixed(1)} k`
}

function ratio(value: number): string {
  return value.toFixed(2)
}

function withRange({ median, min, max }: Spread): string {
  return `${ratio(median)} (${ratio(min)}–${ratio(max)})`
}

function shares(side: { readonly serverCpu: number; readonly loadCpu: number }): string {
  return `${percent(side.serverCpu)}:${percent(side.loadCpu)}`
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`
}

/** Left-aligned first column, right-aligned others, two spaces between. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => {
    return Math.max(...rows.map((row) => row[column]?.length ?? 0))
  })
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0
      return column === 0 ? cell.padEnd(width) : cell.padStart(width)
    })
    return cells.join('  ')
  })
}
