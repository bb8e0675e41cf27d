// Activity: what the load process does between `run` and `rest`, and the loop that most of its kinds share.
//
// That loop spins: whoever writes to a process that sleeps pays for waking it, so a server would seem the slower the more
// its load has to wait for it. How long the loop had nothing to do is counted, and is no work of the load's.

import { setTimeout as pause } from 'node:timers/promises'
import type { Latency } from '../words.ts'
import { Link, type LinkOptions } from './link.ts'

export interface Activity {
  /** Messages, deliveries or openings since the process began. */
  readonly done: number
  run(): void
  /** Begins nothing more; resolves when the last that was under way is through. */
  rest(): Promise<void>
  /** Closes what the last run has opened. */
  tidy(): Promise<void>
  /** Seconds since the process began in which it looked for messages in vain. */
  readonly idleSeconds?: number
  /** Of the last run, when its pace was given. */
  latency?(): Latency
}

/** What all links of a plan have in common. */
export type CommonOptions = Omit<LinkOptions, 'onMessages' | 'localAddress'>

/** Keeps a number of messages on their way: for each that is through, another may follow. */
export class ClosedLoop implements Activity {
  done = 0
  idleSeconds = 0
  readonly #start: () => number
  #running = false
  #hasRead = false
  #inFlight = 0
  #resolveRest: (() => void) | undefined

  /** @param start - sends as many messages as shall be on their way; their number. */
  constructor(start: () => number) {
    this.#start = start
  }

  run(): void {
    this.#running = true
    this.#inFlight = this.#start()
    this.#spin(performance.now())
  }

  rest(): Promise<void> {
    this.#running = false
    return new Promise((resolve) => {
      if (this.#inFlight === 0) resolve()
      else this.#resolveRest = resolve
    })
  }

  async tidy(): Promise<void> {}

  /** Counts messages that are through, maybe none yet, each worth so many; whether as many shall follow them. */
  through(messages: number, worth: number): boolean {
    this.#hasRead = true
    this.done += messages * worth
    if (this.#running) return true
    this.#inFlight -= messages
    if (this.#inFlight === 0) this.#resolveRest?.()
    return false
  }

  #spin(sinceMs: number): void {
    setImmediate(() => {
      const now = performance.now()
      if (!this.#hasRead) this.idleSeconds += (now - sinceMs) / 1000
      this.#hasRead = false
      if (this.#running) this.#spin(now)
    })
  }
}

/** Connections that are opened at a time; below the usual listen backlog. */
const OPENING_AT_ONCE = 100
/** A client address has some 28,000 ports on Linux, fewer where others use them, too. */
const PORTS_OF_AN_ADDRESS = 12_000

/** Opens `count` links; `optionsOf` has what the link of an index does with its messages. */
export async function openAll(
  count: number,
  common: CommonOptions,
  onMessages: (link: Link, index: number, count: number, first: number) => void,
): Promise<Link[]> {
  const addresses = Math.ceil(count / PORTS_OF_AN_ADDRESS)
  const open = (index: number) => {
    const link: Link = new Link({
      ...common,
      // All of 127.0.0.0/8 is this machine, on Linux without being set up.
      localAddress: addresses === 1 ? undefined : `127.0.0.${1 + (index % addresses)}`,
      onMessages: (messages, first) => onMessages(link, index, messages, first),
    })
    return link
  }
  const links: Link[] = []
  while (links.length < count) {
    const size = Math.min(OPENING_AT_ONCE, count - links.length)
    const batch = Array.from({ length: size }, (_, index) => open(links.length + index))
    await Promise.all(batch.map((link) => link.opened))
    links.push(...batch)
  }
  return links
}

/** One message there and back on each link, so that all of them are known to work. */
export async function answerOnce(links: readonly Link[]): Promise<void> {
  for (let from = 0; from < links.length; from += OPENING_AT_ONCE) {
    const some = links.slice(from, from + OPENING_AT_ONCE)
    for (const link of some) link.send(1)
    while (some.some((link) => link.received < 1)) await pause(5)
  }
}
