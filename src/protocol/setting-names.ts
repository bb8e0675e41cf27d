// Setting names: a name that is no setting is a mistake, and is told where it is made.
//
// TypeScript says it at once; a program in JavaScript would go on with a default that nobody meant.

import { SettingError, show } from './errors.ts'

/**
 * Checks that `settings` is an object with no other names than those of `known`.
 *
 * @param of - the setting that they are in, such as `history`.
 * @param told - those of `known` that are told to whoever has none of them; default all.
 * @throws SettingError naming what is there and what may be.
 */
export function checkNames(
  settings: object,
  known: readonly string[],
  of?: string,
  told = known,
): void {
  if (typeof settings !== 'object' || settings === null) {
    throw new SettingError(
      `${of ?? 'what is set'} is ${show(settings)}: it must be an object with any of ${told.join(', ')}`,
    )
  }
  for (const name of Object.keys(settings)) {
    if (known.includes(name)) continue
    const full = of === undefined ? name : `${of}.${name}`
    throw new SettingError(`there is no setting "${full}"${suggestion(name, told)}`)
  }
}

/**
 * Checks that a maker of handlers was not itself given for one: it would be called with each connection.
 *
 * @throws SettingError that says how it is meant.
 */
export function checkCalled(maker: string, options: object): void {
  if (typeof options !== 'object' || options === null || !('messages$' in options)) return
  throw new SettingError(`${maker} makes a handler: call it, as in route(path, ${maker}())`)
}

/** What to do instead of `name`: what was meant, if anything is near, or else what there is. */
export function suggestion(name: string, known: readonly string[]): string {
  // The likeliest mistakes are a forgotten unit, `pingInterval` for `pingIntervalMs`, and Python's way: `ping_interval`.
  const lower = name.toLowerCase().replaceAll('_', '')
  const near =
    known.find((candidate) => candidate.toLowerCase().startsWith(lower)) ??
    known.find((candidate) => isSlipOf(candidate.toLowerCase(), lower))
  return near === undefined ? `; known are ${known.join(', ')}` : `; did you mean "${near}"?`
}

/** Whether two names differ in one place, by a letter or two: one too many or too few, another, or two that changed places. */
function isSlipOf(one: string, other: string): boolean {
  const shorter = Math.min(one.length, other.length)
  let start = 0
  while (start < shorter && one[start] === other[start]) start++
  let end = 0
  while (end < shorter - start && one.at(-1 - end) === other.at(-1 - end)) end++
  return start + end > 1 && Math.max(one.length, other.length) - start - end <= 2
}
