// Connect options: what a user may write behind the options of `windsock connect`, and what it means.
//
// Commander says which option it was; these say what it must be.

import { InvalidArgumentError } from 'commander'
import { TRANSPORTS } from '../client/settings.ts'
import type { ClientTransport } from '../machines/client-effects.ts'
import { parseOffset } from '../protocol/http-offset.ts'
import { isOffset } from '../protocol/position.ts'
import type { SubscribeFrom } from '../protocol/resume.ts'
import { age } from './options.ts'

/** `start`, `now`, `last:50`, or a position as the HTTP side writes it. */
export function place(text: string): SubscribeFrom {
  if (text === 'start' || text === 'now') return { from: text }
  const last = Number(/^last:(\d{1,9})$/.exec(text)?.[1] ?? Number.NaN)
  if (isOffset(last)) return { last }
  const since = parseOffset(text)
  if (typeof since === 'object') return { since }
  throw new InvalidArgumentError('It must be start, now, last:50, or EPOCH_OFFSET.')
}

/** Transports between commas, each once. */
export function transports(text: string): ClientTransport[] {
  const words = text.split(',').map((word) => word.trim())
  const found = TRANSPORTS.filter((name) => words.includes(name))
  if (found.length === words.length) return words as ClientTransport[]
  throw new InvalidArgumentError(
    `It must be one or more of ${TRANSPORTS.join(', ')}, each once, with commas between them.`,
  )
}

export function another(text: string, before: readonly string[]): string[] {
  return [...before, text]
}

/** One more `Name: value`. */
export function header(
  text: string,
  before: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const [, name, value] = /^([^\s:]+):\s*(.*)$/.exec(text) ?? []
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError('A header is written as "Name: value".')
  }
  return { ...before, [name]: value }
}

/** A length of time, or 0 for none; in ms. */
export function pause(text: string): number {
  return text === '0' ? 0 : age(text)
}
