// WebSocket line: one WebSocket of a simulated reader, speaking the resume protocol.

import type { Peer } from 'windsock/testing'
import type { From } from './place.ts'
import type { Item, Line, Reader } from './reader.ts'
import { TOPIC } from './server.ts'

interface Frame {
  readonly type: string
  readonly epoch: string
  readonly start: number
  readonly recovered: boolean
  readonly reason?: string
  readonly items: readonly Item[]
  readonly to: number
}

export class WebSocketLine implements Line {
  isOver = false
  readonly #reader: Reader
  readonly #peer: Peer
  /** From where it asked and has not been answered. */
  #asked: From | undefined
  #read = 0
  #isWelcome = false

  constructor(reader: Reader) {
    this.#reader = reader
    this.#peer = reader.world.server.dial()
  }

  step(): void {
    const { wire, status } = this.#peer
    if (status !== undefined && status !== 101) this.#end()
    for (; this.#read < wire.length && !this.isOver; this.#read++) {
      const item = wire[this.#read]?.item
      if (item?.kind === 'message') this.#take(JSON.parse(String(item.message)) as Frame)
      if (item?.kind === 'close' || item?.kind === 'end') this.#end()
    }
  }

  /** Subscribes from its place, also over what it has; not before it was answered. */
  subscribe(): void {
    if (!this.#isWelcome || this.#asked !== undefined) return
    const { from } = this.#reader
    this.#asked = from
    const begin = typeof from === 'object' ? { since: from } : { from }
    this.#peer.send(JSON.stringify({ type: 'subscribe', id: 1, topic: TOPIC, ...begin }))
  }

  pause(isSlow: boolean): void {
    if (isSlow) this.#peer.stall()
    else this.#peer.resume()
  }

  cut(arriving: number): void {
    // What is under way to the server arrives, or does not.
    if (arriving > 0) this.#peer.cut()
    else this.#peer.reset()
    this.#end()
  }

  #end(): void {
    this.isOver = true
    this.#reader.interrupted()
  }

  #take(frame: Frame): void {
    const reader = this.#reader
    switch (frame.type) {
      case 'welcome':
        this.#isWelcome = true
        return this.subscribe()
      case 'subscribed': {
        const from = this.#asked as From
        this.#asked = undefined
        const loss = frame.recovered ? undefined : String(frame.reason)
        return reader.begins(from, frame.epoch, frame.start, loss)
      }
      case 'messages':
        return reader.items(frame.items)
      case 'gap':
        return reader.gap(frame.to, String(frame.reason))
      case 'heartbeat':
        return
      default:
        reader.odd(`a frame ${JSON.stringify(frame)}`)
    }
  }
}
