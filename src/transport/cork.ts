// Cork: pings and pongs of one connection leave in one system call with what else the turn brings.
//
// They are written at once as far as order is concerned; the socket keeps what is written until the cork is taken out.

import type { Duplex } from 'node:stream'
import type { Clock } from '../protocol/ports.ts'

export class Cork {
  readonly #socket: Duplex
  readonly #clock: Clock
  #isIn = false

  constructor(socket: Duplex, clock: Clock) {
    this.#socket = socket
    this.#clock = clock
  }

  /** @param untilEndOfTurn - otherwise whoever asks releases it, in this turn. */
  hold(untilEndOfTurn: boolean): void {
    if (this.#isIn) return
    this.#isIn = true
    this.#socket.cork()
    if (!untilEndOfTurn) return
    // What waits for the end of this turn may stand behind us in the list.
    const release = () => this.release()
    this.#clock.endOfTurn(() => this.#clock.endOfTurn(release))
  }

  release(): void {
    if (!this.#isIn) return
    this.#isIn = false
    this.#socket.uncork()
  }
}
