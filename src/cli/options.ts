// Options: what a user may write behind an option, and what it means.
//
// Commander says which option it was; these say what it must be.

import { InvalidArgumentError } from 'commander'
import { utc } from './terminal-text.ts'

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 24 * 3_600_000,
}

export function port(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new InvalidArgumentError('A port is a whole number from 0 to 65535.')
  }
  return port
}

export function whole(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

/** The beginning of a time in UTC, with its day or without: `2026-11-20`, `2026-11-20T14:03`, `14:03`. */
export function time(text: string): string {
  const day = String.raw`\d{4}-\d\d-\d\d`
  const hours = String.raw`([01]\d|2[0-3])(:[0-5]\d(:[0-5]\d)?)?`
  const isWritten = new RegExp(`^(${day}|${day}[T ]${hours}|${hours})$`).test(text)
  if (isWritten && isDay(/^\d{4}-\d\d-\d\d/.exec(text)?.[0] ?? '2000-01-01')) return text
  throw new InvalidArgumentError('It must be a day, a time of a day, or both, as 2026-11-20T14:03.')
}

/** Whether the calendar has it: `2026-02-30` would be looked for in vain. */
function isDay(text: string): boolean {
  const day = Date.parse(`${text}T00:00Z`)
  return !Number.isNaN(day) && utc(day).startsWith(text)
}

/** A length of time: `500ms`, `90s`, `30m`, `24h`, `7d`; in ms. */
export function age(text: string): number {
  const [, number, unit = ''] = /^(\d{1,9})(ms|[smhd])$/.exec(text) ?? []
  if (number === undefined) {
    throw new InvalidArgumentError('It must be a time such as 90s, 30m, 24h or 7d.')
  }
  return Number(number) * (UNITS_MS[unit] as number)
}
