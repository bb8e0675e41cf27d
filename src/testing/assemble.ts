// Assemble: what was drawn act by act becomes a script that can be played.
//
// Knows nothing of how it was drawn; so a script that is made smaller stays one in which whoever acts has connected.

import { type ClientAct, Script, type ServerAct, type Step } from './script.ts'

export interface RawStep {
  readonly waitMs: number
  readonly client: number
  readonly act: ClientAct | ServerAct
}

/** What the connects of a client have beside their path. */
export type Following = Pick<ClientAct & { readonly does: 'connect' }, 'follows' | 'by'>

// What happens to all, and so to no client.
const OF_ALL = new Set<string>([
  ...(['freeze', 'stepWall', 'suspend', 'lateTimers'] satisfies ServerAct['does'][]),
  ...(['drain', 'crash', 'disk', 'slowDisk'] satisfies ServerAct['does'][]),
])

/** A client that was not there yet connects first. Times count from the beginning. */
export function assemble(
  made: readonly RawStep[],
  paths: readonly string[],
  following: (client: number) => Following = () => ({}),
): Script {
  const steps: Step[] = []
  const there = new Set<number>()
  let atMs = 0
  for (const { waitMs, client, act } of made) {
    atMs += waitMs
    if (OF_ALL.has(act.does)) {
      steps.push({ atMs, ...(act as ServerAct) })
      continue
    }
    const topics = following(client)
    if (!there.has(client) && act.does !== 'connect') {
      const path = paths[(client - 1) % paths.length] as string
      steps.push({ atMs, client, does: 'connect', path, ...topics })
    }
    there.add(client)
    const extra = act.does === 'connect' ? topics : {}
    steps.push({ atMs, client, ...(act as ClientAct), ...extra })
  }
  return new Script(steps)
}
