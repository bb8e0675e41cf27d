// Sequence: which of two things that happened in one moment of virtual time came first.
//
// Kept beside what was written down and not in it, so that two runs may be compared entry by entry.

const numbers = new WeakMap<object, number>()
let count = 0

/** Remembers that `entry` comes after all that were noted before. */
export function noted<Entry extends object>(entry: Entry): Entry {
  numbers.set(entry, ++count)
  return entry
}

/** Its place among all that were noted. */
export function placeOf(entry: object): number {
  return numbers.get(entry) ?? 0
}
