// The demo as a user starts it: the built command in a process of its own.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
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

/** Starts the demo on a free port, or again on `port`; the end of the test ends it. */
export async function startDemo(port = 0): Promise<Demo> {
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

async function launch(port: number): Promise<Demo & { readonly end: () => Promise<void> }> {
  const child = spawn(process.execPath, [COMMAND, 'demo', '--port', String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const exited = once(child, 'exit').then(([code]) => {
    running.delete(child)
    return code as number | null
  })
  const url = await firstUrl(child)
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
