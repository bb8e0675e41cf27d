// Terminal text: words, times, numbers and columns for a terminal.
//
// What a journal holds was written by peers, too. Whatever is printed passes `harmless` last, so that no escape sequence
// of theirs drives the terminal; what goes into a line is also cut by `printable`, so that none of it fills the screen.

import { once } from 'node:events'
import { printable } from '../protocol/printable.ts'

/** What a terminal may take for an order, or show in another place than it stands. */
const HOSTILE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** One line without control characters; the last thing that happens to it. */
export function harmless(line: string): string {
  return line.replace(HOSTILE, (found) => `\\u{${(found.codePointAt(0) as number).toString(16)}}`)
}

/** JSON on one line, in which those characters stand as JSON escapes them. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(HOSTILE, (found) =>
    found
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** Writes lines to standard output, as fast as its reader takes them. */
export async function print(lines: Iterable<string>): Promise<void> {
  for (const line of lines) {
    if (!process.stdout.write(`${harmless(line)}\n`)) await once(process.stdout, 'drain')
  }
}

/** The columns of the terminal; `otherwise` where there is none. */
export function columns(otherwise: number): number {
  return process.stdout.isTTY ? process.stdout.columns : otherwise
}

/** A text of others, which may be anything. */
export function inQuotes(text: string): string {
  return `"${printable(text)}"`
}

/** The same where it is mostly a name: without quotes if it reads well without. */
export function quoted(text: string): string {
  return /^[\w./:@%+-]{1,200}$/.test(text) ? text : inQuotes(text)
}

/** `2026-11-20 14:03:12`, in UTC; with `exact` to the millisecond. */
export function utc(ms: number, exact = false): string {
  const date = new Date(ms)
  if (Number.isNaN(date.getTime())) return 'unknown'
  return date
    .toISOString()
    .slice(0, exact ? -1 : -5)
    .replace('T', ' ')
}

/** `250ms`, `12.3s`, `4m12s`, `3h05m`, `2d03h`. */
export function lasted(ms: number): string {
  if (!Number.isFinite(ms)) return 'unknown'
  if (Math.round(ms) < 1_000) return `${Math.round(ms)}ms`
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)}s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 3_600) return two(seconds, 60, 'm', 's')
  const minutes = Math.round(seconds / 60)
  return minutes < 1_440 ? two(minutes, 60, 'h', 'm') : two(Math.round(minutes / 60), 24, 'd', 'h')
}

function two(small: number, per: number, bigUnit: string, smallUnit: string): string {
  return `${Math.floor(small / per)}${bigUnit}${String(small % per).padStart(2, '0')}${smallUnit}`
}

/** Hours, minutes, seconds and milliseconds since something: `0.250`, `1:02.413`, `3:00:02.413`. */
export function stopwatch(ms: number): string {
  if (ms < 0) return `-${stopwatch(-ms)}`
  const pad = (number: number) => String(Math.floor(number)).padStart(2, '0')
  const hours = Math.floor(ms / 3_600_000)
  const minutes = Math.floor(ms / 60_000) % 60
  const seconds = (ms / 1_000) % 60
  const fraction = `.${String(Math.floor(ms) % 1_000).padStart(3, '0')}`
  if (hours > 0) return `${hours}:${pad(minutes)}:${pad(seconds)}${fraction}`
  return minutes > 0 ? `${minutes}:${pad(seconds)}${fraction}` : `${Math.floor(seconds)}${fraction}`
}

/** `1 message`, `1,234 messages`. */
export function counted(number: number, singular: string, plural = `${singular}s`): string {
  return `${grouped(number)} ${number === 1 ? singular : plural}`
}

export function grouped(number: number): string {
  return number.toLocaleString('en-US')
}

/** Words in lines of at most `width`; one that is longer is broken at its blanks. No line for no words. */
export function wrapped(words: readonly string[], width: number, between = ' '): string[] {
  const lines: string[] = []
  for (const word of words) {
    const last = lines.at(-1)
    if (word.length > width && word.includes(' ')) {
      lines.push(...wrapped(word.split(' '), width))
    } else if (last !== undefined && last.length + between.length + word.length <= width) {
      lines[lines.length - 1] = last + between + word
    } else {
      lines.push(word)
    }
  }
  return lines
}

/** Sentences of our own, in lines of at most `width`. */
export function prose(text: string, width: number): string[] {
  return wrapped(text.split(' '), width)
}

/** Cells under each other; those of `right` end together, the others begin together. */
export function aligned(
  rows: readonly (readonly string[])[],
  right: ReadonlySet<number> = new Set(),
): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length)
    }
  }
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return right.has(column) ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd(),
  )
}

/** A label and what it stands for, over as many lines as that takes. */
export function labelled(
  rows: readonly (readonly [label: string, text: string])[],
  width: number,
): string[] {
  const indent = Math.max(...rows.map(([label]) => label.length)) + 2
  return rows.flatMap(([label, text]) =>
    prose(text, width - indent - 2).map(
      (line, index) => `  ${(index === 0 ? label : '').padEnd(indent)}${line}`,
    ),
  )
}

/** As much of a text as fits, with a mark where it was cut. */
export function fitted(text: string, width: number): string {
  const characters = [...text]
  return characters.length <= width
    ? text
    : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`
}
