// One bad peer cannot end the process, nor can one bad handler: thousands of both, and two good connections.
//
// The server runs from dist/ in a process of its own, so that an uncaught exception is seen as what it is: the
// end of the process. Every bad connection gets the end that it deserves and one record; the good ones get
// every reply, exact and in order, from before the first attack until after the last.

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { CloseCause } from 'windsock'
import { ATTACKS, type Attack, STRAYS } from './support/attacks.ts'
import { Mailbox } from './support/mailbox.ts'
import { RawClient, text } from './support/raw-client.ts'

/** Together with the kinds, well above 3,000 bad connections. */
const ROUNDS = 30
const AT_ONCE = 100

interface Report {
  readonly records: number
  readonly ids: number
  readonly causes: Readonly<Partial<Record<CloseCause, number>>>
  readonly errors: Readonly<Record<string, number>>
  readonly live: number
  readonly counts: { readonly accepted: number; readonly closed: number }
}

/** The server's process: alive until it is killed, or not. */
class HostileServer {
  port = 0
  /** Why it died; resolves only if it did. */
  readonly died: Promise<never>
  readonly #child: ChildProcess
  readonly #reports = new Mailbox<Report>()
  readonly #listening = new Mailbox<number>()

  private constructor(child: ChildProcess) {
    this.#child = child
    let lastWords = ''
    child.stderr?.on('data', (chunk) => {
      lastWords += chunk
    })
    this.died = new Promise((_, reject) => {
      child.once('close', (code, signal) => {
        reject(new Error(`the server died: ${code ?? signal}\n${lastWords}`))
      })
    })
    this.died.catch(() => {})
    child.on('message', (message: { port: number } | { report: Report }) => {
      if ('port' in message) this.#listening.put(message.port)
      else this.#reports.put(message.report)
    })
  }

  static async start(): Promise<HostileServer> {
    const file = fileURLToPath(new URL('./support/hostile-server.mjs', import.meta.url))
    const server = new HostileServer(fork(file, { execArgv: [], silent: true }))
    server.port = await server.orDeath(server.#listening.next())
    return server
  }

  orDeath<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.died])
  }

  /** What it counted, as soon as `settled` holds for that. */
  async report(settled: (report: Report) => boolean = () => true): Promise<Report> {
    for (;;) {
      this.#child.send('report', () => {})
      const report = await this.orDeath(this.#reports.next())
      if (settled(report)) return report
    }
  }

  stop(): void {
    this.#child.kill()
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
    this.#running.catch(() => {})
  }

  static async arrive(port: number): Promise<Bystander> {
    const client = await RawClient.connectUnbound(port)
    await client.upgrade({ path: '/echo' })
    return new Bystander(client)
  }

  /** Waits for the reply that is due; throws if any reply was wrong or missing. */
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
async function launch(port: number, attacks: readonly Attack[], rounds: number): Promise<void> {
  const failures = new Set<string>()
  let next = 0
  const attacker = async () => {
    while (next < attacks.length * rounds) {
      const attack = attacks[next++ % attacks.length] as Attack
      await attack.run(port).catch((error: unknown) => {
        failures.add(`${attack.name}: ${String(error)}`)
      })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, attacker))
  expect([...failures]).toEqual([])
}

function countByCause(attacks: readonly Attack[], rounds: number): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { cause = '' } of attacks) counts[cause] = (counts[cause] ?? 0) + rounds
  return counts
}

describe('each bad connection has the end that it deserves, and one record', () => {
  let server: HostileServer | undefined
  // A server that died is the failure of the test that killed it; the next one gets another.
  beforeEach(async () => {
    const alive = await server?.report().then(
      () => true,
      () => false,
    )
    if (alive !== true) server = await HostileServer.start()
  })
  afterAll(() => server?.stop())

  it.each(ATTACKS)('$name', async ({ run, cause }) => {
    const target = server as HostileServer
    const before = await target.report()
    await target.orDeath(run(target.port))
    const after = await target.report(({ records }) => records > before.records)
    expect(after.records - before.records).toBe(1)
    const count = ({ causes }: Report) => causes[cause as CloseCause] ?? 0
    expect(count(after) - count(before)).toBe(1)
    expect(after.live).toBe(0)
  })

  it.each(STRAYS)('$name', async ({ run }) => {
    const target = server as HostileServer
    await target.orDeath(run(target.port))
    const { records, counts } = await target.report(({ live }) => live === 0)
    expect(counts.closed).toBe(counts.accepted)
    expect(records).toBe(counts.closed)
  })
})

describe('all of them together, thousands at a time', () => {
  it('end no process, disturb no bystander, and leave a record each', async () => {
    const server = await HostileServer.start()
    onTestFinished(() => server.stop())
    const { port } = server
    const bystanders = [await Bystander.arrive(port), await Bystander.arrive(port)]
    await server.orDeath(launch(port, ATTACKS, ROUNDS))
    const total = ATTACKS.length * ROUNDS
    expect(total).toBeGreaterThanOrEqual(3_000)
    const after = await server.report(({ records }) => records >= total)
    expect(after.causes).toEqual(countByCause(ATTACKS, ROUNDS))
    expect(after).toMatchObject({ records: total, ids: total, live: bystanders.length })
    expect(after.counts).toMatchObject({ accepted: total + 2, closed: total })

    await server.orDeath(launch(port, STRAYS, ROUNDS))
    const last = await server.report(({ live }) => live === bystanders.length)
    expect(last.ids).toBe(last.records)
    expect(last.counts).toMatchObject({ accepted: last.records + 2, closed: last.records })
    for (const bystander of bystanders) expect(await bystander.stop()).toBeGreaterThan(100)
    const { causes } = await server.report(({ live }) => live === 0)
    const lost = (report: Pick<Report, 'causes'>) => report.causes.transportLost ?? 0
    expect(lost({ causes }) - lost(last)).toBe(2)
  })
})
