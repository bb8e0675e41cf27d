// Reading: where a client stands in a topic, and what each frame of the server makes of that.
//
// The rule of the client (docs/reference/protocol.md), whatever carries the frames: each message once and in order, or
// a gap, never silence. Pure: it is told frames, and says what they mean.

import type { LossReason, Position } from './position.ts'
import { judge, type MessageItem, type ServerFrame, type Verdict } from './resume.ts'

/** Messages that will not come: those between `from`, if anything was read before, and `to`. */
export interface ReadingGap {
  /** `epoch`: it is another log. `ahead`: the log lost what was read. `trimmed`: they are no longer kept. */
  readonly reason: LossReason
  /** The last that was read. */
  readonly from: Position | undefined
  /** What comes next comes after this. */
  readonly to: Position
}

/** What a subscription begins with; without `head`, which the ways over HTTP do not tell. */
export type Begun = Omit<Extract<ServerFrame, { type: 'subscribed' }>, 'head'>

export class Reading {
  #position: Position | undefined
  /** Where it was behind at the last heartbeat. */
  #behindAt: number | undefined

  /** @param position - of what was read earlier; `undefined`: nothing yet. */
  constructor(position?: Position) {
    this.#position = position
  }

  /** Of the last message taken; `undefined` until a first subscription has begun. */
  get position(): Position | undefined {
    return this.#position
  }

  /** A subscription has begun; the gap, when something was lost. */
  begin({ epoch, start, recovered, reason }: Begun): ReadingGap | undefined {
    const from = this.#position
    this.#behindAt = undefined
    if (recovered && from?.epoch === epoch && start <= from.offset) return undefined
    const to = { epoch, offset: start }
    this.#position = to
    if (recovered && from === undefined) return undefined
    // A server that says it goes on where we were, and does not, has lost something all the same.
    return { reason: reason ?? (from?.epoch === epoch ? 'trimmed' : 'epoch'), from, to }
  }

  /** What to do with a message; one that is taken is the last from now on. */
  take(item: MessageItem): Verdict {
    if (this.#position === undefined) return 'leave'
    const verdict = judge(this.#position.offset, item)
    if (verdict === 'take') this.#position = { epoch: this.#position.epoch, offset: item.offset }
    return verdict
  }

  /** Nothing up to `offset` will come any more; the gap, unless all of that was here. */
  skip(offset: number): ReadingGap | undefined {
    const from = this.#position
    if (from === undefined || offset <= from.offset) return undefined
    this.#position = { epoch: from.epoch, offset }
    return { reason: 'trimmed', from, to: this.#position }
  }

  /**
   * A heartbeat names the topic's offset; whether it is time to connect again.
   *
   * Being behind once means that messages are on their way. Being behind twice, with none in between, means that they
   * are not.
   */
  heartbeat(head: number): boolean {
    const last = this.#position?.offset
    if (last === undefined || head <= last) {
      this.#behindAt = undefined
      return false
    }
    const stuck = this.#behindAt === last
    this.#behindAt = last
    return stuck
  }
}
