// Reader: what checks the frames that arrive on a link.

export interface Reader {
  /** Whole messages received, counted from the beginning of the stream. */
  readonly received: number
  /** Takes `chunk` from `start` on; where that begins which cannot be judged before more has come. */
  read(chunk: Buffer, start: number): number
}

export interface ReaderEvents {
  /** `count` whole messages have arrived; the first has number `first` since the beginning. */
  messages(count: number, first: number): void
  control(opcode: number, body: Buffer): void
  fault(reason: string): void
}
