// Event-stream line: one event stream of a simulated reader, who comes back as an EventSource does.
//
// The address stays the one that it began with; from the second time on Last-Event-ID says where it stands.

import { type Asked, textOf } from '../asking.ts'
import { EventSourceParser, type ReceivedEvent } from '../event-source.ts'
import { type From, placeOf, wordOf } from './place.ts'
import { begun } from './poll-line.ts'
import type { Item, Line, Reader } from './reader.ts'

/** Above this much that it has not read, what pumps the stream waits: a socket's buffer. */
const BUFFER_CHARACTERS = 2_000

export class EventStreamLine implements Line {
  isOver = false
  readonly #reader: Reader
  readonly #asked: Asked
  readonly #from: From
  readonly #parser = new EventSourceParser()
  /** What has come and is not read. */
  #unread = ''
  #isPumping = false
  #hasEnded = false
  #hasBegun = false
  #read = 0

  constructor(reader: Reader) {
    this.#reader = reader
    reader.source ??= { from: reader.from, lastEventId: '' }
    const { from, lastEventId } = reader.source
    this.#from = lastEventId === '' ? from : placeOf(lastEventId)
    const headers: [string, string][] = lastEventId === '' ? [] : [['Last-Event-ID', lastEventId]]
    const search = `?envelope=1&offset=${wordOf(from)}&live=sse`
    this.#asked = reader.world.server.ask(search, { headers })
  }

  step(): void {
    const { answer } = this.#asked
    const reader = this.#reader
    if (answer === undefined || reader.isSlow || this.isOver) return
    if (answer.events === undefined) {
      this.#end()
      if (answer.status === 410) return reader.refused(this.#from, textOf(answer))
      if (answer.status === 503) return
      return reader.odd(`status ${answer.status} ${textOf(answer)}`)
    }
    if (reader.losesAnswer) {
      reader.losesAnswer = false
      return this.cut(0)
    }
    this.#take(this.#unread.length)
    void this.#pump()
    if (this.#hasEnded && this.#unread === '') this.#end()
  }

  pause(): void {}

  cut(arriving: number): void {
    this.#take(arriving)
    this.#end()
  }

  #end(): void {
    this.isOver = true
    this.#asked.lifeline.end('gone')
    this.#reader.interrupted()
  }

  /** Stands in for the socket: pulls while there is room. */
  async #pump(): Promise<void> {
    if (this.#isPumping || this.#hasEnded) return
    this.#isPumping = true
    const { events } = this.#asked.answer ?? {}
    while (!this.isOver && this.#unread.length < BUFFER_CHARACTERS) {
      const piece = await events?.next()
      if (piece === undefined) {
        this.#hasEnded = true
        break
      }
      this.#unread += piece
    }
    this.#isPumping = false
  }

  #take(characters: number): void {
    this.#parser.push(this.#unread.slice(0, characters))
    this.#unread = this.#unread.slice(characters)
    const { events } = this.#parser
    for (; this.#read < events.length && !this.isOver; this.#read++) {
      this.#event(events[this.#read] as ReceivedEvent)
    }
  }

  #event({ type, data, lastEventId }: ReceivedEvent): void {
    const reader = this.#reader
    if (type !== 'data' && type !== 'control') return reader.odd(`an event ${type}`)
    const control = type === 'control' ? (JSON.parse(data) as Control) : undefined
    if (control?.gap !== undefined) {
      return reader.warned(placeOf(control.gap.to), control.gap.reason)
    }
    const items = type === 'data' ? (JSON.parse(data) as Item[]) : []
    const at = placeOf(lastEventId)
    if (!this.#hasBegun) begun(reader, this.#from, at, items)
    this.#hasBegun = true
    reader.items(items)
    reader.stands(at)
    if (control !== undefined && control.streamNextOffset !== lastEventId) {
      reader.odd(`an event with the id ${lastEventId} that says ${control.streamNextOffset}`)
    }
    if (reader.source !== undefined) reader.source.lastEventId = lastEventId
  }
}

interface Control {
  readonly streamNextOffset: string
  readonly gap?: { readonly to: string; readonly reason: string }
}
