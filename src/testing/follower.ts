// Follower: reads topics over `windsock.v1.json` as the written protocol asks a client to, connection after connection.
//
// Written from docs/reference/protocol.md and from nothing that the server uses, so that it can judge the server: what
// it keeps is each message with its offset, each gap that it was told of, and each acknowledgement that it got.

import type { Client } from './client.ts'

export const TOPICS_SUBPROTOCOL = 'windsock.v1.json'

/** What a follower saw of one topic, in the order in which it came. */
export type Sighting =
  | {
      readonly saw: 'item'
      readonly offset: number
      readonly epoch: string
      /** As JSON. */
      readonly data: string
    }
  /** It was told that what comes next comes after `offset`, and that what is between is gone. */
  | {
      readonly saw: 'gap'
      readonly offset: number
      readonly epoch: string
      /** What it was told to be the last before the gap, by whoever tells that. */
      readonly from?: { readonly offset: number; readonly epoch: string } | undefined
    }

/** One topic, as one client has seen it over all its connections. */
export interface TopicView {
  /** The epoch of `last`; `undefined` before anything came. */
  epoch: string | undefined
  /** The last offset taken, or passed over by a gap. */
  last: number
  /** Whether the present connection has a subscription. */
  isSubscribed: boolean
  /** Where it stood in the calm at the end, if it was there and read. */
  calm: number | undefined
  /** What it knew to be in the log then: what is stored later nobody has to have. */
  reached: {
    readonly epoch: string | undefined
    readonly last: number
    readonly acknowledged: number
  }
  /** Everything that came, in order. */
  readonly sightings: Sighting[]
  /** What it ever asked to be published, as JSON, whatever became of it. */
  readonly published: string[]
  readonly acknowledged: {
    readonly offset: number
    readonly epoch: string
    readonly data: string
  }[]
}

/** One client's memory of the topics that it follows; it outlives its connections. */
export class Follower {
  /** By their names. */
  readonly topics = new Map<string, TopicView>()
  #client: Client | undefined
  #requests = 0
  readonly #asked = new Map<number, string>()

  /** Follows `topics` over this connection from now on. */
  attach(client: Client, topics: readonly string[]): void {
    this.#client = client
    for (const topic of topics) this.#viewOf(topic)
    for (const view of this.topics.values()) view.isSubscribed = false
    client.onItem = (item) => {
      if (client !== this.#client) return
      if (item.kind === 'message' && typeof item.message === 'string') this.#take(item.message)
      if (item.kind === 'end') for (const view of this.topics.values()) view.isSubscribed = false
    }
  }

  /** Writes down where it stands; `isQuiet` tells whether nothing is under way to a client of it. */
  noteCalm(isQuiet: (client: Client) => boolean): void {
    const isThere = this.#client !== undefined && isQuiet(this.#client)
    for (const view of this.topics.values()) {
      noteReached(view)
      view.calm = isThere && view.isSubscribed ? view.last : undefined
    }
  }

  /** Over the present connection; without one it is lost. */
  publish(topic: string, data: string): void {
    const id = ++this.#requests
    this.#asked.set(id, JSON.stringify(data))
    this.#viewOf(topic).published.push(JSON.stringify(data))
    this.#client?.send(JSON.stringify({ type: 'publish', id, topic, data }))
  }

  #take(text: string): void {
    const frame = JSON.parse(text) as Readonly<Record<string, unknown>>
    const view = this.topics.get(String(frame['topic']))
    if (frame['type'] === 'welcome') {
      for (const topic of this.topics.keys()) this.#subscribe(topic)
      return
    }
    if (view === undefined) return
    switch (frame['type']) {
      case 'subscribed':
        return this.#subscribed(view, frame)
      case 'messages':
        return this.#items(view, frame['items'] as readonly Item[], String(frame['topic']))
      case 'gap':
        view.last = Number(frame['to'])
        view.sightings.push({ saw: 'gap', offset: view.last, epoch: view.epoch ?? '' })
        return
      case 'unsubscribed':
        view.isSubscribed = false
        return
      case 'ack': {
        const { id, offset, epoch } = frame as { id: number; offset: number; epoch: string }
        view.acknowledged.push({ offset, epoch, data: this.#asked.get(id) ?? '' })
        return
      }
    }
  }

  #subscribe(topic: string): void {
    const { epoch, last: offset } = this.#viewOf(topic)
    const begin = epoch === undefined ? { from: 'start' } : { since: { epoch, offset } }
    const frame = { type: 'subscribe', id: ++this.#requests, topic, ...begin }
    this.#client?.send(JSON.stringify(frame))
  }

  #subscribed(view: TopicView, frame: Readonly<Record<string, unknown>>): void {
    const { epoch, start, recovered } = frame as {
      epoch: string
      start: number
      recovered: boolean
    }
    // From the start of what is kept: the first time, or where what it had is gone.
    if (view.epoch === undefined || !recovered) {
      view.last = start
      view.sightings.push({ saw: 'gap', offset: start, epoch })
    }
    view.epoch = epoch
    view.isSubscribed = true
  }

  #items(view: TopicView, items: readonly Item[], topic: string): void {
    for (const { offset, prev = offset - 1, data } of items) {
      if (offset <= view.last) continue
      if (prev > view.last) {
        view.isSubscribed = false
        this.#subscribe(topic)
        return
      }
      view.last = offset
      const epoch = view.epoch ?? ''
      view.sightings.push({ saw: 'item', offset, epoch, data: JSON.stringify(data) })
    }
  }

  #viewOf(topic: string): TopicView {
    const known = this.topics.get(topic)
    if (known !== undefined) return known
    const made = newView()
    this.topics.set(topic, made)
    return made
  }
}

/** Of a topic of which nothing was seen yet. */
export function newView(): TopicView {
  return {
    epoch: undefined,
    last: 0,
    isSubscribed: false,
    calm: undefined,
    reached: { epoch: undefined, last: 0, acknowledged: 0 },
    sightings: [],
    published: [],
    acknowledged: [],
  }
}

/** Writes down what is known of the log now. */
export function noteReached(view: TopicView): void {
  const { epoch, last, acknowledged } = view
  view.reached = { epoch, last, acknowledged: acknowledged.length }
}

interface Item {
  readonly offset: number
  readonly prev?: number
  readonly data?: unknown
}
