// Replay moment: where a life stood after one of its steps, what could have come then, and what did.
//
// State and context are the fold's, timers are counted from the effects, and what a state takes is read off the chart.

import { type LifeStep, type LifeStory, stateName } from '../journal/life-story.ts'
import { type Chart, isWithin, type Label, stateAt } from './chart.ts'
import { stateLines } from './replay-story.ts'
import { dataWords, delayName, isFrame, valueText, words } from './replay-words.ts'
import { aligned, labelled, lasted, stopwatch, wrapped } from './terminal-text.ts'

/** A timer that is armed. */
export interface ArmedTimer {
  readonly name: string
  readonly delayMs: number
  /** The event that armed it. */
  readonly since: number
}

/** The timers that are armed after a number of steps. */
export function armedTimers(steps: readonly LifeStep[]): ArmedTimer[] {
  const armed = new Map<string, ArmedTimer>()
  for (const { event, effects } of steps) {
    if (event.type === 'TimerFired') armed.delete(event.data.timer)
    // Each ping of them has armed its timers anew.
    if (event.type === 'HeartbeatsPassed') {
      for (const [id, timer] of armed) armed.set(id, { ...timer, since: event.version })
    }
    for (const effect of effects) {
      if (effect.type === 'disarmTimer') armed.delete(effect.id)
      if (effect.type === 'armTimer') {
        const { id, delayMs } = effect
        armed.set(id, { name: delayName(id), delayMs, since: event.version })
      }
    }
  }
  return [...armed.values()]
}

/** Where a life stood after one of its steps, what could come then, and what did. */
export function momentLines(
  story: LifeStory,
  index: number,
  chart: Chart,
  width: number,
): string[] {
  const { steps } = story
  const step = steps[index] as LifeStep
  const { event, after, sinceStartMs } = step
  const timers = armedTimers(steps.slice(0, index + 1))
  const state = after === undefined ? '' : stateName(after)
  const { record: _, ...context } = { ...after?.context }
  return [
    `After event ${event.version} of ${steps.at(-1)?.event.version}, ${event.type}, ${stopwatch(sinceStartMs)} s since the start:`,
    ...labelled([['state', state], ...rowsOf(context)], width),
    '',
    'Timers:',
    ...(timers.length === 0 ? ['  none'] : []),
    ...timers.map(
      ({ name, delayMs, since }) => `  ${name}: ${lasted(delayMs)}, since event ${since}`,
    ),
    '',
    'What it would take:',
    ...takes(chart, state, timers),
    '',
    ...nextLines(steps[index + 1], width),
  ]
}

function rowsOf(data: object): [string, string][] {
  return Object.entries(data).map(([name, value]) => [name, contextText(value)])
}

function contextText(value: unknown): string {
  if (typeof value === 'object' && value !== null && !isFrame(value)) return words(value).join(' ')
  return value === '' ? '-' : valueText(value)
}

function takes(chart: Chart, state: string, timers: readonly ArmedTimer[]): string[] {
  const isPossible = ({ trigger }: Label) =>
    !trigger.startsWith('after ') || timers.some(({ name }) => trigger === `after ${name}`)
  const around = state.split('.').map((_, index, names) => names.slice(0, index + 1).join('.'))
  const rows = [
    ...chart.arrows
      .filter(({ from }) => isWithin(state, from))
      .flatMap(({ to, labels }) => labels.map((label) => ({ label, where: `→ ${to}` }))),
    ...around
      .flatMap((id) => stateAt(chart.root, id).inner)
      .map((label) => ({ label, where: 'stays' })),
  ]
    .filter(({ label }) => isPossible(label))
    .map(({ label, where }) => [label.trigger, where, conditionOf(label)])
  if (state === 'closed') return ['  nothing: it is over']
  return aligned(rows).map((line) => `  ${line}`)
}

function conditionOf({ guard, effects }: Label): string {
  const asks = effects.length === 0 ? '' : `asks for ${effects.join(', ')}`
  return [guard === undefined ? '' : `if ${guard}`, asks].filter((text) => text !== '').join('; ')
}

function nextLines(next: LifeStep | undefined, width: number): string[] {
  if (next === undefined) return ['Nothing came after it.']
  const { event, sincePreviousMs } = next
  return [
    `What came, ${lasted(sincePreviousMs)} later: ${event.version} ${event.type}`,
    ...[...wrapped(dataWords(event), width - 2, '  '), ...stateLines(next)].map(
      (line) => `  ${line}`,
    ),
  ]
}
