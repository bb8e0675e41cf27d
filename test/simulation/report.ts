// Report: what a simulation reached, as text.

import { FAULT_NAMES } from './faults.ts'
import type { Outcome } from './simulate.ts'

/** Counts of everything, the rarest last, and what was never met. */
export function report({ reached, ms, trace }: Outcome): string {
  const { totals, faults, pairs, causes, declaredStates, unentered, unmet } = reached
  const { transitions, declaredTransitions, untaken } = reached
  const possible = (FAULT_NAMES.length * (FAULT_NAMES.length - 1)) / 2
  const rarest = pairs.size === 0 ? 0 : Math.min(...pairs.values())
  const of = (name: string) => totals.get(name) ?? 0
  return [
    `${of('lifetimes')} lifetimes in ${of('runs')} runs of ${of('steps')} steps, ${(ms / 1_000).toFixed(1)} s`,
    '',
    `faults     ${FAULT_NAMES.length - unmet.length} of ${FAULT_NAMES.length}${never(unmet)}`,
    `           ${told(faults)}`,
    `pairs      ${pairs.size} of ${possible} in one run together, the rarest ${rarest} times`,
    `ends       ${told(causes)}`,
    `clients    ${of('clients')} of windsock/client, which dialed ${of('dials')} times; ${of('back')} were open at the end`,
    `states     ${declaredStates.length - unentered.length} of ${declaredStates.length}${never(unentered)}`,
    `arrows     ${transitions.size} of ${declaredTransitions.length} of the machine${never(untaken)}`,
    `trace      ${trace}`,
  ].join('\n')
}

function told(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort(([, one], [, other]) => other - one)
  return sorted.map(([name, count]) => `${name} ${count}`).join(', ')
}

function never(names: readonly string[]): string {
  return names.length === 0 ? '' : `, never: ${names.join('; ')}`
}
