// Results: what a run found, as `--json` prints it and `--save` keeps it.

import type { Row } from './judge.ts'

export interface Results {
  readonly rounds: number
  readonly seconds: number
  readonly machine: {
    readonly node: string
    readonly platform: string
    readonly cpu: string
    readonly cores: number
    /** Of the last minute, when the run ended. */
    readonly loadAverage: number
  }
  /** By subject. */
  readonly versions: Readonly<Record<string, string>>
  readonly rows: readonly Row[]
}
