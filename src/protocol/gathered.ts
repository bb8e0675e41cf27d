// Gathered: bytes that come in pieces, held in one piece of memory.
//
// A peer chooses how it cuts them: a list of pieces of one byte costs two hundred times the bytes. What is held here is
// twice what has come, at most.

const FIRST_BYTES = 1_024

export class Gathered {
  #memory = new Uint8Array()
  #length = 0

  get length(): number {
    return this.#length
  }

  push(piece: Uint8Array): void {
    const needed = this.#length + piece.byteLength
    if (needed > this.#memory.length) {
      const memory = new Uint8Array(Math.max(needed, 2 * this.#memory.length, FIRST_BYTES))
      memory.set(this.bytes)
      this.#memory = memory
    }
    this.#memory.set(piece, this.#length)
    this.#length = needed
  }

  /** All that has come; its memory is not used for anything else, unless more comes. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#memory.subarray(0, this.#length)
  }
}
