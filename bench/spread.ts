// Spread: the middle of some values, and how far they lie apart.

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** Of one value or more; NaN of none. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN
  const high = sorted[Math.floor(middle)] ?? Number.NaN
  return {
    median: (low + high) / 2,
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
  }
}

export function median(values: readonly number[]): number {
  return spread(values).median
}
