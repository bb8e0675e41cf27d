// JSON depth: how deep a text is nested, counted before anybody walks what it says.
//
// What parses a deep text need not be able to write it again: JSON.parse takes a million levels, JSON.stringify runs
// out of stack at some thousands, and so does user code that recurses. Counted in one pass, over every way in.

/** The levels that a message from outside may have. */
export const MAX_JSON_DEPTH = 64

const BRACKETS: Readonly<Record<string, number>> = { '[': 1, '{': 1, ']': -1, '}': -1 }

/** Whether a JSON text has more than `levels`; brackets in strings are none, and whether they match is the parser's matter. */
export function isDeeper(json: string, levels: number): boolean {
  let depth = 0
  let inString = false
  for (let index = 0; index < json.length; index++) {
    const character = json[index] as string
    if (character === '"') inString = !inString
    else if (inString && character === '\\') index++
    else if (!inString) depth += BRACKETS[character] ?? 0
    if (depth > levels) return true
  }
  return false
}
