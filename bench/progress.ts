// Progress: how far the run is, on standard error. On a terminal a bar that changes, and a line per case when piped.

const BAR_CHARACTERS = 24

export class Progress {
  readonly #live = process.stderr.isTTY === true
  readonly #total: number
  #steps = 0

  /** @param total - rounds of all cases. */
  constructor(total: number) {
    this.#total = total
  }

  /** A round begins. */
  step(what: string): void {
    if (this.#live) process.stderr.write(`\r\x1b[K${this.#bar()} ${what}`)
    this.#steps += 1
  }

  /** A case is over. */
  end(line: string): void {
    if (this.#live) process.stderr.write('\r\x1b[K')
    process.stderr.write(`[${this.#steps}/${this.#total}] ${line}\n`)
  }

  /** Leaves a clean line behind. */
  close(): void {
    if (this.#live) process.stderr.write('\r\x1b[K')
  }

  #bar(): string {
    const full = Math.floor((this.#steps / this.#total) * BAR_CHARACTERS)
    const percent = Math.floor((100 * this.#steps) / this.#total)
    return `${'█'.repeat(full)}${'░'.repeat(BAR_CHARACTERS - full)} ${percent}%`
  }
}
