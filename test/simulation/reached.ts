// Reached: what a simulation has met, counted, because a simulation proves nothing about what it never met.
//
// Faults that befell a client that was there, pairs of them in one run, causes of an end, and the machine's states and
// transitions: those declared are read off the machine, those taken are seen by a machine that looks on.

import { type ConnectionMachine, connectionMachine } from 'windsock'
import { type Harness, ReconnectingClient } from 'windsock/testing'
import { FAULT_NAMES, faultOf } from './faults.ts'

type StateNode = ConnectionMachine['root']

type Counts = ReadonlyMap<string, number>

/** What was counted, as plain data: one thread may give it to another. */
export interface Tally {
  readonly totals: Counts
  readonly faults: Counts
  readonly pairs: Counts
  readonly causes: Counts
  readonly states: Counts
  readonly transitions: Counts
}

const KINDS = ['totals', 'faults', 'pairs', 'causes', 'states', 'transitions'] as const

export class Reached implements Tally {
  readonly totals = new Map<string, number>()
  readonly faults = new Map<string, number>()
  readonly pairs = new Map<string, number>()
  readonly causes = new Map<string, number>()
  readonly states = new Map<string, number>()
  readonly transitions = new Map<string, number>()
  readonly declaredStates = leaves(connectionMachine.root).map(nameOf)
  readonly declaredTransitions = declared(connectionMachine.root)
  /** The connection machine, looked at. */
  readonly machine: ConnectionMachine = connectionMachine.provide({})

  constructor() {
    const { machine } = this
    const transition = machine.transition.bind(machine)
    machine.transition = (snapshot, event, scope) => {
      const next = transition(snapshot, event, scope)
      const from = valueName(snapshot.value)
      const to = valueName(next.value)
      this.#took(from, event.type, to)
      return next
    }
  }

  get lifetimes(): number {
    return this.totals.get('lifetimes') ?? 0
  }

  /** Counts one run. A fault counts when it found somebody to befall. */
  add(server: Harness): void {
    count(this.totals, 'runs')
    count(this.totals, 'lifetimes', server.lives.length)
    count(this.totals, 'steps', server.played.length)
    for (const { cause } of server.records) count(this.causes, cause)
    for (const client of server.followers.values()) {
      if (!(client instanceof ReconnectingClient)) continue
      count(this.totals, 'clients')
      count(this.totals, 'dials', client.dials)
      if (client.calm?.state === 'open') count(this.totals, 'back')
    }
    const met = new Set<string>()
    for (const step of server.played) {
      const name = faultOf(step)
      if (name === undefined) continue
      count(this.faults, name)
      met.add(name)
    }
    const sorted = [...met].sort()
    sorted.forEach((one, index) => {
      for (const other of sorted.slice(index + 1)) count(this.pairs, `${one} + ${other}`)
    })
  }

  /** Adds what another has met. */
  merge(other: Tally): void {
    for (const kind of KINDS) for (const [name, more] of other[kind]) count(this[kind], name, more)
  }

  get tally(): Tally {
    const { totals, faults, pairs, causes, states, transitions } = this
    return { totals, faults, pairs, causes, states, transitions }
  }

  /** Faults that befell nobody. */
  get unmet(): readonly string[] {
    return FAULT_NAMES.filter((name) => !this.faults.has(name))
  }

  /** Declared states that were never entered. */
  get unentered(): readonly string[] {
    return this.declaredStates.filter((name) => !this.states.has(name))
  }

  /** Declared transitions that were never taken. */
  get untaken(): readonly string[] {
    return this.declaredTransitions.filter((name) => !this.transitions.has(name))
  }

  #took(from: string, event: string, to: string): void {
    for (const state of new Set([from, to])) count(this.states, state)
    // Declared where the deepest state that knows the event is.
    for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
      const candidates = this.declaredTransitions.filter((name) => name.startsWith(`${at} `))
      const taken = candidates.find((name) => {
        const [, known, target = ''] = /^\S* (\S+)(?: → (\S+))?$/.exec(name) ?? []
        if (known !== event) return false
        return target === '' ? to === from : to === target || to.startsWith(`${target}.`)
      })
      if (taken !== undefined) count(this.transitions, taken)
      if (taken !== undefined || at === '') return
    }
  }
}

function count(counts: Map<string, number>, name: string, more = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + more)
}

function nameOf(node: StateNode): string {
  return node.path.join('.')
}

function leaves(node: StateNode): StateNode[] {
  const children = Object.values(node.states) as StateNode[]
  return children.length === 0 ? [node] : children.flatMap(leaves)
}

/** `<state> <event> → <target>`, one for each arrow; without a target for what stays where it is. */
function declared(node: StateNode): string[] {
  const here = [...node.transitions].flatMap(([event, candidates]) =>
    candidates.map(({ target }) => {
      const [to] = (target ?? []) as StateNode[]
      return `${nameOf(node)} ${event}${to === undefined ? '' : ` → ${nameOf(to)}`}`
    }),
  )
  const below = (Object.values(node.states) as StateNode[]).flatMap(declared)
  return [...new Set([...here, ...below])]
}

function valueName(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const [[outer, inner] = ['', '']] = Object.entries(value)
  return `${outer}.${valueName(inner)}`
}
