// Connect screen: lines that come in above, and the line that is being typed below.
//
// On a terminal what happens is written over the prompt, which comes back under it with what was typed so far. In a pipe
// there is no prompt. What is typed or piped is given out line by line, and its end once.

import { clearLine, createInterface, cursorTo, type Interface } from 'node:readline'
import { harmless } from './terminal-text.ts'

export class Screen {
  readonly #isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true
  #lines: Interface | undefined

  /**
   * Calls `typed` for each line, `ended` when there will be no more, and `interrupted` for Ctrl-C. Nothing is read before,
   * so that nothing is lost; what is piped waits until the line before it has been taken.
   */
  read(to: { typed(line: string): Promise<unknown>; ended(): void; interrupted(): void }): void {
    const lines = createInterface({
      input: process.stdin,
      terminal: this.#isTerminal,
      prompt: '> ',
      // What is typed stands there already; in a pipe nothing shows it.
      ...(this.#isTerminal && { output: process.stdout }),
    })
    this.#lines = lines
    if (this.#isTerminal) {
      lines.on('line', (line) => {
        void to.typed(line)
        this.#prompt()
      })
      lines.on('SIGINT', () => to.interrupted())
      lines.on('close', () => {
        this.#lines = undefined
        to.ended()
      })
      this.#prompt()
    } else {
      process.on('SIGINT', () => to.interrupted())
      void (async () => {
        for await (const line of lines) await to.typed(line)
        to.ended()
      })()
    }
  }

  write(line: string): void {
    if (this.#isTerminal) {
      cursorTo(process.stdout, 0)
      clearLine(process.stdout, 0)
    }
    process.stdout.write(`${harmless(line)}\n`)
    this.#prompt()
  }

  /** Reads no more, and lets the process end. */
  close(): void {
    this.#lines?.close()
    process.stdin.destroy()
  }

  #prompt(): void {
    if (this.#isTerminal) this.#lines?.prompt(true)
  }
}
