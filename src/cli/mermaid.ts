// Mermaid: a statechart as the text of a `stateDiagram-v2`, with a path through it if there is one.
//
// Mermaid knows no arrow from "any state of": such an arrow is drawn from each state that it may leave. It gives no
// arrow a colour either, so a path shows in the colour of its states and in numbers beside what it took.

import { type Arrow, type Chart, type ChartState, isWithin, type Label, stateAt } from './chart.ts'

/** A way through a chart. */
export interface ChartPath {
  /** The states it came through, by id. */
  readonly passed: ReadonlySet<string>
  /** Where it ends. */
  readonly last: string
  /** What it took, in words such as `3, 7`; by `takenKey`. */
  readonly taken: ReadonlyMap<string, string>
}

const LOOKS = ['passed fill:#fdebdd,stroke:#a8480c', 'last fill:#a8480c,color:#ffffff']

/** The chart as Mermaid text; `heading` is a comment that tells a reader what it is. */
export function chartToMermaid(chart: Chart, heading: string, path?: ChartPath): string {
  const lines = [
    `%% ${heading}`,
    'stateDiagram-v2',
    ...inside(chart, chart.root, '  ', path),
    ...chart.root.children.filter(({ isFinal }) => isFinal).map(({ name }) => `  ${name} --> [*]`),
    ...(path === undefined ? [] : colours(chart, path)),
  ]
  return `${lines.join('\n')}\n`
}

/** Names what is taken when the state `from` hears `event`, by the arrow to `to`, or inside of itself. */
export function takenKey(from: string, event: string, to: string | undefined): string {
  return `${from} ${event} ${to ?? ''}`
}

/** The state that an arrow is drawn from when it is taken in `state`. */
export function drawnFrom({ from, to }: Pick<Arrow, 'from' | 'to'>, state: string): string {
  if (!isWithin(to, from) || from === state) return from
  const depth = from === '' ? 1 : from.split('.').length + 1
  return state.split('.').slice(0, depth).join('.')
}

function inside(
  chart: Chart,
  state: ChartState,
  indent: string,
  path: ChartPath | undefined,
): string[] {
  const first = state.initial === undefined ? [] : [stateAt(state, state.initial).name]
  return [
    ...first.map((name) => `${indent}[*] --> ${name}`),
    ...state.children.flatMap((child) => {
      if (child.initial === undefined) {
        return [child.name, ...notesOf(child, path)].map(
          (line) => `${indent}${child.name} : ${line}`,
        )
      }
      // Of a state with others inside Mermaid shows no lines of its own.
      return [
        ...notesOf(child, path).map((note) => `${indent}%% ${child.name}: ${note}`),
        `${indent}state ${child.name} {`,
        ...inside(chart, child, `${indent}  `, path),
        `${indent}}`,
      ]
    }),
    ...chart.arrows
      .filter(({ from, to }) => commonParent(from, to) === state.id)
      .flatMap((arrow) => spread(chart, arrow))
      .map(({ from, to, labels }) => {
        const [source, target] = [stateAt(chart.root, from), stateAt(chart.root, to)]
        const text = labels.map((label) => labelText(label, from, to, path)).join('<br/>')
        return `${indent}${source.name} --> ${target.name} : ${text}`
      }),
  ]
}

function spread(chart: Chart, arrow: Arrow): readonly Arrow[] {
  const source = stateAt(chart.root, arrow.from)
  if (!isWithin(arrow.to, arrow.from) || source.initial === undefined) return [arrow]
  return source.children
    .filter(({ id, isFinal }) => id !== arrow.to && !isFinal)
    .map(({ id }) => ({ ...arrow, from: id }))
}

/** The innermost state that an arrow does not leave. */
function commonParent(from: string, to: string): string {
  if (from !== to && isWithin(to, from)) return from
  const parts = from.split('.').slice(0, -1)
  while (parts.length > 0 && !isWithin(to, parts.join('.'))) parts.pop()
  return parts.join('.')
}

function notesOf({ id, entry, inner }: ChartState, path: ChartPath | undefined): string[] {
  const onEntry = entry.length > 0 ? [`on entry → ${entry.join(', ')}`] : []
  return [...onEntry, ...inner.map((label) => labelText(label, id, undefined, path))]
}

function labelText(
  { trigger, event, guard, effects }: Label,
  from: string,
  to: string | undefined,
  path: ChartPath | undefined,
): string {
  const steps = path?.taken.get(takenKey(from, event, to))
  const mark = steps === undefined ? '' : `(${steps}) `
  const when = guard === undefined ? trigger : `${trigger} [${guard}]`
  return effects.length === 0 ? mark + when : `${mark}${when} → ${effects.join(', ')}`
}

function colours(chart: Chart, { passed, last }: ChartPath): string[] {
  const names = [...passed].filter((id) => id !== last).map((id) => stateAt(chart.root, id).name)
  return [
    ...LOOKS.map((look) => `  classDef ${look}`),
    ...(names.length === 0 ? [] : [`  class ${names.join(',')} passed`]),
    `  class ${stateAt(chart.root, last).name} last`,
  ]
}
