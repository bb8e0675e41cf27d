// Members: the documented members of an interface or type, read from the text of a source file.
//
// It knows the way our own files are written: a doc comment, then the member on a line of its own. A member without a
// comment is listed without words.

import { readFileSync } from 'node:fs'

export interface Member {
  readonly name: string
  /** Name and type, as in the source. */
  readonly signature: string
  /** The comment's text, its lines joined. */
  readonly text: string
}

/** The text of a file of the project. */
export function sourceOf(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
}

/**
 * The members of `export interface <name>`, `export type <name>` or `export const <name>`.
 *
 * @throws Error when the file has no such declaration, or nothing is found in it: then this reader is out of date.
 */
export function membersOf(path: string, name: string): Member[] {
  const start = new RegExp(`^export (?:interface|type|const) ${name}\\b`, 'm').exec(sourceOf(path))
  if (start === null) throw new Error(`${path} declares no ${name}`)
  const [body = ''] = sourceOf(path).slice(start.index).split(/^ *}/m)
  const found = [...body.matchAll(MEMBER)].map(([, comment = '', signature = '']) => ({
    name: /([\w$]+)\??[:(]/.exec(signature)?.[1] ?? signature,
    signature: withoutUndefined(signature.replace(/^readonly |this: object, /g, '')),
    text: plain(comment),
  }))
  if (found.length === 0) throw new Error(`no members found of ${name} in ${path}`)
  return found
}

/** `?:` says already that a setting may be left out. */
function withoutUndefined(signature: string): string {
  return signature.includes('?:') ? signature.replace(/ \| undefined$/, '') : signature
}

/** A comment, if there is one, and a member that fits on its line. */
const MEMBER = /^ +(?:\/\*\*((?:(?!\*\/)[^])*)\*\/\n +)?((?:readonly )?[\w$]+\??[:(].*)$/gm

function plain(comment: string): string {
  return comment
    .replace(/^ *\* ?/gm, '')
    .replace(/\s+/g, ' ')
    .trim()
}
