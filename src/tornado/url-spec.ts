// URLSpec: which paths a handler answers, what it is given of them, and the way back from a name to a path.
//
// A pattern is a regular expression for the whole path, as text or as a RegExp; Python's `(?P<name>…)` is read too. Groups
// are all named or all unnamed. The way back exists for patterns whose groups are plain, as in Tornado; where the result
// would not be what the pattern means, there is none. Knows no requests.
// Source: tornado.routing.URLSpec.

import { type Pattern, pattern } from '../http/pattern.ts'
import { show, WebSocketError } from '../protocol/errors.ts'
import type { RequestHandlerClass } from './execute.ts'
import { RequestHandler } from './request-handler.ts'

/** One rule of an `Application`: what paths it takes, and which handler answers (Tornado: `URLSpec`, `url`). */
export class URLSpec {
  /** What the whole path is matched against. */
  readonly pattern: Pattern
  /** Of which there is a new one for each request. */
  readonly handlerClass: RequestHandlerClass
  /** What its `initialize` gets. */
  readonly kwargs: object
  /** For `reverseUrl`. */
  readonly name: string | undefined
  readonly #pieces: readonly string[] | undefined

  /**
   * @param regex - matched against the whole path; a `^` before and a `$` behind may be left out.
   * @param kwargs - what `initialize` gets. @param name - for `reverseUrl`.
   * @throws WebSocketError `ERR_WINDSOCK_ROUTE` for a pattern that does not compile, mixes named and unnamed groups, or
   *   can match no path, and for a handler that is no class of ours.
   */
  constructor(
    regex: string | RegExp,
    handlerClass: RequestHandlerClass,
    kwargs: object = {},
    name?: string,
  ) {
    const source = compile(regex)
    if (typeof handlerClass !== 'function' || !(handlerClass.prototype instanceof RequestHandler)) {
      throw failed(
        `the handler of ${show(String(regex))} is ${show(handlerClass)}: it must be a class that extends RequestHandler or WebSocketHandler`,
      )
    }
    if (typeof kwargs !== 'object' || kwargs === null) {
      throw failed(`the third item of the rule ${source} is ${show(kwargs)}: it must be an object`)
    }
    this.pattern = pattern(source)
    this.handlerClass = handlerClass
    this.kwargs = kwargs
    this.name = name
    this.#pieces = piecesOf(source.source)
  }

  /**
   * A path that the pattern matches, with `args` for its groups, percent-encoded save `/` (Tornado: `reverse`).
   *
   * @throws WebSocketError `ERR_WINDSOCK_ROUTE` when there is no way back, or not one argument for each group.
   */
  reverse(...args: readonly unknown[]): string {
    const pieces = this.#pieces
    if (pieces === undefined) throw failed(`${this.pattern.text} is too rich to be reversed`)
    if (args.length !== pieces.length - 1) {
      throw failed(
        `${this.pattern.text} has ${pieces.length - 1} groups, and there are ${args.length} arguments`,
      )
    }
    return pieces
      .map((piece, index) => (index === 0 ? '' : quote(args[index - 1])) + piece)
      .join('')
  }
}

/** As `new URLSpec(…)` (Tornado: `url`). */
export function url(
  regex: string | RegExp,
  handlerClass: RequestHandlerClass,
  kwargs?: object,
  name?: string,
): URLSpec {
  return new URLSpec(regex, handlerClass, kwargs, name)
}

function compile(regex: string | RegExp): RegExp {
  if (regex instanceof RegExp) return regex
  if (typeof regex !== 'string') throw failed(`a rule's pattern is ${show(regex)}: give it a text`)
  if (/^\^?[\w:-]/.test(regex)) {
    throw failed(`the pattern ${show(regex)} matches nothing: every path begins with "/"`)
  }
  if (/\/:[a-z_]/i.test(regex)) {
    throw failed(
      `the pattern ${show(regex)} is one of route(): here it is a regular expression, as in "/user/([^/]+)" or "/user/(?<id>[^/]+)"`,
    )
  }
  try {
    return new RegExp(regex.replace(/\\.|\(\?P</gs, (found) => (found === '(?P<' ? '(?<' : found)))
  } catch (cause) {
    throw failed(`the pattern ${show(regex)} does not compile: ${(cause as Error).message}`, cause)
  }
}

// What stands before, between and behind the groups; `undefined` when that does not say what matches.
function piecesOf(source: string): readonly string[] | undefined {
  const inner = source.replace(/^\^/, '').replace(/(?<!\\)((?:\\\\)*)\$$/, '$1')
  const pieces = ['']
  const group = /\((?:\?<\w+>)?(?:[^()[\]\\]|\\.|\[(?:[^\]\\]|\\.)*\])*\)|\\(.)|(.)/gs
  for (const [found, escaped, plain] of inner.matchAll(group)) {
    if (escaped !== undefined) {
      if (/[a-z0-9]/i.test(escaped)) return undefined // a class or a reference
      pieces[pieces.length - 1] += escaped
    } else if (plain !== undefined) {
      // A dot is taken at its word, as in Tornado; what repeats or chooses cannot be.
      if (/[()[\]{}*+?|^$]/.test(plain)) return undefined
      pieces[pieces.length - 1] += plain
    } else {
      if (/^\(\?(?!<\w)/.test(found)) return undefined
      pieces.push('')
    }
  }
  return pieces
}

// As Python's `quote`, which leaves "/" alone.
function quote(value: unknown): string {
  try {
    return encodeURIComponent(String(value))
      .replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
      .replaceAll('%2F', '/')
  } catch (cause) {
    throw failed(`${show(value)} cannot stand in a path`, cause)
  }
}

function failed(message: string, cause?: unknown): WebSocketError {
  return new WebSocketError('ERR_WINDSOCK_ROUTE', message, { cause })
}
