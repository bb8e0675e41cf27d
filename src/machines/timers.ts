// Timers: the deadlines of all connections, in a list for each length.
//
// Most are the next ping, for which all connections of a route wait equally long: what is set later is due later. So a list
// is in order as it is, one timer of the clock does for all in it, and a connection has one object for a timer.

import type { Clock, TimerHandle } from '../protocol/ports.ts'

/** Whose timer it is. */
export interface TimerOwner {
  /** Called once, when `timer` is due; must not throw. */
  due(timer: Timer): void
}

/** One timer of one owner; set by `Timers`, for as long as it stands in a list. */
export class Timer {
  readonly owner: TimerOwner
  readonly id: string
  readonly delayMs: number
  readonly event: { readonly type: string }
  /** The next of its owner's. */
  next: Timer | undefined
  /** Of the clock, ms. */
  dueMs = 0
  list: TimerList | undefined
  before: Timer | undefined
  after: Timer | undefined

  constructor(
    owner: TimerOwner,
    id: string,
    delayMs: number,
    event: Timer['event'],
    next: Timer | undefined,
  ) {
    this.owner = owner
    this.id = id
    this.delayMs = delayMs
    this.event = event
    this.next = next
  }
}

interface TimerList {
  first: Timer | undefined
  last: Timer | undefined
  handle: TimerHandle | undefined
}

export class Timers {
  readonly #clock: Clock
  /** By delay; only those in which something is set. */
  readonly #lists = new Map<number, TimerList>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Sets a timer that is not set; it is due `delayMs` from now. */
  set(timer: Timer): void {
    const { delayMs } = timer
    timer.dueMs = this.#clock.nowMs() + delayMs
    const list = this.#lists.get(delayMs) ?? this.#begin(delayMs)
    timer.list = list
    timer.before = list.last
    if (list.last === undefined) list.first = timer
    else list.last.after = timer
    list.last = timer
  }

  /** Takes a timer back; one that is not set is no error. */
  clear(timer: Timer): void {
    const { list } = timer
    if (list === undefined) return
    this.#take(timer, list)
    // One that is due sooner than the next in the list does no harm: it looks, and is set again.
    if (list.first !== undefined) return
    this.#clock.clearTimeout(list.handle)
    this.#end(list, timer.delayMs)
  }

  #begin(delayMs: number): TimerList {
    const list: TimerList = { first: undefined, last: undefined, handle: undefined }
    this.#lists.set(delayMs, list)
    list.handle = this.#clock.setTimeout(() => this.#fire(list, delayMs), delayMs)
    return list
  }

  #fire(list: TimerList, delayMs: number): void {
    const now = this.#clock.nowMs()
    let { first } = list
    while (first !== undefined && first.dueMs <= now) {
      this.#take(first, list)
      first.owner.due(first)
      first = list.first
    }
    if (first === undefined) {
      this.#end(list, delayMs)
    } else {
      const again = () => this.#fire(list, delayMs)
      list.handle = this.#clock.setTimeout(again, first.dueMs - now)
    }
  }

  // Another may have begun meanwhile, if this one was emptied while it fired.
  #end(list: TimerList, delayMs: number): void {
    if (this.#lists.get(delayMs) === list) this.#lists.delete(delayMs)
  }

  #take(timer: Timer, list: TimerList): void {
    const { before, after } = timer
    if (before === undefined) list.first = after
    else before.after = after
    if (after === undefined) list.last = before
    else after.before = before
    timer.list = undefined
    timer.before = undefined
    timer.after = undefined
  }
}
