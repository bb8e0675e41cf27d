// Pattern: which paths a route answers, and what it captures of them.
//
// A string is a path with parameters (`/echo/:name`) and wildcards (`/echo/*rest`), a RegExp matches the whole path, as a
// Tornado URLSpec does.
// What is captured is percent-decoded after matching, so that `%2F` inside a parameter is not a separator;
// `+` stays itself. First matching route wins.

import { match as compile, PathError, parse, type TokenData } from 'path-to-regexp'
import { show, WebSocketError } from '../protocol/errors.ts'
import type { Captures } from './request.ts'

/** What a pattern captured; `malformed` when it matched but does not decode to UTF-8. */
export type Captured = Captures | 'malformed'

export interface Pattern {
  /** As the user wrote it. */
  readonly text: string
  /** What the pattern captures of a path, or `undefined` when it does not match. */
  match(path: string): Captured | undefined
}

/**
 * Compiles a path or a RegExp.
 *
 * @throws WebSocketError `ERR_WINDSOCK_ROUTE` for a path that does not parse, and for a RegExp that mixes named and
 *   unnamed groups.
 */
export function pattern(source: string | RegExp): Pattern {
  return source instanceof RegExp ? regExpPattern(source) : pathPattern(source)
}

function pathPattern(path: string): Pattern {
  if (typeof path !== 'string' || !path.startsWith('/')) {
    throw routeError(`a route's path is ${show(path)}: it must begin with "/"`)
  }
  try {
    // `trailing: false`: "/chat" and "/chat/" are two paths, as in Tornado.
    const data = parse(path)
    const twice = namesOf(data.tokens).find((name, index, names) => names.indexOf(name) < index)
    if (twice !== undefined) {
      throw routeError(`the route's path ${show(path)} has two parameters called ${twice}`)
    }
    const literal = literalOf(data)
    if (literal !== undefined) {
      return { text: path, match: (actual) => (actual === literal ? NOTHING : undefined) }
    }
    const matches = compile<Record<string, string>>(data, {
      decode: false,
      trailing: false,
      sensitive: true,
    })
    return {
      text: path,
      match: (actual) => {
        const found = matches(actual)
        return found === false ? undefined : decode({ ...found.params }, [])
      },
    }
  } catch (cause) {
    if (cause instanceof WebSocketError) throw cause
    const why = cause instanceof PathError ? whyNot(path, cause) : String(cause)
    throw routeError(`the route's path ${JSON.stringify(path)} does not parse: ${why}`, cause)
  }
}

/** What is wrong with a path, without the library's link, which explains its own versions. */
function whyNot(path: string, { message }: PathError): string {
  const [why = message] = message.split(`: ${path};`)
  const index = /^Missing parameter name at index (\d+)$/.exec(why)?.[1]
  if (index === undefined) return why
  const begun = [...path].slice(0, Number(index)).join('')
  return begun.endsWith('*')
    ? `a wildcard has a name, as in ${begun}rest`
    : `a parameter has a name, as in ${begun}name`
}

/** Of its parameters and wildcards, also of those that may be left out. */
function namesOf(tokens: TokenData['tokens']): string[] {
  return tokens.flatMap((token) => {
    if (token.type === 'group') return namesOf(token.tokens)
    return token.type === 'text' ? [] : [token.name]
  })
}

/** The path itself, where it has no parameters, as most have not: to compare makes no objects, as matching does. */
function literalOf({ tokens }: TokenData): string | undefined {
  const texts: string[] = []
  for (const token of tokens) {
    if (token.type !== 'text') return undefined
    texts.push(token.value)
  }
  return texts.join('')
}

function regExpPattern(source: RegExp): Pattern {
  // `g` and `y` keep a position between calls; a route has none.
  const whole = new RegExp(`^(?:${source.source})$`, source.flags.replace(/[gy]/g, ''))
  const groups = new RegExp(`${whole.source}|`, whole.flags).exec('')
  const named = Object.keys(groups?.groups ?? {}).length
  if (named > 0 && (groups?.length ?? 1) - 1 > named) {
    throw routeError(
      `the route's pattern ${source} mixes named and unnamed groups: name all of them or none`,
    )
  }
  return {
    text: String(source),
    match: (path) => {
      const found = whole.exec(path)
      if (found === null) return undefined
      return decode({ ...found.groups }, named > 0 ? [] : found.slice(1))
    },
  }
}

// Most paths capture nothing; the objects that say so are kept with each connection.
const NOTHING: Captured = {
  params: Object.freeze(Object.create(null)),
  args: Object.freeze([]),
}

function decode(
  params: Record<string, string | undefined>,
  args: readonly (string | undefined)[],
): Captured {
  const entries = Object.entries(params)
  if (entries.length === 0 && args.length === 0) return NOTHING
  try {
    const decodeOne = (text: string | undefined) => text && decodeURIComponent(text)
    const decoded: Record<string, string | undefined> = Object.create(null)
    for (const [name, text] of entries) decoded[name] = decodeOne(text)
    return { params: decoded, args: args.map(decodeOne) }
  } catch {
    return 'malformed'
  }
}

function routeError(message: string, cause?: unknown): WebSocketError {
  return new WebSocketError('ERR_WINDSOCK_ROUTE', message, { cause })
}
