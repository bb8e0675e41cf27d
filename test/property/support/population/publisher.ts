// Publisher: a simulated client that publishes until it has been told so, with keys, whatever is lost on the way.
//
// What was not acknowledged is sent again with the same key, the next time in another way: by the server's own program,
// over WebSocket, or by POST. An array can only be posted.

import type { Peer } from 'windsock/testing'
import { type Asked, placeIn, textOf } from '../asking.ts'
import type { Acknowledged } from './checker.ts'
import { placeOf } from './place.ts'
import type { Surroundings } from './reader.ts'
import { TOPIC } from './server.ts'

export const PUBLISHING_WAYS = ['program', 'websocket', 'post'] as const
export type PublishingWay = (typeof PUBLISHING_WAYS)[number]

/** What is sent as one. */
interface Sending {
  readonly id: number
  readonly texts: readonly string[]
  readonly key: string
  /** How it is under way; `undefined` when it has to be sent. */
  by: PublishingWay | undefined
  asked: Asked | undefined
  tries: number
}

export class Publisher {
  readonly name: string
  readonly acknowledged: Acknowledged[] = []
  readonly oddities: string[] = []
  /** How often something was sent again. */
  resent = 0
  /** How often the server said that it had it already. */
  duplicates = 0
  readonly #world: Surroundings
  #pending: Sending[] = []
  #count = 0
  #peer: Peer | undefined
  #read = 0
  #isWelcome = false

  constructor(name: string, world: Surroundings) {
    this.name = name
    this.#world = world
  }

  get isDone(): boolean {
    return this.#pending.length === 0
  }

  /** Publishes so many messages, each of `size` characters at least; an array of them with `together`. */
  publish(way: PublishingWay, times: number, size: number, together: boolean): void {
    const texts = Array.from({ length: times }, () => {
      return `${this.name}-${++this.#count} `.padEnd(size, '.')
    })
    const groups = together && way === 'post' ? [texts] : texts.map((text) => [text])
    for (const group of groups) {
      const id = this.#count * 1_000 + this.#pending.length
      const key = `${this.name}-${(group[0] as string).split(' ', 1)[0]}`
      const nothing = { by: undefined, asked: undefined, tries: 0 }
      const sending: Sending = { id, texts: group, key, ...nothing }
      this.#pending.push(sending)
      this.#send(sending, way)
    }
  }

  /** Takes what has come, and sends again what is not under way. */
  step(): void {
    this.#readFrames()
    for (const sending of this.#pending) if (sending.asked !== undefined) this.#posted(sending)
    this.#pending = this.#pending.filter(({ id }) => !this.#done.delete(id))
    for (const sending of this.#pending) {
      if (sending.by !== undefined) continue
      const next = (PUBLISHING_WAYS.length + sending.tries) % PUBLISHING_WAYS.length
      this.resent++
      this.#send(sending, PUBLISHING_WAYS[next] as PublishingWay)
    }
  }

  /** Loses what is under way over links; with `all` the server itself is no more. */
  cut(all: boolean): void {
    this.#peer?.reset()
    this.#peer = undefined
    for (const sending of this.#pending) {
      if (sending.by === undefined || (sending.by === 'program' && !all)) continue
      // The answer does not arrive; what was asked may have.
      if (all) sending.asked?.lifeline.end('gone')
      sending.asked = undefined
      sending.by = undefined
    }
  }

  readonly #done = new Set<number>()

  #send(sending: Sending, way: PublishingWay): void {
    const { texts, key, id } = sending
    const { server } = this.#world
    sending.tries++
    if (texts.length > 1 || way === 'post') {
      sending.by = 'post'
      sending.asked = server.ask('', {
        method: 'POST',
        headers: [
          ['Content-Type', 'application/json'],
          ['Idempotency-Key', key],
        ],
        body: JSON.stringify(texts),
      })
      return
    }
    sending.by = way
    const text = texts[0] as string
    if (way === 'program') {
      void server.topic.append(text, { key }).then(({ epoch, offset, duplicate }) => {
        this.#acknowledge(sending, epoch, offset, duplicate)
      })
      return
    }
    if (this.#peer === undefined) this.#dial()
    else if (this.#isWelcome) this.#publishFrame(id, text, key)
  }

  #dial(): void {
    this.#peer = this.#world.server.dial()
    this.#read = 0
    this.#isWelcome = false
  }

  #publishFrame(id: number, data: string, key: string): void {
    this.#peer?.send(JSON.stringify({ type: 'publish', id, topic: TOPIC, data, key }))
  }

  #readFrames(): void {
    const peer = this.#peer
    for (; peer !== undefined && this.#read < peer.wire.length; this.#read++) {
      const item = peer.wire[this.#read]?.item
      if (item?.kind === 'close' || item?.kind === 'end') return this.cut(false)
      if (item?.kind === 'message') this.#frame(JSON.parse(String(item.message)))
    }
  }

  #frame(frame: {
    readonly type: string
    readonly id: number
    readonly epoch: string
    readonly offset: number
    readonly duplicate: boolean
  }): void {
    if (frame.type === 'heartbeat') return
    if (frame.type === 'welcome') {
      this.#isWelcome = true
      for (const { id, texts, key, by } of this.#pending) {
        if (by === 'websocket') this.#publishFrame(id, texts[0] as string, key)
      }
      return
    }
    const sending = this.#pending.find(({ id }) => id === frame.id)
    if (frame.type !== 'ack' || sending === undefined) {
      this.oddities.push(`a frame ${JSON.stringify(frame)}`)
      return
    }
    this.#acknowledge(sending, frame.epoch, frame.offset, frame.duplicate)
  }

  #posted(sending: Sending): void {
    const answer = sending.asked?.answer
    if (answer === undefined) return
    sending.asked?.lifeline.end('gone')
    sending.asked = undefined
    sending.by = undefined
    if (answer.status === 503) return
    if (answer.status !== 204) {
      this.oddities.push(`status ${answer.status} ${textOf(answer)}`)
      return
    }
    const { epoch, offset } = placeOf(placeIn(answer))
    this.#acknowledge(sending, epoch, offset, false)
  }

  #acknowledge(sending: Sending, epoch: string, offset: number, isDuplicate: boolean): void {
    if (isDuplicate) this.duplicates++
    this.#done.add(sending.id)
    for (const [index, text] of sending.texts.entries()) {
      const isLast = index === sending.texts.length - 1
      const place = { epoch, offset: isLast ? offset : undefined }
      this.acknowledged.push({ publisher: this.name, text, ...place })
    }
  }
}
