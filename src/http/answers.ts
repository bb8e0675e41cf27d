// Answers: the plain requests of one server that are being answered, so that its end can wait for them.
//
// Knows nothing of what is answered, or by whom.

import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../protocol/ports.ts'

export class Answers {
  readonly #ofSocket = new WeakMap<Socket, Set<ServerResponse>>()
  #underWay = 0
  #whenOver: (() => void) | undefined

  /** Counts an answer until it has been sent, or its client is gone. */
  begin(response: ServerResponse): void {
    const { socket } = response.req
    if (socket.destroyed) return
    const all = this.#ofSocket.get(socket) ?? this.#watch(socket)
    all.add(response)
    this.#underWay++
    response.once('close', () => this.#end(all, response))
  }

  /** Resolves when no answer is under way, after `withinMs` at most. Called once. */
  over(clock: Clock, withinMs: number): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, withinMs)
      this.#whenOver = () => {
        clock.clearTimeout(timer)
        resolve()
      }
    })
  }

  #watch(socket: Socket): Set<ServerResponse> {
    const all = new Set<ServerResponse>()
    this.#ofSocket.set(socket, all)
    // A response behind another one is not told that its socket is closed.
    socket.once('close', () => {
      for (const response of all) this.#end(all, response)
    })
    return all
  }

  #end(all: Set<ServerResponse>, response: ServerResponse): void {
    if (!all.delete(response)) return
    this.#underWay--
    if (this.#underWay === 0) this.#whenOver?.()
  }
}
