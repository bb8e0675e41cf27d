// Reader: a simulated client that wants every message of a topic once, and keeps its place whatever carries it.
//
// It keeps the rule that the protocol gives to clients, and writes into its diary what it is told and what it takes.
// How it reads at the moment is its line's matter; a line that ends is followed by another, from the same place.

import type { VirtualClock } from 'windsock/testing'
import type { Diary, Entry, Truth } from './diary.ts'
import { EventStreamLine } from './event-stream-line.ts'
import type { Ledger } from './ledger.ts'
import { type From, isPlace, type Place, placeOf, type Way } from './place.ts'
import { PollLine } from './poll-line.ts'
import type { Server } from './server.ts'
import { WebSocketLine } from './web-socket-line.ts'

/** What a reader reads over, at the moment. */
export interface Line {
  /** Nothing comes over it any more. */
  readonly isOver: boolean
  /** Takes what has come. */
  step(): void
  /** Stops reading, or reads on. */
  pause(isSlow: boolean): void
  /** Ends it from the reader's side; so many characters of what waits still arrive where that can be. */
  cut(arriving: number): void
}

/** What readers live in. */
export interface Surroundings {
  readonly clock: VirtualClock
  readonly ledger: Ledger
  /** The server that is up. */
  readonly server: Server
}

export interface Item {
  readonly offset: number
  readonly data: unknown
}

/** Where a reader begins that has no place, or lost it. */
export type Beginning = 'start' | 'now' | 'oldest'

export class Reader implements Diary {
  readonly reader: string
  readonly entries: Entry[] = []
  readonly world: Surroundings
  readonly beginning: Beginning
  way: Way
  place: Place | undefined
  isSlow = false
  /** The next answer over HTTP does not arrive. */
  losesAnswer = false
  /** What an EventSource remembers over its reconnections. */
  source: { readonly from: From; lastEventId: string } | undefined
  /** Of the last live answer. */
  cursor: string | undefined
  /** Of the last poll: the place that it was for, and the tag of what came. */
  known: { readonly word: string; readonly tag: string } | undefined
  #line: Line | undefined
  #backAtMs = 0
  /** In which way it had got to its place, when that way was cut off. */
  #cutOff: Way | undefined
  #lastWay: Way

  constructor(reader: string, world: Surroundings, way: Way, beginning: Beginning) {
    this.reader = reader
    this.world = world
    this.way = way
    this.#lastWay = way
    this.beginning = beginning
  }

  /** Where it asks to begin: at its place, if it has one. */
  get from(): From {
    return this.place ?? (this.beginning === 'now' ? 'now' : 'start')
  }

  /** It was told to begin again, and has not. */
  get isRefused(): boolean {
    return this.entries.at(-1)?.kind === 'refused'
  }

  /** Takes what has come, and comes back when it is time. */
  step(): void {
    this.#line?.step()
    if (this.#line?.isOver) this.#line = undefined
    if (this.#line !== undefined || this.world.clock.nowMs() < this.#backAtMs) return
    if (this.isSlow && this.way !== 'websocket') return
    this.#line = this.#open()
    if (this.isSlow) this.#line.pause(true)
  }

  /** Loses its link, and comes back after so many ms. */
  cut(awayMs = 0, arriving = 0): void {
    this.#line?.cut(arriving)
    this.#line = undefined
    this.interrupted()
    this.#backAtMs = this.world.clock.nowMs() + awayMs
  }

  /** Goes on in another way. */
  switchTo(way: Way): void {
    if (way === this.way) return
    this.cut()
    this.way = way
    this.source = undefined
  }

  pause(isSlow: boolean): void {
    this.isSlow = isSlow
    this.#line?.pause(isSlow)
  }

  /** Subscribes again over the link that it has. */
  again(): void {
    if (this.#line instanceof WebSocketLine) this.#line.subscribe()
  }

  /** What carried it is gone; whatever comes next is a return. */
  interrupted(): void {
    if (this.place !== undefined) this.#cutOff ??= this.#lastWay
  }

  /** The server answers: what comes begins after `after`. */
  begins(from: From, epoch: string, after: number, loss?: string): void {
    const resumes = this.#came(from)
    const truth = this.#truth(epoch)
    this.entries.push({ kind: 'begins', way: this.way, resumes, from, epoch, after, loss, truth })
    // What it asked for before it came is no loss.
    const has = this.place?.epoch === epoch && this.place.offset >= after
    if (!isPlace(from) || (loss !== undefined && !has)) this.place = { epoch, offset: after }
  }

  /** The rule of the client: what it has it leaves, the rest it takes. */
  items(items: readonly Item[]): void {
    for (const { offset, data } of items) {
      const { epoch, offset: last } = this.place as Place
      const taken = offset > last
      this.entries.push({ kind: 'item', offset, data, taken })
      if (taken) this.place = { epoch, offset }
    }
  }

  gap(to: number, reason: string): void {
    const { epoch, offset } = this.place as Place
    this.entries.push({ kind: 'gap', to, reason, truth: this.#truth(epoch) })
    if (to > offset) this.place = { epoch, offset: to }
  }

  warned(to: Place, reason: string): void {
    this.entries.push({ kind: 'warned', to, reason, truth: this.#truth(to.epoch) })
  }

  stands(at: Place): void {
    this.entries.push({ kind: 'stands', at })
  }

  /** 410: its place is worth nothing, and it begins again. */
  refused(from: From, body: string): void {
    const { reason, oldest: word } = JSON.parse(body) as { reason: string; oldest: string }
    const resumes = this.#came(from)
    const oldest = placeOf(word)
    const truth = this.#truth(oldest.epoch)
    this.entries.push({ kind: 'refused', way: this.way, resumes, from, reason, oldest, truth })
    this.place = this.beginning === 'oldest' ? oldest : undefined
    this.source = undefined
  }

  odd(text: string): void {
    this.entries.push({ kind: 'odd', text: `${this.way}: ${text}` })
  }

  #came(from: From): Way | undefined {
    const before = isPlace(from) ? this.#cutOff : undefined
    this.#cutOff = undefined
    this.#lastWay = this.way
    return before
  }

  #truth(epoch: string): Truth {
    const { ledger, server } = this.world
    return { epoch: server.epoch, floor: ledger.floorOf(epoch) }
  }

  #open(): Line {
    if (this.way === 'websocket') return new WebSocketLine(this)
    if (this.way === 'event-stream') return new EventStreamLine(this)
    return new PollLine(this)
  }
}
