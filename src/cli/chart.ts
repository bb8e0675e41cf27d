// Chart: a statechart as plain data, read off an XState machine.
//
// States with what they do on entry, and arrows with what sets them off; arrows of one source and target are one
// arrow with several labels. Knows nothing of how it is drawn.

import type { connectionMachine } from '../machines/connection.ts'

type StateNode = (typeof connectionMachine)['root']

export interface ChartState {
  /** The path from the root, `open.alive`; empty for the root. */
  readonly id: string
  readonly name: string
  readonly parent: string
  readonly isFinal: boolean
  /** The child that is entered first; `undefined` for a state without children. */
  readonly initial: string | undefined
  readonly children: readonly ChartState[]
  /** The effects of entering it. */
  readonly entry: readonly string[]
  /** What happens without leaving it. */
  readonly inner: readonly Label[]
}

export interface Label {
  /** An event's name, or `after` and a delay's. */
  readonly trigger: string
  /** The event's name as the machine has it; a delay has one, too. */
  readonly event: string
  readonly guard: string | undefined
  readonly effects: readonly string[]
}

export interface Arrow {
  readonly from: string
  readonly to: string
  readonly labels: readonly Label[]
}

export interface Chart {
  readonly root: ChartState
  readonly arrows: readonly Arrow[]
}

/** Reads a machine's root state. */
export function chartOf(root: StateNode): Chart {
  const nodes = [root, ...descendants(root)]
  const arrows = new Map<string, { from: string; to: string; labels: Label[] }>()
  for (const node of nodes) {
    for (const { label, target } of transitionsOf(node)) {
      if (target === undefined) continue
      const [from, to] = [idOf(node), idOf(target)]
      const arrow = arrows.get(`${from} ${to}`) ?? { from, to, labels: [] }
      arrow.labels.push(label)
      arrows.set(`${from} ${to}`, arrow)
    }
  }
  return { root: stateOf(root), arrows: [...arrows.values()] }
}

function stateOf(node: StateNode): ChartState {
  const [initial] = node.type === 'compound' ? (node.initial.target ?? []) : []
  return {
    id: idOf(node),
    name: node.key,
    parent: node.path.slice(0, -1).join('.'),
    isFinal: node.type === 'final',
    initial: initial && idOf(initial as StateNode),
    children: Object.values(node.states as Record<string, StateNode>).map(stateOf),
    entry: effectsOf(node.entry),
    inner: transitionsOf(node).flatMap(({ label, target }) => (target ? [] : [label])),
  }
}

function descendants(node: StateNode): StateNode[] {
  return Object.values(node.states as Record<string, StateNode>).flatMap((child) => [
    child,
    ...descendants(child),
  ])
}

function transitionsOf(node: StateNode): { label: Label; target: StateNode | undefined }[] {
  const delays = new Map(node.after.map(({ eventType, delay }) => [eventType, delay]))
  return [...node.transitions].flatMap(([event, transitions]) =>
    transitions.map((transition) => {
      const delay = delays.get(event as never)
      const label: Label = {
        trigger: delay === undefined ? event : `after ${String(delay)}`,
        event,
        guard: nameOf(transition.guard),
        effects: effectsOf(transition.actions),
      }
      return { label, target: transition.target?.[0] as StateNode | undefined }
    }),
  )
}

// What XState does for itself (assign, raise, cancel) is no effect of ours.
function effectsOf(actions: readonly unknown[]): string[] {
  return actions
    .map(nameOf)
    .filter((name): name is string => name !== undefined && !name.startsWith('xstate.'))
}

function nameOf(named: unknown): string | undefined {
  if (typeof named === 'string') return named
  const { type } = (named ?? {}) as { type?: unknown }
  return typeof type === 'string' ? type : undefined
}

function idOf(node: StateNode): string {
  return node.path.join('.')
}

/** Finds a state by its path. */
export function stateAt(state: ChartState, id: string): ChartState {
  if (state.id === id) return state
  const inside = state.children.find((child) => isWithin(id, child.id))
  if (inside === undefined) throw new Error(`there is no state ${id} in ${state.id}`)
  return stateAt(inside, id)
}

/** Whether a state is `ancestor` or inside of it. */
export function isWithin(id: string, ancestor: string): boolean {
  return ancestor === '' || id === ancestor || id.startsWith(`${ancestor}.`)
}
