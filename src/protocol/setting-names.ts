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

// A forgotten unit is the likeliest mistake: `pingInterval` for `pingIntervalMs`.
function suggestion(name: string, known: readonly string[]): string {
  const lower = name.toLowerCase()
  const near = known.find((candidate) => candidate.toLowerCase().startsWith(lower))
  return near === undefined ? `; known are ${known.join(', ')}` : `; did you mean "${near}"?`
}
