// Setting names: a name that is no setting is a mistake, and is told where it is made.
//
// TypeScript says it at once; a program in JavaScript would go on with a default that nobody meant.

import { SettingError, show } from './errors.ts'

/**
 * Checks that `settings` is an object with no other names than those of `known`.
 *
 * @param of - the setting that they are in, such as `history`.
 * @throws SettingError naming what is there and what may be.
 */
export function checkNames(settings: object, known: readonly string[], of?: string): void {
  if (typeof settings !== 'object' || settings === null) {
    throw new SettingError(
      `${of ?? 'what is set'} is ${show(settings)}: it must be an object with any of ${known.join(', ')}`,
    )
  }
  for (const name of Object.keys(settings)) {
    if (known.includes(name)) continue
    const full = of === undefined ? name : `${of}.${name}`
    throw new SettingError(`there is no setting "${full}"${suggestion(name, known)}`)
  }
}

/** What to do instead of `name`: what was meant, if anything is near, or else what there is. */
export function suggestion(name: string, known: readonly string[]): string {
  // The likeliest mistakes are a forgotten unit, `pingInterval` for `pingIntervalMs`, and Python's way: `ping_interval`.
  const lower = name.toLowerCase().replaceAll('_', '')
  const near = known.find((candidate) => candidate.toLowerCase().startsWith(lower))
  return near === undefined ? `; known are ${known.join(', ')}` : `; did you mean "${near}"?`
}
