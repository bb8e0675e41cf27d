// Command: a child process whose lines a test reads, and which is gone when the test is over.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { Mailbox } from './mailbox.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

export interface Exit {
  readonly code: number | null
  readonly signal: string | null
}

export class Command {
  /** Lines of standard output, and of standard error. */
  readonly lines = new Mailbox<string>()
  readonly errors = new Mailbox<string>()
  /** Resolves when it has ended and everything that it printed is there. */
  readonly exited: Promise<Exit>
  readonly #child: ChildProcess

  /** Runs a program; in a test, because it is killed when that test is over. It has no input, unless it is `piped`. */
  constructor(
    program: string,
    args: readonly string[],
    input: 'none' | 'piped' = 'none',
    cwd: string = ROOT,
  ) {
    const stdin = input === 'piped' ? 'pipe' : 'ignore'
    this.#child = spawn(program, args, { cwd, stdio: [stdin, 'pipe', 'pipe'] })
    onTestFinished(() => {
      this.#child.kill('SIGKILL')
    })
    split(this.#child.stdout, this.lines)
    split(this.#child.stderr, this.errors)
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code, signal) => resolve({ code, signal }))
    })
  }

  /** The first line, past or to come, that `pattern` matches; throws when the program ends without one. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    const ended = this.exited.then((exit) => {
      if (this.lines.all.some((line) => pattern.test(line))) return
      const said = [...this.lines.all, ...this.errors.all].join('\n')
      throw new Error(
        `ended with ${exit.code ?? exit.signal}, and no line like ${pattern}:\n${said}`,
      )
    })
    await Promise.race([this.lines.find((line) => pattern.test(line)), ended])
    const found = this.lines.all.find((line) => pattern.test(line)) as string
    return pattern.exec(found) as RegExpExecArray
  }

  /** Gives it a text to read. */
  type(text: string): void {
    this.#child.stdin?.write(text)
  }

  /** Gives it no more. */
  endInput(): void {
    this.#child.stdin?.end()
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }
}

/** `windsock <args>`, as it was built. */
export function windsock(...args: readonly string[]): Command {
  return new Command(process.execPath, ['dist/cli/main.js', ...args])
}

/** Starts the demo on a free port, or on the one given, and waits for its address. */
export async function startDemo(port = 0) {
  const journal = join(mkdtempSync(join(tmpdir(), 'windsock-demo-')), 'demo.db')
  onTestFinished(() => rmSync(dirname(journal), { recursive: true, force: true }))
  const demo = windsock('demo', '--port', String(port), '--journal', journal)
  const [, url = ''] = await demo.line(/^windsock demo on (http:\S+)$/)
  return { demo, url, port: Number(new URL(url).port) }
}

function split(stream: NodeJS.ReadableStream | null, lines: Mailbox<string>): void {
  let rest = ''
  stream?.setEncoding('utf8')
  stream?.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) lines.put(part)
  })
  stream?.on('end', () => {
    if (rest !== '') lines.put(rest)
  })
}
