// One bad peer cannot end the process, nor can one bad handler: thousands of both, and two good connections.
//
// The server runs from dist/ in a process of its own, so that an uncaught exception is seen as what it is: the
// end of the process. Every bad connection gets the end that it deserves and one record; the good ones get
// every reply, exact and in order, from before the first attack until after the last.

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { CloseCause } from 'windsock'
import { ATTACKS, type Attack, STRAYS } from './support/attacks.ts'
import { Mailbox } from './support/mailbox.ts'
import { RawClient, text } from './support/raw-client.ts'

const ROUNDS = 40
const AT_ONCE = 100

interface Report {
  readonly type: 'report'
  readonly records: number
  readonly ids: number
  readonly causes: Readonly<Partial<Record<CloseCause, number>>>
  readonly errors: Readonly<Record<string, number>>
  readonly live: number
  readonly counts: { readonly accepted: number; readonly closed: number }
}

type Told = Report | { readonly type: 'listening'; readonly port: number } | { type: 'uncaught' }

const told = new Mailbox<Told>()
let child: ChildProcess | undefined
let port = 0
let exits: unknown[] = []

// A server that died is another test's failure; this one gets a server of its own.
beforeEach(async () => {
  if (child !== undefined && child.exitCode === null && child.signalCode === null) return
  const file = fileURLToPath(new URL('./support/hostile-server.mjs', import.meta.url))
  exits = []
  child = fork(file, { execArgv: [] })
  child.on('exit', (code, signal) => exits.push({ code, signal }))
  child.on('message', (message) => told.put(message as Told))
  const first = await told.next()
  port = first.type === 'listening' ? first.port : 0
})

afterAll(() => {
  child?.kill()
})

/** The child's counts, once `settled` holds for them. */
async function report(settled: (report: Report) => boolean = () => true): Promise<Report> {
  for (;;) {
    child?.send('report')
    const next = await told.next()
    if (next.type !== 'report') throw new Error(`the server told ${JSON.stringify(next)}`)
    if (settled(next)) return next
  }
}

/** A good connection, which asks and compares until it is told to stop. */
class Bystander {
  replies = 0
  #stopping = false
  readonly #client: RawClient
  readonly #running: Promise<void>

  private constructor(client: RawClient) {
    this.#client = client
    this.#running = this.#run()
  }

  static async arrive(): Promise<Bystander> {
    const client = await RawClient.connectUnbound(port)
    await client.upgrade({ path: '/echo' })
    return new Bystander(client)
  }

  async stop(): Promise<number> {
    this.#stopping = true
    await this.#running
    this.#client.destroy()
    return this.replies
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const message = `message ${this.replies} ${'ü'.repeat(this.replies % 200)}`
      this.#client.write(text(message))
      const reply = await this.#client.nextText()
      if (reply !== message) throw new Error(`got ${reply} for ${message}`)
      this.replies++
    }
  }
}

/** Runs each attack `rounds` times, the kinds mixed, at most `AT_ONCE` at the same time. */
async function launch(attacks: readonly Attack[], rounds: number): Promise<number> {
  const failures: string[] = []
  const total = attacks.length * rounds
  let next = 0
  const attacker = async () => {
    while (next < total) {
      const attack = attacks[next++ % attacks.length] as Attack
      await attack.run(port).catch((error: unknown) => {
        failures.push(`${attack.name}: ${String(error)}`)
      })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, attacker))
  expect([...new Set(failures)]).toEqual([])
  return total
}

describe('one bad peer cannot end the process', () => {
  it.each(ATTACKS)('$name', async ({ run, cause }) => {
    const before = await report()
    await run(port)
    const after = await report(({ records }) => records > before.records)
    expect(exits).toEqual([])
    const count = (it: Report) => it.causes[cause as CloseCause] ?? 0
    expect(count(after) - count(before)).toBe(1)
  })
})
