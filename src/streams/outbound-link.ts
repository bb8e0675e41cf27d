// Outbound link: the part of a transport that the outbound queue needs.
//
// The queue knows sizes and whether there is room; frames, sockets and the kernel are behind this.

/** Something with a size; the queue looks at nothing else. */
export interface Sized {
  readonly byteLength: number
}

/** The part of a transport that the queue needs. */
export interface OutboundLink<P extends Sized> {
  readonly bufferedBytes: number
  /** Changes when the kernel takes something of what was written. */
  readonly untakenBytes: number
  /** Whether `flush` will be called when what is being read now has been dealt with. */
  readonly isReading: boolean
  /** Reads what a write will need, and changes nothing (docs/adr/0030). */
  touch(): number
  /** Takes packets in order; the array is not kept. Returns whether it may be given more at once. */
  write(packets: readonly P[]): boolean
  /** As `write`, of one packet. */
  writeOne(packet: P): boolean
  ping(data: Uint8Array): boolean
  pong(data: Uint8Array): boolean
}
