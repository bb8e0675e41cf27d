// Mermaid: a statechart as the text of a `stateDiagram-v2`.
//
// Mermaid knows no arrow from "any state of": such an arrow is drawn from each state that it may leave.

import { type Arrow, type Chart, type ChartState, isWithin, type Label, stateAt } from './chart.ts'

/** The chart as Mermaid text; `source` and `command` tell a reader where it is from. */
export function chartToMermaid(chart: Chart, source: string, command: string): string {
  const lines = [
    `%% Drawn from ${source} by: ${command}`,
    'stateDiagram-v2',
    ...inside(chart, chart.root, '  '),
    ...chart.root.children.filter(({ isFinal }) => isFinal).map(({ name }) => `  ${name} --> [*]`),
  ]
  return `${lines.join('\n')}\n`
}

function inside(chart: Chart, state: ChartState, indent: string): string[] {
  const first = state.initial === undefined ? [] : [stateAt(state, state.initial).name]
  return [
    ...first.map((name) => `${indent}[*] --> ${name}`),
    ...state.children.flatMap((child) => {
      if (child.initial === undefined) {
        return [child.name, ...notesOf(child)].map((line) => `${indent}${child.name} : ${line}`)
      }
      // Of a state with others inside Mermaid shows no lines of its own.
      return [
        ...notesOf(child).map((note) => `${indent}%% ${child.name}: ${note}`),
        `${indent}state ${child.name} {`,
        ...inside(chart, child, `${indent}  `),
        `${indent}}`,
      ]
    }),
    ...chart.arrows
      .filter(({ from, to }) => commonParent(from, to) === state.id)
      .flatMap((arrow) => spread(chart, arrow))
      .map(({ from, to, labels }) => {
        const [source, target] = [stateAt(chart.root, from), stateAt(chart.root, to)]
        const text = labels.map(labelText).join('<br/>')
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

function notesOf({ entry, inner }: ChartState): string[] {
  const onEntry = entry.length > 0 ? [`on entry → ${entry.join(', ')}`] : []
  return [...onEntry, ...inner.map(labelText)]
}

function labelText({ trigger, guard, effects }: Label): string {
  const when = guard === undefined ? trigger : `${trigger} [${guard}]`
  return effects.length === 0 ? when : `${when} → ${effects.join(', ')}`
}
