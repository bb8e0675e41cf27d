// Presence: who reads topics over event streams, as the rules are told of it.
//
// The server ends each stream after a while, and its reader comes back. Whoever does so in time was never away, and
// nobody is told of it; a reader that leaves by itself is gone at once. A reader is known again by its address, its
// browser and what it is logged in with; between two who are alike in all of that nobody can tell.

import type { TopicCaller, TopicRules } from '../handlers/topic-rules.ts'
import { WebSocketError } from '../protocol/errors.ts'
import type { Clock } from '../protocol/ports.ts'
import { tell } from '../protocol/user-code.ts'

export interface PresenceOptions {
  readonly rules: Pick<TopicRules, 'joined' | 'left'>
  /** How long a reader may be away before it has left, ms. */
  readonly graceMs: number
  /** Readers that may be away at a time; one more has left at once. */
  readonly maxAway: number
  /** Told of what a rule throws. */
  readonly report: (error: WebSocketError) => void
}

/** One that is away. */
interface Away {
  /** As it joined. */
  readonly caller: TopicCaller
  /** Forgets that it is waited for. */
  readonly forget: () => void
}

/** A browser that comes back sends the same. */
const KNOWN_BY = ['user-agent', 'cookie', 'authorization'] as const

export class Presence {
  readonly #options: PresenceOptions
  /** By what readers are known by; those who are alike in the order in which they went. */
  readonly #away = new Map<string, Set<Away>>()
  #count = 0

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  /** A reader has come, or come back. The function returned takes it away, once: to come back in time, or for good. */
  arrive(caller: TopicCaller, clock: Clock): (comesBack: boolean) => void {
    const key = keyOf(caller)
    const [returned] = this.#away.get(key) ?? []
    const joined = returned?.caller ?? caller
    if (returned === undefined) this.#tell('joined', joined)
    else returned.forget()
    return (comesBack) => {
      if (comesBack && this.#count < this.#options.maxAway) this.#wait(key, joined, clock)
      else this.#tell('left', joined)
    }
  }

  /** Nobody is waited for any more: whoever is away has left. */
  end(): void {
    for (const away of [...this.#away.values()].flatMap((alike) => [...alike])) this.#giveUp(away)
  }

  #wait(key: string, caller: TopicCaller, clock: Clock): void {
    const alike = this.#away.get(key) ?? new Set()
    const away: Away = {
      caller,
      forget: () => {
        clock.clearTimeout(timer)
        alike.delete(away)
        if (alike.size === 0) this.#away.delete(key)
        this.#count--
      },
    }
    const timer = clock.setTimeout(() => this.#giveUp(away), this.#options.graceMs)
    this.#away.set(key, alike.add(away))
    this.#count++
  }

  #giveUp(away: Away): void {
    away.forget()
    this.#tell('left', away.caller)
  }

  #tell(rule: 'joined' | 'left', caller: TopicCaller): void {
    const { rules, report } = this.#options
    tell(rules[rule], (thrown) => report(WebSocketError.from(thrown)), caller)
  }
}

function keyOf({ topic, request }: TopicCaller): string {
  const headers = KNOWN_BY.map((name) => request.headers[name] ?? null)
  return JSON.stringify([topic, request.remoteAddress, ...headers])
}
