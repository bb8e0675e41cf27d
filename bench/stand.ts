// Stand: one server under its load, and one stretch of work.

import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Work } from './cases.ts'
import { Child } from './child.ts'
import { pathOf, type Subject } from './subjects.ts'
import type { Latency, LoadPlan, Ready, ServerPlan, Weight } from './words.ts'

const LOAD = fileURLToPath(new URL('./load/main.js', import.meta.url))
const READY_LIMIT_MS = 60_000
const MARK_LIMIT_MS = 10_000
const TIDY_LIMIT_MS = 20_000
/** How long a failed server has to say why. */
const LAST_WORDS_MS = 200
/** What a server does for a connection after its answer counts as well. */
const AFTER_OPENING_MS = 50
/** A server that took less CPU time than this between two looks has nothing to do. */
const IDLE_CPU_SECONDS = 0.005
const IDLE_LOOK_MS = 50
/** Openings until all code of a server is compiled; and the time after which that is given up. */
const WARM_OPENINGS = 3000
const WARM_OPENINGS_LIMIT_MS = 8000
/** So short that few connections are open at a time, and leave little memory behind. */
const WARM_RUN_MS = 200

/** What one stretch of work came to. */
export interface Tally {
  readonly done: number
  readonly seconds: number
  readonly serverCpuSeconds: number
  readonly loadCpuSeconds: number
  readonly latency: Latency | undefined
}

export class Stand {
  readonly #subject: Subject
  readonly #server: Child
  #load: Child | undefined
  #work: Work | undefined
  readonly #listening: Promise<Ready>
  #version = ''

  /** Starts the server. */
  constructor(subject: Subject, deflate: boolean) {
    this.#subject = subject
    const plan: ServerPlan = { deflate }
    const args = [...subject.args, JSON.stringify(plan)]
    this.#server = new Child(`the ${subject.name} server`, subject.command, args)
    this.#listening = this.#server.hear('ready', READY_LIMIT_MS)
    // `begin` tells.
    this.#listening.catch(() => {})
  }

  /** Starts the load, in place of the one before; resolves when its connections are open. */
  async begin(work: Work): Promise<void> {
    await this.#load?.stop()
    const { port, version } = await this.#listening
    this.#version = version
    const { dialect } = this.#subject
    const plan: LoadPlan = { port, path: pathOf(this.#subject, work), dialect, work }
    this.#work = work
    this.#load = new Child(`the load on ${this.#subject.name}`, process.execPath, [
      LOAD,
      JSON.stringify(plan),
    ])
    await Promise.race([this.#load.hear('ready', READY_LIMIT_MS), this.#server.failed])
  }

  /** Of the server's library. */
  get version(): string {
    return this.#version
  }

  /** CPU seconds of the server since it began. */
  async cpuSeconds(): Promise<number> {
    return (await this.#server.ask('mark', 'mark', MARK_LIMIT_MS)).cpuSeconds
  }

  weigh(): Promise<Weight> {
    return this.#server.ask('weigh', 'weight', MARK_LIMIT_MS)
  }

  /** Lets the load work for `ms` and until its last message has arrived. */
  async run(ms: number): Promise<Tally> {
    const load = this.#load
    if (load === undefined) throw new Error('there is no load')
    const opens = this.#work?.kind === 'opening'
    const serverStart = await this.cpuSeconds()
    const start = await load.ask('run', 'mark', MARK_LIMIT_MS)
    await Promise.race([pause(ms), this.#server.failed, load.failed])
    const end = await load.ask('rest', 'mark', MARK_LIMIT_MS)
    if (opens) await pause(AFTER_OPENING_MS)
    const serverEnd = await this.cpuSeconds()
    if (opens) {
      await load.ask('tidy', 'tidied', TIDY_LIMIT_MS)
      await this.#untilIdle()
    }
    return {
      done: end.done - start.done,
      seconds: end.atSeconds - start.atSeconds,
      serverCpuSeconds: serverEnd - serverStart,
      loadCpuSeconds: end.cpuSeconds - start.cpuSeconds,
      latency: end.latency,
    }
  }

  /** Works without being counted. Opening is warm by the number of openings, on a slow machine as on a fast one. */
  async warmUp(ms: number): Promise<void> {
    if (this.#work?.kind !== 'opening') {
      await this.run(ms)
      return
    }
    const giveUpAt = performance.now() + WARM_OPENINGS_LIMIT_MS
    for (let openings = 0; openings < WARM_OPENINGS && performance.now() < giveUpAt; ) {
      openings += (await this.run(WARM_RUN_MS)).done
    }
  }

  // The clients' ends are over before the server's are, and those are no part of the next openings.
  async #untilIdle(): Promise<void> {
    const giveUpAt = performance.now() + TIDY_LIMIT_MS
    for (let before = await this.cpuSeconds(); performance.now() < giveUpAt; ) {
      await pause(IDLE_LOOK_MS)
      const after = await this.cpuSeconds()
      if (after - before < IDLE_CPU_SECONDS) return
      before = after
    }
  }

  /** What server and load complained about, a little later. */
  async lastWords(): Promise<string[]> {
    await pause(LAST_WORDS_MS)
    return [this.#server.complaint, this.#load?.complaint ?? ''].filter((text) => text !== '')
  }

  /**
   * The server goes first: whoever closes a connection first keeps its port for a minute (TIME-WAIT, RFC 9293 §3.3.2),
   * and the server's is one port, the clients' are as many as there are connections.
   */
  async stop(): Promise<void> {
    await this.#server.stop()
    await this.#load?.stop()
  }
}
