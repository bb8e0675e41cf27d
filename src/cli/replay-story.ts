// Replay story: one life for people: where it was, each step of it, and the close record.
//
// Lines of text, for a terminal of a given width; nothing here prints.

import { type LifeStep, type LifeStory, stateName, type Unfoldable } from '../journal/life-story.ts'
import type { ConnectionEffect } from '../machines/effects.ts'
import { describeCloseCode } from '../protocol/close-codes.ts'
import type { CloseFrame, CloseRecord } from '../protocol/close-record.ts'
import { dataWords, effectText } from './replay-words.ts'
import {
  aligned,
  counted,
  grouped,
  labelled,
  lasted,
  prose,
  quoted,
  stopwatch,
  utc,
  wrapped,
} from './terminal-text.ts'

const WHO: Readonly<Record<string, string>> = {
  local: 'by us',
  peer: 'by the peer',
  network: 'by the network',
}

/** What to tell about a life that has no states. */
const UNFOLDABLE: Readonly<Record<Unfoldable, string>> = {
  beginningGone:
    'The beginning of this life is older than what is kept, so its states are not known.',
  unrecorded: 'Some events of this life could not be kept, so its states are not known.',
  ownMachine:
    'This connection ran a machine of its own, which this command does not have. Fold its events with that machine: ' +
    "save them with --json, then fold(events, machine) from 'windsock'; each line is an event.",
}

const NOT_ENDED =
  'It has not ended; or its process died, and none has opened this journal to write since.'
const INFERRED =
  'This end is inferred: the process that held the connection ended without a word, and the next one wrote it. ' +
  'Nobody knows when the link ended, or what was counted by then.'

/** Why there is no more to be told, in lines. */
export function untold(unfoldable: Unfoldable, width: number): string[] {
  return prose(UNFOLDABLE[unfoldable], width)
}

/** Everything about one life. */
export function storyLines(connectionId: string, story: LifeStory, width: number): string[] {
  const { steps, closed, unfoldable } = story
  return [
    ...headLines(connectionId, story, width),
    '',
    ...stepsLines(steps, width),
    '',
    ...(unfoldable === undefined ? [] : [...untold(unfoldable, width), '']),
    ...(closed === undefined ? prose(NOT_ENDED, width) : recordLines(closed.record, width)),
    ...(closed?.inferred ? prose(INFERRED, width) : []),
  ]
}

function headLines(connectionId: string, { steps, started }: LifeStory, width: number): string[] {
  const beganAtMs = started?.startedAtMs ?? steps[0]?.event.atMs ?? Number.NaN
  const rows: [string, string][] = [['path', started === undefined ? '?' : quoted(started.path)]]
  if (started !== undefined) {
    rows.push(['origin', started.origin === null ? 'none' : quoted(started.origin)])
  }
  rows.push([started === undefined ? 'kept from' : 'started', `${utc(beganAtMs, true)} UTC`])
  return [`Connection ${quoted(connectionId)}`, ...labelled(rows, width)]
}

function stepsLines(steps: readonly LifeStep[], width: number): string[] {
  const margins = aligned(
    [
      ['#', 'AT', 'AFTER', 'EVENT'],
      ...steps.map(({ event, sinceStartMs, sincePreviousMs }, index) => [
        String(event.version),
        stopwatch(sinceStartMs),
        index === 0 ? '' : lasted(sincePreviousMs),
        '|',
      ]),
    ],
    new Set([0, 1, 2]),
  )
  const indent = (margins[1] ?? '').length - 1
  return [
    margins[0] as string,
    ...steps.flatMap((step, index) => {
      const margin = (margins[index + 1] as string).slice(0, indent)
      return stepLines(step, width - indent).map(
        (line, below) => (below === 0 ? margin : ' '.repeat(indent)) + line,
      )
    }),
  ]
}

function stepLines(step: LifeStep, width: number): string[] {
  return [
    ...wrapped([step.event.type, ...dataWords(step.event)], width, '  '),
    ...stateLines(step),
    ...wrapped(effectWords(step.effects), width),
  ]
}

/** The states before and after, or the one that it stays in. */
export function stateLines({ before, after }: LifeStep): string[] {
  if (after === undefined) return []
  const state = stateName(after)
  if (before === undefined) return [`→ ${state}`]
  return before === after || stateName(before) === state
    ? [`stays ${state}`]
    : [`${stateName(before)} → ${state}`]
}

function effectWords(effects: readonly ConnectionEffect[]): string[] {
  if (effects.length === 0) return []
  const words = effects.map(effectText)
  return ['asks for', ...words.slice(0, -1).map((word) => `${word},`), words.at(-1) as string]
}

/** A close record in sentences. */
function recordLines(record: CloseRecord, width: number): string[] {
  const { initiator, cause, detail, sent, received, status, wasClean, totals } = record
  const who = WHO[initiator] ?? quoted(initiator)
  const why = detail === '' ? quoted(cause) : `${quoted(cause)} (${quoted(detail)})`
  const rows: [string, string][] = []
  if (status === null) {
    const told = { code: record.code, reason: record.reason }
    rows.push(
      ['sent', sentence(sent)],
      ['received', isSame(received, sent) ? 'the same' : sentence(received)],
      ['app is told', isSame(told, received) ? 'the same' : sentence(told)],
      ['clean', wasClean ? 'yes: Close frames went both ways' : 'no'],
      ['peer silent', `for ${lasted(record.silentForMs)} before the end`],
      ['in', `${counted(totals.messagesReceived, 'message')}, ${grouped(totals.bytesReceived)} B`],
      ['out', outText(totals)],
    )
  } else {
    rows.push(['answered', `HTTP ${status}`])
  }
  return [
    ...prose(`Closed after ${lasted(record.durationMs)}, ${who}: ${why}`, width),
    ...labelled(rows, width),
  ]
}

function isSame(frame: CloseFrame | null, other: CloseFrame | null): boolean {
  return frame !== null && frame.code === other?.code && frame.reason === other.reason
}

function sentence(frame: CloseFrame | null): string {
  if (frame === null) return 'no Close frame'
  const reason = frame.reason === '' ? '' : ` Reason: ${quoted(frame.reason)}`
  return `${describeCloseCode(frame.code)}${reason}`
}

function outText({ messagesSent, bytesSent, messagesDropped, bytesUnsent }: CloseRecord['totals']) {
  const dropped = messagesDropped === 0 ? '' : `; ${grouped(messagesDropped)} dropped`
  const unsent = bytesUnsent === 0 ? '' : `; ${grouped(bytesUnsent)} B unsent`
  return `${counted(messagesSent, 'message')}, ${grouped(bytesSent)} B${dropped}${unsent}`
}
