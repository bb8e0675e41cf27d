// Replay words: what an event carries and what an effect asks for, in a few words each.
//
// Texts of others come out in quotes and cut; objects of an unknown shape as the JSON that they are.

import type { LifeStep } from '../journal/life-story.ts'
import type { ConnectionEffect } from '../machines/effects.ts'
import type { CloseFrame } from '../protocol/close-record.ts'
import { inQuotes, lasted, quoted } from './terminal-text.ts'

/** One effect, with what it is about. */
export function effectText(effect: ConnectionEffect): string {
  switch (effect.type) {
    case 'armTimer':
      return `${effect.type} ${delayName(effect.id)} ${lasted(effect.delayMs)}`
    case 'disarmTimer':
      return `${effect.type} ${delayName(effect.id)}`
    case 'sendPing':
      return `${effect.type} ${effect.sequence}`
    case 'sendClose':
      return `${effect.type} ${frameText(effect.frame)}${effect.discard ? ' at once' : ''}`
    case 'refuse':
      return `${effect.type} ${effect.status} ${quoted(effect.reason)}`
    default:
      return quoted(effect.type)
  }
}

/** `pingTimeout` of `xstate.after.pingTimeout.connection.open.awaitingPong`. */
export function delayName(id: string): string {
  return quoted(/^xstate\.after\.([^.]+)\./.exec(id)?.[1] ?? id)
}

/** `1000 "bye"`. */
export function frameText({ code, reason }: CloseFrame): string {
  return reason === '' ? String(code) : `${code} ${inQuotes(reason)}`
}

/** What an event carries; of what stands in the head or in the record not again. */
export function dataWords({ type, data }: LifeStep['event']): string[] {
  if (type === 'ConnectionStarted') return words(data.deadlines)
  if (type === 'ConnectionClosed') {
    const { unrecorded, inferred } = data
    return [
      ...(unrecorded === 0 ? [] : [`unrecorded ${unrecorded}`]),
      ...(inferred ? ['inferred'] : []),
    ]
  }
  return type === 'TimerFired' ? [delayName(data.timer)] : words(data)
}

/** Names and values. */
export function words(data: object): string[] {
  return Object.entries(data).map(([name, value]) => `${quoted(name)} ${valueText(value)}`)
}

export function valueText(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (isFrame(value)) return frameText(value)
  return quoted(JSON.stringify(value) ?? 'undefined')
}

export function isFrame(value: unknown): value is CloseFrame {
  const { code, reason } = (value ?? {}) as Partial<CloseFrame>
  return typeof code === 'number' && typeof reason === 'string'
}
