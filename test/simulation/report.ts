// Report: what a simulation reached, as text.

import type { Outcome } from './simulate.ts'

/** Counts of everything, the rarest last, and what was never met. */
export function report({ reached, ms }: Outcome): string {
  const { lifetimes, runs, steps, faults, pairs, causes, states, declaredStates } = reached
  const { transitions, declaredTransitions, untaken } = reached
  const unentered = declaredStates.filter((state) => !states.has(state))
  const possible = (faults.size * (faults.size - 1)) / 2
  const rarest = Math.min(...pairs.values())
  return [
    `${lifetimes} lifetimes in ${runs} runs of ${steps} steps, ${(ms / 1_000).toFixed(1)} s`,
    '',
    `steps      ${told(faults)}`,
    `pairs      ${pairs.size} of ${possible} in one run together, the rarest ${rarest} times`,
    `ends       ${told(causes)}`,
    `states     ${declaredStates.length - unentered.length} of ${declaredStates.length}${never(unentered)}`,
    `arrows     ${transitions.size} of ${declaredTransitions.length} of the machine${never(untaken)}`,
  ].join('\n')
}

function told(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort(([, one], [, other]) => other - one)
  return sorted.map(([name, count]) => `${name} ${count}`).join(', ')
}

function never(names: readonly string[]): string {
  return names.length === 0 ? '' : `, never: ${names.join('; ')}`
}
