// Child: a process that the benchmark started, and the talk with it.
//
// Every wait is bounded in time and ends early when the child says it failed or goes away. A
// child is killed by its own handle only: when its round is over, and all of them when this
// process ends for whatever reason.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Mark, Order, Ready, Reply } from './words.ts'

/** How much of what a child complained about is kept. */
const COMPLAINT_CHARACTERS = 2000
const KILL_AFTER_MS = 2000

const living = new Set<ChildProcess>()

process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

export class Child {
  /** Rejects when the child says that it failed, or ends; never resolves. */
  readonly failed: Promise<never>
  readonly #name: string
  readonly #process: ChildProcess
  #complaint = ''

  /** Starts `file`, a path relative to this one. */
  constructor(name: string, file: string, args: readonly string[] = []) {
    this.#name = name
    const child = fork(new URL(file, import.meta.url), args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#process = child
    living.add(child)
    child.once('exit', () => living.delete(child))
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#complaint = (this.#complaint + chunk.toString()).slice(-COMPLAINT_CHARACTERS)
    })
    this.failed = new Promise((_, reject) => {
      child.on('message', (reply: Reply) => {
        if (reply.type === 'failed') reject(new Error(`${name}: ${reply.reason}`))
      })
      child.once('error', reject)
      child.once('close', (code, signal) => {
        reject(new Error(`${name} ended by itself (${signal ?? `exit code ${code}`})`))
      })
    })
    // Whoever waits for the child hears of it; nobody waits for one that is being stopped.
    this.failed.catch(() => {})
  }

  /** The last that the child wrote to its standard error. */
  get complaint(): string {
    return this.#complaint.trim()
  }

  /** Waits until the child is ready. */
  ready(limitMs: number): Promise<Ready> {
    return this.#hear('ready', limitMs)
  }

  /** Gives an order and waits for the mark that answers it. */
  ask(type: Order['type'], limitMs: number): Promise<Mark> {
    const answer = this.#hear('mark', limitMs)
    const order: Order = { type }
    // An error here means that the child is gone, which `failed` tells.
    this.#process.send(order, () => {})
    return answer
  }

  /** Ends the child; resolves when it is gone. */
  async stop(): Promise<void> {
    if (!living.has(this.#process)) return
    const gone = once(this.#process, 'exit')
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), KILL_AFTER_MS)
    this.#process.kill('SIGTERM')
    await gone
    clearTimeout(timer)
  }

  async #hear<T extends Reply['type']>(type: T, limitMs: number) {
    let stop = () => {}
    const answer = new Promise<Extract<Reply, { type: T }>>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`${this.#name} gave no "${type}" within ${limitMs / 1000} s`))
      }, limitMs)
      const listen = (reply: Reply) => {
        if (reply.type === type) resolve(reply as Extract<Reply, { type: T }>)
      }
      this.#process.on('message', listen)
      stop = () => {
        clearTimeout(timer)
        this.#process.off('message', listen)
      }
    })
    try {
      return await Promise.race([answer, this.failed])
    } finally {
      stop()
    }
  }
}
