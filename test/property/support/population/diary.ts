// Diary: what one simulated reader was told and what it took, in order, as plain data for the checker.

import type { From, Place, Way } from './place.ts'

/** How things really stood when an entry was written. */
export interface Truth {
  /** The epoch of the log that the server read from. */
  readonly epoch: string
  /** What the store keeps of that log begins after this offset. */
  readonly floor: number
}

export type Entry =
  /** The server answers from where it was asked, or says with `loss` that it begins elsewhere. */
  | {
      readonly kind: 'begins'
      readonly way: Way
      /** It had been cut off, and came back with its place; the way in which it had got there. */
      readonly resumes: Way | undefined
      readonly from: From
      readonly epoch: string
      readonly after: number
      readonly loss: string | undefined
      readonly truth: Truth
    }
  | {
      readonly kind: 'item'
      readonly offset: number
      readonly data: unknown
      /** By the rule of the client; what is left was there already. */
      readonly taken: boolean
    }
  /** On a WebSocket: nothing up to `to` will come. */
  | { readonly kind: 'gap'; readonly to: number; readonly reason: string; readonly truth: Truth }
  /** In an event stream: the same; whoever comes back is refused. */
  | { readonly kind: 'warned'; readonly to: Place; readonly reason: string; readonly truth: Truth }
  /** 410. */
  | {
      readonly kind: 'refused'
      readonly way: Way
      readonly resumes: Way | undefined
      readonly from: From
      readonly reason: string
      readonly oldest: Place
      readonly truth: Truth
    }
  /** The place that the server says to come back to. */
  | { readonly kind: 'stands'; readonly at: Place }
  /** What no client of the protocol expects. */
  | { readonly kind: 'odd'; readonly text: string }

export interface Diary {
  readonly reader: string
  readonly entries: Entry[]
}
