// Descriptors: whether the system lets one process hold as many connections as a case needs.
//
// Node itself raises its limit as far as the system allows.

import type { Case } from './cases.ts'

/** For files, pipes and what else is no connection; windsock refuses connections in the last 256. */
const RESERVED = 300

/** Why `one` cannot be measured here, in one line; undefined when it can. */
export function tooFewDescriptors(one: Case): string | undefined {
  const connections = one.works.map((work) => {
    if (work.kind === 'broadcast') return work.subscribers
    return 'connections' in work ? work.connections : 0
  })
  const needed = Math.max(...connections) + RESERVED
  const limit = descriptorLimit()
  if (limit >= needed) return undefined
  return `${one.name} is left out: it needs \`ulimit -n ${needed}\`, and the limit is ${limit}`
}

function descriptorLimit(): number {
  const { report } = process
  const { userLimits } = report.getReport() as unknown as {
    readonly userLimits?: { readonly open_files?: { readonly soft: number | 'unlimited' } }
  }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY
}
