// Child: a process that the benchmark started, and the talk with it.
//
// Every wait is bounded in time and ends early when the child says it failed or goes away. A child is killed by its own
// handle only: when its round is over, and all of them when this process ends for whatever reason.

import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Order, Reply } from './words.ts'

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
  readonly #replies = new EventEmitter()
  #complaint = ''

  constructor(name: string, command: string, args: readonly string[]) {
    this.#name = name
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#process = child
    living.add(child)
    child.once('exit', () => living.delete(child))
    child.stderr.on('data', (chunk: Buffer) => this.#complain(chunk.toString()))
    // An error here means that the child is gone, which `failed` tells.
    child.stdin.on('error', () => {})
    this.failed = new Promise((_, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const reply = replyIn(line)
        if (reply === undefined) this.#complain(`${line}\n`)
        else if (reply.type === 'failed') reject(new Error(`${name}: ${reply.reason}`))
        else this.#replies.emit(reply.type, reply)
      })
      child.once('error', (error) => {
        if (child.pid === undefined) living.delete(child)
        reject(new Error(`${name}: ${error.message}`))
      })
      child.once('close', (code, signal) => {
        reject(new Error(`${name} ended by itself (${signal ?? `exit code ${code}`})`))
      })
    })
    // Whoever waits for the child hears of it; nobody waits for one that is being stopped.
    this.failed.catch(() => {})
  }

  /** The last that the child wrote beside its replies. */
  get complaint(): string {
    return this.#complaint.trim()
  }

  /** Gives an order and waits for the reply of type `reply`. */
  ask<T extends Reply['type']>(order: Order['type'], reply: T, limitMs: number) {
    const answer = this.hear(reply, limitMs)
    this.#process.stdin?.write(`${JSON.stringify({ type: order } satisfies Order)}\n`)
    return answer
  }

  /** Waits for the next reply of type `type`. */
  async hear<T extends Reply['type']>(type: T, limitMs: number) {
    let stop = () => {}
    const answer = new Promise<Extract<Reply, { type: T }>>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`${this.#name} gave no "${type}" within ${limitMs / 1000} s`))
      }, limitMs)
      this.#replies.once(type, resolve)
      stop = () => {
        clearTimeout(timer)
        this.#replies.off(type, resolve)
      }
    })
    try {
      return await Promise.race([answer, this.failed])
    } finally {
      stop()
    }
  }

  /** Ends the child; resolves when it is gone. */
  async stop(): Promise<void> {
    if (!living.has(this.#process)) return
    const gone = once(this.#process, 'exit')
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), KILL_AFTER_MS)
    // Its orders are over: each child takes that as its own end.
    this.#process.stdin?.end()
    await gone
    clearTimeout(timer)
  }

  #complain(text: string): void {
    this.#complaint = (this.#complaint + text).slice(-COMPLAINT_CHARACTERS)
  }
}

/** The reply that a line is; undefined for what something else printed. */
function replyIn(line: string): Reply | undefined {
  if (!line.startsWith('{"type":')) return undefined
  return JSON.parse(line) as Reply
}
