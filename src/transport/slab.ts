// Slab: the memory in which frames are made that leave when the read under way is over.
//
// What answers one read leaves in one write. Frames that stand side by side are one piece already, which nobody has to
// copy together; and once the kernel has that piece, the next ones are made in its place (docs/adr/0031). Nothing that has
// to wait is made here: the smallest frame would keep all of it. Knows nothing of frames.
//
// Whose place it is, at any time (frame.ts, framing.ts, frame-writer.ts):
//  - a frame's that is in the slab, until it has left, or has moved out because somebody else is given it, too;
//  - after that nobody's; but until the next frame is made its bytes are still there, for the one that is remembered;
//  - a frame's of which the kernel has taken a part: for good. That one is forgotten, so that it is never sent again.

import { Buffer } from 'node:buffer'

/** Twice what one read brings, which may have the end of a message as long as itself: its echo finds room side by side. */
export const SLAB_BYTES = 128 * 1024

export class Slab {
  /** What is taken now stands in here. When it is full another one comes, and this one lives as long as what is in it. */
  bytes: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES)
  #used = 0

  /** Takes room for as many bytes, at most `SLAB_BYTES`; returns where in `bytes` it begins. */
  take(byteLength: number): number {
    if (this.#used + byteLength > SLAB_BYTES) {
      this.bytes = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#used = 0
    }
    const start = this.#used
    this.#used += byteLength
    return start
  }

  /** Gives back what was taken last, in `bytes` from `start` to `end`; of anything else it has nothing to gain. */
  giveBack(bytes: Buffer, start: number, end: number): void {
    if (bytes === this.bytes && end === this.#used) this.#used = start
  }
}

export const slab: Slab = new Slab()
