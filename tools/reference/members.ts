// Members: what the text of a source file says of an interface, a type, a class or a function.
//
// It knows the way our own files are written: a doc comment, then the member on a line of its own. A member without a
// comment is listed without words; of a class it is left out.

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

/**
 * The documented public members of `export class <name>`.
 *
 * @throws Error as `membersOf`.
 */
export function classMembersOf(path: string, name: string): Member[] {
  const start = new RegExp(`^export (?:abstract )?class ${name}\\b`, 'm').exec(sourceOf(path))
  if (start === null) throw new Error(`${path} declares no class ${name}`)
  const [body = ''] = sourceOf(path).slice(start.index).split(/^}/m)
  const found = [...body.matchAll(CLASS_MEMBER)].map(([, comment = '', kind = '', line = '']) => ({
    name: /^[\w$]+/.exec(line)?.[0] ?? line,
    signature: signatureOf(kind.trim(), line),
    text: plain(comment),
  }))
  if (found.length === 0) throw new Error(`no members found of ${name} in ${path}`)
  return found
}

/**
 * What the doc comment of `export function <name>` says, tags and all.
 *
 * @throws Error when there is none.
 */
export function wordsOf(path: string, name: string): string {
  const declared = `\\*/\\nexport (?:async )?function ${name}\\b`
  const [, comment] =
    new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)${declared}`, 'm').exec(sourceOf(path)) ?? []
  if (comment === undefined) throw new Error(`${path} says nothing of a function ${name}`)
  return plain(comment)
}

/** Tags of a doc comment as words. */
export function withoutTags(text: string): string {
  return text
    .replace(/ ?@returns /g, ' Returns ')
    .replace(/ ?@throws by rejecting: /g, ' Rejects with ')
    .replace(/ ?@throws (\w+) (`\w+`(?: or `\w+`)?)/g, ' Throws $2')
    .replace(/ ?@throws /g, ' Throws ')
    .replace(/ ?@param (\w+) - /g, ' `$1`: ')
    .trim()
}

/** `?:` says already that a setting may be left out. */
function withoutUndefined(signature: string): string {
  return signature.includes('?:') ? signature.replace(/ \| undefined$/, '') : signature
}

/** A comment, if there is one, and a member that fits on its line. */
const MEMBER = /^ +(?:\/\*\*((?:(?!\*\/)[^])*)\*\/\n +)?((?:readonly )?[\w$]+\??[:(].*)$/gm

/** Of a class: a comment, what kind of member it is, and its line. */
const CLASS_MEMBER =
  /^ {2}\/\*\*((?:(?!\*\/)[^])*)\*\/\n {2}((?:readonly |get |async )?)((?!constructor|protected|readonly|#)[\w$]+(?:<[^(]*>)?[:(].*)$/gm

/** The line without its body or value; what a parameter is by default its text says. */
function signatureOf(kind: string, line: string): string {
  if (kind === 'readonly') return line.replace(/ =(?!>).*$/, '')
  const head = line.replace(/ \{$/, '').replace(/(\w+)(: [^,)]+?) = [^,)]+/g, '$1?$2')
  return kind === 'get' ? head.replace('()', '') : head
}

function plain(comment: string): string {
  return comment
    .replace(/^ *\* ?/gm, '')
    .replace(/\s+/g, ' ')
    .trim()
}
