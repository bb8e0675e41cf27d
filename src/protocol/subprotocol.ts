// Subprotocols: what a client offers, and which one the server takes.
//
// The client lists names in its order, the server takes at most one of them, and none is a valid
// answer too (RFC 6455 §1.9, §4.2.2 item 4). Here the server's order of preference decides. A name
// is a token (RFC 9110 §5.6.2), compared with its case. Every function takes time linear in the
// header: it comes from strangers. Knows nothing of what the subprotocols mean.

import { SettingError, show } from './errors.ts'

/**
 * Reads a Sec-WebSocket-Protocol header (RFC 6455 §4.1 item 10, §11.3.4).
 *
 * Several such headers are one list: join them with commas. Empty elements are malformed.
 *
 * @returns the names in the client's order; `[]` when there is no header; `undefined` when an
 *   element is no token or a name comes twice.
 */
export function parseSubprotocols(header: string | undefined): readonly string[] | undefined {
  if (header === undefined) return []
  const names = listElements(header)
  return names.every(isToken) && new Set(names).size === names.length ? names : undefined
}

/**
 * The subprotocol to use: the first of `preferred` that the client offers (RFC 6455 §4.2.2 item 4).
 *
 * @returns `undefined` when nothing matches; the connection then goes on without a subprotocol.
 */
export function chooseSubprotocol(
  offered: readonly string[],
  preferred: readonly string[],
): string | undefined {
  return preferred.find((name) => offered.includes(name))
}

/**
 * Checks the `subprotocols` setting when a server or route is made; the list comes back as a frozen
 * copy.
 *
 * @throws SettingError for anything but an array of distinct tokens, naming the element.
 */
export function checkSubprotocolSetting(list: unknown): readonly string[] {
  if (!Array.isArray(list)) {
    throw new SettingError(
      `subprotocols is of type ${typeof list}: it must be an array of names, the preferred one first`,
    )
  }
  const names = new Set<string>()
  for (const [index, name] of list.entries()) {
    if (typeof name !== 'string' || !isToken(name)) {
      throw new SettingError(
        `subprotocols[${index}] is ${show(name)}: it must be a token, ` +
          "which is letters, digits and !#$%&'*+-.^_`|~",
      )
    }
    if (names.has(name)) {
      throw new SettingError(
        `subprotocols[${index}] is ${show(name)}, which is listed before: drop it`,
      )
    }
    names.add(name)
  }
  return Object.freeze([...names])
}

/** The elements of a comma list, without the blanks around them (RFC 9110 §5.6.1). */
export function listElements(header: string): string[] {
  return header.split(',').map(withoutBlanks)
}

// One character that does not belong is enough; there is no repetition to backtrack into.
function isToken(text: string): boolean {
  return text !== '' && !/[^A-Za-z0-9!#$%&'*+.^_`|~-]/.test(text)
}

// Only space and tab: trim() would also take away characters that make an element malformed.
function withoutBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text[start])) start++
  while (end > start && isBlank(text[end - 1])) end--
  return text.slice(start, end)
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}
