// Dot: a statechart as Graphviz text.
//
// States with children are boxes around them; an arrow to a box ends at the state that it begins with. An arrow that any state of a box may take to one of its own is drawn
// once, with words that say so; several labels between the same two states stand under each other on one arrow.

import {
  type Arrow,
  type Chart,
  type ChartState,
  isWithin,
  type Label,
  stateAt,
} from '../../src/cli/chart.ts'
import { COLOURS, FONT } from './picture.ts'

type Align = 'left' | 'center'

/** States that end a connection stand out. */
const LOOKS: Readonly<Record<string, string>> = {
  closing: `fillcolor="${COLOURS.emberPale}" color="${COLOURS.ember}" penwidth=2`,
  closed: `fillcolor="${COLOURS.ink}" color="${COLOURS.ink}" fontcolor=white peripheries=2`,
}

export function chartToDot(chart: Chart): string {
  const { root } = chart
  return [
    'digraph {',
    `graph [compound=true rankdir=TB nodesep=0.4 ranksep=0.4 pad=0.3 fontname="${FONT}" bgcolor=transparent]`,
    `node [shape=box style="rounded,filled" fillcolor=white color="${COLOURS.edge}" penwidth=1.3`,
    `  fontname="${FONT}" fontsize=15 fontcolor="${COLOURS.ink}" margin="0.2,0.12"]`,
    `edge [color="${COLOURS.soft}" penwidth=1.3 arrowsize=0.8`,
    `  fontname="${FONT}" fontsize=13 fontcolor="${COLOURS.ink}"]`,
    `start [shape=circle style=filled fillcolor="${COLOURS.ink}" label="" width=0.16 height=0.16]`,
    `start -> ${first(root, root)}`,
    ...root.children.flatMap(stateDot),
    ...chart.arrows.map((arrow) => arrowDot(chart, arrow)),
    '}',
  ].join('\n')
}

function stateDot(state: ChartState): string[] {
  if (state.initial === undefined) {
    return [`${key(state.id)} [label=<${stateLabel(state, 'center')}> ${LOOKS[state.id] ?? ''}]`]
  }
  return [
    `subgraph ${cluster(state)} {`,
    `label=<${stateLabel(state, 'left')}> labeljust=l fontsize=15 fontcolor="${COLOURS.ink}"`,
    `style="rounded,filled" fillcolor="${COLOURS.ground}" color="${COLOURS.edge}" margin=24`,
    ...state.children.flatMap(stateDot),
    '}',
  ]
}

function arrowDot({ root, arrows }: Chart, { from, to, labels }: Arrow): string {
  const target = stateAt(root, to)
  const box = stateAt(root, from)
  const isInner = box.initial !== undefined && isWithin(to, from)
  const source = isInner ? nextTo(target, box, arrows) : box
  const where = from === '' ? 'from any state' : `from any state of ${box.name}`
  const note = isInner ? [[`<font color="${COLOURS.soft}"><i>${where}</i></font>`]] : []
  // A blank keeps the words off the line that they belong to.
  const groups = [...arrowGroups(labels), ...note].map((lines) =>
    lines.map((line) => `&#160;${line}`),
  )
  const label = `label=<${table(groups, 'left')}>`
  // An arrow back to where a box begins would turn the box upside down.
  const parent = stateAt(root, target.parent)
  if (parent.initial === to && source.parent === target.parent && source.id !== to) {
    return `${key(to)} -> ${key(source.id)} [${label} dir=back]`
  }
  const tail = source.initial === undefined ? '' : `ltail=${cluster(source)}`
  return `${deepest(source, arrows)} -> ${first(root, target)} [${label} ${tail}]`
}

/** Which state of `box` an arrow is drawn from that may leave any of them. */
function nextTo(target: ChartState, box: ChartState, arrows: readonly Arrow[]): ChartState {
  const others = box.children.filter(({ id }) => id !== target.id)
  if (target.isFinal) return farthest(box, others, arrows)
  return others.find(({ id }) => id === box.initial) ?? target
}

/** The one of `states` that takes the most steps to get to, the last of several. */
function farthest(
  box: ChartState,
  states: readonly ChartState[],
  arrows: readonly Arrow[],
): ChartState {
  const steps = new Map([[box.initial, 0]])
  for (const [id, count] of steps) {
    for (const { from, to } of arrows) {
      const next = box.children.find((child) => isWithin(to, child.id))
      if (next === undefined || !isWithin(from, id ?? '') || steps.has(next.id)) continue
      steps.set(next.id, count + 1)
    }
  }
  return states.reduce((far, state) =>
    (steps.get(state.id) ?? 0) >= (steps.get(far.id) ?? 0) ? state : far,
  )
}

function stateLabel({ name, entry, inner, isFinal }: ChartState, align: Align): string {
  const colour = isFinal ? COLOURS.emberPale : COLOURS.ember
  const entries = entry.length > 0 ? [`on entry ${effectText(entry, colour)}`] : []
  const inners = inner.map(({ trigger, guard, effects }) =>
    [trigger, ...guardText(guard), ...effectLines(effects, colour)].join(' '),
  )
  return table(
    [
      [`<b>${name}</b>`],
      [...entries, ...inners].map((line) => `<font point-size="12">${line}</font>`),
    ],
    align,
  )
}

/** What has the same effects stands together, the effects below. */
function arrowGroups(labels: readonly Label[]): string[][] {
  const groups = new Map<string, string[]>()
  for (const { trigger, guard, effects } of labels) {
    const [below = ''] = effectLines(effects, COLOURS.ember)
    groups.set(below, [...(groups.get(below) ?? []), trigger, ...guardText(guard)])
  }
  return [...groups].map(([below, triggers]) => (below === '' ? triggers : [...triggers, below]))
}

/** Lines under each other, groups of them a little apart. */
function table(groups: readonly (readonly string[])[], align: Align): string {
  const rows = groups
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `<tr><td align="${align}">${line}</td></tr>`).join(''))
  const gap = '<tr><td height="4"></td></tr>'
  return `<table border="0" cellborder="0" cellspacing="0" cellpadding="1">${rows.join(gap)}</table>`
}

function effectLines(effects: readonly string[], colour: string): string[] {
  return effects.length === 0 ? [] : [effectText(effects, colour)]
}

function guardText(guard: string | undefined): string[] {
  return guard === undefined ? [] : [`[${guard}]`]
}

function effectText(effects: readonly string[], colour: string): string {
  return `<font color="${colour}">→ ${effects.join(', ')}</font>`
}

/** The node inside a state that an arrow to it is tied to. */
function first(root: ChartState, { id, initial }: ChartState): string {
  return initial === undefined ? key(id) : first(root, stateAt(root, initial))
}

/** The node inside a state that an arrow from it is tied to: the lowest, so that the arrow stays outside. */
function deepest(state: ChartState, arrows: readonly Arrow[]): string {
  if (state.initial === undefined) return key(state.id)
  return deepest(farthest(state, state.children, arrows), arrows)
}

function key(id: string): string {
  return `s_${id.replaceAll('.', '_')}`
}

function cluster({ id }: ChartState): string {
  return `cluster_${key(id)}`
}
