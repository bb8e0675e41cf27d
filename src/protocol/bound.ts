// Bound: what a number may be that a program sets, and the words for one that it may not.
//
// Limits, of connections and of topics, are tables of these. The client in a page checks its own in fewer bytes.

import { SettingError, show } from './errors.ts'

/** A whole number within a range. */
export interface Bound {
  /** In effect unless a program says otherwise. */
  readonly default?: number
  readonly unit?: string
  /** The least and the most that a program may set. */
  readonly min: number
  readonly max: number
}

/** A bound that is told of with its reasons, as the reference prints it. */
export interface ReasonedBound extends Bound {
  readonly default: number
  readonly unit: string
  /** Why the default is that number. */
  readonly why: string
  /** What happens when it is reached. */
  readonly atBound: string
}

/** Lets a value within its bound through. @throws SettingError naming the setting, the value and the range. */
export function checkBound(name: string, value: unknown, bound: Bound): number {
  const { default: usual, unit, min, max } = bound
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) {
    return value as number
  }
  const what = unit === undefined ? 'a whole number' : `a whole number of ${unit}`
  const otherwise = usual === undefined ? '' : ` (default ${usual})`
  throw new SettingError(
    `${name} is ${show(value)}: it must be ${what} from ${min} to ${max}${otherwise}`,
  )
}
