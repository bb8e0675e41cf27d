// Answers: the plain requests of one server that are being answered, so that its end can wait for them.
//
// Knows nothing of what is answered, or by whom.

import type { ServerResponse } from 'node:http'
import type { Clock } from '../protocol/ports.ts'

export class Answers {
  readonly #underWay = new Set<ServerResponse>()
  #whenOver: (() => void) | undefined

  /** Counts an answer until it has been sent, or its client is gone. */
  begin(response: ServerResponse): void {
    this.#underWay.add(response)
    response.once('close', () => {
      this.#underWay.delete(response)
      if (this.#underWay.size === 0) this.#whenOver?.()
    })
  }

  /** Resolves when no answer is under way, after `withinMs` at most. Called once. */
  over(clock: Clock, withinMs: number): Promise<void> {
    if (this.#underWay.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, withinMs)
      this.#whenOver = () => {
        clock.clearTimeout(timer)
        resolve()
      }
    })
  }
}
