// Faults: by which name a step of a script is counted, when it is one that hurts.

import type { Step } from 'windsock/testing'

const NAMES: Partial<Record<Step['does'], string>> = {
  delay: 'delay',
  trickle: 'reads of a few bytes',
  writeSlowly: 'slow writer',
  gather: 'coalesced writes',
  narrow: 'short writes',
  breakPipe: 'EPIPE',
  reset: 'reset',
  resetInFrame: 'reset in mid-frame',
  cut: 'half-close',
  cutInFrame: 'FIN in mid-frame',
  hangUp: 'hang-up',
  vanish: 'black hole',
  blackOut: 'blackout that passes',
  cutWhenIdle: 'cut when idle',
  stall: 'stalled reader',
  duplicate: 'duplicated connect',
  abort: 'cut in the handshake',
  closeRace: 'close race',
  ignoreClose: 'Close frame not answered',
  ignorePings: 'pings not answered',
  lateData: 'data behind a Close frame',
  sendInPieces: 'fragments',
  throw: 'hook throws',
  reject: 'hook rejects',
  freeze: 'loop stalls',
  suspend: 'suspend',
  lateTimers: 'late timers',
  drain: 'drain',
  crash: 'crash and restart',
  slowDisk: 'slow disk',
}

/** The name of the fault that `step` is; `undefined` for what clients do anyway. */
export function faultOf(step: Step): string | undefined {
  if (step.does === 'stepWall') return step.ms < 0 ? 'wall clock back' : 'wall clock forward'
  if (step.does === 'disk') return step.condition === 'fine' ? undefined : DISK[step.condition]
  if (step.does !== 'bytes') return NAMES[step.does]
  if (step.what.includes('pings')) return 'ping flood'
  if (step.what.includes('fragments')) return 'fragment flood'
  return step.what.startsWith('close') ? 'illegal close code' : 'bad frame'
}

const DISK = { full: 'disk full', 'read-only': 'disk read-only', failing: 'sync fails' } as const

/** All of them, so that one that was never met is missed. */
export const FAULT_NAMES: readonly string[] = [
  ...Object.values(NAMES),
  ...Object.values(DISK),
  ...['wall clock back', 'wall clock forward'],
  ...['ping flood', 'fragment flood', 'illegal close code', 'bad frame'],
]
