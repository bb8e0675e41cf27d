// Replay path: the way that one life took through the statechart, as a picture.
//
// Each event that the machine took is found among the chart's arrows by its name and by the states before and after.

import { toMachineEvent } from '../journal/events.ts'
import { type LifeStep, type LifeStory, stateName } from '../journal/life-story.ts'
import { connectionMachine } from '../machines/connection.ts'
import { printable } from '../protocol/printable.ts'
import { type Chart, type ChartState, chartOf, isWithin, stateAt } from './chart.ts'
import { type ChartPath, chartToMermaid, drawnFrom, takenKey } from './mermaid.ts'

/** As many events as stand beside one arrow; an arrow may be taken a thousand times. */
const MAX_NUMBERS = 6

/** The chart of the connection machine. */
export function connectionChart(): Chart {
  return chartOf(connectionMachine.root)
}

/** A life that was folded, as Mermaid text. */
export function storyToMermaid(connectionId: string, story: LifeStory): string {
  const chart = connectionChart()
  const heading = `The life of connection ${printable(connectionId)}; (3) marks what its event 3 took`
  return chartToMermaid(chart, heading, pathOf(chart, story))
}

/** The way through `chart` that a folded life took. */
export function pathOf(chart: Chart, { steps }: LifeStory): ChartPath {
  const passed = new Set<string>()
  const numbers = new Map<string, string[]>()
  const note = (key: string, number: string) => {
    const known = numbers.get(key)
    if (known === undefined) numbers.set(key, [number])
    else if (known.length < MAX_NUMBERS) known.push(number)
    else if (known.length === MAX_NUMBERS) known.push('…')
  }
  let last = ''
  for (const step of steps) {
    for (const { key, number } of takenBy(chart, step)) note(key, number)
    for (const state of statesOf(chart, step)) passed.add(state)
    last = step.after === undefined ? last : stateName(step.after)
  }
  const taken = new Map([...numbers].map(([key, list]) => [key, list.join(', ')]))
  return { passed, last, taken }
}

interface Taken {
  readonly key: string
  readonly number: string
}

function takenBy(chart: Chart, { event, before, after, effects }: LifeStep): Taken[] {
  if (before === undefined || after === undefined) return []
  const [from, to] = [stateName(before), stateName(after)]
  if (event.type === 'HeartbeatsPassed') {
    const number = `${event.version} ×${event.data.pings}`
    return heartbeatsOf(chart).map((key) => ({ key, number }))
  }
  const heard = toMachineEvent(event)?.type
  if (heard === undefined || (before === after && effects.length === 0)) return []
  const number = String(event.version)
  const arrow = chart.arrows
    .filter((arrow) => isWithin(from, arrow.from) && isWithin(to, arrow.to))
    .filter(({ labels }) => labels.some((label) => label.event === heard))
    .reduce<Chart['arrows'][number] | undefined>(inner, undefined)
  if (arrow !== undefined) {
    return [{ key: takenKey(drawnFrom(arrow, from), heard, arrow.to), number }]
  }
  const staysIn = ancestry(chart, from).find((state) =>
    state.inner.some((label) => label.event === heard),
  )
  return staysIn === undefined ? [] : [{ key: takenKey(staysIn.id, heard, undefined), number }]
}

/** Of two arrows that an event may take, the one from further inside is taken. */
function inner<T extends { readonly from: string }>(one: T | undefined, other: T): T {
  return one === undefined || other.from.length > one.from.length ? other : one
}

/** A ping out of `open.alive`, and its pong back to it. */
function heartbeatsOf({ arrows }: Chart): string[] {
  const [alive, awaiting] = ['open.alive', 'open.awaitingPong']
  return arrows
    .filter(({ from, to }) =>
      from === alive ? to === awaiting : from === awaiting && to === alive,
    )
    .flatMap(({ from, to, labels }) => labels.map(({ event }) => takenKey(from, event, to)))
}

function statesOf(chart: Chart, { event, after }: LifeStep): string[] {
  if (after === undefined) return []
  const through = event.type === 'HeartbeatsPassed' ? ['open.alive', 'open.awaitingPong'] : []
  return [...through, stateName(after)].filter((id) => ancestry(chart, id).length > 0)
}

/** A state and those around it, from the inside out. */
function ancestry({ root }: Chart, id: string): ChartState[] {
  const parts = id.split('.')
  return parts.map((_, index) => stateAt(root, parts.slice(0, parts.length - index).join('.')))
}
