// Held: how many bytes of the process attacks hold while they last.

import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Collections after which something is held that is not let go of. */
const COLLECTIONS = 40

/** An attack that is under way. */
export interface UnderWay {
  /** Bytes that the attack itself keeps. */
  readonly own: () => number
  readonly end: () => unknown
}

/** V8's heap and the buffers outside of it. */
function inUse(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/**
 * What each of `count` attacks holds, at most, while all of them last.
 *
 * Memory that nobody needs is let go of on other threads, and what is in use is never less than what is held. So it is
 * looked at again until it is below `bound`, which what is really held never gets.
 */
export async function heldByEach(
  count: number,
  bound: number,
  attack: () => Promise<UnderWay>,
): Promise<number> {
  inUse()
  const before = inUse()
  const underWay: UnderWay[] = []
  for (let index = 0; index < count; index++) underWay.push(await attack())
  const own = underWay.reduce((sum, one) => sum + one.own(), 0)
  let held = Number.POSITIVE_INFINITY
  for (let tried = 0; tried < COLLECTIONS && held > bound; tried++) {
    if (tried > 0) await pause(1)
    held = (inUse() - before - own) / count
  }
  for (const one of underWay) await one.end()
  return held
}
