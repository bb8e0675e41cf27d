// Script: what the peers, the network, the process and the handlers of one run do, as plain data.
//
// A law is judged on hundreds of these; the one that fails is read by a person, so a script prints itself:
//   settings  latencyMs=3 closeTimeoutMs=120
//   handler   class  message: send(4), takes 30 ms, throws
//   moves     a dials | a text(12) | +40 ms | a close(1005) | server drains(1001)

import fc from 'fast-check'
import type { RouteSettings } from 'windsock'

/** One thing that user code does with its connection. */
export type Act =
  | { readonly act: 'send' | 'sendBytes'; readonly size: number }
  | { readonly act: 'ping' }
  /** `loose`: what it throws is not caught, and becomes the hook's own failure. */
  | {
      readonly act: 'close'
      readonly code: number
      readonly reason: string
      readonly loose: boolean
    }
  /** Sends something that cannot be sent, and does not catch what that throws. */
  | { readonly act: 'sendBad' }

/** One hook of a handler. */
export interface Hook {
  readonly acts: readonly Act[]
  /** `now` is synchronous; a number of ms, or `forever`, is a promise. */
  readonly takes: 'now' | 'forever' | number
  /** After the delay. */
  readonly later: readonly Act[]
  /** Throws, or rejects, at its end. */
  readonly fails: boolean
}

/** What a stream function returns. */
export interface Source {
  readonly kind: 'nothing' | 'observable' | 'iterable'
  readonly items: number
  readonly everyMs: number
  readonly end: 'completes' | 'errors' | 'stays'
}

export interface Behaviour {
  readonly form: 'stream' | 'class' | 'actor'
  readonly open: Hook
  readonly message: Hook
  readonly close: Hook
  /** Only of a stream. */
  readonly source: Source
}

export type Who = 0 | 1 | 2 | 3

/** One thing that happens. A peer that has not dialled yet dials by its first move. */
export type Move =
  | { readonly do: 'wait' | 'freeze' | 'stepWall'; readonly ms: number }
  | { readonly do: 'drain'; readonly code: 1001 | 1012 }
  | { readonly do: 'text' | 'bytes'; readonly who: Who; readonly size: number }
  | { readonly do: 'close'; readonly who: Who; readonly code: number; readonly reason: string }
  | { readonly do: PlainMove; readonly who: Who }
export type PlainMove =
  | 'dial'
  | 'ping'
  | 'pong'
  | 'breach'
  | 'cut'
  | 'reset'
  | 'stall'
  | 'resume'
  | 'vanish'
  | 'deaf'
  | 'rude'

export type Settings = RouteSettings & {
  readonly latencyMs: number
  readonly bufferBytes?: number
  readonly maxConnections?: number
  readonly closeTimeoutMs: number
}

/** What `prepare` does before the upgrade. */
export type Preparation = 'nothing' | 'throws' | 'refuses' | 'hangs' | number

export interface ScriptParts {
  readonly settings: Settings
  readonly preparation: Preparation
  /** One per peer; the first also for those that have none. */
  readonly handlers: readonly Behaviour[]
  readonly moves: readonly Move[]
}

export class Script implements ScriptParts {
  readonly settings: Settings
  readonly preparation: Preparation
  readonly handlers: readonly Behaviour[]
  readonly moves: readonly Move[]

  constructor(parts: ScriptParts) {
    this.settings = parts.settings
    this.preparation = parts.preparation
    this.handlers = parts.handlers
    this.moves = parts.moves
  }

  /** The same script, but for some parts. */
  with(parts: Partial<ScriptParts>): Script {
    return new Script({ ...this, ...parts })
  }

  handlerOf(who: number): Behaviour {
    return (this.handlers[who] ?? this.handlers[0]) as Behaviour
  }

  toString(): string {
    const settings = Object.entries(this.settings).map(
      ([name, value]) => `${name}=${name === 'machine' ? 'of its own' : fc.stringify(value)}`,
    )
    const prepare = this.preparation === 'nothing' ? [] : [`prepare    ${this.preparation}`]
    return [
      '',
      `settings   ${settings.join(' ')}`,
      ...prepare,
      ...this.handlers.map((handler, who) => `handler ${nameOf(who)}  ${tellBehaviour(handler)}`),
      `moves      ${this.moves.map(tellMove).join(' | ')}`,
      '',
    ].join('\n')
  }

  [fc.toStringMethod](): string {
    return this.toString()
  }
}

export function nameOf(who: number): string {
  return 'abcd'[who] ?? `peer ${who}`
}

function tellMove(move: Move): string {
  switch (move.do) {
    case 'wait':
      return `+${move.ms} ms`
    case 'freeze':
      return `process stands still for ${move.ms} ms`
    case 'stepWall':
      return `wall clock steps by ${move.ms} ms`
    case 'drain':
      return `server drains(${move.code})`
    case 'text':
    case 'bytes':
      return `${nameOf(move.who)} ${move.do}(${move.size})`
    case 'close':
      return `${nameOf(move.who)} close(${move.code}${move.reason && `, ${JSON.stringify(move.reason)}`})`
    default:
      return `${nameOf(move.who)} ${move.do}`
  }
}

function tellBehaviour({ form, open, message, close, source }: Behaviour): string {
  const hooks = { open, message, close }
  const told = Object.entries(hooks)
    .map(([name, hook]) => [name, tellHook(hook)])
    .filter(([, hook]) => hook !== '')
    .map(([name, hook]) => `${name}: ${hook}`)
  if (form === 'stream' && source.kind !== 'nothing') {
    const { kind, items, everyMs, end } = source
    told.push(`returns: ${kind} of ${items}, one each ${everyMs} ms, then ${end}`)
  }
  return [form, ...told].join('  ')
}

function tellHook({ acts, takes, later, fails }: Hook): string {
  const delay = takes === 'now' ? [] : [`takes ${takes === 'forever' ? 'for ever' : `${takes} ms`}`]
  return [...acts.map(tellAct), ...delay, ...later.map(tellAct), ...(fails ? ['fails'] : [])].join(
    ', ',
  )
}

function tellAct(act: Act): string {
  switch (act.act) {
    case 'send':
    case 'sendBytes':
      return `${act.act}(${act.size})`
    case 'close':
      return `${act.loose ? 'closeUncaught' : 'close'}(${act.code}${act.reason && `, ${JSON.stringify(act.reason)}`})`
    default:
      return act.act
  }
}
