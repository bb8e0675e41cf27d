// Journal progress: a bar on a terminal, and nothing where nobody watches.
//
// It stands on standard error, so that what a command has found can be piped away.

import { grouped } from './terminal-text.ts'

const WIDTH = 30
/** Between two drawings; more of them nobody sees. */
const EVERY_MS = 100

export interface Progress {
  /** So much is done; `of` is `undefined` where nobody knows how much there is. */
  tell(done: number, of: number | undefined, what: string): void
  /** Takes the bar away. */
  end(): void
}

/** A bar on `output`, if that is a terminal. */
export function progressOn(output: NodeJS.WriteStream): Progress {
  if (!output.isTTY) return { tell: () => {}, end: () => {} }
  let drawnAtMs = 0
  return {
    tell: (done, of, what) => {
      const nowMs = performance.now()
      if (nowMs - drawnAtMs < EVERY_MS && done !== of) return
      drawnAtMs = nowMs
      output.write(`\r\u001b[K${barText(done, of, what)}`)
    },
    end: () => {
      output.write('\r\u001b[K')
    },
  }
}

/** `██████░░░░  60% of 1,000 lives`. */
export function barText(done: number, of: number | undefined, what: string): string {
  if (of === undefined) return `${grouped(done)} ${what}`
  const share = of === 0 ? 1 : Math.min(1, done / of)
  const full = Math.floor(share * WIDTH)
  const percent = String(Math.floor(share * 100)).padStart(3)
  return `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${percent}% of ${grouped(of)} ${what}`
}
