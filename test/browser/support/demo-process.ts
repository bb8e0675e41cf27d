// The demo as a user starts it: the built command in a process of its own.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, onTestFinished } from 'vitest'

const COMMAND = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))

export interface Demo {
  readonly url: string
  readonly port: number
  /** Ends it as Ctrl-C does; resolves to its exit code. */
  stop(): Promise<number | null>
}

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts the demo on a free port, or again on `port`, where it finds its chat again; the end of the test ends it. */
export async function startDemo(port = 0, forgets = false): Promise<Demo> {
  if (forgets) journalOf.delete(port)
  const { end, ...demo } = await launch(port)
  onTestFinished(end)
  return demo
}

/** One demo for all tests of a `describe`, where none is in the other's way; returns how to get its URL. */
export function sharedDemo(): () => string {
  let url = ''
  beforeAll(async () => {
    const demo = await launch(0)
    url = demo.url
    return demo.end
  })
  return () => url
}

const journals = mkdtempSync(join(tmpdir(), 'windsock-demo-'))
process.once('exit', () => rmSync(journals, { recursive: true, force: true }))
let started = 0
/** A demo that is started again on its port finds its chat again. */
const journalOf = new Map<number, string>()

async function launch(port: number): Promise<Demo & { readonly end: () => Promise<void> }> {
  const journal = journalOf.get(port) ?? join(journals, `${++started}.db`)
  const given = ['demo', '--port', String(port), '--journal', journal]
  const child = spawn(process.execPath, [COMMAND, ...given], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const exited = once(child, 'exit').then(([code]) => {
    running.delete(child)
    return code as number | null
  })
  const url = await firstUrl(child)
  journalOf.set(Number(new URL(url).port), journal)
  return {
    url,
    port: Number(new URL(url).port),
    stop: () => {
      child.kill('SIGTERM')
      return exited
    },
    end: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

function firstUrl(child: ReturnType<typeof spawn>): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    const listen = (chunk: Buffer) => {
      said += chunk.toString()
      const found = /^windsock demo on (\S+)$/m.exec(said)
      if (found?.[1]) resolve(found[1])
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    child.once('exit', () => reject(new Error(`the demo did not start: ${said}`)))
  })
}
