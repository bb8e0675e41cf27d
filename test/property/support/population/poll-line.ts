// Poll line: one request of a simulated reader that polls, or waits in a long poll, and its answer.

import type { Answer } from '../../../../src/transport/topic-answer.ts'
import { type Asked, headerOf, placeIn, textOf } from '../asking.ts'
import { type From, isPlace, type Place, placeOf, wordOf } from './place.ts'
import type { Item, Line, Reader } from './reader.ts'

export class PollLine implements Line {
  isOver = false
  readonly #reader: Reader
  readonly #asked: Asked
  readonly #from: From

  constructor(reader: Reader) {
    this.#reader = reader
    this.#from = reader.from
    const { cursor, way, known } = reader
    const word = wordOf(this.#from)
    const isLive = way === 'long-poll'
    const live = isLive ? `&live=long-poll${cursor === undefined ? '' : `&cursor=${cursor}`}` : ''
    const headers: [string, string][] =
      known?.word === word && !isLive ? [['If-None-Match', known.tag]] : []
    const search = `?envelope=1&offset=${word}${live}`
    this.#asked = reader.world.server.ask(search, { headers })
  }

  step(): void {
    const { answer, lifeline } = this.#asked
    const reader = this.#reader
    if (answer === undefined || reader.isSlow) return
    this.isOver = true
    lifeline.end('gone')
    if (reader.losesAnswer) {
      reader.losesAnswer = false
      return reader.interrupted()
    }
    this.#take(answer)
  }

  pause(): void {}

  cut(): void {
    this.#asked.lifeline.end('gone')
  }

  #take(answer: Answer): void {
    const reader = this.#reader
    if (answer.status === 410) return reader.refused(this.#from, textOf(answer))
    // It is too much, or goes away: later.
    if (answer.status === 503) return reader.interrupted()
    if (answer.status !== 200 && answer.status !== 204 && answer.status !== 304) {
      return reader.odd(`status ${answer.status} ${textOf(answer)}`)
    }
    const items = answer.status === 200 ? (JSON.parse(textOf(answer)) as Item[]) : []
    begun(reader, this.#from, placeOf(placeIn(answer)), items)
    reader.items(items)
    reader.stands(placeOf(placeIn(answer)))
    const tag = headerOf(answer, 'etag')
    if (tag !== undefined) reader.known = { word: wordOf(this.#from), tag }
    this.#keepCursor(answer)
  }

  /** It only goes up; otherwise a cache might give the answer that was given before. */
  #keepCursor(answer: Answer): void {
    const reader = this.#reader
    const told = headerOf(answer, 'stream-cursor')
    if (told === undefined) return
    if (reader.cursor !== undefined && !(Number(told) > Number(reader.cursor))) {
      reader.odd(`cursor ${told} after ${reader.cursor}`)
    }
    reader.cursor = told
  }
}

/** Where an answer over HTTP begins: where it was asked to; or, without a place, before its first message. */
export function begun(reader: Reader, from: From, end: Place, items: readonly Item[]): void {
  const first = items[0] === undefined ? end.offset : items[0].offset - 1
  reader.begins(from, end.epoch, isPlace(from) ? from.offset : first)
}
